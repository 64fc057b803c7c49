//! A run of neighbouring entries packed into one piece of memory, so that copying a page is one copy of bytes.
//!
//! Invariant: keys ascend strictly; a page that is in a map is not empty.
//! Shapes and units: an entry is its key and then its value, back to back; `ends` holds for each entry where its key and its
//! value end, in bytes from the start of the page. A page is split once it is longer than [`PAGE_BYTES`], so it is longer
//! only while it holds a single entry.
//! Panics: a page never reaches 4 GiB, as keys and values are bounded in [`crate::write_set`].

use crate::write_set::{KEY_BYTES_MAX, VALUE_BYTES_MAX};

/// The length from which a page is split; measured, see `docs/spec/state-root.md`.
pub(super) const PAGE_BYTES: usize = 4096;

const _: () = assert!(PAGE_BYTES + KEY_BYTES_MAX + VALUE_BYTES_MAX < u32::MAX as usize);

/// Entries in order, packed.
#[derive(Clone, Debug, Default)]
pub(super) struct Page {
    bytes: Vec<u8>,
    ends: Vec<Ends>,
}

#[derive(Clone, Copy, Debug)]
struct Ends {
    key: u32,
    value: u32,
}

impl Page {
    pub(super) fn with_room_for(entries: usize, bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
            ends: Vec::with_capacity(entries),
        }
    }

    /// Appends an entry whose key comes after all others.
    pub(super) fn push(&mut self, key: &[u8], value: &[u8]) {
        debug_assert!(
            self.last_key().is_none_or(|last| last < key),
            "keys of a page ascend"
        );
        self.bytes.extend_from_slice(key);
        let key_end = self.position();
        self.bytes.extend_from_slice(value);
        self.ends.push(Ends {
            key: key_end,
            value: self.position(),
        });
    }

    fn position(&self) -> u32 {
        u32::try_from(self.bytes.len()).expect("a page is far below 4 GiB")
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub(super) fn bytes_len(&self) -> usize {
        self.bytes.len()
    }

    /// The entry at a position.
    pub(super) fn entry(&self, at: usize) -> Option<(&[u8], &[u8])> {
        let ends = self.ends.get(at)?;
        let (start, middle, end) = (
            self.start(at) as usize,
            ends.key as usize,
            ends.value as usize,
        );
        Some((&self.bytes[start..middle], &self.bytes[middle..end]))
    }

    /// Where the entry at a position begins; behind the last one, where the page ends.
    fn start(&self, at: usize) -> u32 {
        at.checked_sub(1)
            .map_or(0, |before| self.ends[before].value)
    }

    pub(super) fn first_key(&self) -> Option<&[u8]> {
        self.entry(0).map(|(key, _)| key)
    }

    pub(super) fn last_key(&self) -> Option<&[u8]> {
        self.entry(self.len().checked_sub(1)?).map(|(key, _)| key)
    }

    fn entries(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        (0..self.len()).filter_map(|at| self.entry(at))
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

    /// The page with changes merged in; it may be empty or longer than [`PAGE_BYTES`].
    pub(super) fn changed(&self, changes: &[Change<'_>]) -> Self {
        let added: usize = changes
            .iter()
            .map(|(key, value)| key.len().saturating_add(value.map_or(0, <[u8]>::len)))
            .sum();
        let mut page = Self::with_room_for(
            self.len().saturating_add(changes.len()),
            self.bytes_len().saturating_add(added),
        );
        let mut at = 0;
        for (key, value) in changes {
            let until = at.max(self.lower_bound(key));
            page.copy(self, at, until);
            at = until;
            if self.entry(at).is_some_and(|(found, _)| found == *key) {
                at = at.saturating_add(1);
            }
            if let Some(value) = value {
                page.push(key, value);
            }
        }
        page.copy(self, at, self.len());
        page
    }

    /// Appends another page's entries of these positions, in one copy.
    fn copy(&mut self, from: &Self, start: usize, end: usize) {
        let (first, last) = (from.start(start), from.start(end));
        let here = self.position();
        self.bytes
            .extend_from_slice(&from.bytes[first as usize..last as usize]);
        let moved = |position: u32| position.checked_sub(first)?.checked_add(here);
        self.ends.extend(from.ends[start..end].iter().map(|ends| {
            let (key, value) = moved(ends.key)
                .zip(moved(ends.value))
                .expect("a page is far below 4 GiB");
            Ends { key, value }
        }));
    }

    /// Appends all of the next page.
    pub(super) fn join(&mut self, next: &Self) {
        self.copy(next, 0, next.len());
    }

    /// Pieces of about equal length, none longer than [`PAGE_BYTES`] unless it is one entry.
    pub(super) fn split(self) -> Vec<Self> {
        if self.bytes_len() <= PAGE_BYTES || self.len() <= 1 {
            return if self.is_empty() {
                Vec::new()
            } else {
                vec![self]
            };
        }
        let pieces = self.bytes_len().div_ceil(PAGE_BYTES);
        let target = self.bytes_len().div_ceil(pieces);
        let mut pages = Vec::with_capacity(pieces);
        let mut page = Self::with_room_for(0, target);
        for (key, value) in self.entries() {
            let longer = page
                .bytes_len()
                .saturating_add(key.len())
                .saturating_add(value.len());
            if !page.is_empty() && longer > target {
                pages.push(std::mem::take(&mut page));
            }
            page.push(key, value);
        }
        pages.push(page);
        pages
    }
}

/// A key and its new value, or that it is gone.
pub(super) type Change<'a> = (&'a [u8], Option<&'a [u8]>);
