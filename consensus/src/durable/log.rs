//! A log of records on a [`Disk`]: appended, synced, read back by position, never changed.
//!
//! Invariant: what [`FramedLog::sync`] has proven is read back, byte for byte, by every later [`FramedLog::open`], or the opening
//! fails. At most one frame is written and not yet synced, so a stop can tear no more than that.
//! Shape and units: records of 1 byte to 32 MiB less 4; positions count records since creation, the first is 1.
//! A full disk is undone and leaves the log usable; every other failed write or sync poisons it for ever, because the file's state
//! is unknown and a second sync would prove nothing.
//! Who calls it: the hosts of the signing guard and of the replica, one thread a log.
//! Errors: [`LogError`].
//! Source: `docs/spec/durable.md`.

use std::fmt;
use std::sync::Arc;

use super::frame::{
    FRAME_PREFIX_BYTES, Group, RecordsOf, Site, count_records, frame_at, frame_bytes,
};
use super::index::{Mark, Segment};
use super::recover::{Found, read_segment};
use super::segment::{Header, draft_name, file_name, segment_of};
use super::{
    Damage, Disk, DiskError, Durable, LogError, LogId, LogIdentity, LogView, Position,
    RECORD_BYTES_MAX, RecordSite, SEGMENT_BYTES_MAX, SegmentView,
};

/// The end of the last segment that a stop had cut short, and that was removed when the log was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// The file.
    pub file: String,
    /// Where it ends now.
    pub offset: u64,
    /// How many bytes were removed.
    pub bytes: u64,
}

/// An append-only log in segments.
///
/// [`append`](Self::append) collects records in memory, [`flush`](Self::flush) writes them as one frame, [`sync`](Self::sync) makes
/// that frame durable and proves it.
pub struct FramedLog<D: Disk> {
    disk: D,
    identity: LogIdentity,
    /// In order, without a gap, never empty; the last one is written to. Views share them as they were.
    segments: Vec<Arc<Segment>>,
    tail: D::File,
    group: Group,
    /// Where the next segment begins, at most [`SEGMENT_BYTES_MAX`].
    segment_bytes: u64,
    unsynced: bool,
    poisoned: bool,
    torn: Option<TornTail>,
}

impl<D: Disk> fmt::Debug for FramedLog<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (log, segments, last) = (self.identity.log, self.segments.len(), self.last());
        f.debug_struct("FramedLog")
            .field("log", &log)
            .field("segments", &segments)
            .field("last", &last)
            .finish_non_exhaustive()
    }
}

impl<D: Disk> FramedLog<D> {
    /// Makes a new, empty log, and returns when it is on disk.
    ///
    /// # Errors
    /// [`LogError::Exists`] when the folder holds a segment of this log.
    pub fn create(disk: D, identity: LogIdentity) -> Result<Self, LogError> {
        Self::expect_none(&disk, identity.log)?;
        let (tail, segment) =
            make_segment(&disk, identity, 0, 0).map_err(|source| LogError::Disk {
                log: identity.log,
                source,
            })?;
        Ok(Self::assemble(disk, identity, vec![segment], tail, None))
    }

    /// Makes a log, or takes up one without any record, which is what a stop in the middle of making leaves.
    ///
    /// # Errors
    /// As [`create`](Self::create) and [`open`](Self::open); [`LogError::Exists`] when there is a log with records.
    pub fn create_or_empty(disk: D, identity: LogIdentity) -> Result<Self, LogError>
    where
        D: Clone,
    {
        match Self::create(disk.clone(), identity) {
            Err(exists @ LogError::Exists { .. }) => {
                let log = Self::open(disk, identity)?;
                if log.last() == Position::START {
                    Ok(log)
                } else {
                    Err(exists)
                }
            }
            made => made,
        }
    }

    /// Refuses a folder that holds a log, without touching it.
    ///
    /// # Errors
    /// [`LogError::Exists`] when the folder holds a segment of this log.
    pub fn expect_none(disk: &D, log: LogId) -> Result<(), LogError> {
        match segments_in(disk, log)?.first() {
            None => Ok(()),
            Some(number) => Err(LogError::Exists {
                log,
                file: file_name(log, *number),
            }),
        }
    }

    /// Opens a log, checks every byte of it, cuts a torn tail, and returns when what it read is on disk.
    ///
    /// # Errors
    /// [`LogError::Missing`] when there is none; damage and foreign files each as their own error.
    pub fn open(disk: D, identity: LogIdentity) -> Result<Self, LogError> {
        let mut log = Self::look(disk, identity)?;
        log.make_whole().map_err(|source| LogError::Disk {
            log: identity.log,
            source,
        })?;
        Ok(log)
    }

