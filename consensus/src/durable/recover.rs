//! Reads a segment back after a stop, and tells a torn tail from damage.
//!
//! Invariant: no byte is stepped over. Everything before the end that is returned was checked frame by frame.
//! Torn is the last segment's first bad frame with no valid frame at any later offset: the write that a stop cut short.
//! A valid frame behind a bad one proves that the bad one was whole once: damage.
//! Errors: [`LogError::Damaged`] with file and offset; a file of another chain, kind or version has an error of its own.
//! Source: `docs/spec/durable.md`, "Torn and damaged".

use super::frame::{FRAME_PREFIX_BYTES, Site, count_records, frame_at};
use super::index::Segment;
use super::segment::{Header, HeaderError, file_name};
use super::{
    Damage, Disk, DiskError, LogError, LogIdentity, SEGMENT_BYTES_MAX, SEGMENT_HEADER_BYTES,
};

/// A segment as it was found.
pub(super) struct Found<F> {
    pub(super) file: F,
    pub(super) segment: Segment,
    /// The file's length; what lies between the segment's end and here is torn.
    pub(super) file_bytes: u64,
}

/// Reads and checks one segment. Only in the last one may the end be torn.
pub(super) fn read_segment<D: Disk>(
    disk: &D,
    identity: LogIdentity,
    number: u64,
    last: bool,
) -> Result<Found<D::File>, LogError> {
    let name = file_name(identity.log, number);
    let damaged = |offset: u64, damage: Damage| LogError::Damaged {
        log: identity.log,
        file: name.clone(),
        offset,
        damage,
    };
    let (file, bytes) = read_file(disk, &name).map_err(|source| LogError::Disk {
        log: identity.log,
        source,
    })?;
    let bytes = bytes.ok_or_else(|| damaged(SEGMENT_BYTES_MAX, Damage::Length))?;
    let (header, _) = bytes
        .split_first_chunk()
        .ok_or_else(|| damaged(0, Damage::Length))?;
    let header = Header::decode(header, identity, number)
        .map_err(|error| header_error(identity, &name, error))?;
    let mut segment = Segment::empty(number, header.records_before, SEGMENT_HEADER_BYTES as u64);
    let rest = scan_frames(&identity, &mut segment, &bytes);
    if !rest.is_empty() && (!last || holds_frame(&identity, &segment, rest)) {
        return Err(damaged(segment.bytes, Damage::Frame));
    }
    Ok(Found {
        file,
        segment,
        file_bytes: bytes.len() as u64,
    })
}

/// The whole file, unless it is too long for a segment.
fn read_file<D: Disk>(disk: &D, name: &str) -> Result<(D::File, Option<Vec<u8>>), DiskError> {
    let file = disk.open(name)?;
    let length = disk.length(&file)?;
    if length > SEGMENT_BYTES_MAX {
        return Ok((file, None));
    }
    let mut bytes = vec![0; usize::try_from(length).expect("a segment is at most 64 MiB")];
    disk.read(&file, 0, &mut bytes)?;
    Ok((file, Some(bytes)))
}

fn header_error(identity: LogIdentity, name: &str, error: HeaderError) -> LogError {
    let (log, file) = (identity.log, name.to_owned());
    match error {
        HeaderError::Damaged(damage) => LogError::Damaged {
            log,
            file,
            offset: 0,
            damage,
        },
        HeaderError::OtherVersion(found) => LogError::OtherVersion { log, file, found },
        HeaderError::OtherKind(found) => LogError::OtherKind { log, file, found },
        HeaderError::OtherGenesis(found) => LogError::OtherGenesis { log, file, found },
    }
}

/// Enters all frames up to the first bad one, and gives the bytes from there.
fn scan_frames<'a>(identity: &LogIdentity, segment: &mut Segment, bytes: &'a [u8]) -> &'a [u8] {
    let mut rest = bytes.get(SEGMENT_HEADER_BYTES..).unwrap_or_default();
    while let Some(payload) = frame_at(&Site::new(identity, segment.number, segment.bytes), rest) {
        let frame_bytes = payload.len().saturating_add(FRAME_PREFIX_BYTES);
        segment.push(
            frame_bytes as u64,
            count_records(payload).unwrap_or_default(),
        );
        rest = rest.get(frame_bytes..).unwrap_or_default();
    }
    rest
}

/// Whether a valid frame begins anywhere behind the first byte of `rest`, which begins at the segment's end.
fn holds_frame(identity: &LogIdentity, segment: &Segment, rest: &[u8]) -> bool {
    (1..rest.len()).any(|skipped| {
        let offset = segment.bytes.saturating_add(skipped as u64);
        frame_at(
            &Site::new(identity, segment.number, offset),
            rest.get(skipped..).unwrap_or_default(),
        )
        .is_some()
    })
}
