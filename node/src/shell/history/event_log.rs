//! The event log in the store: the events themselves, and the roots of its larger subtrees, so that a proof reads a few pages.
//!
//! Invariant: pages are written with the block that caused the events and never changed; a page is found by the number of anything in it,
//! because its key is the number of the last thing in it. Roots of fewer than 2^[`LEVEL_MIN`] leaves are not kept: they are computed from the events.
//! Shapes and units: an event page holds leaves with their lengths, a root page 32 bytes a root in the order in which they were finished
//! ([`place_of`]); so an event costs its leaf of about 85 bytes and 8 more.
//! Errors: [`StoreError::Damaged`] for a page that is not what was written.
//! Source: `docs/spec/storage.md`, "History".

use falaj_consensus::types::Hash32;
use falaj_ledger::event::Event;
use falaj_ledger::execute::Executed;
use falaj_ledger::log_tree::{Frontier, completed, place_of};
use falaj_ledger::store::{Page, StoreError};

use super::{CHUNK_BYTES, History, packed, unpack};

/// The smallest subtrees whose roots are stored have 2^4 leaves: 4 bytes an event instead of 64, and at most 15 hashes more a proof.
const LEVEL_MIN: u32 = 4;

const HASH_BYTES: usize = 32;
const ROOTS_MAX: usize = CHUNK_BYTES / HASH_BYTES;

const EVENTS: u8 = b'e';
const ROOTS: u8 = b'n';

/// What a block adds.
pub(super) fn pages(executed: &Executed) -> Vec<Page> {
    let mut pages = event_pages(&executed.events);
    pages.extend(root_pages(executed));
    pages
}

fn event_pages(events: &[Event]) -> Vec<Page> {
    let first = events.first().map_or(0, |event| event.sequence);
    let mut next = first;
    let packs = packed(events.iter().map(Event::to_leaf));
    let pages = packs.into_iter().map(|(value, count)| {
        next = next.saturating_add(count);
        Page {
            key: key(EVENTS, next.saturating_sub(1)),
            value,
        }
    });
    pages.collect()
}

fn root_pages(executed: &Executed) -> Vec<Page> {
    let mut log = executed.log_before.clone();
    let mut next = completed(log.size() >> LEVEL_MIN);
    let mut roots = Vec::new();
    for event in &executed.events {
        log.append_telling(event.leaf_hash(), |level, root| {
            if level >= LEVEL_MIN {
                roots.push(root);
            }
        });
    }
    let pages = roots.chunks(ROOTS_MAX).map(|roots| {
        next = next.saturating_add(u64::try_from(roots.len()).unwrap_or(u64::MAX));
        Page {
            key: key(ROOTS, next.saturating_sub(1)),
            value: roots.iter().flat_map(|root| *root.bytes()).collect(),
        }
    });
    pages.collect()
}

/// What a store needs of the events before a snapshot, so that it proves those after it: the roots of the larger of the subtrees that the
/// log was made of.
#[must_use]
pub fn peak_pages(log: &Frontier) -> Vec<Page> {
    let large = log.peaks().filter_map(|(start, level, root)| {
        let above = level.checked_sub(LEVEL_MIN)?;
        Some(Page {
            key: key(ROOTS, place_of(start >> LEVEL_MIN, above)),
            value: root.bytes().to_vec(),
        })
    });
    large.collect()
}

fn key(kind: u8, last: u64) -> Vec<u8> {
    let mut key = vec![kind];
    key.extend_from_slice(&last.to_be_bytes());
    key
}

