//! Checkpoints: the whole state, packed, so that loading need not begin at genesis and older write sets can go.
//!
//! Invariant: as in [`super`]; a checkpoint in the making has no manifest and does not count.
//! Shapes and units: entries in order of key, each as key and value with their lengths (borsh), one after the other, cut into
//! chunks without regard to where entries end. The manifest holds the marker, the number of chunks and that of entries.
//! Errors: [`StoreError::Damaged`], [`StoreError::OtherState`], [`StoreError::Io`].

use std::iter::Peekable;

use borsh::{BorshDeserialize, BorshSerialize};
use falaj_consensus::types::Height;

use super::load::delta_marker;
use super::{BlockStore, locked, marker_record, page_record};
use crate::state_map::{Builder, StateMap};
use crate::store::medium::{Batch, Medium};
use crate::store::record::{self, CHUNK_BYTES, Kind};
use crate::store::{Marker, Page, StoreError};
use crate::write_set::{Changes, KEY_BYTES_MAX, VALUE_BYTES_MAX, WriteSet};

/// Chunks that are written, and records that are removed, in one batch: sled keeps all of a batch in memory.
const BATCH_RECORDS: usize = 32;

/// What says that a checkpoint is whole.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Manifest {
    pub(super) marker: Marker,
    chunks: u32,
    entries: u64,
}

/// The newest whole checkpoint.
pub(super) fn newest(medium: &impl Medium) -> Result<Option<Manifest>, StoreError> {
    // Pruning leaves one, so there are never more than were made since.
    let entries = medium.range(&Kind::Manifest.key(), &Kind::Manifest.end(), usize::MAX)?;
    let Some((key, value)) = entries.into_iter().next_back() else {
        return Ok(None);
    };
    let content = record::opened(&key, value)?;
    record::decoded(&key, &content).map(Some)
}

/// The state of a checkpoint with later changes made, built in one pass so that every entry is hashed once.
pub(super) fn read(
    medium: &impl Medium,
    manifest: &Manifest,
    changes: &WriteSet,
) -> Result<StateMap, StoreError> {
    let height = manifest.marker.height;
    let mut merged = Merged::with(changes);
    let mut unread = Vec::new();
    for index in 0..manifest.chunks {
        let key = Kind::Checkpoint.chunk(height, index);
        let chunk = record::content(medium, &key)?;
        unread.extend(chunk.ok_or_else(|| record::damaged(&key, "this chunk is missing"))?);
        let read =
            take_entries(&unread, &mut merged).map_err(|what| record::damaged(&key, what))?;
        unread.drain(..read);
    }
    let whole = unread.is_empty() && merged.entries == manifest.entries;
    let state = if whole { merged.finish() } else { None };
    state.ok_or_else(|| {
        let key = Kind::Manifest.at(height);
        record::damaged(
            &key,
            "its checkpoint does not hold the entries that it names",
        )
    })
}

/// Entries of a checkpoint on their way into a map, with the changes between and over them.
struct Merged<'a> {
    builder: Builder,
    changes: Peekable<Changes<'a>>,
    entries: u64,
}

impl<'a> Merged<'a> {
    fn with(changes: &'a WriteSet) -> Self {
        Self {
            builder: Builder::new(),
            changes: changes.iter().peekable(),
            entries: 0,
        }
    }

    /// Takes the next entry; `false` if it is not in order.
    #[must_use]
    fn push(&mut self, key: &[u8], value: &[u8]) -> bool {
        self.entries = self.entries.saturating_add(1);
        let in_order = self.push_changes(|change| change < key);
        let changed = self
            .changes
            .next_if(|(change, _)| *change == key)
            .map(|(_, value)| value);
        let value = changed.unwrap_or(Some(value));
        in_order && value.is_none_or(|value| self.builder.push(key, value))
    }

    /// Takes the changes as long as their keys fit; `false` if they are not in order.
    fn push_changes(&mut self, fits: impl Fn(&[u8]) -> bool) -> bool {
        while let Some((key, value)) = self.changes.next_if(|(key, _)| fits(key)) {
            if value.is_some_and(|value| !self.builder.push(key, value)) {
                return false;
            }
        }
        true
    }

    fn finish(mut self) -> Option<StateMap> {
        self.push_changes(|_| true).then(|| self.builder.finish())
    }
}

/// Takes all whole entries; returns how many bytes they took.
fn take_entries(bytes: &[u8], merged: &mut Merged<'_>) -> Result<usize, &'static str> {
    let mut rest = bytes;
    loop {
        let mut after = rest;
        let Some(key) = take_bytes(&mut after, KEY_BYTES_MAX)? else {
            break;
        };
        let Some(value) = take_bytes(&mut after, VALUE_BYTES_MAX)? else {
            break;
        };
        if !merged.push(key, value) {
            return Err("keys of a checkpoint are not in strictly ascending order");
        }
        rest = after;
    }
    Ok(bytes.len().saturating_sub(rest.len()))
}

/// A length and as many bytes; `None` if they are not all there yet.
fn take_bytes<'a>(bytes: &mut &'a [u8], max: usize) -> Result<Option<&'a [u8]>, &'static str> {
    let Some((length, rest)) = bytes.split_first_chunk::<4>() else {
        return Ok(None);
    };
    let length = u32::from_le_bytes(*length) as usize;
    if length > max {
        return Err("a key or value of a checkpoint is longer than any may be");
    }
    let Some((taken, rest)) = rest.split_at_checked(length) else {
        return Ok(None);
    };
    *bytes = rest;
    Ok(Some(taken))
}

