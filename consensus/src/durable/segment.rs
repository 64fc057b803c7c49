//! Segments: the files of a log, their names and their headers.
//!
//! Invariant: a segment appears under its name only after its header is on disk, so a bad header is damage, never a torn write.
//! Shape and units: `<log>-<number, ten digits>.log`, numbers without a gap, at most 64 MiB each. A header is 64 bytes, integers
//! little-endian: magic `FALAJLOG`, version `u16`, kind `u16`, genesis hash, segment `u64`, records before it `u64`, crc32c `u32`.
//! Errors: [`HeaderError`], turned into a `LogError` with the file's name where the log is opened.
//! Source: `docs/spec/durable.md`, "Segments".

use super::frame::FRAME_PREFIX_BYTES;
use super::{Damage, FRAME_PAYLOAD_BYTES_MAX, LogId};
use crate::types::Hash32;

/// The most bytes a segment has, header included.
pub const SEGMENT_BYTES_MAX: u64 = 64 << 20;

/// The bytes of a segment's header.
pub const SEGMENT_HEADER_BYTES: usize = 64;

const MAGIC: [u8; 8] = *b"FALAJLOG";
const VERSION: u16 = 1;

// The largest frame fits into an empty segment.
const _: () = assert!(
    (SEGMENT_HEADER_BYTES + FRAME_PREFIX_BYTES + FRAME_PAYLOAD_BYTES_MAX) as u64
        <= SEGMENT_BYTES_MAX
);

/// Which log of which chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LogIdentity {
    /// The log.
    pub log: LogId,
    /// The chain, by the hash of its genesis.
    pub genesis_hash: Hash32,
}

/// The file of a segment.
pub(super) fn file_name(log: LogId, segment: u64) -> String {
    format!("{}-{segment:010}.log", log.name())
}

/// The name under which a segment is prepared.
pub(super) fn draft_name(log: LogId) -> String {
    format!("{}.new", log.name())
}

/// The segment a file holds, if it is one of this log's.
pub(super) fn segment_of(log: LogId, file: &str) -> Option<u64> {
    let number = file
        .strip_prefix(log.name())?
        .strip_prefix('-')?
        .strip_suffix(".log")?;
    let segment = number.parse().ok()?;
    (file_name(log, segment) == file).then_some(segment)
}

/// What a segment says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) identity: LogIdentity,
    pub(super) segment: u64,
    pub(super) records_before: u64,
}

/// Why bytes are not the header that is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeaderError {
    Damaged(Damage),
    OtherVersion(u16),
    OtherKind(u16),
    OtherGenesis(Hash32),
}

impl Header {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(SEGMENT_HEADER_BYTES);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&self.identity.log.kind().to_le_bytes());
        bytes.extend_from_slice(self.identity.genesis_hash.bytes());
        bytes.extend_from_slice(&self.segment.to_le_bytes());
        bytes.extend_from_slice(&self.records_before.to_le_bytes());
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
        bytes
    }

    /// Reads the header of segment `segment` of `identity`'s log.
    pub(super) fn decode(
        bytes: &[u8; SEGMENT_HEADER_BYTES],
        identity: LogIdentity,
        segment: u64,
    ) -> Result<Self, HeaderError> {
        let damaged = HeaderError::Damaged(Damage::Header);
        let fields = Fields::split(bytes).ok_or(damaged)?;
        if fields.magic != MAGIC || fields.checksum != crc32c::crc32c(fields.covered) {
            return Err(damaged);
        }
        if fields.version != VERSION {
            return Err(HeaderError::OtherVersion(fields.version));
        }
        if fields.kind != identity.log.kind() {
            return Err(HeaderError::OtherKind(fields.kind));
        }
        if fields.genesis_hash != identity.genesis_hash {
            return Err(HeaderError::OtherGenesis(fields.genesis_hash));
        }
        if fields.segment != segment {
            return Err(HeaderError::Damaged(Damage::SegmentNumber));
        }
        Ok(Self {
            identity,
            segment,
            records_before: fields.records_before,
        })
    }
}

/// A header cut into its fields, unjudged.
struct Fields<'a> {
    magic: [u8; 8],
    version: u16,
    kind: u16,
    genesis_hash: Hash32,
    segment: u64,
    records_before: u64,
    checksum: u32,
    covered: &'a [u8],
}

impl<'a> Fields<'a> {
    fn split(bytes: &'a [u8; SEGMENT_HEADER_BYTES]) -> Option<Self> {
        let (covered, checksum) = bytes.split_last_chunk::<4>()?;
        let (magic, rest) = covered.split_first_chunk::<8>()?;
        let (version, rest) = rest.split_first_chunk::<2>()?;
        let (kind, rest) = rest.split_first_chunk::<2>()?;
        let (genesis_hash, rest) = rest.split_first_chunk::<32>()?;
        let (segment, rest) = rest.split_first_chunk::<8>()?;
        let (records_before, _) = rest.split_first_chunk::<8>()?;
        Some(Self {
            magic: *magic,
            version: u16::from_le_bytes(*version),
            kind: u16::from_le_bytes(*kind),
            genesis_hash: Hash32::new(*genesis_hash),
            segment: u64::from_le_bytes(*segment),
            records_before: u64::from_le_bytes(*records_before),
            checksum: u32::from_le_bytes(*checksum),
            covered,
        })
    }
}
