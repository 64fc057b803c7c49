//! Every algorithm and every purpose, and all of them mixed in one validator set.

use falaj_consensus::crypto::{Algorithm, Signature};
use falaj_consensus::message::{CommitCertificate, PrecommitValue, PrevoteValue, Statement};
use falaj_consensus::types::{
    BlockId, ChainContext, Hash32, Height, OutcomeHash, Round, ValidatorId, VotingPower,
};
use falaj_consensus::validator_set::{Bitmap, Declared, Validator, ValidatorSet};
use falaj_consensus::verify::{Checker, Context, RealChecker, SignedItem};
use falaj_hsm::pkcs11::Pkcs11Backend;
use falaj_hsm::purpose::{Binding, Canary, Possession};
use falaj_hsm::testing::unguarded;
use falaj_hsm::{Backend, BackendWork};

use crate::bench::{BUDGET, in_child};

fn verifies(backend: &dyn Backend, message: &[u8], signature: &Signature) -> bool {
    let key = backend.public_key();
    RealChecker.check(SignedItem {
        key,
        message,
        signature,
    })
}

// Each algorithm makes a key in the token, signs, and the host's checker accepts it for those bytes and no others.
// ECDSA draws a new nonce each time, so many signatures show both halves of s.
#[test]
fn every_algorithm_signs_what_the_checker_accepts() {
    in_child(
        "algorithms::every_algorithm_signs_what_the_checker_accepts",
        |bench| {
            for algorithm in Algorithm::ALL {
                let key = bench.key(algorithm, algorithm.name());
                let backend = bench.open(key);
                assert_eq!(backend.public_key().algorithm(), algorithm);
                for number in 0..32 {
                    let bytes = Canary {
                        challenge: [number; 32],
                    }
                    .sign_bytes();
                    let signature = backend.sign_canary(&bytes, BUDGET).unwrap();
                    assert_eq!(signature.bytes().len(), algorithm.signature_bytes());
                    assert!(
                        verifies(&backend, bytes.as_slice(), &signature),
                        "{algorithm}"
                    );
                    assert!(
                        !verifies(&backend, b"other bytes", &signature),
                        "{algorithm}"
                    );
                }
            }
        },
    );
}

fn chain() -> ChainContext {
    ChainContext {
        chain_id: "test".to_owned(),
        genesis_hash: Hash32::new([1; 32]),
    }
}

fn precommit() -> Statement {
    let value = PrecommitValue {
        id: block(),
        outcome: OutcomeHash::new(Hash32::new([3; 32])),
    };
    Statement::Precommit {
        height: Height::new(1),
        round: Round::new(0),
        value: Some(value),
    }
}

fn block() -> BlockId {
    BlockId::new(Hash32::new([2; 32]))
}

/// One piece of work for each purpose there is.
fn all_work(backend: &Pkcs11Backend) -> Vec<BackendWork> {
    let (height, round) = (Height::new(1), Round::new(0));
    let proposal = Statement::Proposal {
        height,
        round,
        id: block(),
        valid_round: None,
    };
    let value = Some(PrevoteValue {
        id: block(),
        valid_round: None,
    });
    let prevote = Statement::Prevote {
        height,
        round,
        value,
    };
    let binding = Binding {
        validator: ValidatorId::new(1),
        transport_key: vec![7; 32],
        serial: 1,
    };
    let possession = Possession {
        chain_id: "test".to_owned(),
        change: Hash32::new([4; 32]),
        validator: ValidatorId::new(1),
        key: backend.public_key().clone(),
    };
    vec![
        unguarded(&chain(), proposal),
        unguarded(&chain(), prevote),
        unguarded(&chain(), precommit()),
        BackendWork::Binding(binding.sign_bytes(&chain()).unwrap()),
        BackendWork::Possession(possession.sign_bytes().unwrap()),
        BackendWork::Canary(Canary { challenge: [5; 32] }.sign_bytes()),
    ]
}

// Each purpose has its method, and each method signs exactly the bytes of its purpose.
#[test]
fn every_purpose_is_signed() {
    in_child("algorithms::every_purpose_is_signed", |bench| {
        let backend = bench.open(bench.key(Algorithm::EcdsaP256, "key"));
        let work = all_work(&backend);
        for one in &work {
            let signature = one.perform(&backend, BUDGET).unwrap();
            for other in &work {
                let same = one.purpose() == other.purpose();
                assert_eq!(verifies(&backend, other.as_slice(), &signature), same);
            }
        }
    });
}

// Four validators with four algorithms in one set: their precommits make one certificate that verifies.
#[test]
fn a_validator_set_mixes_algorithms() {
    in_child("algorithms::a_validator_set_mixes_algorithms", |bench| {
        let algorithms = [
            Algorithm::Ed25519,
            Algorithm::EcdsaP256,
            Algorithm::EcdsaP384,
            Algorithm::RsaPss3072,
        ];
        let backends =
            algorithms.map(|algorithm| bench.open(bench.key(algorithm, algorithm.name())));
        let members = (1..).zip(&backends).map(|(id, backend)| Validator {
            id: ValidatorId::new(id),
            power: VotingPower::new(1),
            key: backend.public_key().clone(),
            declared: Declared::default(),
        });
        let set = ValidatorSet::new(members.collect()).unwrap();
        let mut signers = Bitmap::none(set.len());
        set.indices().for_each(|index| signers.insert(index));
        let work = unguarded(&chain(), precommit());
        let signatures = backends
            .iter()
            .map(|backend| work.perform(backend, BUDGET).unwrap());
        let certificate = CommitCertificate {
            height: Height::new(1),
            round: Round::new(0),
            id: block(),
            outcome: OutcomeHash::new(Hash32::new([3; 32])),
            signers,
            signatures: signatures.collect(),
        };
        let chain = chain();
        let context = Context {
            chain: &chain,
            set: &set,
            checker: &RealChecker,
        };
        assert!(context.certificate(certificate).is_ok());
    });
}