    /// Reads a log and checks every byte of it, and leaves a torn tail where it is. Nothing may be appended to what comes back.
    pub(super) fn look(disk: D, identity: LogIdentity) -> Result<Self, LogError> {
        let numbers = segments_in(&disk, identity.log)?;
        let (mut segments, found) = read_segments(&disk, identity, &numbers)?;
        let torn = torn_tail(identity.log, &found.segment, found.file_bytes);
        segments.push(found.segment);
        Ok(Self::assemble(disk, identity, segments, found.file, torn))
    }

    /// Cuts the torn tail off, and settles what was read.
    fn make_whole(&mut self) -> Result<(), DiskError> {
        if let Some(torn) = &self.torn {
            self.disk.truncate(&mut self.tail, torn.offset)?;
        }
        settle(&self.disk, self.identity.log, &mut self.tail)
    }

    fn assemble(
        disk: D,
        identity: LogIdentity,
        segments: Vec<Segment>,
        tail: D::File,
        torn: Option<TornTail>,
    ) -> Self {
        Self {
            disk,
            identity,
            segments: segments.into_iter().map(Arc::new).collect(),
            tail,
            group: Group::new(),
            segment_bytes: SEGMENT_BYTES_MAX,
            unsynced: false,
            poisoned: false,
            torn,
        }
    }

    /// What is written so far, to be read by somebody else while this log is written on.
    ///
    /// # Errors
    /// When the last file cannot be opened again.
    pub fn view(&self) -> Result<LogView<D>, LogError>
    where
        D: Clone,
    {
        self.check_usable()?;
        let last = file_name(self.identity.log, self.tail_segment().number);
        let tail = self.disk.open(&last);
        Ok(LogView::of(Self {
            disk: self.disk.clone(),
            identity: self.identity,
            segments: self.segments.clone(),
            tail: tail.map_err(|source| self.failed(source))?,
            group: Group::new(),
            segment_bytes: self.segment_bytes,
            unsynced: false,
            poisoned: false,
            torn: None,
        }))
    }

    /// Begins a segment before the last one exceeds `bytes`, which is at most [`SEGMENT_BYTES_MAX`], the default.
    /// A frame larger than that has a segment of its own.
    pub fn set_segment_bytes(&mut self, bytes: u64) {
        self.segment_bytes = bytes.min(SEGMENT_BYTES_MAX);
    }

    /// Which log this is.
    pub const fn identity(&self) -> LogIdentity {
        self.identity
    }

    /// What was cut off when the log was opened.
    pub const fn torn(&self) -> Option<&TornTail> {
        self.torn.as_ref()
    }

    /// The last record, written or not; [`Position::START`] when the log is empty.
    pub fn last(&self) -> Position {
        Position::new(self.written().saturating_add(self.group.records()))
    }

    /// The first record that pruning has left; the position after [`last`](Self::last) when there is none.
    pub fn first(&self) -> Position {
        Position::new(
            self.segments
                .first()
                .map_or(0, |segment| segment.records_before),
        )
        .next()
    }

    /// Adds a record behind all others and gives its position. It is written by the next [`flush`](Self::flush).
    ///
    /// # Errors
    /// [`LogError::RecordSize`]; or those of `flush`, when the records collected so far fill a frame. The record is not added then.
    pub fn append(&mut self, record: &[u8]) -> Result<Position, LogError> {
        self.check_usable()?;
        if record.is_empty() || record.len() > RECORD_BYTES_MAX {
            return Err(LogError::RecordSize {
                log: self.identity.log,
                bytes: record.len(),
            });
        }
        if !self.group.has_room_for(record) {
            self.flush()?;
        }
        self.group.push(record);
        Ok(self.last())
    }

    /// Writes the collected records as one frame. A frame written before and not yet synced is synced first.
    ///
    /// # Errors
    /// When the disk is full ([`LogError::is_full`]) nothing is written and the records stay collected, to be written later or
    /// [withdrawn](Self::withdraw). Any other error poisons the log.
    pub fn flush(&mut self) -> Result<(), LogError> {
        self.check_usable()?;
        if self.group.records() == 0 {
            return Ok(());
        }
        let _ = self.sync_written()?;
        if self.is_tail_too_full() {
            self.roll()?;
        }
        self.write_group()
    }