impl<M: Medium> BlockStore<M> {
    /// Writes the chunks, makes them durable, then writes the manifest.
    pub(super) fn write_checkpoint(&self, at: &Marker, state: &StateMap) -> Result<(), StoreError> {
        let _checkpoints = locked(&self.checkpoints);
        self.check_fits(at, state)?;
        self.write_state(at, state, Vec::new())
    }

    /// The same in a store without a block, which then has this one and these pages.
    pub(super) fn write_first_checkpoint(
        &self,
        at: &Marker,
        state: &StateMap,
        pages: &[Page],
    ) -> Result<(), StoreError> {
        let _checkpoints = locked(&self.checkpoints);
        if state.root() != at.state_root || self.read_marker()?.is_some() {
            return Err(other_state(at, state));
        }
        let mut with = vec![marker_record(at)];
        with.extend(pages.iter().map(page_record));
        self.write_state(at, state, with)
    }

    /// Writes a state; the manifest that makes it count comes in one batch with the other records.
    fn write_state(&self, at: &Marker, state: &StateMap, with: Batch) -> Result<(), StoreError> {
        let mut writer = Writer::new(self, at.height);
        for (key, value) in state {
            writer.push(key, value)?;
        }
        let chunks = writer.finish()?;
        self.flush()?;
        let manifest = Manifest {
            marker: *at,
            chunks,
            entries: state.len(),
        };
        let key = Kind::Manifest.at(at.height);
        let value = record::encoded(&key, &manifest);
        let mut batch = vec![(key, Some(value))];
        batch.extend(with);
        self.write(batch)?;
        self.flush()
    }

    /// An error if the store holds another block at that height, or none.
    fn check_fits(&self, at: &Marker, state: &StateMap) -> Result<(), StoreError> {
        let fits = state.root() == at.state_root
            && match self.read_marker()? {
                None => false,
                Some(last) if last.height == at.height => last == *at,
                Some(_) => self.known(at.height)? == Some(*at),
            };
        if fits {
            Ok(())
        } else {
            Err(other_state(at, state))
        }
    }

    /// The marker of an earlier block, from its write set or its checkpoint.
    fn known(&self, height: Height) -> Result<Option<Marker>, StoreError> {
        if let Some(marker) = delta_marker(&self.medium, height)? {
            return Ok(Some(marker));
        }
        let manifest = record::read::<Manifest>(&self.medium, &Kind::Manifest.at(height))?;
        Ok(manifest.map(|manifest| manifest.marker))
    }

    /// Removes what loading does not need: first manifests, then what they named, then write sets.
    pub(super) fn prune(&self, height: Height) -> Result<(), StoreError> {
        let _checkpoints = locked(&self.checkpoints);
        let Some(newest) = newest(&self.medium)?.map(|manifest| manifest.marker.height) else {
            return Ok(());
        };
        self.remove(&Kind::Manifest.key(), &Kind::Manifest.at(newest))?;
        self.flush()?;
        self.remove(&Kind::Checkpoint.key(), &Kind::Checkpoint.at(newest))?;
        self.remove(&Kind::Checkpoint.at(newest.next()), &Kind::Checkpoint.end())?;
        self.remove(
            &Kind::Delta.key(),
            &Kind::Delta.at(height.min(newest.next())),
        )?;
        self.flush()
    }

    /// Removes a range of records, a bounded batch at a time.
    fn remove(&self, start: &[u8], end: &[u8]) -> Result<(), StoreError> {
        loop {
            let entries = self.medium.range(start, end, BATCH_RECORDS)?;
            if entries.is_empty() {
                return Ok(());
            }
            self.write(entries.into_iter().map(|(key, _)| (key, None)).collect())?;
        }
    }
}

fn other_state(at: &Marker, state: &StateMap) -> StoreError {
    StoreError::OtherState {
        height: at.height,
        state_root: state.root(),
    }
}

/// Gathers entries into chunks and chunks into batches.
struct Writer<'a, M> {
    store: &'a BlockStore<M>,
    height: Height,
    unwritten: Vec<u8>,
    batch: Batch,
    chunks: u32,
}

impl<'a, M: Medium> Writer<'a, M> {
    const fn new(store: &'a BlockStore<M>, height: Height) -> Self {
        Self {
            store,
            height,
            unwritten: Vec::new(),
            batch: Vec::new(),
            chunks: 0,
        }
    }

    fn push(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        for bytes in [key, value] {
            let length =
                u32::try_from(bytes.len()).expect("keys and values of a state are far below 4 GiB");
            self.unwritten.extend_from_slice(&length.to_le_bytes());
            self.unwritten.extend_from_slice(bytes);
        }
        while self.unwritten.len() >= CHUNK_BYTES {
            self.push_chunk(CHUNK_BYTES)?;
        }
        Ok(())
    }

    fn push_chunk(&mut self, length: usize) -> Result<(), StoreError> {
        let key = Kind::Checkpoint.chunk(self.height, self.chunks);
        let content: Vec<u8> = self.unwritten.drain(..length).collect();
        let value = record::sealed(&key, &content);
        self.batch.push((key, Some(value)));
        self.chunks = self
            .chunks
            .checked_add(1)
            .expect("a state in memory is far below 2^32 chunks");
        if self.batch.len() >= BATCH_RECORDS {
            self.write_batch()
        } else {
            Ok(())
        }
    }

    fn write_batch(&mut self) -> Result<(), StoreError> {
        self.store.write(std::mem::take(&mut self.batch))
    }

    /// Writes what is left; returns the number of chunks.
    fn finish(mut self) -> Result<u32, StoreError> {
        if !self.unwritten.is_empty() {
            self.push_chunk(self.unwritten.len())?;
        }
        if !self.batch.is_empty() {
            self.write_batch()?;
        }
        Ok(self.chunks)
    }
}