impl History<'_> {
    /// At most so many events from a number on, in order; none from the end of the log on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn events_from(&self, first: u64, limit: usize) -> Result<Vec<Event>, StoreError> {
        let (mut found, mut next) = (Vec::new(), first);
        while found.len() < limit {
            let page = self.event_page(next)?;
            let before = found.len();
            let wanted = page.into_iter().filter(|event| event.sequence >= next);
            found.extend(wanted.take(limit.saturating_sub(before)));
            if found.len() == before {
                break;
            }
            next = number_after(first, found.len());
        }
        Ok(found)
    }

    /// The page that holds the event of a number; empty below the floor, and from the end of the log on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn event_page(&self, sequence: u64) -> Result<Vec<Event>, StoreError> {
        if sequence < self.floor.events {
            return Ok(Vec::new());
        }
        let Some((last, value)) = self.page_of(EVENTS, sequence)? else {
            return Ok(Vec::new());
        };
        let leaves = unpack(&value).ok_or_else(|| damaged(EVENTS, last))?;
        let events: Option<Vec<_>> = leaves.iter().map(|leaf| Event::from_leaf(leaf)).collect();
        let events = events.ok_or_else(|| damaged(EVENTS, last))?;
        let first = events.first().map_or(last, |event| event.sequence);
        let in_order = events
            .iter()
            .zip(first..)
            .all(|(event, number)| event.sequence == number);
        let ends = events.last().is_some_and(|event| event.sequence == last);
        if in_order && ends && first <= sequence {
            Ok(events)
        } else {
            Err(damaged(EVENTS, last))
        }
    }

    /// The root over the 2^`level` events from `start`, if roots of that size are stored and this one is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn event_root(&self, start: u64, level: u32) -> Result<Option<Hash32>, StoreError> {
        let Some(above) = level.checked_sub(LEVEL_MIN) else {
            return Ok(None);
        };
        self.root_at(place_of(start >> LEVEL_MIN, above))
    }

    /// Whether the end of the log of that many events is here: not so if the last block with events was written by a program that kept none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn holds_events(&self, size: u64) -> Result<bool, StoreError> {
        let Some(last) = size.checked_sub(1) else {
            return Ok(true);
        };
        if size <= self.floor.events {
            return Ok(true);
        }
        let roots = completed(size >> LEVEL_MIN);
        let has_root = match roots.checked_sub(1) {
            Some(last) => self.root_at(last)?.is_some(),
            None => true,
        };
        Ok(has_root && !self.event_page(last)?.is_empty())
    }

    fn root_at(&self, place: u64) -> Result<Option<Hash32>, StoreError> {
        let Some((last, value)) = self.page_of(ROOTS, place)? else {
            return Ok(None);
        };
        let (roots, rest) = value.as_chunks::<HASH_BYTES>();
        let from_end = last
            .checked_sub(place)
            .and_then(|back| usize::try_from(back).ok());
        let root = from_end.and_then(|back| roots.iter().rev().nth(back));
        match root {
            Some(root) if rest.is_empty() => Ok(Some(Hash32::new(*root))),
            // Of the roots before the floor only those are here that the log needs to go on.
            None if rest.is_empty() && place < completed(self.floor.events >> LEVEL_MIN) => {
                Ok(None)
            }
            Some(_) | None => Err(damaged(ROOTS, last)),
        }
    }

    /// The first page of a kind whose last number is not below a number.
    fn page_of(&self, kind: u8, number: u64) -> Result<Option<(u64, Vec<u8>)>, StoreError> {
        let page = self.store.range(&key(kind, number), 1)?.into_iter().next();
        Ok(page.and_then(|page| {
            let last = page.key.strip_prefix(&[kind])?;
            let last = u64::from_be_bytes(last.try_into().ok()?);
            Some((last, page.value))
        }))
    }
}

fn number_after(first: u64, count: usize) -> u64 {
    first.saturating_add(u64::try_from(count).unwrap_or(u64::MAX))
}

fn damaged(kind: u8, last: u64) -> StoreError {
    let what = if kind == EVENTS {
        "events"
    } else {
        "roots of the event log"
    };
    StoreError::Damaged {
        place: format!("{what} up to number {last}"),
        what: "the page is not what was written",
    }
}