    /// Writes what is collected, syncs, and proves that every record so far is on disk.
    ///
    /// # Errors
    /// Those of [`flush`](Self::flush); a failed sync poisons the log, whatever its reason.
    pub fn sync(&mut self) -> Result<Durable, LogError> {
        self.flush()?;
        self.sync_written()
    }

    /// Syncs what is written and proves it; collected records go on waiting for the next write.
    ///
    /// # Errors
    /// A failed sync poisons the log, whatever its reason.
    pub fn sync_written(&mut self) -> Result<Durable, LogError> {
        self.check_usable()?;
        if self.unsynced {
            let synced = self.disk.sync_file(&mut self.tail);
            synced.map_err(|source| self.poison(source))?;
            self.unsynced = false;
        }
        let upto = Position::new(self.written());
        Ok(Durable::after_sync(self.identity.log, upto))
    }

    /// Drops the collected records from `from` on, and says how many. Records that are written stay.
    ///
    /// Their positions will name other records, so nobody may go on waiting for them.
    pub fn withdraw(&mut self, from: Position) -> u64 {
        let kept = from
            .get()
            .saturating_sub(1)
            .saturating_sub(self.written())
            .min(self.group.records());
        let dropped = self.group.records().saturating_sub(kept);
        if dropped > 0 {
            self.group.truncate(kept);
        }
        dropped
    }

    /// Records that are there, in the order asked for: at most so many bytes of them, one record at least.
    /// Positions in ascending order are read in one pass.
    ///
    /// # Errors
    /// [`LogError`] when the disk fails or a record is damaged; one that is gone is left out.
    pub fn read_present(
        &self,
        positions: &[Position],
        bytes_max: usize,
    ) -> Result<Vec<(Position, Vec<u8>)>, LogError> {
        self.check_usable()?;
        let (mut records, mut bytes, mut reader) = (Vec::new(), 0_usize, self.reader());
        for position in positions {
            let Some(record) = reader.read_present(*position)? else {
                continue;
            };
            bytes = bytes.saturating_add(record.len());
            if bytes > bytes_max && !records.is_empty() {
                break;
            }
            records.push((*position, record));
        }
        Ok(records)
    }

