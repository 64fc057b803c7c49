//! Every algorithm, and all of them in one token.

use falaj_consensus::crypto::{Algorithm, Signature};
use falaj_consensus::verify::{Checker, RealChecker, SignedItem};
use falaj_hsm::Backend;
use falaj_hsm::purpose::Canary;

use crate::bench::{BUDGET, in_child};

fn verifies(backend: &dyn Backend, message: &[u8], signature: &Signature) -> bool {
    RealChecker.check(SignedItem {
        key: backend.public_key(),
        message,
        signature,
    })
}

// Each algorithm makes a key in the token, signs, and the host's checker accepts it for those bytes and no others.
#[test]
fn every_algorithm_signs_what_the_checker_accepts() {
    in_child(
        "algorithms::every_algorithm_signs_what_the_checker_accepts",
        |bench| {
            for algorithm in Algorithm::ALL {
                let key = bench.key(algorithm, algorithm.name());
                let backend = bench.open(key);
                assert_eq!(backend.public_key().algorithm(), algorithm);
                for number in 0..8 {
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
