//! The store over any medium: what is written when, and in what order.
//!
//! Invariant: one batch and one flush a block; the marker is in that batch, so what it names is there. A manifest is written
//! after its checkpoint is durable and removed before anything it names, so a manifest that is there names a whole
//! checkpoint.
//! Shapes and units: `docs/spec/storage.md`; keys and seals in [`super::record`].
//! Locks: `blocks` orders commits, `checkpoints` keeps pruning away from a checkpoint in the making. A commit never waits for a
//! checkpoint; where both are held, `checkpoints` is taken first.
//! Errors: [`StoreError`]; after a failed write nothing more is written.

mod checkpoint;
mod load;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use borsh::{BorshDeserialize, BorshSerialize};
use falaj_consensus::hash::encode;
use falaj_consensus::types::{Hash32, Height};

use super::medium::{Batch, Medium};
use super::record::{self, Kind};
use super::{
    BlockWrite, Loaded, Marker, PAGE_BYTES_MAX, PAGE_KEY_BYTES_MAX, Page, Store, StoreError,
};
use crate::state_map::StateMap;
use crate::write_set::WriteSet;

/// The version of everything that a store writes.
const VERSION: u16 = 1;

/// Whose store this is.
#[derive(BorshSerialize, BorshDeserialize)]
struct Identity {
    version: u16,
    genesis_hash: Hash32,
}

/// A block's write set as it is cut into chunks.
#[derive(BorshSerialize, BorshDeserialize)]
struct Delta {
    marker: Marker,
    write_set: WriteSet,
}

/// A store over a medium.
#[derive(Debug)]
pub struct BlockStore<M> {
    medium: M,
    blocks: Mutex<()>,
    checkpoints: Mutex<()>,
    failed: AtomicBool,
}

impl<M: Medium> BlockStore<M> {
    /// Opens the store of a chain, named by the hash of its genesis; an empty medium becomes one.
    ///
    /// # Errors
    /// [`StoreError::OtherChain`], [`StoreError::OtherVersion`], [`StoreError::Damaged`], [`StoreError::Io`].
    pub fn open(medium: M, genesis_hash: Hash32) -> Result<Self, StoreError> {
        let failed = AtomicBool::new(false);
        let store = Self {
            medium,
            blocks: Mutex::new(()),
            checkpoints: Mutex::new(()),
            failed,
        };
        store.check_identity(genesis_hash)?;
        Ok(store)
    }

    /// Whether this is the chain's store; an empty medium becomes it.
    pub(super) fn check_identity(&self, genesis_hash: Hash32) -> Result<(), StoreError> {
        match record::read::<Identity>(&self.medium, &Kind::Identity.key())? {
            Some(found) => found.check(genesis_hash),
            None => self.found(genesis_hash),
        }
    }

    /// The medium, for whoever measures or closes it.
    pub const fn medium(&self) -> &M {
        &self.medium
    }

    /// Writes the identity into an empty medium; anything else without one is damaged.
    fn found(&self, genesis_hash: Hash32) -> Result<(), StoreError> {
        if let Some((key, _)) = self.medium.range(&[], &Kind::Page.end(), 1)?.first() {
            return Err(record::damaged(
                key,
                "it stands in a store without an identity",
            ));
        }
        let key = Kind::Identity.key();
        let value = record::encoded(
            &key,
            &Identity {
                version: VERSION,
                genesis_hash,
            },
        );
        self.write(vec![(key, Some(value))])?;
        self.flush()
    }

    fn read_marker(&self) -> Result<Option<Marker>, StoreError> {
        load::marker(&self.medium)
    }

    /// Writes unless a write failed before; remembers if this one does.
    fn write(&self, batch: Batch) -> Result<(), StoreError> {
        self.unless_failed(|medium| medium.write(batch))
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.unless_failed(Medium::flush)
    }

    fn unless_failed(
        &self,
        action: impl FnOnce(&M) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        if self.failed.load(Ordering::Acquire) {
            return Err(StoreError::Failed);
        }
        action(&self.medium).inspect_err(|_| self.failed.store(true, Ordering::Release))
    }
}

