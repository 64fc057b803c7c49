//! Snapshots: the state after a decided block, cut into chunks of which each is proven alone, for who joins without the chain before it.
//!
//! Invariant: nothing of a snapshot is believed. The manifest carries the certificates that lead from a trust to its outcome, and the
//! roots of its chunks fold into the state root of that outcome; so a chunk is right or refused by itself, and what was put together
//! gives the certified outcome again, whole: supply, frontier of the event log, sets and parameters included.
//! Shapes and units: a chunk is a subtree of the state tree: all entries whose key hashes begin with its bits, in order of the key hash,
//! at most [`CHUNK_BYTES`] of them or one entry.
//! Who calls it: `falaj snapshot`, and whoever serves or fetches one.
//! Errors: [`SnapshotError`], each with a stable code; foreign bytes never panic and never allocate more than they are.
//! Source: `docs/spec/snapshots.md`.

mod chunk;
mod cut;
mod manifest;
mod parts;
mod restore;
#[cfg(test)]
mod tests;

pub use chunk::Entry;
pub use cut::Cut;
pub use manifest::{MANIFEST_BYTES_MAX, Manifest, ProvenManifest};
pub use parts::{CHUNKS_MAX, Part};
pub use restore::Restoring;

use falaj_consensus::message::DecodeError;
use falaj_consensus::types::{Hash32, Height};

use crate::bundle::BundleError;
use crate::state::StateError;
use crate::trust::CheckpointError;
use crate::write_set::{KEY_BYTES_MAX, VALUE_BYTES_MAX};

/// Most bytes of the entries of a chunk that has more than one.
pub const CHUNK_BYTES: usize = 256 * 1024;

/// What a chunk begins with: its version and how many entries follow.
const HEAD_BYTES: usize = 6;

/// What an entry has beside its key and value: their lengths.
const LENGTHS_BYTES: usize = 8;

/// The longest chunk: one entry may be longer than [`CHUNK_BYTES`].
pub const CHUNK_BYTES_MAX: usize = HEAD_BYTES + LENGTHS_BYTES + KEY_BYTES_MAX + VALUE_BYTES_MAX;

const _: () = assert!(CHUNK_BYTES + HEAD_BYTES <= CHUNK_BYTES_MAX);

/// Why a snapshot, or a part of one, is not what it is said to be.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The bytes are no manifest.
    #[error(transparent)]
    Manifest(#[from] DecodeError),
    /// The certificates do not lead from what is trusted to the outcome.
    #[error("the manifest's certificates do not hold")]
    Proof(#[source] BundleError),
    /// The certificates contradict the checkpoint, or do not reach it.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The chunks are not a cut of the whole state tree.
    #[error("the manifest's chunks do not cover the state, each key once")]
    Cover,
    /// The roots of the chunks fold into another root than the certified one.
    #[error("the manifest's chunks lead to state root {found}, a quorum certified {expected}")]
    StateRoot {
        /// The root that they lead to.
        found: Hash32,
        /// The certified one.
        expected: Hash32,
    },
    /// There is no such chunk.
    #[error("there is no chunk {index}: the manifest has {chunks}")]
    NoChunk {
        /// The chunk that was asked for.
        index: usize,
        /// How many there are.
        chunks: usize,
    },
    /// The bytes are no chunk.
    #[error("chunk {index} is malformed: {what}")]
    Malformed {
        /// Which.
        index: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The entries are not those of the certified state.
    #[error("the entries of chunk {index} lead to {found}, the certified state has {expected}")]
    Chunk {
        /// Which.
        index: usize,
        /// The root of its entries.
        found: Hash32,
        /// The root in the proven manifest.
        expected: Hash32,
    },
    /// The entries are right, and the manifest counted others.
    #[error(
        "the manifest counts {stated} entries in chunk {index}, the certified state has {found}"
    )]
    Count {
        /// Which.
        index: usize,
        /// What the manifest says.
        stated: u32,
        /// How many there are.
        found: usize,
    },
    /// A chunk is not there.
    #[error("chunk {index} is missing")]
    Missing {
        /// Which.
        index: usize,
    },
    /// The entries are not a state.
    #[error(transparent)]
    State(#[from] StateError),
    /// The state is not the one that the certified block left.
    #[error("the state is not the one after the certified block: {what} differs")]
    OtherState {
        /// What differs.
        what: &'static str,
    },
    /// Another validator set than the one that certified the block governs the next heights: its certificate is not in the manifest.
    #[error(
        "a change of the validators is under way at height {0}; take a snapshot two blocks later"
    )]
    ChangeUnderWay(Height),
    /// The state needs more chunks than a manifest has.
    #[error("the state needs more than {CHUNKS_MAX} chunks")]
    TooLarge,
}

impl SnapshotError {
    /// A name for programs, never another for the same fault.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Manifest(_) => "snapshot-manifest",
            Self::Proof(_) => "snapshot-proof",
            Self::Checkpoint(_) => "snapshot-checkpoint",
            Self::Cover => "snapshot-cover",
            Self::StateRoot { .. } => "snapshot-state-root",
            Self::NoChunk { .. } => "snapshot-no-chunk",
            Self::Malformed { .. } => "snapshot-chunk-form",
            Self::Chunk { .. } => "snapshot-chunk",
            Self::Count { .. } => "snapshot-count",
            Self::Missing { .. } => "snapshot-chunk-missing",
            Self::State(_) => "snapshot-no-state",
            Self::OtherState { .. } => "snapshot-other-state",
            Self::ChangeUnderWay(_) => "snapshot-change-under-way",
            Self::TooLarge => "snapshot-too-large",
        }
    }
}