    /// Reads records one after the other; those in ascending order in one pass.
    pub const fn reader(&self) -> Reader<'_, D> {
        Reader {
            log: self,
            frame: None,
        }
    }

    /// The record at `position`, checked again.
    ///
    /// # Errors
    /// [`LogError::NoRecord`] when it is not there; damage and disk errors.
    pub fn read(&self, position: Position) -> Result<Vec<u8>, LogError> {
        self.reader().read(position)
    }

    /// A record that is there; the frame it stands in is held for the next one.
    fn record_near(
        &self,
        held: &mut Option<Frame>,
        position: Position,
    ) -> Result<Option<Vec<u8>>, LogError> {
        if position.get() > self.written() {
            let index = index_behind(self.written(), position);
            let record = index.and_then(|index| self.group.iter().nth(index));
            return Ok(record.map(<[u8]>::to_vec));
        }
        *held = self.frame_of(held.take(), position)?;
        Ok(held.as_ref().and_then(|frame| frame.record(position)))
    }

    /// The last record at or before `position` to which no reading leads: from there to `position` there is little to read.
    pub fn mark_before(&self, position: Position) -> Position {
        self.segment_before(position).map_or_else(
            || self.first(),
            |segment| {
                let mark = segment.mark_before(position.get());
                let before = mark.map_or(segment.records_before, |mark| mark.records_before);
                Position::new(before).next()
            },
        )
    }

    /// The records from `from` on, in order, to the last.
    pub fn iter_from(&self, from: Position) -> Records<'_, D> {
        Records {
            reader: self.reader(),
            next: from.max(self.first()),
        }
    }

    /// Drops whole segments from the front that hold no record at or after `keep_from`, and says how many. The last one stays.
    ///
    /// # Errors
    /// When the disk fails; the log is poisoned.
    pub fn prune(&mut self, keep_from: Position) -> Result<usize, LogError> {
        self.check_usable()?;
        let mut dropped = 0_usize;
        while self
            .segments
            .get(1)
            .is_some_and(|second| second.records_before < keep_from.get())
        {
            let name = file_name(self.identity.log, self.segments.remove(0).number);
            // One at a time: names removed together could come back after a stop with a gap between them.
            let removed = self
                .disk
                .remove(&name)
                .and_then(|()| self.disk.sync_directory());
            removed.map_err(|source| self.poison(source))?;
            dropped = dropped.saturating_add(1);
        }
        Ok(dropped)
    }

    /// The files, in order.
    pub(super) fn segment_views(&self) -> Vec<SegmentView> {
        let views = self.segments.iter().map(|segment| SegmentView {
            file: file_name(self.identity.log, segment.number),
            first: Position::new(segment.records_before).next(),
            records: segment.records,
            bytes: segment.bytes,
        });
        views.collect()
    }

    /// Where the frame of a written record stands; none if there is no such record, or what is read on the way is damaged.
    pub(super) fn site(&self, position: Position) -> Option<RecordSite> {
        let frame = self.frame_of(None, position).ok().flatten()?;
        Some(RecordSite {
            file: file_name(self.identity.log, frame.segment),
            offset: frame.offset,
        })
    }

    fn check_usable(&self) -> Result<(), LogError> {
        if self.poisoned {
            Err(LogError::Poisoned {
                log: self.identity.log,
            })
        } else {
            Ok(())
        }
    }

    /// Records in frames, synced or not.
    fn written(&self) -> u64 {
        self.tail_segment().records_upto()
    }

    fn tail_segment(&self) -> &Segment {
        self.segments
            .last()
            .expect("a log has at least one segment")
    }

    fn poison(&mut self, source: DiskError) -> LogError {
        self.poisoned = true;
        LogError::Disk {
            log: self.identity.log,
            source,
        }
    }

    fn poison_unless_full(&mut self, source: DiskError) -> LogError {
        self.poisoned |= !source.is_full();
        LogError::Disk {
            log: self.identity.log,
            source,
        }
    }

    fn is_tail_too_full(&self) -> bool {
        let tail = self.tail_segment();
        let bytes = tail.bytes.saturating_add(self.group.frame_bytes() as u64);
        tail.records > 0 && bytes > self.segment_bytes
    }

    /// Begins the next segment. The one before is synced, so that only the last one can ever be torn.
    fn roll(&mut self) -> Result<(), LogError> {
        let number = self
            .tail_segment()
            .number
            .checked_add(1)
            .expect("fewer than 2^64 segments");
        let made = make_segment(&self.disk, self.identity, number, self.written());
        let (tail, segment) = made.map_err(|source| self.poison_unless_full(source))?;
        self.tail = tail;
        self.segments.push(Arc::new(segment));
        Ok(())
    }

    fn write_group(&mut self) -> Result<(), LogError> {
        let segment = self
            .segments
            .last_mut()
            .expect("a log has at least one segment");
        let frame = self
            .group
            .seal(&Site::new(&self.identity, segment.number, segment.bytes));
        match self.disk.append(&mut self.tail, frame) {
            Ok(()) => {
                Arc::make_mut(segment).push(frame.len() as u64, self.group.records());
                self.group = Group::new();
                self.unsynced = true;
                Ok(())
            }
            Err(error) => Err(self.undo_write(error)),
        }
    }

    /// After a full disk the part that was written is cut off again; if even that fails, the state is unknown.
    fn undo_write(&mut self, error: DiskError) -> LogError {
        if !error.is_full() {
            return self.poison(error);
        }
        let end = self.tail_segment().bytes;
        match self.disk.truncate(&mut self.tail, end) {
            Ok(()) => LogError::Disk {
                log: self.identity.log,
                source: error,
            },
            Err(failed) => self.poison(failed),
        }
    }

    fn segment_of(&self, position: Position) -> Option<&Segment> {
        let segment = self.segment_before(position)?;
        (position.get() <= segment.records_upto()).then_some(segment)
    }

    /// The last segment that begins before a record, whether or not it reaches to it.
    fn segment_before(&self, position: Position) -> Option<&Segment> {
        let after = self
            .segments
            .partition_point(|segment| segment.records_before < position.get());
        self.segments.get(after.checked_sub(1)?).map(Arc::as_ref)
    }

    /// The frame of a written record: read on from the held one, or from the mark before the record if that is nearer.
    /// None if there is no such record.
    fn frame_of(&self, held: Option<Frame>, position: Position) -> Result<Option<Frame>, LogError> {
        if held.as_ref().is_some_and(|frame| frame.holds(position)) {
            return Ok(held);
        }
        let Some(segment) = self.segment_of(position) else {
            return Ok(None);
        };
        let Some(mark) = segment.mark_before(position.get()) else {
            return Ok(None);
        };
        let is_nearer = |frame: &Frame| {
            let is_before = frame.records_before < position.get();
            is_before && frame.segment == segment.number && frame.offset >= mark.offset
        };
        let file = self.file_of(segment)?;
        let (from, mut room) = match held {
            Some(frame) if is_nearer(&frame) => (frame.end(), frame.bytes),
            Some(frame) => (mark, frame.bytes),
            None => (mark, Vec::new()),
        };
        let mut frame = self.read_frame(segment, &file, from, room)?;
        while !frame.holds(position) {
            let end = frame.end();
            room = frame.bytes;
            frame = self.read_frame(segment, &file, end, room)?;
        }
        Ok(Some(frame))
    }

    /// The file of a segment; the last one's is open already.
    fn file_of(&self, segment: &Segment) -> Result<Option<D::File>, LogError> {
        if segment.number == self.tail_segment().number {
            return Ok(None);
        }
        let file = self
            .disk
            .open(&file_name(self.identity.log, segment.number));
        file.map(Some).map_err(|source| self.failed(source))
    }

    const fn failed(&self, source: DiskError) -> LogError {
        LogError::Disk {
            log: self.identity.log,
            source,
        }
    }

    /// The frame that begins at a mark, checked; read into `room`, whatever that held before.
    fn read_frame(
        &self,
        segment: &Segment,
        file: &Option<D::File>,
        at: Mark,
        mut room: Vec<u8>,
    ) -> Result<Frame, LogError> {
        let file = file.as_ref().unwrap_or(&self.tail);
        let damaged = || LogError::Damaged {
            log: self.identity.log,
            file: file_name(self.identity.log, segment.number),
            offset: at.offset,
            damage: Damage::Frame,
        };
        let read = |offset: u64, bytes: &mut [u8]| {
            let read = self.disk.read(file, offset, bytes);
            read.map_err(|source| self.failed(source))
        };
        let mut prefix = [0; FRAME_PREFIX_BYTES];
        read(at.offset, &mut prefix)?;
        let frame_bytes = frame_bytes(&prefix).ok_or_else(damaged)?;
        if at.offset.saturating_add(frame_bytes as u64) > segment.bytes {
            return Err(damaged());
        }
        room.resize(frame_bytes, 0);
        read(at.offset, &mut room)?;
        let site = Site::new(&self.identity, segment.number, at.offset);
        let payload = frame_at(&site, &room).ok_or_else(damaged)?;
        let records = count_records(payload).ok_or_else(damaged)?;
        Ok(Frame {
            segment: segment.number,
            offset: at.offset,
            records_before: at.records_before,
            records,
            bytes: room,
        })
    }
}

