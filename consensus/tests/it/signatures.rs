//! ECDSA and RSA-PSS by the committed signatures of OpenSSL: one strict rule each, whatever a token can be made to sign.
//!
//! The file says what it holds; a name says what is wrong with a signature that is refused.

use std::collections::BTreeMap;

use falaj_consensus::crypto::{Algorithm, PublicKey, Signature};
use falaj_consensus::verify::{ApprovedOnly, Checker, RealChecker, SignedItem};

const FILE: &str = include_str!("../vectors/signatures.txt");

struct Case {
    name: String,
    key: PublicKey,
    message: Vec<u8>,
    signature: Vec<u8>,
    accepted: bool,
}

fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn lines(kind: &str) -> impl Iterator<Item = Vec<&'static str>> {
    FILE.lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(move |words| words.first() == Some(&kind))
}

fn keys() -> BTreeMap<&'static str, PublicKey> {
    lines("key")
        .map(|words| {
            let algorithm = Algorithm::from_name(words[2]).unwrap();
            (
                words[1],
                PublicKey::new(algorithm, bytes(words[3])).unwrap(),
            )
        })
        .collect()
}

fn cases() -> Vec<Case> {
    let keys = keys();
    let case = |words: Vec<&str>| Case {
        name: format!("{} {}", words[2], words[1]),
        key: keys[words[2]].clone(),
        message: bytes(words[3]),
        signature: bytes(words[4]),
        accepted: words[0] == "accept",
    };
    lines("accept").chain(lines("refuse")).map(case).collect()
}

// Other salt lengths, hashes, mask functions, paddings, exponents and lengths, high s, r or s out of range: all refused.
#[test]
fn each_algorithm_has_one_strict_rule() {
    let cases = cases();
    assert_eq!(cases.len(), 66, "the file is read whole");
    for case in &cases {
        let signature = Signature::new(case.signature.clone()).unwrap();
        let item = SignedItem {
            key: &case.key,
            message: &case.message,
            signature: &signature,
        };
        assert_eq!(RealChecker.check(item), case.accepted, "{}", case.name);
        assert_eq!(
            RealChecker.check_batch(&[item]),
            [case.accepted],
            "{}",
            case.name
        );
        assert_eq!(
            ApprovedOnly(RealChecker).check(item),
            case.accepted,
            "{}",
            case.name
        );
    }
}

// A batch of all algorithms gives each signature the verdict it has alone, in its place.
#[test]
fn a_mixed_batch_keeps_every_verdict_in_its_place() {
    let cases = cases();
    let signatures: Vec<_> = cases
        .iter()
        .map(|case| Signature::new(case.signature.clone()).unwrap())
        .collect();
    let items: Vec<_> = cases
        .iter()
        .zip(&signatures)
        .map(|(case, signature)| SignedItem {
            key: &case.key,
            message: &case.message,
            signature,
        })
        .collect();
    let expected: Vec<_> = cases.iter().map(|case| case.accepted).collect();
    assert_eq!(RealChecker.check_batch(&items), expected);
}

// Compressed and hybrid points, moduli of other lengths, padded, even or wrapped in DER are not keys.
#[test]
fn a_key_has_one_form() {
    assert_eq!(lines("badkey").count(), 15, "the file is read whole");
    for words in lines("badkey") {
        let algorithm = Algorithm::from_name(words[2]).unwrap();
        assert!(
            PublicKey::new(algorithm, bytes(words[3])).is_err(),
            "{}",
            words[1]
        );
    }
}

// A signature is right under its own key alone.
#[test]
fn no_signature_verifies_under_another_key() {
    let cases = cases();
    for case in cases.iter().filter(|case| case.accepted) {
        for (name, key) in keys().iter().filter(|(_, key)| **key != case.key) {
            let signature = Signature::new(case.signature.clone()).unwrap();
            let item = SignedItem {
                key,
                message: &case.message,
                signature: &signature,
            };
            assert!(!RealChecker.check(item), "{} under {name}", case.name);
        }
    }
}

// `fips = strict` has no opinion on right or wrong: it refuses Ed25519 as such, also in company.
#[test]
fn strict_fips_refuses_what_is_not_approved() {
    let signing = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let key = signing.verifying_key().to_bytes().to_vec();
    let key = PublicKey::new(Algorithm::Ed25519, key).unwrap();
    let signature = ed25519_dalek::Signer::sign(&signing, b"vote")
        .to_bytes()
        .to_vec();
    let signature = Signature::new(signature).unwrap();
    let ours = SignedItem {
        key: &key,
        message: b"vote",
        signature: &signature,
    };
    let case = cases().into_iter().find(|case| case.accepted).unwrap();
    let approved = Signature::new(case.signature.clone()).unwrap();
    let theirs = SignedItem {
        key: &case.key,
        message: &case.message,
        signature: &approved,
    };
    let strict = ApprovedOnly(RealChecker);
    assert!(RealChecker.check(ours) && !strict.check(ours));
    assert_eq!(
        strict.check_batch(&[ours, theirs, ours]),
        [false, true, false]
    );
}
