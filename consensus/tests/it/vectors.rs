//! The committed vectors against what this code computes.
//!
//! Goal: an encoding, tag or preimage that changes by accident fails here by name; on purpose, it is a new version of the protocol.

use borsh::{BorshDeserialize, BorshSerialize};
use falaj_consensus::crypto::PublicKey;
use falaj_consensus::hash;
use falaj_consensus::message::{
    Batch, BatchRef, Body, CommitCertificate, Evidence, Header, Outcome, Polka, Proposal, Vote,
};
use falaj_consensus::params::Parameters;
use falaj_consensus::proposer::Bench;
use falaj_consensus::validator_set::ValidatorSet;

use crate::cases;

const FILE: &str = include_str!("../vectors/encoding.txt");

fn committed() -> impl Iterator<Item = (&'static str, &'static str)> {
    FILE.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_once(' ').unwrap())
}

fn value(name: &str) -> Vec<u8> {
    let (_, hex) = committed().find(|(found, _)| *found == name).unwrap();
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

#[test]
fn encodings_and_hashes_are_the_committed_ones() {
    for ((name, value), (found, expected)) in cases::lines().iter().zip(committed()) {
        assert_eq!((name.as_str(), value.as_str()), (found, expected));
    }
    assert!(cases::file() == FILE, "head or end of the file differ");
}

fn reads<T: BorshSerialize + BorshDeserialize>(name: &str) {
    let bytes = value(&format!("{name}.bytes"));
    let read: T = borsh::from_slice(&bytes).unwrap();
    assert_eq!(hash::encode(&read), bytes, "{name}");
}

#[test]
fn committed_encodings_decode() {
    reads::<ValidatorSet>("validator-set");
    reads::<Bench>("bench");
    reads::<Parameters>("parameters");
    reads::<Header>("header");
    reads::<Batch>("batch");
    reads::<BatchRef>("batch-ref");
    reads::<Body>("body-empty");
    reads::<Body>("body");
    reads::<Outcome>("outcome");
    reads::<Proposal>("proposal");
    reads::<Polka>("polka");
    reads::<CommitCertificate>("commit-certificate");
    for name in ["prevote-nil", "prevote", "precommit"] {
        reads::<Vote>(&format!("vote.{name}"));
    }
    for name in [
        "double-proposal",
        "double-prevote",
        "double-precommit",
        "amnesia",
    ] {
        reads::<Evidence>(&format!("evidence.{name}"));
    }
    for name in [
        "ed25519",
        "p256",
        "p384",
        "rsa-pss-2048",
        "rsa-pss-3072",
        "rsa-pss-4096",
    ] {
        reads::<PublicKey>(&format!("key.{name}"));
    }
}
