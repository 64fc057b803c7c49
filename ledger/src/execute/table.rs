//! One kind of record under a block that is being executed: read once from the state, written once at its end.
//!
//! Invariant: what was read first stays known, so that changes can be checked and only they are written.
//! A record that was just read is nearly always the next one written, so the last few rows are looked at before the index.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::state::{Record, State, encode_record};

/// How many rows are remembered as recent: both accounts of a transfer.
const RECENT: usize = 2;

/// One change of the state: a key, and its new value or that it is gone.
pub(super) type Write = (Vec<u8>, Option<Vec<u8>>);

/// Records of one kind that the block has touched.
pub(super) struct Table<R: Record> {
    index: BTreeMap<R::Key, usize>,
    rows: Vec<Row<R>>,
    recent: [usize; RECENT],
}

struct Row<R: Record> {
    key: R::Key,
    before: Option<R>,
    now: Option<R>,
}

impl<R: Record> Table<R> {
    pub(super) const fn new() -> Self {
        Self {
            index: BTreeMap::new(),
            rows: Vec::new(),
            recent: [usize::MAX; RECENT],
        }
    }

    /// The record as it is now.
    pub(super) fn get(&mut self, state: &State, key: &R::Key) -> Option<&R> {
        self.row(state, key).now.as_ref()
    }

    /// Gives a record a new value.
    pub(super) fn put(&mut self, state: &State, key: &R::Key, record: R) {
        self.row(state, key).now = Some(record);
    }

    /// Removes a record.
    pub(super) fn delete(&mut self, state: &State, key: &R::Key) {
        self.row(state, key).now = None;
    }

    /// Records that are there now, with what they were before.
    pub(super) fn changes(&self) -> impl Iterator<Item = (Option<&R>, &R)> {
        self.rows
            .iter()
            .filter_map(|row| row.now.as_ref().map(|now| (row.before.as_ref(), now)))
    }

    /// Appends what changed, in order of key.
    pub(super) fn write_to(&self, writes: &mut Vec<Write>) {
        for at in self.index.values() {
            let row = &self.rows[*at];
            if row.now != row.before {
                writes.push((R::state_key(&row.key), row.now.as_ref().map(encode_record)));
            }
        }
    }

    fn row(&mut self, state: &State, key: &R::Key) -> &mut Row<R> {
        let known = self
            .recent
            .into_iter()
            .find(|at| self.rows.get(*at).is_some_and(|row| row.key == *key));
        let at = known.unwrap_or_else(|| self.find(state, key));
        &mut self.rows[at]
    }

    fn find(&mut self, state: &State, key: &R::Key) -> usize {
        let at = match self.index.entry(key.clone()) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                let before = state.get(key);
                self.rows.push(Row {
                    key: key.clone(),
                    now: before.clone(),
                    before,
                });
                *entry.insert(self.rows.len().saturating_sub(1))
            }
        };
        self.recent.rotate_right(1);
        self.recent[0] = at;
        at
    }
}
