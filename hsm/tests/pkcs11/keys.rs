//! Keys that are made in the token: protected as they must be, and proven to be.

use falaj_consensus::crypto::Algorithm;
use falaj_hsm::pkcs11::{AllowedMechanisms, Cause, ProbeOutcome, Reported, TokenError};

use crate::bench::{in_child, name};

// Sensitive, never extractable, sign only, local, not modifiable, not copyable, not destroyable, one mechanism: for every algorithm.
#[test]
fn generated_keys_are_hardened() {
    in_child("keys::generated_keys_are_hardened", |bench| {
        let admin = bench.admin();
        for algorithm in [
            Algorithm::Ed25519,
            Algorithm::EcdsaP256,
            Algorithm::EcdsaP384,
            Algorithm::RsaPss2048,
        ] {
            let made = admin
                .generate_key(algorithm, &name(algorithm.name()))
                .unwrap();
            assert_eq!(made.public_key.algorithm(), algorithm);
            assert!(
                made.is_restricted(),
                "{algorithm}: {:?}",
                made.attributes.allowed
            );
            for line in &made.attributes.lines {
                assert_eq!(
                    line.reported,
                    Reported::Value(line.expected),
                    "{algorithm}: {}",
                    line.name
                );
            }
        }
    });
}

// What must not work with a key is tried, and the token refuses all of it; the key still signs afterwards.
#[test]
fn every_negative_probe_is_refused() {
    in_child("keys::every_negative_probe_is_refused", |bench| {
        for algorithm in [
            Algorithm::Ed25519,
            Algorithm::EcdsaP256,
            Algorithm::RsaPss2048,
        ] {
            let key = bench.key(algorithm, algorithm.name());
            let probes = bench.admin().probe(&key.name).unwrap();
            assert_eq!(probes.len(), 10);
            for probe in probes {
                let refused = matches!(
                    probe.outcome,
                    ProbeOutcome::Refused(_) | ProbeOutcome::Withheld
                );
                assert!(
                    refused,
                    "{algorithm}: {} gave {:?}",
                    probe.name, probe.outcome
                );
            }
            bench.open(key).recheck().unwrap();
        }
    });
}

// A name is given once: neither label nor id of a key is ever given to a second one.
#[test]
fn a_taken_name_is_refused() {
    in_child("keys::a_taken_name_is_refused", |bench| {
        let admin = bench.admin();
        admin
            .generate_key(Algorithm::EcdsaP256, &name("one"))
            .unwrap();
        let mut same_label = name("one");
        same_label.id = b"two".to_vec();
        let mut same_id = name("two");
        same_id.id = b"one".to_vec();
        for taken in [name("one"), same_label, same_id] {
            let error = admin
                .generate_key(Algorithm::EcdsaP256, &taken)
                .unwrap_err();
            assert!(matches!(error, TokenError::NameTaken { .. }), "{error}");
        }
    });
}

// The list shows each key with its public half, in order.
#[test]
fn keys_are_listed_with_their_public_halves() {
    in_child("keys::keys_are_listed_with_their_public_halves", |bench| {
        let admin = bench.admin();
        let second = admin
            .generate_key(Algorithm::EcdsaP256, &name("b"))
            .unwrap();
        let first = admin.generate_key(Algorithm::Ed25519, &name("a")).unwrap();
        let listed = admin.list_keys().unwrap();
        let labels: Vec<_> = listed.iter().map(|key| key.label.as_str()).collect();
        assert_eq!(labels, ["a", "b"]);
        assert_eq!(listed[0].public_key.as_ref().unwrap(), &first.public_key);
        assert_eq!(listed[1].public_key.as_ref().unwrap(), &second.public_key);
        assert_eq!(
            listed[0].attributes.allowed,
            AllowedMechanisms::Only(vec!["CKM_EDDSA"])
        );
        assert_eq!(
            admin.public_key(&name("c")).unwrap_err().cause(),
            Cause::KeyMissing
        );
    });
}
