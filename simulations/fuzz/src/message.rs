//! Everything of consensus that is hashed, signed or sent: `docs/spec/encoding.md`. The first byte says which.

use borsh::{BorshDeserialize, BorshSerialize};
use falaj_consensus::crypto::{PublicKey, Signature};
use falaj_consensus::hash::encode;
use falaj_consensus::message::{
    BATCH_BYTES_MAX, BODY_BYTES_MAX, Batch, Body, CERTIFICATE_BYTES_MAX, CommitCertificate,
    EVIDENCE_BYTES_MAX, Evidence, HEADER_BYTES, Header, OUTCOME_BYTES_MAX, Outcome,
    POLKA_BYTES_MAX, PROPOSAL_BYTES_MAX, Polka, Proposal, SignBytes, VOTE_BYTES_MAX, Vote, decode,
};
use falaj_consensus::params::Parameters;
use falaj_consensus::validator_set::ValidatorSet;
use falaj_consensus::verify::{Context, RealChecker};
use falaj_ledger::genesis::Genesis;
use falaj_ledger::testing::genesis;
use std::fmt::Debug;
use std::sync::LazyLock;

use crate::form::{chosen, one_form};

/// As `docs/spec/encoding.md`, "Bounds" says.
const SIGN_BYTES_MAX: usize = 164;
/// Made once: its keys take longer than a decoder.
static GENESIS: LazyLock<Genesis> = LazyLock::new(genesis);

const SET_BYTES_MAX: usize = 1 << 20;

/// One message, in its one form, and checked by who meets it.
///
/// # Panics
/// If a decoder or a check does what it must not.
pub fn target(data: &[u8]) {
    let (kind, bytes) = chosen(data);
    match kind {
        0 => one_form::<Header>(bytes, HEADER_BYTES),
        1 => bounded::<Vote>(bytes, VOTE_BYTES_MAX, |context, vote| {
            let _ = context.vote(vote);
        }),
        2 => bounded::<Proposal>(bytes, PROPOSAL_BYTES_MAX, |context, proposal| {
            let _ = context.proposal(proposal);
        }),
        3 => bounded::<Polka>(bytes, POLKA_BYTES_MAX, |context, polka| {
            let _ = context.polka(polka);
        }),
        4 => bounded::<CommitCertificate>(bytes, CERTIFICATE_BYTES_MAX, |context, certificate| {
            let _ = context.certificate(certificate);
        }),
        5 => bounded::<Evidence>(bytes, EVIDENCE_BYTES_MAX, |context, evidence| {
            let _ = evidence.id();
            let _ = context.evidence(evidence);
        }),
        6 => one_form::<Body>(bytes, BODY_BYTES_MAX),
        7 => one_form::<Batch>(bytes, BATCH_BYTES_MAX),
        8 => one_form::<Outcome>(bytes, OUTCOME_BYTES_MAX),
        9 => one_form::<ValidatorSet>(bytes, SET_BYTES_MAX),
        10 => one_form::<Parameters>(bytes, SET_BYTES_MAX),
        11 => one_form::<PublicKey>(bytes, SET_BYTES_MAX),
        12 => one_form::<Signature>(bytes, SET_BYTES_MAX),
        _ => sign_bytes(bytes),
    }
}

/// In its one form, and within the bytes that transports allow for it without asking.
fn bounded<T: BorshDeserialize + BorshSerialize + Debug + PartialEq>(
    bytes: &[u8],
    bytes_max: usize,
    check: impl FnOnce(&Context<'_>, T),
) {
    one_form::<T>(bytes, usize::MAX);
    let Ok(value) = decode::<T>("input", bytes, usize::MAX) else {
        return;
    };
    assert!(encode(&value).len() <= bytes_max, "longer than the longest");
    let (chain, checker) = (GENESIS.chain(), RealChecker);
    let context = Context {
        chain: &chain,
        set: &GENESIS.validators,
        checker: &checker,
    };
    check(&context, value);
}

fn sign_bytes(bytes: &[u8]) {
    let chain = GENESIS.chain();
    if let Ok((parsed, statement)) = SignBytes::parse(&chain, bytes) {
        assert!(bytes.len() <= SIGN_BYTES_MAX);
        assert_eq!(parsed.as_slice(), bytes);
        assert_eq!(statement.sign_bytes(&chain), parsed);
    }
    one_form::<SignBytes>(bytes, SET_BYTES_MAX);
}
