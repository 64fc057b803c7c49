//! The bytes of a chunk: entries in order of the key hash.
//!
//! Invariant: entries of a subtree have one byte form, and its root is a function of them; so bytes whose entries have the proven root are
//! the bytes of that chunk.
//! Shapes and units: version (`u16`, 1) ‖ count (`u32`) ‖ entries, each key and value with their lengths (`u32`); little endian.
//! Source: `docs/spec/snapshots.md`, "Chunks".

use falaj_consensus::hash::sha256;
use falaj_consensus::types::Hash32;

use super::parts::{Part, Prefix};
use super::{CHUNK_BYTES, CHUNK_BYTES_MAX, HEAD_BYTES, SnapshotError};
use crate::state_root::subtree_root;
use crate::write_set::{key_fits, value_fits};

const VERSION: u16 = 1;

/// A key and its value.
pub type Entry<'a> = (&'a [u8], &'a [u8]);

/// The bytes of these entries.
pub(super) fn encode<'a>(entries: impl ExactSizeIterator<Item = Entry<'a>>) -> Vec<u8> {
    let mut bytes = VERSION.to_le_bytes().to_vec();
    bytes.extend_from_slice(&length(entries.len()));
    for (key, value) in entries {
        for part in [key, value] {
            bytes.extend_from_slice(&length(part.len()));
            bytes.extend_from_slice(part);
        }
    }
    bytes
}

fn length(length: usize) -> [u8; 4] {
    let length = u32::try_from(length).expect("a chunk is far below 4 GiB");
    length.to_le_bytes()
}

/// The entries of a chunk by its form alone.
pub(super) fn decode(bytes: &[u8]) -> Result<Vec<Entry<'_>>, &'static str> {
    if bytes.len() > CHUNK_BYTES_MAX {
        return Err("it is longer than any chunk");
    }
    let mut rest = bytes;
    let version = take::<2>(&mut rest)?;
    if u16::from_le_bytes(version) != VERSION {
        return Err("its version is unknown");
    }
    let count = u32::from_le_bytes(take::<4>(&mut rest)?);
    if count > 1 && bytes.len().saturating_sub(HEAD_BYTES) > CHUNK_BYTES {
        return Err("it is longer than a chunk of several entries");
    }
    // The count is a claim: memory is taken as entries come.
    let mut entries = Vec::new();
    for _ in 0..count {
        let (key, value) = (take_bytes(&mut rest)?, take_bytes(&mut rest)?);
        if !key_fits(key) || !value_fits(value) {
            return Err("a key or value has a length that no state has");
        }
        entries.push((key, value));
    }
    if rest.is_empty() {
        Ok(entries)
    } else {
        Err("bytes are left over")
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], &'static str> {
    let (taken, rest) = bytes.split_first_chunk::<N>().ok_or("it is cut short")?;
    *bytes = rest;
    Ok(*taken)
}

fn take_bytes<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], &'static str> {
    let length = u32::from_le_bytes(take::<4>(bytes)?);
    let length = usize::try_from(length).map_err(|_| "it is cut short")?;
    let (taken, rest) = bytes.split_at_checked(length).ok_or("it is cut short")?;
    *bytes = rest;
    Ok(taken)
}

/// Checks that the bytes are the chunk that a proven manifest lists there.
pub(super) fn check(
    index: usize,
    part: &Part,
    prefix: &Prefix,
    bytes: &[u8],
) -> Result<(), SnapshotError> {
    let malformed = |what| SnapshotError::Malformed { index, what };
    let entries = decode(bytes).map_err(malformed)?;
    let leaves: Vec<(Hash32, Hash32)> = entries
        .iter()
        .map(|(key, value)| (sha256(key), sha256(value)))
        .collect();
    if !leaves.is_sorted_by(|a, b| a.0 < b.0) {
        return Err(malformed(
            "its keys are not in order of their hashes, each once",
        ));
    }
    if !leaves.iter().all(|(key, _)| prefix.holds(key)) {
        return Err(malformed("a key belongs into another chunk"));
    }
    let found = subtree_root(&leaves, prefix.depth());
    if found != part.root {
        return Err(SnapshotError::Chunk {
            index,
            found,
            expected: part.root,
        });
    }
    if usize::try_from(part.entries) != Ok(entries.len()) {
        return Err(SnapshotError::Count {
            index,
            stated: part.entries,
            found: entries.len(),
        });
    }
    Ok(())
}
