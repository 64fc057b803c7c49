//! The registry knows all that was signed, and the checker accepts that alone.

use std::sync::Arc;

use falaj_consensus::crypto::{Algorithm, PublicKey, Signature};
use falaj_consensus::verify::{Checker, SignedItem};
use falaj_hsm::purpose::{Canary, Purpose};
use falaj_hsm::{BackendWork, Fault};

use super::*;
use crate::chance::Chance;
use crate::types::{NodeIndex, Ppm, SimTime};

const KEY: KeyIndex = KeyIndex::new(0);

fn keys() -> Arc<Keys> {
    Keys::generate(&Chance::new(1), &Algorithm::ALL)
}

fn order(key: KeyIndex, message: &[u8]) -> Order {
    Order {
        node: NodeIndex::new(0),
        key,
        purpose: Purpose::Prevote,
        message: message.to_vec(),
    }
}

fn checks(keys: &Arc<Keys>, key: &PublicKey, message: &[u8], signature: &Signature) -> bool {
    RegistryChecker::new(Arc::clone(keys)).check(SignedItem {
        key,
        message,
        signature,
    })
}

/// Goal: keys and signatures of every algorithm have its form and length, check, and may be enrolled.
#[test]
fn every_algorithm_has_its_form() {
    let keys = keys();
    let mut registry = Registry::new(Arc::clone(&keys));
    for (index, algorithm) in (0..).map(KeyIndex::new).zip(Algorithm::ALL) {
        let public = keys.public(index);
        let signature = registry.sign(SimTime::START, order(index, b"vote"));
        assert_eq!(
            (public.algorithm(), signature.bytes().len()),
            (algorithm, algorithm.signature_bytes())
        );
        assert!(public.check_enrolment().is_ok() && checks(&keys, public, b"vote", &signature));
    }
}

/// Goal: another message, another key, a changed or short signature are all wrong.
#[test]
fn nothing_else_checks() {
    let keys = keys();
    let signature = Registry::new(Arc::clone(&keys)).sign(SimTime::START, order(KEY, b"vote"));
    let public = keys.public(KEY);
    assert!(!checks(&keys, public, b"note", &signature));
    assert!(!checks(
        &keys,
        keys.public(KeyIndex::new(1)),
        b"vote",
        &signature
    ));
    for at in 0..signature.bytes().len() {
        let mut bytes = signature.bytes().to_vec();
        bytes[at] ^= 1;
        assert!(
            !checks(&keys, public, b"vote", &Signature::new(bytes).unwrap()),
            "byte {at}"
        );
    }
    assert!(!checks(
        &keys,
        public,
        b"vote",
        &Signature::new(vec![0; 7]).unwrap()
    ));
    let strangers = Keys::generate(&Chance::new(2), &Algorithm::ALL);
    assert!(!checks(&strangers, public, b"vote", &signature));
}

/// Goal: signing twice gives two signatures that both check, as with the randomised algorithms, and both are known.
#[test]
fn signatures_are_randomised() {
    let keys = keys();
    let mut registry = Registry::new(Arc::clone(&keys));
    let first = registry.sign(SimTime::START, order(KEY, b"vote"));
    let second = registry.sign(SimTime::START, order(KEY, b"vote"));
    assert_ne!(first, second);
    for signature in [&first, &second] {
        assert!(checks(&keys, keys.public(KEY), b"vote", signature));
        assert!(registry.find(signature).is_some());
    }
    assert_eq!(registry.all().len(), 2);
}

/// Goal: a release is remembered with its first time, and a signature that no token made cannot be released.
#[test]
fn the_registry_knows_what_was_released() {
    let mut registry = Registry::new(keys());
    let made = registry.sign(SimTime::new(1), order(KEY, b"a"));
    registry.sign(SimTime::new(2), order(KEY, b"b"));
    assert_eq!(registry.released().count(), 0);
    assert!(registry.release(SimTime::new(3), &made) && registry.release(SimTime::new(4), &made));
    assert!(!registry.release(SimTime::new(5), &Signature::new(vec![0; 64]).unwrap()));
    assert_eq!(
        registry
            .released()
            .map(|entry| entry.order.message.clone())
            .collect::<Vec<_>>(),
        [b"a"]
    );
    assert_eq!(
        registry.find(&made).unwrap().released_at,
        Some(SimTime::new(3))
    );
}

/// Some work that a signer could ask for.
fn canary() -> BackendWork {
    BackendWork::Canary(Canary { challenge: [7; 32] }.sign_bytes())
}

/// Calls a token, and gives the fault of the answer, if it has one.
fn call(token: &mut Token, registry: &mut Registry) -> Option<Fault> {
    let answer = token.perform(registry, SimTime::START, NodeIndex::new(0), KEY, &canary());
    assert!((200_000..=3_000_000).contains(&answer.after_ns));
    answer.result.err().map(|error| error.fault)
}

/// Goal: faults come as the dials say; a lost answer leaves a signature in the registry, a lost session does not.
#[test]
fn tokens_fail_as_dialled() {
    let dials = TokenDials {
        session_loss: Ppm::new(200_000),
        lost_answer: Ppm::new(200_000),
        ..TokenDials::CALM
    };
    let mut registry = Registry::new(keys());
    let mut token = Token::new(&Chance::new(1), 0, dials);
    let faults: Vec<_> = (0..1_000)
        .map(|_| call(&mut token, &mut registry))
        .collect();
    let count = |fault| faults.iter().filter(|found| **found == fault).count();
    assert!((150..250).contains(&count(Some(Fault::Session))));
    assert!((110..210).contains(&count(Some(Fault::Timeout))));
    assert_eq!(
        registry.all().len(),
        count(None) + count(Some(Fault::Timeout))
    );
}

/// Goal: a removed token answers nothing until it is back, and what it signs then is the work it was given.
#[test]
fn removed_tokens_come_back() {
    let mut registry = Registry::new(keys());
    let mut token = Token::new(&Chance::new(1), 0, TokenDials::CALM);
    token.set_present(false);
    assert_eq!(call(&mut token, &mut registry), Some(Fault::Token));
    token.set_present(true);
    assert_eq!(call(&mut token, &mut registry), None);
    let [signed] = registry.all() else {
        panic!("one signature was made")
    };
    assert_eq!(
        (signed.order.purpose, signed.order.message.as_slice()),
        (Purpose::Canary, canary().as_slice())
    );
}
