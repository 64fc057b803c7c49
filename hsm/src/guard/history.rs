//! The last statements of a guard, for exact repetition and for a restart.
//!
//! Invariant: at most [`HISTORY_MAX`] statements, in order of place; older ones are forgotten, and then nothing at their place is signed.
//! Source: `docs/spec/guard.md`, "The order".

use std::collections::VecDeque;
use std::sync::Arc;

use falaj_consensus::crypto::Signature;
use falaj_consensus::message::{SignBytes, Statement};
use falaj_consensus::types::Height;

use super::Place;

/// How many statements can be repeated.
pub(crate) const HISTORY_MAX: usize = 64;

/// A statement that was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Entry {
    /// Number of the intent's record.
    pub(crate) seq: u64,
    pub(crate) place: Place,
    pub(crate) statement: Statement,
    pub(crate) sign_bytes: SignBytes,
    pub(crate) signature: Option<Signature>,
}

/// The last statements.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct History {
    entries: VecDeque<Arc<Entry>>,
    /// Whether every statement of the newest height is among them.
    complete: bool,
    /// First record of the newest height.
    height_from: u64,
}

impl History {
    /// After a first record of that number; what was said at its height before is not known.
    pub(crate) const fn new(first: u64) -> Self {
        Self {
            entries: VecDeque::new(),
            complete: false,
            height_from: first,
        }
    }

    /// The statement at a place.
    pub(crate) fn find(&self, place: Place) -> Option<&Arc<Entry>> {
        let at = self
            .entries
            .binary_search_by(|entry| entry.place.cmp(&place))
            .ok()?;
        self.entries.get(at)
    }

    /// Adds a statement above all others.
    pub(crate) fn push(&mut self, entry: Entry, opens_height: bool) {
        if opens_height {
            self.complete = true;
            self.height_from = entry.seq;
        }
        if self.entries.len() >= HISTORY_MAX {
            let oldest = self.entries.pop_front();
            self.complete &= oldest.is_none_or(|oldest| oldest.place.height != entry.place.height);
        }
        self.entries.push_back(Arc::new(entry));
    }

    /// Gives a statement its signature, if it is still here.
    pub(crate) fn sign(&mut self, place: Place, signature: &Signature) {
        let at = self
            .entries
            .binary_search_by(|entry| entry.place.cmp(&place));
        if let Some(entry) = at.ok().and_then(|at| self.entries.get_mut(at)) {
            Arc::make_mut(entry).signature = Some(signature.clone());
        }
    }

    /// Every statement, in order.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.entries.iter()
    }

    /// The statements of a height, in order.
    pub(crate) fn of_height(&self, height: Height) -> impl Iterator<Item = &Arc<Entry>> {
        self.entries()
            .filter(move |entry| entry.place.height == height)
    }

    pub(crate) const fn is_complete(&self) -> bool {
        self.complete
    }

    /// The first record that a restart needs: all of the newest height, and of every statement here.
    pub(crate) fn keep_from(&self) -> u64 {
        self.entries
            .front()
            .map_or(self.height_from, |oldest| oldest.seq.min(self.height_from))
    }
}
