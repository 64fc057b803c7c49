//! SHA-256 of 64-byte nodes, many at a time.
//!
//! Invariant: the result is FIPS 180-4 SHA-256, whichever implementation runs; the wide one is compared with ring once a
//! process, over every remainder of its widest lane count, before its first use.
//! Shapes and units: `pairs` is a multiple of 64 bytes, the result one 32-byte digest each, in order.
//! Who calls it: the batch update, once a level of the tree; proofs hash one pair at a time by ring.
//! Source: FIPS 180-4; `hashtree-rs` (the multi-buffer assembly of Intel's IPsec library) and ring.

use std::sync::OnceLock;

use falaj_consensus::hash::sha256;
use falaj_consensus::types::Hash32;

pub(super) use super::hash::{Pair, one, pair};

/// The hashes of many inner nodes.
pub(super) fn many(pairs: &[Pair]) -> Vec<Hash32> {
    static CHECKED: OnceLock<()> = OnceLock::new();
    CHECKED.get_or_init(check_against_ring);
    wide(pairs)
}

/// The one call of the assembly; the lengths its contract asks for hold by construction.
fn wide(pairs: &[Pair]) -> Vec<Hash32> {
    let mut digests = vec![[0_u8; 32]; pairs.len()];
    if !pairs.is_empty() {
        hashtree_rs::hash(
            digests.as_flattened_mut(),
            pairs.as_flattened(),
            pairs.len(),
        );
    }
    digests.into_iter().map(Hash32::new).collect()
}

/// A wrong root is worse than a dead validator.
fn check_against_ring() {
    let mut pairs = Vec::new();
    for seed in 0..CHECK_PAIRS {
        let digest = sha256(&[seed]);
        pairs.push(pair(&digest, &sha256(digest.bytes())));
        let expected: Vec<Hash32> = pairs.iter().map(|pair| sha256(pair)).collect();
        assert_eq!(
            wide(&pairs),
            expected,
            "the multi-buffer SHA-256 of this machine disagrees with ring"
        );
    }
}

/// Twice the widest lane count, and one.
const CHECK_PAIRS: u8 = 33;

#[cfg(test)]
mod tests {
    use super::*;

    // The wide hash is SHA-256 for every number of pairs up to several rounds of its lanes.
    #[test]
    fn many_agrees_with_one_for_every_count() {
        check_against_ring();
        let parts: Vec<(Hash32, Hash32)> = (0..200_u8)
            .map(|i| (sha256(&[i]), sha256(&[i, i])))
            .collect();
        let pairs: Vec<Pair> = parts
            .iter()
            .map(|(left, right)| pair(left, right))
            .collect();
        let expected: Vec<Hash32> = parts.iter().map(|(left, right)| one(left, right)).collect();
        for count in 0..=pairs.len() {
            assert_eq!(many(&pairs[..count]), expected[..count]);
        }
    }
}
