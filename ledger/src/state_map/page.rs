//! A run of neighbouring entries in one piece of memory: one allocation, one copy, and a search without further jumps.
//!
//! Invariant: keys ascend strictly; a page of a map is not empty and never changes.
//! Shapes and units: a page is its table and then its entries. The table holds for each entry where its key and where its value
//! ends, in bytes from the first entry, as `u32` little-endian each, after the number of entries; an entry is its key and
//! then its value, back to back. A page is split once its entries are longer than [`PAGE_BYTES`], so it is longer only while
//! it holds a single one. None of this is hashed or stored.
//! Panics: entries of a page never reach 4 GiB, as keys and values are bounded in [`crate::write_set`].

use std::ops::Range;
use std::sync::Arc;

use crate::write_set::{KEY_BYTES_MAX, VALUE_BYTES_MAX};

/// The length of entries from which a page is split; measured, see `docs/spec/state-root.md`.
pub(super) const PAGE_BYTES: usize = 2048;

const _: () = assert!(PAGE_BYTES + KEY_BYTES_MAX + VALUE_BYTES_MAX < u32::MAX as usize);

const WORD_BYTES: usize = 4;

/// Entries in order, packed and shared.
#[derive(Clone, Debug)]
pub(super) struct Page {
    packed: Arc<[u8]>,
}

impl Page {
    /// The number at a place of the table.
    fn word(&self, at: usize) -> usize {
        let start = at.saturating_mul(WORD_BYTES);
        let bytes = self.packed.get(start..).and_then(<[u8]>::first_chunk);
        u32::from_le_bytes(*bytes.expect("a place of the table that its number of entries allows"))
            as usize
    }

    pub(super) fn len(&self) -> usize {
        self.word(0)
    }

    fn entries(&self) -> &[u8] {
        let table = self
            .len()
            .saturating_mul(2)
            .saturating_add(1)
            .saturating_mul(WORD_BYTES);
        &self.packed[table..]
    }

    pub(super) fn bytes_len(&self) -> usize {
        self.entries().len()
    }

    /// Where the key and where the value of an entry ends.
    fn ends(&self, at: usize) -> (usize, usize) {
        let place = at.saturating_mul(2);
        (
            self.word(place.saturating_add(1)),
            self.word(place.saturating_add(2)),
        )
    }

    /// Where an entry begins; behind the last one, where the page ends.
    fn start(&self, at: usize) -> usize {
        at.checked_sub(1).map_or(0, |before| self.ends(before).1)
    }

    /// The entry at a position.
    pub(super) fn entry(&self, at: usize) -> Option<(&[u8], &[u8])> {
        (at < self.len()).then(|| {
            let (start, (middle, end)) = (self.start(at), self.ends(at));
            let entries = self.entries();
            (&entries[start..middle], &entries[middle..end])
        })
    }

    pub(super) fn first_key(&self) -> Option<&[u8]> {
        self.entry(0).map(|(key, _)| key)
    }

    pub(super) fn last_key(&self) -> Option<&[u8]> {
        self.entry(self.len().checked_sub(1)?).map(|(key, _)| key)
    }

    /// The position of the first entry whose key is not below this one.
    pub(super) fn lower_bound(&self, key: &[u8]) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.entry(middle) {
                Some((found, _)) if found < key => low = middle.saturating_add(1),
                Some(_) | None => high = middle,
            }
        }
        low
    }

    pub(super) fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.entry(self.lower_bound(key))
            .filter(|(found, _)| *found == key)
            .map(|(_, value)| value)
    }
}

/// A key and its new value, or that it is gone.
pub(super) type Change<'a> = (&'a [u8], Option<&'a [u8]>);

/// Entries on their way into pages; kept from page to page for its memory.
#[derive(Debug, Default)]
pub(super) struct Draft {
    entries: Vec<u8>,
    ends: Vec<Ends>,
}

#[derive(Clone, Copy, Debug)]
struct Ends {
    key: usize,
    value: usize,
}

impl Draft {
    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub(super) fn bytes_len(&self) -> usize {
        self.entries.len()
    }

