//! What every backend owes, as one suite, and bytes to run it with.
//!
//! Invariant: nothing here is compiled into a program; the feature `testing` is for tests alone.
//! Shape: each function of the suite panics with what the backend did wrong; [`suite`] runs them all.
//! Who calls it: the tests of each backend, with the checker that accepts its signatures.
//! Source: `docs/spec/guard.md`, "Backend".

mod life;

use std::time::Duration;

use falaj_consensus::crypto::Signature;
use falaj_consensus::message::{PrecommitValue, PrevoteValue, Statement};
use falaj_consensus::types::{
    BlockId, ChainContext, Hash32, Height, OutcomeHash, Round, ValidatorId,
};
use falaj_consensus::verify::{Checker, SignedItem};

pub use self::life::lives_as_a_signer;

use crate::backend::{Backend, BackendWork};
use crate::purpose::{Binding, Canary, Possession, PrecommitBytes, PrevoteBytes, ProposalBytes};

/// Far more than a call takes.
const BUDGET: Duration = Duration::from_secs(10);

/// Runs the whole suite.
///
/// # Panics
/// With the first thing that the backend does wrong.
pub fn suite(backend: &(impl Backend + Sync), checker: &(impl Checker + Clone + 'static)) {
    signs_every_purpose(backend, checker);
    signs_no_other_bytes(backend, checker);
    signs_the_same_bytes_again(backend, checker);
    serves_many_threads(backend, checker, 4, 8);
    lives_as_a_signer(backend, checker);
}

/// The work of signing a statement that no guard has seen.
#[must_use]
pub fn unguarded(chain: &ChainContext, statement: Statement) -> BackendWork {
    let bytes = statement.sign_bytes(chain);
    match statement {
        Statement::Proposal { .. } => BackendWork::Proposal(ProposalBytes::approved(bytes)),
        Statement::Prevote { .. } => BackendWork::Prevote(PrevoteBytes::approved(bytes)),
        Statement::Precommit { .. } => BackendWork::Precommit(PrecommitBytes::approved(bytes)),
    }
}

/// The chain of the suite.
#[must_use]
pub fn chain() -> ChainContext {
    ChainContext {
        chain_id: "suite".to_owned(),
        genesis_hash: Hash32::new([7; 32]),
    }
}

/// Each purpose is signed by its method, in the algorithm's one form, so that the checker accepts it.
///
/// # Panics
/// When it is not.
pub fn signs_every_purpose(backend: &dyn Backend, checker: &dyn Checker) {
    for work in every_purpose(backend, 1) {
        let signature = sign(backend, &work);
        let length = backend.public_key().algorithm().signature_bytes();
        assert_eq!(signature.bytes().len(), length, "{:?}", work.purpose());
        assert!(
            is_right(backend, checker, &work, &signature),
            "a wrong signature for {:?}",
            work.purpose()
        );
    }
}

/// A signature holds for its own bytes and for no others.
///
/// # Panics
/// When one signature serves two works.
pub fn signs_no_other_bytes(backend: &dyn Backend, checker: &dyn Checker) {
    let works: Vec<_> = (1..=2)
        .flat_map(|round| every_purpose(backend, round))
        .collect();
    for work in &works {
        let signature = sign(backend, work);
        for other in works.iter().filter(|other| *other != work) {
            assert!(
                !is_right(backend, checker, other, &signature),
                "one signature for {work:?} and {other:?}"
            );
        }
    }
}

/// The same bytes can be signed again; what comes is right each time, whether it is the same or not.
///
/// # Panics
/// When the second signature fails or is wrong. ECDSA draws a nonce each time, so that many rounds meet both halves of s.
pub fn signs_the_same_bytes_again(backend: &dyn Backend, checker: &dyn Checker) {
    for work in every_purpose(backend, 3).iter().cycle().take(18) {
        let signature = sign(backend, work);
        assert!(is_right(backend, checker, work, &signature));
    }
}

/// Calls from many threads at once all end, each with the signature of its own bytes.
///
/// # Panics
/// When one fails or gets another's signature.
pub fn serves_many_threads(
    backend: &(impl Backend + Sync),
    checker: &impl Checker,
    threads: u32,
    calls: u32,
) {
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                for call in 0..calls {
                    let round = thread.wrapping_mul(calls).wrapping_add(call);
                    let work = unguarded(&chain(), precommit(1, round));
                    assert!(is_right(backend, checker, &work, &sign(backend, &work)));
                }
            });
        }
    });
}

fn every_purpose(backend: &dyn Backend, round: u8) -> Vec<BackendWork> {
    let chain = chain();
    let binding = Binding {
        validator: ValidatorId::new(1),
        transport_key: vec![round; 36],
        serial: 1,
    };
    let possession = Possession {
        chain_id: chain.chain_id.clone(),
        change: Hash32::new([round; 32]),
        validator: ValidatorId::new(1),
        key: backend.public_key().clone(),
    };
    let at = u32::from(round);
    let mut works: Vec<_> = [proposal(1, at), prevote(1, at), precommit(1, at)]
        .map(|statement| unguarded(&chain, statement))
        .into();
    works.push(BackendWork::Binding(
        binding
            .sign_bytes(&chain)
            .expect("36 bytes are a transport key"),
    ));
    works.push(BackendWork::Possession(
        possession.sign_bytes().expect("the suite has a chain id"),
    ));
    works.push(BackendWork::Canary(
        Canary {
            challenge: [round; 32],
        }
        .sign_bytes(),
    ));
    works
}

fn sign(backend: &dyn Backend, work: &BackendWork) -> Signature {
    work.perform(backend, BUDGET)
        .unwrap_or_else(|error| panic!("{:?}: {error}", work.purpose()))
}

fn is_right(
    backend: &dyn Backend,
    checker: &dyn Checker,
    work: &BackendWork,
    signature: &Signature,
) -> bool {
    checker.check(SignedItem {
        key: backend.public_key(),
        message: work.as_slice(),
        signature,
    })
}

const BLOCK: BlockId = BlockId::new(Hash32::new([0xb1; 32]));
const OUTCOME: OutcomeHash = OutcomeHash::new(Hash32::new([0x0c; 32]));

fn proposal(height: u64, round: u32) -> Statement {
    Statement::Proposal {
        height: Height::new(height),
        round: Round::new(round),
        id: BLOCK,
        valid_round: None,
    }
}

fn prevote(height: u64, round: u32) -> Statement {
    let value = Some(PrevoteValue {
        id: BLOCK,
        valid_round: None,
    });
    Statement::Prevote {
        height: Height::new(height),
        round: Round::new(round),
        value,
    }
}

fn precommit(height: u64, round: u32) -> Statement {
    let value = Some(PrecommitValue {
        id: BLOCK,
        outcome: OUTCOME,
    });
    Statement::Precommit {
        height: Height::new(height),
        round: Round::new(round),
        value,
    }
}
