//! The tree of hashes that a state keeps, and the same root by the definition alone.
//!
//! Invariant: a copy taken earlier never changes; both ways to the root agree.
//! Source: `docs/spec/state-root.md`.

use falaj_consensus::hash::sha256;
use falaj_consensus::types::Hash32;

use super::hash::{bit, leaf_hash, one};
use super::node::Node;
use super::proof::{self, Proof};
use super::update;

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
    subtree_root(&leaves, 0)
}

/// The root of a subtree at a depth, of its leaves in strictly ascending order of the key hash, by the definition alone.
pub(crate) fn subtree_root(leaves: &[(Hash32, Hash32)], depth: usize) -> Hash32 {
    match leaves {
        [] => Hash32::ZERO,
        [(key, value)] => leaf_hash(key, value),
        several => {
            let (left, right) =
                several.split_at(several.partition_point(|(key, _)| !bit(key, depth)));
            let below = depth.saturating_add(1);
            one(&subtree_root(left, below), &subtree_root(right, below))
        }
    }
}
