//! Strategies for keys, signatures, validators and sets.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::{validator_id, voting_power};
use crate::crypto::{Algorithm, PublicKey, SIGNATURE_BYTES_MAX, Signature};
use crate::types::{ValidatorId, ValidatorIndex, VotingPower};
use crate::validator_set::{Bitmap, Declared, Validator, ValidatorSet};

/// A key in the form of its algorithm that may be enrolled; its point or modulus belongs to nobody, but for Ed25519.
///
/// # Panics
/// Never: the bytes have the algorithm's form.
pub fn public_key() -> impl Strategy<Value = PublicKey> {
    (
        proptest::sample::select(&Algorithm::ALL[..]),
        any::<[u8; 32]>(),
    )
        .prop_map(|(algorithm, seed)| {
            PublicKey::new(algorithm, key_bytes(algorithm, seed)).expect("the form is right")
        })
}

fn key_bytes(algorithm: Algorithm, seed: [u8; 32]) -> Vec<u8> {
    let mut bytes: Vec<u8> = seed
        .into_iter()
        .cycle()
        .take(algorithm.public_key_bytes())
        .collect();
    match algorithm {
        Algorithm::Ed25519 => {
            let signing = ed25519_zebra::SigningKey::from(seed);
            return <[u8; 32]>::from(ed25519_zebra::VerificationKey::from(&signing)).to_vec();
        }
        Algorithm::EcdsaP256 | Algorithm::EcdsaP384 => bytes[0] = 4,
        Algorithm::RsaPss2048 | Algorithm::RsaPss3072 | Algorithm::RsaPss4096 => {
            bytes[0] |= 0x80;
            bytes.push(1);
            bytes.remove(1);
        }
    }
    bytes
}

/// Bytes as long as some algorithm's signature, or any other allowed length.
///
/// # Panics
/// Never: the length is within the bound.
pub fn signature() -> impl Strategy<Value = Signature> {
    let lengths = prop_oneof![
        Just(64_usize),
        Just(96),
        Just(256),
        Just(384),
        Just(512),
        0..=SIGNATURE_BYTES_MAX
    ];
    lengths
        .prop_flat_map(|length| vec(any::<u8>(), length))
        .prop_map(|bytes| Signature::new(bytes).expect("within the bound"))
}

/// Labels of printable ASCII.
pub fn declared() -> impl Strategy<Value = Declared> {
    let label = || "[ -~]{0,64}";
    (label(), label(), label(), label(), "([A-Z]{2})?").prop_map(
        |(operator, site, hsm_vendor, cloud, residency)| Declared {
            operator,
            site,
            hsm_vendor,
            cloud,
            residency,
        },
    )
}

/// A member of any id.
pub fn validator() -> impl Strategy<Value = Validator> {
    (validator_id(), voting_power(), public_key(), declared()).prop_map(member)
}

fn member(
    (id, power, key, declared): (ValidatorId, VotingPower, PublicKey, Declared),
) -> Validator {
    Validator {
        id,
        power,
        key,
        declared,
    }
}

/// A set of 1 to 12 members with distinct keys.
///
/// # Panics
/// Never: a map of keys to members, sorted by id, is a set.
pub fn validator_set() -> impl Strategy<Value = ValidatorSet> {
    let members = btree_map(public_key(), (voting_power(), declared()), 1..=12);
    (members, any::<u32>()).prop_map(|(members, first)| {
        let ids = (first.min(u32::MAX - 12)..).map(ValidatorId::new);
        let members = ids
            .zip(members)
            .map(|(id, (key, (power, declared)))| member((id, power, key, declared)));
        ValidatorSet::new(members.collect())
            .expect("ids increase, keys differ, powers are positive")
    })
}

/// Some members of a set of 1 to 64.
pub fn bitmap() -> impl Strategy<Value = Bitmap> {
    vec(any::<bool>(), 1..=64).prop_map(|chosen| {
        let mut bitmap = Bitmap::none(chosen.len());
        for (index, _) in (0..).zip(&chosen).filter(|(_, chosen)| **chosen) {
            bitmap.insert(ValidatorIndex::new(index));
        }
        bitmap
    })
}
