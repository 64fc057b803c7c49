//! One kind of record under a block that is being executed: read once from the state, written once at its end.
//!
//! Invariant: what was read first stays known, so that changes can be checked and only they are written.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::state::{Record, State, encode_record};
use crate::write_set::WriteSet;

/// Records of one kind that the block has touched.
pub(super) struct Table<R: Record> {
    rows: BTreeMap<R::Key, Row<R>>,
}

struct Row<R> {
    before: Option<R>,
    now: Option<R>,
}

impl<R: Record> Table<R> {
    pub(super) const fn new() -> Self {
        Self {
            rows: BTreeMap::new(),
        }
    }

    fn row(&mut self, state: &State, key: &R::Key) -> &mut Row<R> {
        match self.rows.entry(key.clone()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let before = state.get(key);
                entry.insert(Row {
                    now: before.clone(),
                    before,
                })
            }
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
            .values()
            .filter_map(|row| row.now.as_ref().map(|now| (row.before.as_ref(), now)))
    }

    /// Writes what changed.
    pub(super) fn write_to(&self, writes: &mut WriteSet) {
        for (key, row) in &self.rows {
            match &row.now {
                now if *now == row.before => {}
                Some(now) => writes.put(R::state_key(key), encode_record(now)),
                None => writes.delete(R::state_key(key)),
            }
        }
    }
}
