//! Builds a map from entries in order, a page at a time and with one pass of hashing.
//!
//! Invariant: the result equals the map that the same entries would give one by one.
//! Who calls it: loading a checkpoint.

use falaj_consensus::hash::sha256;

use super::StateMap;
use super::ordered::OrderedMap;
use super::page::{PAGE_BYTES, Page};
use crate::state_root::{LeafChange, StateTree};
use crate::write_set::{key_fits, value_fits};

/// Pages are filled to this, so that the first changes do not split them.
const FILL_BYTES: usize = PAGE_BYTES / 4 * 3;

/// A map in the making.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    full: Vec<Page>,
    page: Page,
    leaves: Vec<LeafChange>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Entries so far.
    pub(crate) fn len(&self) -> u64 {
        self.leaves.len() as u64
    }

    /// Appends an entry; `false` if its key does not come after all others, or a length is not allowed.
    #[must_use]
    pub(crate) fn push(&mut self, key: &[u8], value: &[u8]) -> bool {
        let last = self
            .page
            .last_key()
            .or_else(|| self.full.last().and_then(Page::last_key));
        if !key_fits(key) || !value_fits(value) || last.is_some_and(|last| last >= key) {
            return false;
        }
        let longer = self
            .page
            .bytes_len()
            .saturating_add(key.len())
            .saturating_add(value.len());
        if longer > FILL_BYTES && !self.page.is_empty() {
            self.full.push(std::mem::take(&mut self.page));
        }
        self.page.push(key, value);
        self.leaves.push((sha256(key), Some(sha256(value))));
        true
    }

    /// The map.
    pub(crate) fn finish(mut self) -> StateMap {
        if !self.page.is_empty() {
            self.full.push(self.page);
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