    /// The last entry's key.
    pub(super) fn last_key(&self) -> Option<&[u8]> {
        let last = self.ends.len().checked_sub(1)?;
        Some(&self.entries[self.start(last)..self.ends[last].key])
    }

    fn start(&self, at: usize) -> usize {
        at.checked_sub(1)
            .map_or(0, |before| self.ends[before].value)
    }

    /// Appends an entry whose key comes after all others.
    pub(super) fn push(&mut self, key: &[u8], value: &[u8]) {
        debug_assert!(
            self.last_key().is_none_or(|last| last < key),
            "keys of a page ascend"
        );
        self.entries.extend_from_slice(key);
        let key_end = self.entries.len();
        self.entries.extend_from_slice(value);
        self.ends.push(Ends {
            key: key_end,
            value: self.entries.len(),
        });
    }

    /// Appends a page's entries of these positions, in one copy.
    fn copy(&mut self, page: &Page, positions: Range<usize>) {
        let (first, here) = (page.start(positions.start), self.entries.len());
        self.entries
            .extend_from_slice(&page.entries()[first..page.start(positions.end)]);
        let moved = |end: usize| end.saturating_sub(first).saturating_add(here);
        self.ends.extend(positions.map(|at| {
            let (key, value) = page.ends(at);
            Ends {
                key: moved(key),
                value: moved(value),
            }
        }));
    }

    /// Appends all of a page.
    pub(super) fn append(&mut self, page: &Page) {
        self.copy(page, 0..page.len());
    }

    /// Appends a page with changes merged in.
    pub(super) fn append_changed(&mut self, page: &Page, changes: &[Change<'_>]) {
        let mut at = 0;
        for (key, value) in changes {
            let until = at.max(page.lower_bound(key));
            self.copy(page, at..until);
            let replaced = page.entry(until).is_some_and(|(found, _)| found == *key);
            at = until.saturating_add(usize::from(replaced));
            self.change(key, *value);
        }
        self.copy(page, at..page.len());
    }

    /// Appends the entry that a change leaves, if it leaves one.
    pub(super) fn change(&mut self, key: &[u8], value: Option<&[u8]>) {
        if let Some(value) = value {
            self.push(key, value);
        }
    }

    /// All entries in one page, however long; the draft is empty afterwards.
    pub(super) fn take_page(&mut self) -> Page {
        let page = self.packed(0..self.ends.len());
        self.clear();
        page
    }

    /// All entries in pages of about equal length, none longer than [`PAGE_BYTES`] unless it is one entry; the draft is empty
    /// afterwards.
    pub(super) fn take_pages(&mut self) -> Vec<Page> {
        let target = self
            .entries
            .len()
            .div_ceil(self.entries.len().div_ceil(PAGE_BYTES).max(1));
        let (mut pages, mut first) = (Vec::new(), 0);
        for at in 1..self.ends.len() {
            if self.ends[at].value.saturating_sub(self.start(first)) > target {
                pages.push(self.packed(first..at));
                first = at;
            }
        }
        if first < self.ends.len() {
            pages.push(self.packed(first..self.ends.len()));
        }
        self.clear();
        pages
    }

    fn clear(&mut self) {
        self.entries.clear();
        self.ends.clear();
    }

    /// The entries of these positions as a page.
    fn packed(&self, positions: Range<usize>) -> Page {
        let (first, last) = (self.start(positions.start), self.start(positions.end));
        let word = |number: usize| {
            u32::try_from(number)
                .expect("entries of a page are far below 4 GiB")
                .to_le_bytes()
        };
        let mut packed = Vec::with_capacity(
            positions
                .len()
                .saturating_mul(2 * WORD_BYTES)
                .saturating_add(WORD_BYTES)
                .saturating_add(last),
        );
        packed.extend_from_slice(&word(positions.len()));
        for ends in &self.ends[positions] {
            packed.extend_from_slice(&word(ends.key.saturating_sub(first)));
            packed.extend_from_slice(&word(ends.value.saturating_sub(first)));
        }
        packed.extend_from_slice(&self.entries[first..last]);
        Page {
            packed: packed.into(),
        }
    }
}
