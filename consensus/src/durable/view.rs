//! A log as it lies on the disk, to be looked at: nothing is cut, synced, written or removed.
//!
//! Invariant: a view changes nothing and proves nothing; it holds what [`FramedLog::open`] would hold, read at one moment, or what an
//! open log has [written](FramedLog::view), so that whoever reads much never keeps the one who writes waiting.
//! Shape and units: as the log's; the torn tail is what opening would cut, offsets and lengths in bytes.
//! A view of a log that is being written may end in a torn tail that is whole a moment later.
//! Errors: [`LogError`], as opening gives.
//! Source: `docs/spec/durable.md`, "Torn and damaged".

use super::{Disk, FramedLog, LogError, LogIdentity, Position, Records, TornTail};

/// A log that is only read.
#[derive(Debug)]
pub struct LogView<D: Disk> {
    log: FramedLog<D>,
}

/// One file of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentView {
    /// The file.
    pub file: String,
    /// Its first record; the position after the last one of the file before when it holds none.
    pub first: Position,
    /// Its records.
    pub records: u64,
    /// Where its last whole frame ends.
    pub bytes: u64,
}

/// Where the frame of a record stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordSite {
    /// The file.
    pub file: String,
    /// The frame's first byte.
    pub offset: u64,
}

impl<D: Disk> LogView<D> {
    /// Reads a log and checks every byte of it.
    ///
    /// # Errors
    /// [`LogError::Missing`] when there is none; damage and foreign files each as their own error.
    pub fn open(disk: D, identity: LogIdentity) -> Result<Self, LogError> {
        let log = FramedLog::look(disk, identity)?;
        Ok(Self { log })
    }

    pub(super) const fn of(log: FramedLog<D>) -> Self {
        Self { log }
    }

    /// The log, which this lends for reading alone.
    pub const fn log(&self) -> &FramedLog<D> {
        &self.log
    }

    /// The first record that pruning has left; the position after [`last`](Self::last) when there is none.
    pub fn first(&self) -> Position {
        self.log.first()
    }

    /// The last record; [`Position::START`] when the log is empty.
    pub fn last(&self) -> Position {
        self.log.last()
    }

    /// What opening the log would cut off.
    pub const fn torn(&self) -> Option<&TornTail> {
        self.log.torn()
    }

    /// The files, in order.
    pub fn segments(&self) -> Vec<SegmentView> {
        self.log.segment_views()
    }

    /// The frame that holds a record; none if there is no such record.
    pub fn site(&self, position: Position) -> Option<RecordSite> {
        self.log.site(position)
    }

    /// The record at a position, checked again.
    ///
    /// # Errors
    /// [`LogError::NoRecord`] when it is not there; damage and disk errors.
    pub fn read(&self, position: Position) -> Result<Vec<u8>, LogError> {
        self.log.read(position)
    }

    /// The records from `from` on, in order, to the last.
    pub fn iter_from(&self, from: Position) -> Records<'_, D> {
        self.log.iter_from(from)
    }
}
