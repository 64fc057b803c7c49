//! The whole state as a map from key bytes to value bytes: in order, with a root, and copied in O(1).
//!
//! Invariant: the values and the tree of hashes hold the same keys, and the tree's leaf of a key is the hash of its value;
//! both change only together, in [`StateMap::apply`].
//! Shapes and units: keys and values are bytes within the bounds of [`crate::write_set`]; order is that of the key's bytes, so
//! numbers inside a key are big-endian and fixed in width.
//! Who calls it: execution reads it under an overlay and applies one write set a block; queries and snapshots hold clones,
//! which stay as they are and never make anybody wait.
//! Errors: none. Whoever reads foreign bytes into a map checks them first.
//! Source: `docs/spec/state-root.md`.

mod builder;
mod ordered;
mod page;

use falaj_consensus::hash::sha256;
use falaj_consensus::types::Hash32;

use crate::state_root::{LeafChange, Proof, StateTree};
use crate::write_set::WriteSet;

pub(crate) use builder::Builder;
pub use ordered::Entries;

use ordered::OrderedMap;

/// A persistent, authenticated, ordered map of bytes.
#[derive(Clone, Debug, Default)]
pub struct StateMap {
    values: OrderedMap,
    tree: StateTree,
}

impl StateMap {
    /// The map without a key, whose root is 32 zero bytes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The value under a key.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.values.get(key)
    }

    /// Whether a key is there.
    #[must_use]
    pub fn contains_key(&self, key: &[u8]) -> bool {
        self.get(key).is_some()
    }

    /// Makes all changes of a block; clones taken before keep the old state.
    pub fn apply(&mut self, changes: &WriteSet) {
        self.values.apply(changes);
        self.tree.update(&leaf_changes(changes));
    }

    /// The commitment to all keys and values.
    #[must_use]
    pub fn root(&self) -> Hash32 {
        self.tree.root()
    }

    /// Proves the value under a key, or that there is none.
    #[must_use]
    pub fn prove(&self, key: &[u8]) -> Proof {
        self.tree.prove(key)
    }

    /// All entries in order of key.
    #[must_use]
    pub fn iter(&self) -> Entries<'_> {
        self.values.iter_from(&[])
    }

    /// The entries from a key on, that key included, in order.
    #[must_use]
    pub fn iter_from(&self, start: &[u8]) -> Entries<'_> {
        self.values.iter_from(start)
    }

    /// The entries whose keys begin with these bytes, in order.
    pub fn iter_prefix<'a>(
        &'a self,
        prefix: &'a [u8],
    ) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        self.iter_from(prefix)
            .take_while(move |(key, _)| key.starts_with(prefix))
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.values.len()
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<'a> IntoIterator for &'a StateMap {
    type Item = (&'a [u8], &'a [u8]);
    type IntoIter = Entries<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The hashes of a write set, in order of the key's hash.
fn leaf_changes(changes: &WriteSet) -> Vec<LeafChange> {
    let mut leaves: Vec<LeafChange> = changes
        .iter()
        .map(|(key, value)| (sha256(key), value.map(sha256)))
        .collect();
    leaves.sort_unstable_by_key(|(key, _)| *key);
    leaves
}

#[cfg(test)]
mod tests;