impl Identity {
    fn check(&self, genesis_hash: Hash32) -> Result<(), StoreError> {
        if self.version != VERSION {
            return Err(StoreError::OtherVersion {
                found: self.version,
                expected: VERSION,
            });
        }
        if self.genesis_hash != genesis_hash {
            return Err(StoreError::OtherChain {
                found: self.genesis_hash,
                expected: genesis_hash,
            });
        }
        Ok(())
    }
}

/// A lock holds no data of its own, so one left by a panic is as good as any; the medium's batches are atomic.
fn locked(lock: &Mutex<()>) -> MutexGuard<'_, ()> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<M: Medium> Store for BlockStore<M> {
    fn marker(&self) -> Result<Option<Marker>, StoreError> {
        self.read_marker()
    }

    fn load(&self) -> Result<Option<Loaded>, StoreError> {
        load::load(&self.medium)
    }

    fn commit(&self, write: &BlockWrite) -> Result<(), StoreError> {
        let _blocks = locked(&self.blocks);
        check_order(self.read_marker()?, write.marker.height)?;
        write.pages.iter().try_for_each(check_page)?;
        self.write(batch_of(write))?;
        self.flush()
    }

    fn begin(&self, at: &Marker, state: &StateMap, pages: &[Page]) -> Result<(), StoreError> {
        let _blocks = locked(&self.blocks);
        pages.iter().try_for_each(check_page)?;
        self.write_first_checkpoint(at, state, pages)
    }

    fn checkpoint(&self, at: &Marker, state: &StateMap) -> Result<(), StoreError> {
        self.write_checkpoint(at, state)
    }

    fn prune_below(&self, height: Height) -> Result<(), StoreError> {
        self.prune(height)
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        record::content(&self.medium, &Kind::Page.with(key))
    }

    fn range(&self, start: &[u8], limit: usize) -> Result<Vec<Page>, StoreError> {
        let entries = self
            .medium
            .range(&Kind::Page.with(start), &Kind::Page.end(), limit)?;
        entries
            .into_iter()
            .map(|(key, value)| page_of(key, value))
            .collect()
    }
}

/// Block follows block; an empty store begins with genesis.
fn check_order(last: Option<Marker>, found: Height) -> Result<(), StoreError> {
    let last = last.map(|marker| marker.height);
    let expected = last.map_or(Height::new(0), Height::next);
    if found == expected {
        Ok(())
    } else {
        Err(StoreError::OutOfOrder { last, found })
    }
}

fn check_page(page: &Page) -> Result<(), StoreError> {
    let (key_bytes, bytes) = (page.key.len(), page.value.len());
    if key_bytes > PAGE_KEY_BYTES_MAX || bytes > PAGE_BYTES_MAX {
        return Err(StoreError::PageTooLong { key_bytes, bytes });
    }
    Ok(())
}

/// All that a block writes: its write set, its pages, and the marker.
fn batch_of(write: &BlockWrite) -> Batch {
    let content = delta_content(write);
    let delta = record::chunks(Kind::Delta, write.marker.height, &content);
    let mut batch: Batch = delta.map(|(key, value)| (key, Some(value))).collect();
    batch.extend(write.pages.iter().map(page_record));
    batch.push(marker_record(&write.marker));
    batch
}

/// The borsh encoding of [`Delta`], without copying the write set into one.
fn delta_content(write: &BlockWrite) -> Vec<u8> {
    let mut content = encode(&write.marker);
    content.extend_from_slice(&encode(&write.write_set));
    content
}

fn page_record(page: &Page) -> (Vec<u8>, Option<Vec<u8>>) {
    let key = Kind::Page.with(&page.key);
    let value = record::sealed(&key, &page.value);
    (key, Some(value))
}

fn marker_record(marker: &Marker) -> (Vec<u8>, Option<Vec<u8>>) {
    let key = Kind::Marker.key();
    let value = record::encoded(&key, marker);
    (key, Some(value))
}

fn page_of(key: Vec<u8>, value: Vec<u8>) -> Result<Page, StoreError> {
    let value = record::opened(&key, value)?;
    let key = key.get(1..).unwrap_or_default().to_vec();
    Ok(Page { key, value })
}
