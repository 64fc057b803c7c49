//! Builds a map from entries in order, a page at a time and with one pass of hashing.
//!
//! Invariant: the result equals the map that the same entries would give one by one.
//! Who calls it: loading a checkpoint.

use falaj_consensus::hash::sha256;

use super::StateMap;
use super::ordered::OrderedMap;
use super::page::{Draft, PAGE_BYTES, Page};
use crate::state_root::{LeafChange, StateTree};
use crate::write_set::{key_fits, value_fits};

/// Pages are filled to this, so that the first changes do not split them.
const FILL_BYTES: usize = PAGE_BYTES / 4 * 3;

/// A map in the making.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    full: Vec<Page>,
    draft: Draft,
    leaves: Vec<LeafChange>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Appends an entry; `false` if its key does not come after all others, or a length is not allowed.
    #[must_use]
    pub(crate) fn push(&mut self, key: &[u8], value: &[u8]) -> bool {
        let last = self
            .draft
            .last_key()
            .or_else(|| self.full.last().and_then(Page::last_key));
        if !key_fits(key) || !value_fits(value) || last.is_some_and(|last| last >= key) {
            return false;
        }
        let longer = self
            .draft
            .bytes_len()
            .saturating_add(key.len())
            .saturating_add(value.len());
        if longer > FILL_BYTES && !self.draft.is_empty() {
            self.full.push(self.draft.take_page());
        }
        self.draft.push(key, value);
        self.leaves.push((sha256(key), Some(sha256(value))));
        true
    }

    /// The map.
    pub(crate) fn finish(mut self) -> StateMap {
        if !self.draft.is_empty() {
            self.full.push(self.draft.take_page());
        }
        self.leaves.sort_unstable_by_key(|(key, _)| *key);
        let mut tree = StateTree::new();
        tree.update(&self.leaves);
        StateMap {
            values: OrderedMap::of_pages(self.full),
            tree,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write_set::WriteSet;

    fn entry(number: u32) -> (Vec<u8>, Vec<u8>) {
        let length = if number.is_multiple_of(97) { 5_000 } else { 40 };
        (number.to_be_bytes().to_vec(), vec![7; length])
    }

    // A map that was built is the map of the same entries, now and after any change.
    #[test]
    fn a_built_map_is_the_map_of_its_entries() {
        let (mut builder, mut set) = (Builder::new(), WriteSet::new());
        for (key, value) in (0..3_000).map(entry) {
            assert!(builder.push(&key, &value));
            set.put(key, value);
        }
        let (mut built, mut applied) = (builder.finish(), StateMap::new());
        applied.apply(&set);
        let mut later = WriteSet::new();
        (0..3_000)
            .step_by(2)
            .for_each(|number| later.delete(entry(number).0));
        for _ in 0..2 {
            assert_eq!(built.root(), applied.root());
            assert_eq!(built.len(), applied.len());
            assert!(built.iter().eq(applied.iter()));
            built.apply(&later);
            applied.apply(&later);
        }
    }

    // Entries that are not in order, or could not be in a map, are refused.
    #[test]
    fn entries_out_of_order_are_refused() {
        let mut builder = Builder::new();
        assert!(!builder.push(b"", b"no key"));
        assert!(builder.push(b"b", b""));
        assert!(!builder.push(b"b", b"again"));
        assert!(!builder.push(b"a", b"before"));
        assert!(!builder.push(&[9; 257], b"long"));
        assert_eq!(builder.finish().len(), 1);
    }

    // Nothing gives the empty map.
    #[test]
    fn no_entries_give_the_empty_map() {
        let map = Builder::new().finish();
        assert!(map.is_empty());
        assert_eq!(map.root(), StateMap::new().root());
    }
}