/// A frame that was read and checked.
struct Frame {
    segment: u64,
    offset: u64,
    records_before: u64,
    records: u64,
    /// Prefix and payload.
    bytes: Vec<u8>,
}

impl Frame {
    const fn records_upto(&self) -> u64 {
        self.records_before.saturating_add(self.records)
    }

    const fn holds(&self, position: Position) -> bool {
        self.records_before < position.get() && position.get() <= self.records_upto()
    }

    /// Where the next frame of the segment begins.
    const fn end(&self) -> Mark {
        Mark {
            offset: self.offset.saturating_add(self.bytes.len() as u64),
            records_before: self.records_upto(),
        }
    }

    fn record(&self, position: Position) -> Option<Vec<u8>> {
        let index = index_behind(self.records_before, position)?;
        let payload = self.bytes.get(FRAME_PREFIX_BYTES..)?;
        let record = RecordsOf::new(payload).nth(index);
        record.map(<[u8]>::to_vec)
    }
}

/// Which of the records behind the first `before` is at a position, from 0.
fn index_behind(before: u64, position: Position) -> Option<usize> {
    let index = position.get().checked_sub(before)?.checked_sub(1)?;
    usize::try_from(index).ok()
}

/// Reads records of a log; the frame of the last one is held for the next.
pub struct Reader<'a, D: Disk> {
    log: &'a FramedLog<D>,
    frame: Option<Frame>,
}

impl<D: Disk> Reader<'_, D> {
    /// The record at `position`, checked again.
    ///
    /// # Errors
    /// [`LogError::NoRecord`] when it is not there; damage and disk errors.
    pub fn read(&mut self, position: Position) -> Result<Vec<u8>, LogError> {
        let record = self.read_present(position)?;
        record.ok_or(LogError::NoRecord {
            log: self.log.identity.log,
            position,
        })
    }

    /// The record at `position`, if it is there.
    fn read_present(&mut self, position: Position) -> Result<Option<Vec<u8>>, LogError> {
        self.log.check_usable()?;
        self.log.record_near(&mut self.frame, position)
    }
}

