//! Where the records of a segment are.
//!
//! Invariant: frames are in order of offset and of position, without a gap between their records.
//! Shape and units: one entry a frame, not a record; offsets in bytes from the start of the file.
//! Errors: none.
//! Source: `docs/spec/durable.md`, "Frames".

/// One segment of an open log.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) number: u64,
    pub(super) records_before: u64,
    pub(super) records: u64,
    pub(super) bytes: u64,
    frames: Vec<FramePlace>,
}

/// One frame of a segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct FramePlace {
    pub(super) offset: u64,
    pub(super) bytes: u64,
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
            frames: Vec::new(),
        }
    }

    /// Enters the frame that was found or written at the end.
    pub(super) fn push(&mut self, frame_bytes: u64, records: u64) {
        self.frames.push(FramePlace {
            offset: self.bytes,
            bytes: frame_bytes,
            records_before: self.records_upto(),
        });
        self.bytes = self.bytes.saturating_add(frame_bytes);
        self.records = self.records.saturating_add(records);
    }

    /// Records of the log up to the end of this segment.
    pub(super) const fn records_upto(&self) -> u64 {
        self.records_before.saturating_add(self.records)
    }

    /// The frame that holds the record at `position`, which is in this segment.
    pub(super) fn frame_of(&self, position: u64) -> Option<FramePlace> {
        let after = self
            .frames
            .partition_point(|frame| frame.records_before < position);
        self.frames.get(after.checked_sub(1)?).copied()
    }
}
