//! Where the state survives a restart: one atomic, durable write a block, and checkpoints now and then.
//!
//! Invariant: after [`Store::commit`] returned, that block is there whole after any crash; before, it is there whole or not at
//! all. A store may therefore be *ahead* of what its process acknowledged: whoever opens it reads [`Store::marker`] and
//! assumes nothing. Heights are committed one after the other, from genesis or from a checkpoint on.
//! What a store holds is a copy. Truth is in the block and batch logs; whatever a store refuses as damaged is set aside and
//! rebuilt from them.
//! Shapes and units: see `docs/spec/storage.md`. Page keys are bytes in order, as in the state; pages are small or up to
//! [`PAGE_BYTES_MAX`].
//! Who calls it: the host, never the pure replica. `commit` comes from one thread, in order of height; reads and
//! `checkpoint` may come from others, which is why every method takes `&self`.
//! Errors: [`StoreError`]. After a failed write or flush the state of the disk is unknown and the process ends.
//! Source: `docs/spec/storage.md`.

mod block_store;
mod medium;
pub mod memory;
mod record;
#[cfg(feature = "sled")]
pub mod sled;
#[cfg(test)]
mod suite;

use borsh::{BorshDeserialize, BorshSerialize};
use falaj_consensus::types::{BlockId, Hash32, Height, OutcomeHash};

use crate::state_map::StateMap;
use crate::write_set::WriteSet;

pub use block_store::BlockStore;
pub use medium::{Batch, Entry, Medium};
#[cfg(feature = "sled")]
pub use sled::{open as open_on_disk, open_as_it_is as open_on_disk_as_it_is, set_aside};

/// The longest value of an index page: sled keeps longer ones in a file each.
pub const PAGE_BYTES_MAX: usize = 64 * 1024;

/// The last block a store holds, and what executing it gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Marker {
    /// Height of the block; 0 for genesis.
    pub height: Height,
    /// Id of the block.
    pub block_id: BlockId,
    /// The certified outcome.
    pub outcome: OutcomeHash,
    /// Root of the state after the block, which is part of the outcome.
    pub state_root: Hash32,
}

/// The longest key of an index page.
pub const PAGE_KEY_BYTES_MAX: usize = 256;

/// A value of the index: what serves queries, such as where a transfer is or a block's receipts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Where it is found.
    pub key: Vec<u8>,
    /// What it says.
    pub value: Vec<u8>,
}

/// All that one block changes, written at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockWrite {
    /// The block.
    pub marker: Marker,
    /// What it changes in the state.
    pub write_set: WriteSet,
    /// What it adds to the index; a later page replaces an earlier one of the same key.
    pub pages: Vec<Page>,
}

/// The state as a store holds it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The block after which this is the state.
    pub marker: Marker,
    /// The state; its root is the marker's.
    pub state: StateMap,
    /// Height of the checkpoint that it was loaded from, if not from genesis.
    pub checkpoint: Option<Height>,
}

/// A durable copy of the state and its indexes.
pub trait Store: Send + Sync {
    /// The last block that is there whole; `None` in an empty store.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if the marker cannot be read, [`StoreError::Io`].
    fn marker(&self) -> Result<Option<Marker>, StoreError>;

    /// The state after the last block: the newest whole checkpoint, then the blocks after it; `None` in an empty store.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if a piece is missing or wrong, or the root is not the marker's; [`StoreError::Io`].
    fn load(&self) -> Result<Option<Loaded>, StoreError>;

    /// Writes a block, all or nothing; durable on return, by one flush.
    ///
    /// # Errors
    /// [`StoreError::OutOfOrder`] and [`StoreError::PageTooLong`] before anything is written; [`StoreError::Io`].
    fn commit(&self, write: &BlockWrite) -> Result<(), StoreError>;

    /// Begins an empty store with the whole state after a block, for a state that came as a snapshot; all or nothing, durable on return.
    ///
    /// # Errors
    /// [`StoreError::OtherState`] if the state's root is not the marker's, or the store is not empty; [`StoreError::PageTooLong`];
    /// [`StoreError::Io`].
    fn begin(&self, at: &Marker, state: &StateMap, pages: &[Page]) -> Result<(), StoreError>;

    /// Writes the whole state as it is after a block, so that loading need not begin earlier; durable on return.
    ///
    /// # Errors
    /// [`StoreError::OtherState`] if the state's root is not the marker's, or the store holds no such block;
    /// [`StoreError::Io`].
    fn checkpoint(&self, at: &Marker, state: &StateMap) -> Result<(), StoreError>;

    /// Drops the blocks' write sets below a height, and older checkpoints, as far as loading does not need them.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    fn prune_below(&self, height: Height) -> Result<(), StoreError>;

    /// The page under a key.
    ///
    /// # Errors
    /// [`StoreError::Damaged`], [`StoreError::Io`].
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// At most `limit` pages from a key on, that key included, in order.
    ///
    /// # Errors
    /// [`StoreError::Damaged`], [`StoreError::Io`].
    fn range(&self, start: &[u8], limit: usize) -> Result<Vec<Page>, StoreError>;
}

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The block does not follow the one before.
    #[error("block {found} does not follow block {last:?} of the store")]
    OutOfOrder {
        /// Height of the last block, if there is one.
        last: Option<Height>,
        /// Height of the block that was to be written.
        found: Height,
    },
    /// An index page is longer than a store takes.
    #[error(
        "index page has a key of {key_bytes} bytes, at most {PAGE_KEY_BYTES_MAX}, and {bytes}, at most {PAGE_BYTES_MAX}"
    )]
    PageTooLong {
        /// Length of its key.
        key_bytes: usize,
        /// Length of its value.
        bytes: usize,
    },
    /// A checkpoint was asked for that does not fit the blocks of the store.
    #[error("state with root {state_root} is not the one after block {height} of the store")]
    OtherState {
        /// Height it was said to belong to.
        height: Height,
        /// Its root.
        state_root: Hash32,
    },
    /// What the store holds is not what was written; set it aside and rebuild it.
    #[error("store is damaged at {place}: {what}")]
    Damaged {
        /// The record.
        place: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The folder holds the store of another chain.
    #[error("store belongs to the chain of genesis {found}, not {expected}")]
    OtherChain {
        /// Hash of the genesis of the store.
        found: Hash32,
        /// Hash of the genesis that was given.
        expected: Hash32,
    },
    /// The store has a version that this program does not read.
    #[error("store has version {found}, this program reads {expected}")]
    OtherVersion {
        /// Version of the store.
        found: u16,
        /// Version of this program.
        expected: u16,
    },
    /// A write or flush failed before, so this store writes no more.
    #[error("store failed to write before and writes no more")]
    Failed,
    /// Reading, writing or flushing failed; after a write the state of the disk is unknown.
    #[error("store failed to {action}")]
    Io {
        /// What was being done.
        action: &'static str,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
}