/// The records of a log from a position on, read frame by frame.
pub struct Records<'a, D: Disk> {
    reader: Reader<'a, D>,
    next: Position,
}

impl<D: Disk> Records<'_, D> {
    /// Which record comes next.
    #[must_use]
    pub const fn next_position(&self) -> Position {
        self.next
    }
}

impl<D: Disk> Iterator for Records<'_, D> {
    type Item = Result<(Position, Vec<u8>), LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (position, last) = (self.next, self.reader.log.last());
        if position > last {
            return None;
        }
        let item = self.reader.read(position).map(|record| (position, record));
        // After an error there is nothing more: a gap is never stepped over.
        self.next = if item.is_ok() {
            position.next()
        } else {
            last.next()
        };
        Some(item)
    }
}

/// The numbers of a log's segments, in order.
fn segments_in<D: Disk>(disk: &D, log: LogId) -> Result<Vec<u64>, LogError> {
    let names = disk
        .list()
        .map_err(|source| LogError::Disk { log, source })?;
    let mut numbers: Vec<u64> = names
        .iter()
        .filter_map(|name| segment_of(log, name))
        .collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// Reads all segments; the last one comes with its file.
fn read_segments<D: Disk>(
    disk: &D,
    identity: LogIdentity,
    numbers: &[u64],
) -> Result<(Vec<Segment>, Found<D::File>), LogError> {
    let (last, before) = numbers
        .split_last()
        .ok_or(LogError::Missing { log: identity.log })?;
    let mut segments: Vec<Segment> = Vec::with_capacity(numbers.len());
    for number in before {
        let found = read_segment(disk, identity, *number, false)?;
        check_follows(identity.log, segments.last(), &found.segment)?;
        segments.push(found.segment);
    }
    let found = read_segment(disk, identity, *last, true)?;
    check_follows(identity.log, segments.last(), &found.segment)?;
    Ok((segments, found))
}

/// A segment begins where the one before it ends.
fn check_follows(log: LogId, before: Option<&Segment>, segment: &Segment) -> Result<(), LogError> {
    let Some(before) = before else { return Ok(()) };
    let expected = before.number.saturating_add(1);
    if segment.number != expected {
        return Err(LogError::SegmentMissing {
            log,
            file: file_name(log, expected),
        });
    }
    if segment.records_before != before.records_upto() {
        let file = file_name(log, segment.number);
        return Err(LogError::Damaged {
            log,
            file,
            offset: 0,
            damage: Damage::FirstPosition,
        });
    }
    Ok(())
}

/// What lies behind the last whole frame of the last segment.
fn torn_tail(log: LogId, segment: &Segment, file_bytes: u64) -> Option<TornTail> {
    let bytes = file_bytes.saturating_sub(segment.bytes);
    (bytes > 0).then(|| TornTail {
        file: file_name(log, segment.number),
        offset: segment.bytes,
        bytes,
    })
}

/// Removes a segment that was never finished, and syncs what was read: a process that was killed may have left it unsynced.
fn settle<D: Disk>(disk: &D, log: LogId, tail: &mut D::File) -> Result<(), DiskError> {
    if disk.list()?.contains(&draft_name(log)) {
        disk.remove(&draft_name(log))?;
    }
    disk.sync_file(tail)?;
    if mutated!(FolderNotSynced) {
        return Ok(());
    }
    disk.sync_directory()
}

/// Makes an empty segment under another name, syncs it, then gives it its own.
fn make_segment<D: Disk>(
    disk: &D,
    identity: LogIdentity,
    number: u64,
    records_before: u64,
) -> Result<(D::File, Segment), DiskError> {
    let (draft, name) = (draft_name(identity.log), file_name(identity.log, number));
    if disk.list()?.contains(&draft) {
        disk.remove(&draft)?;
    }
    let mut file = disk.create(&draft)?;
    let header = Header {
        identity,
        segment: number,
        records_before,
    }
    .encode();
    disk.append(&mut file, &header)?;
    disk.sync_file(&mut file)?;
    disk.rename(&draft, &name)?;
    if !mutated!(FolderNotSynced) {
        disk.sync_directory()?;
    }
    Ok((
        disk.open(&name)?,
        Segment::empty(number, records_before, header.len() as u64),
    ))
}
