//! Frames: what a log writes at once, and how a frame is told from other bytes.
//!
//! Invariant: a frame is valid at one place only, since its checksum covers genesis hash, segment and offset besides the payload.
//! Shape and units: payload length `u32` little-endian, crc32c `u32` little-endian, payload of 5 bytes to 32 MiB. The payload is the
//! group of records that one sync made durable: each its length as `u32` little-endian, then its bytes, at least one.
//! One frame a sync, so that a power cut can spoil no more than the last frame, in whatever order the disk kept its sectors.
//! Errors: none; bytes are a frame or they are not.
//! Source: `docs/spec/durable.md`, "Frames"; crc32c as in RFC 3720, section 12.1.

use super::LogIdentity;
use crate::types::Hash32;

/// The most bytes a frame's payload has.
pub const FRAME_PAYLOAD_BYTES_MAX: usize = 32 << 20;

/// The most bytes a record has.
pub const RECORD_BYTES_MAX: usize = FRAME_PAYLOAD_BYTES_MAX - RECORD_PREFIX_BYTES;

/// Length and checksum in front of a payload.
pub(super) const FRAME_PREFIX_BYTES: usize = 8;

const RECORD_PREFIX_BYTES: usize = 4;

/// Where a frame stands.
#[derive(Clone, Copy)]
pub(super) struct Site {
    pub(super) genesis_hash: Hash32,
    pub(super) segment: u64,
    pub(super) offset: u64,
}

impl Site {
    pub(super) const fn new(identity: &LogIdentity, segment: u64, offset: u64) -> Self {
        Self {
            genesis_hash: identity.genesis_hash,
            segment,
            offset,
        }
    }

    fn checksum(&self, payload: &[u8]) -> u32 {
        let crc = crc32c::crc32c(self.genesis_hash.bytes());
        let crc = crc32c::crc32c_append(crc, &self.segment.to_le_bytes());
        let crc = crc32c::crc32c_append(crc, &self.offset.to_le_bytes());
        crc32c::crc32c_append(crc, payload)
    }
}

/// Records on their way into one frame.
#[derive(Clone)]
pub(super) struct Group {
    /// Room for the frame's prefix, then the payload.
    frame: Vec<u8>,
    records: u64,
}

impl Group {
    pub(super) fn new() -> Self {
        Self {
            frame: vec![0; FRAME_PREFIX_BYTES],
            records: 0,
        }
    }

    pub(super) const fn records(&self) -> u64 {
        self.records
    }

    /// The size of the frame these records make.
    pub(super) const fn frame_bytes(&self) -> usize {
        self.frame.len()
    }

    pub(super) fn has_room_for(&self, record: &[u8]) -> bool {
        let largest = FRAME_PAYLOAD_BYTES_MAX.saturating_add(FRAME_PREFIX_BYTES);
        self.frame
            .len()
            .saturating_add(RECORD_PREFIX_BYTES)
            .saturating_add(record.len())
            <= largest
    }

    /// Adds a record of at most [`RECORD_BYTES_MAX`] bytes, for which there is room.
    pub(super) fn push(&mut self, record: &[u8]) {
        let length = u32::try_from(record.len()).expect("a record is at most 32 MiB");
        self.frame.extend_from_slice(&length.to_le_bytes());
        self.frame.extend_from_slice(record);
        self.records = self.records.saturating_add(1);
    }

    /// Keeps the first `count` records.
    pub(super) fn truncate(&mut self, count: u64) {
        let kept: Vec<Vec<u8>> = self
            .iter()
            .take(usize::try_from(count).unwrap_or(usize::MAX))
            .map(<[u8]>::to_vec)
            .collect();
        *self = Self::new();
        for record in &kept {
            self.push(record);
        }
    }

    pub(super) fn iter(&self) -> RecordsOf<'_> {
        RecordsOf {
            rest: self.frame.get(FRAME_PREFIX_BYTES..).unwrap_or_default(),
        }
    }

    /// The bytes of the frame at `site`.
    pub(super) fn seal(&mut self, site: &Site) -> &[u8] {
        let payload = self.frame.get(FRAME_PREFIX_BYTES..).unwrap_or_default();
        let length = u32::try_from(payload.len()).expect("a payload is at most 32 MiB");
        let prefix = length
            .to_le_bytes()
            .into_iter()
            .chain(site.checksum(payload).to_le_bytes());
        let prefix: Vec<u8> = prefix.collect();
        for (place, byte) in self.frame.iter_mut().zip(prefix) {
            *place = byte;
        }
        &self.frame
    }
}

/// How long the frame is whose first [`FRAME_PREFIX_BYTES`] these are; none if they are of no frame.
pub(super) fn frame_bytes(prefix: &[u8]) -> Option<usize> {
    let (length, _) = prefix.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    (length <= FRAME_PAYLOAD_BYTES_MAX).then(|| length.saturating_add(FRAME_PREFIX_BYTES))
}

/// The payload of the valid frame with which `bytes` begins, if it does.
pub(super) fn frame_at<'a>(site: &Site, bytes: &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (checksum, rest) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let payload = (length <= FRAME_PAYLOAD_BYTES_MAX).then(|| rest.get(..length))??;
    // The shape first: it is cheap, and rejects nearly every place that a search for frames looks at.
    count_records(payload)?;
    (site.checksum(payload) == u32::from_le_bytes(*checksum)).then_some(payload)
}

/// How many records a payload holds; none when it is not a group of at least one record, none empty, that ends with the last.
pub(super) fn count_records(payload: &[u8]) -> Option<u64> {
    let mut records = RecordsOf { rest: payload };
    let mut count = 0_u64;
    while records.next().is_some() {
        count = count.saturating_add(1);
    }
    (records.rest.is_empty() && count > 0).then_some(count)
}

/// The records of a payload, in order; stops at the first byte that is not one.
pub(super) struct RecordsOf<'a> {
    rest: &'a [u8],
}

impl<'a> RecordsOf<'a> {
    pub(super) const fn new(payload: &'a [u8]) -> Self {
        Self { rest: payload }
    }
}

impl<'a> Iterator for RecordsOf<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (record, rest) = rest.split_at_checked(length)?;
        if record.is_empty() {
            return None;
        }
        self.rest = rest;
        Some(record)
    }
}
