//! Where the records of a segment are, nearly: marks to begin reading at.
//!
//! Invariant: marks are in order of offset and of position; a record stands in the frame of the last mark before it, or in one that
//! begins less than [`MARK_BYTES`] behind that mark.
//! Shape and units: a mark for the first frame and then at most one every [`MARK_BYTES`], so a log of a terabyte needs 24 MB of them;
//! offsets in bytes from the start of the file.
//! Errors: none.
//! Source: `docs/spec/durable.md`, "Frames".

/// How far apart marks are at least.
pub(super) const MARK_BYTES: u64 = 1 << 20;

/// One segment of an open log.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) number: u64,
    pub(super) records_before: u64,
    pub(super) records: u64,
    pub(super) bytes: u64,
    marks: Vec<Mark>,
}

/// Where a frame begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) offset: u64,
    /// Records of the log in front of this frame.
    pub(super) records_before: u64,
}

impl Segment {
    pub(super) const fn empty(number: u64, records_before: u64, header_bytes: u64) -> Self {
        Self {
            number,
            records_before,
            records: 0,
            bytes: header_bytes,
            marks: Vec::new(),
        }
    }

    /// Enters the frame that was found or written at the end.
    pub(super) fn push(&mut self, frame_bytes: u64, records: u64) {
        let due = |last: &Mark| self.bytes.saturating_sub(last.offset) >= MARK_BYTES;
        if self.marks.last().is_none_or(due) {
            self.marks.push(Mark {
                offset: self.bytes,
                records_before: self.records_upto(),
            });
        }
        self.bytes = self.bytes.saturating_add(frame_bytes);
        self.records = self.records.saturating_add(records);
    }

    /// Records of the log up to the end of this segment.
    pub(super) const fn records_upto(&self) -> u64 {
        self.records_before.saturating_add(self.records)
    }

    /// Where to begin reading for the record at `position`, which is in this segment.
    pub(super) fn mark_before(&self, position: u64) -> Option<Mark> {
        let after = self
            .marks
            .partition_point(|mark| mark.records_before < position);
        self.marks.get(after.checked_sub(1)?).copied()
    }
}
