//! The commitment to the whole state: a compact binary Merkle map over SHA-256 of the key.
//!
//! Invariant: the root is a function of the set of (key, value hash) alone, whatever the order and grouping of the updates
//! that led to it; a copy taken earlier never changes.
//! Shapes and units, frozen:
//! - key hash = SHA-256(key), value hash = SHA-256(value), both without a tag;
//! - leaf = SHA-256(len(tag) ‖ tag ‖ key hash ‖ value hash) with the tag `falaj/state-leaf/1`;
//! - inner node = SHA-256 of exactly 64 bytes, left ‖ right; empty subtree = 32 zero bytes;
//! - bit 0 is the most significant bit of the key hash's first byte, 0 goes left;
//! - a subtree with one leaf *is* that leaf, at whatever depth; a subtree with two or more branches at every bit.
//!
//! Who calls it: [`crate::state_map::StateMap`], which keeps the values beside it.
//! Errors: none; a proof that does not hold is a [`ProofError`].
//! Room is left for range proofs (a run of neighbouring leaves with the siblings on both edges), which snapshots will need:
//! they use the same nodes and change no byte of what is here.
//! Source: `docs/spec/state-root.md`; Dahlberg, Pulls, Peeters, "Efficient sparse Merkle trees" (2016), for compact subtrees.

mod node;
mod pair_hash;
mod plan;
mod proof;
mod update;
mod work;

use falaj_consensus::hash::sha256;
use falaj_consensus::types::Hash32;

pub use proof::{DEPTH_MAX, Proof, ProofError};

use node::Node;

/// The map's tree of hashes; persistent, so `clone` costs one reference count.
#[derive(Clone, Debug, Default)]
pub struct StateTree {
    top: Node,
}

/// A change of one leaf: the key's hash, and its value's hash or that it is gone.
pub type LeafChange = (Hash32, Option<Hash32>);

impl StateTree {
    /// The tree without a leaf, whose root is 32 zero bytes.
    #[must_use]
    pub const fn new() -> Self {
        Self { top: Node::Empty }
    }

    /// The commitment to all leaves.
    #[must_use]
    pub fn root(&self) -> Hash32 {
        self.top.hash()
    }

    /// Changes leaves and recomputes the hashes above them, each once.
    ///
    /// # Panics
    /// If the changes are not in strictly ascending order of the key's hash.
    pub fn update(&mut self, changes: &[LeafChange]) {
        assert!(
            changes.is_sorted_by(|a, b| a.0 < b.0),
            "one change a key, in order of the key's hash"
        );
        self.top = update::update(&self.top, changes);
    }

    /// The hash of the value under a key, if the key is there.
    #[must_use]
    pub fn value_hash(&self, key: &[u8]) -> Option<Hash32> {
        let key_hash = sha256(key);
        self.top
            .descend(&key_hash, |_| ())
            .filter(|leaf| leaf.key == key_hash)
            .map(|leaf| leaf.value)
    }

    /// Proves what is under a key, or that nothing is.
    #[must_use]
    pub fn prove(&self, key: &[u8]) -> Proof {
        proof::prove(&self.top, &sha256(key))
    }
}

/// Recomputes the root from all leaves by the definition alone, sharing no code with the tree but the two node hashes.
///
/// This is the slow second path for tests and `verify-state`.
#[must_use]
pub fn root_by_definition(leaves: &std::collections::BTreeMap<Hash32, Hash32>) -> Hash32 {
    let leaves: Vec<(Hash32, Hash32)> = leaves.iter().map(|(key, value)| (*key, *value)).collect();
    subtree_by_definition(&leaves, 0)
}

fn subtree_by_definition(leaves: &[(Hash32, Hash32)], depth: usize) -> Hash32 {
    match leaves {
        [] => Hash32::ZERO,
        [(key, value)] => node::leaf_hash(key, value),
        several => {
            let (left, right) =
                several.split_at(several.partition_point(|(key, _)| !node::bit(key, depth)));
            let below = depth.saturating_add(1);
            pair_hash::one(
                &subtree_by_definition(left, below),
                &subtree_by_definition(right, below),
            )
        }
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;
