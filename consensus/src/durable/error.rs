//! What can be wrong with a log.
//!
//! Shape and units: offsets are bytes from the start of the named file.
//! Errors: [`LogError::is_full`] is the only one after which the log can be used; [`LogError::is_damage`] sends the operator to a
//! backup or to recovery, and is never stepped over.
//! Source: `docs/spec/durable.md`, "Torn and damaged".

use super::{DiskError, LogId, Position};
use crate::types::Hash32;

/// A log cannot do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The disk failed; see [`DiskError::Full`] for the one case after which the log is usable.
    #[error("{} log: disk", log.name())]
    Disk {
        /// The log.
        log: LogId,
        /// What the disk said.
        #[source]
        source: DiskError,
    },
    /// An earlier write or sync failed, so the file's state is unknown.
    #[error("{} log: unusable since an earlier write or sync failed", log.name())]
    Poisoned {
        /// The log.
        log: LogId,
    },
    /// There is no log where one must be.
    #[error("{} log: no segment found", log.name())]
    Missing {
        /// The log.
        log: LogId,
    },
    /// There is a log where none may be.
    #[error("{} log: {file} exists already", log.name())]
    Exists {
        /// The log.
        log: LogId,
        /// A file of it.
        file: String,
    },
    /// The bytes on disk are not what was written.
    #[error("{} log: {file} is damaged at byte {offset}: {damage}", log.name())]
    Damaged {
        /// The log.
        log: LogId,
        /// The file.
        file: String,
        /// Where in it.
        offset: u64,
        /// What is wrong there.
        damage: Damage,
    },
    /// A segment between others, or the one after them, is gone.
    #[error("{} log: {file} is missing", log.name())]
    SegmentMissing {
        /// The log.
        log: LogId,
        /// The file that should be there.
        file: String,
    },
    /// The log belongs to another chain.
    #[error("{} log: {file} belongs to another genesis", log.name())]
    OtherGenesis {
        /// The log.
        log: LogId,
        /// The file.
        file: String,
        /// The genesis hash in it.
        found: Hash32,
    },
    /// The file holds another kind of log.
    #[error("{} log: {file} holds a log of kind {found}", log.name())]
    OtherKind {
        /// The log.
        log: LogId,
        /// The file.
        file: String,
        /// The kind in it.
        found: u16,
    },
    /// The file was written in a format this program does not know.
    #[error("{} log: {file} has format version {found}", log.name())]
    OtherVersion {
        /// The log.
        log: LogId,
        /// The file.
        file: String,
        /// The version in it.
        found: u16,
    },
    /// A record is empty or larger than a frame can hold.
    #[error("{} log: a record of {bytes} bytes cannot be written", log.name())]
    RecordSize {
        /// The log.
        log: LogId,
        /// Its size.
        bytes: usize,
    },
    /// The record was dropped by pruning, withdrawn, or never written.
    #[error("{} log: no record at position {}", log.name(), position.get())]
    NoRecord {
        /// The log.
        log: LogId,
        /// The position asked for.
        position: Position,
    },
}

impl LogError {
    /// Whether the disk is full: nothing was written, and the log is as it was before.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        matches!(self, Self::Disk { source, .. } if source.is_full())
    }

    /// Whether the bytes on disk are not what this chain's log should be.
    #[must_use]
    pub const fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged { .. } | Self::SegmentMissing { .. })
    }
}

/// What is wrong at a place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The file is shorter than a header, or longer than a segment may be.
    #[error("impossible length")]
    Length,
    /// The header's magic or checksum is wrong.
    #[error("bad header")]
    Header,
    /// The header names another segment than the file's name.
    #[error("header of another segment")]
    SegmentNumber,
    /// The header's first position does not follow from the segments before.
    #[error("first position does not follow")]
    FirstPosition,
    /// A frame is bad and later bytes prove that it was whole once.
    #[error("bad frame")]
    Frame,
}
