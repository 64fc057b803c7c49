//! Many callers and many signatures: none is lost, no session is left behind.

use std::env;
use std::thread;

use falaj_consensus::crypto::Algorithm;
use falaj_consensus::verify::{Checker, RealChecker, SignedItem};
use falaj_hsm::Backend;
use falaj_hsm::pkcs11::DeviceFacts;
use falaj_hsm::purpose::Canary;

use crate::bench::{BUDGET, Bench, in_child};
use crate::shim::Shim;

/// Signatures of the leak test, if not this many: `FALAJ_TEST_SIGNATURES=100000 cargo test … load::`.
const SIGNATURES: u64 = 2_000;
const SIGNATURES_VARIABLE: &str = "FALAJ_TEST_SIGNATURES";

fn challenge(number: u64) -> Canary {
    let mut challenge = [0; 32];
    challenge[..8].copy_from_slice(&number.to_le_bytes());
    Canary { challenge }
}

// Sixteen threads ask for a hundred signatures each, from three keys of three algorithms; each gets its own.
#[test]
fn sixteen_threads_get_a_hundred_signatures_each() {
    in_child(
        "load::sixteen_threads_get_a_hundred_signatures_each",
        |bench| {
            let algorithms = [
                Algorithm::Ed25519,
                Algorithm::EcdsaP256,
                Algorithm::RsaPss2048,
            ];
            let backends =
                algorithms.map(|algorithm| bench.open(bench.key(algorithm, algorithm.name())));
            thread::scope(|scope| {
                for caller in 0..16 {
                    let backend = &backends[caller % backends.len()];
                    scope.spawn(move || {
                        for number in 0..100 {
                            let bytes = challenge((caller as u64) << 32 | number).sign_bytes();
                            let signature = backend.sign_canary(&bytes, BUDGET).unwrap();
                            let (key, message) = (backend.public_key(), bytes.as_slice());
                            assert!(RealChecker.check(SignedItem {
                                key,
                                message,
                                signature: &signature
                            }));
                        }
                    });
                }
            });
            let signed: u64 = backends.iter().map(|backend| backend.status().signed).sum();
            assert_eq!(signed, 1_600);
        },
    );
}

fn sessions(bench: &Bench) -> Option<u64> {
    DeviceFacts::read(&bench.token()).unwrap().token.sessions
}

// Neither signing nor recovering leaves a session behind.
#[test]
fn the_number_of_sessions_does_not_grow() {
    in_child("load::the_number_of_sessions_does_not_grow", |bench| {
        let key = bench.key(Algorithm::EcdsaP256, "key");
        let shim = Shim::new(bench);
        let backend =
            falaj_hsm::pkcs11::Pkcs11Backend::open(shim.token(bench), key, crate::bench::limits())
                .unwrap();
        let before = sessions(bench);
        let wanted = env::var(SIGNATURES_VARIABLE)
            .ok()
            .and_then(|text| text.parse().ok());
        let wanted = wanted.unwrap_or(SIGNATURES);
        for number in 0..wanted {
            if number % 100 == 99 {
                shim.order("C_SignInit", "return 0xb3");
            }
            backend
                .sign_canary(&challenge(number).sign_bytes(), BUDGET)
                .unwrap();
        }
        assert_eq!(backend.status().connects, 1 + wanted / 100);
        assert_eq!(sessions(bench), before);
        assert_eq!(
            shim.calls("C_OpenSession") - shim.calls("C_CloseSession"),
            1
        );
    });
}
