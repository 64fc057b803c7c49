//! The records of a store: their keys, their seals, and long contents cut into chunks.
//!
//! Invariant: a record that was changed, or that stands under another key than its own, does not open.
//! Shapes and units: a value is its seal, crc32c over key and content as `u32` little-endian, and then the content. The first
//! byte of a key is its kind, see [`Kind`]; heights and indexes in keys are big-endian, so that order of keys is order of
//! heights. Long contents are cut into chunks of [`CHUNK_BYTES`], the last one shorter.
//! Errors: [`StoreError::Damaged`] with the record's kind and place.
//! Source: `docs/spec/storage.md`.

use borsh::{BorshDeserialize, BorshSerialize};
use falaj_consensus::types::Height;

use super::StoreError;
use super::medium::Medium;

/// The length of a chunk's content: few, large values are what sled is good at, and 64 KiB is where it begins a file for each.
pub(super) const CHUNK_BYTES: usize = 32 * 1024;

const SEAL_BYTES: usize = 4;

/// What a record is, and the first byte of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// Whose store this is: one record.
    Identity = 0,
    /// The last block: one record.
    Marker = 1,
    /// A block's write set: chunks under height and index.
    Delta = 2,
    /// That a checkpoint is whole: one record a checkpoint, under its height.
    Manifest = 3,
    /// A checkpoint's state: chunks under height and index.
    Checkpoint = 4,
    /// A page of the index, under a key of its owner's.
    Page = 5,
}

impl Kind {
    const fn byte(self) -> u8 {
        self as u8
    }

    /// The key of the only record of this kind, or the start of all of them.
    pub(super) fn key(self) -> Vec<u8> {
        vec![self.byte()]
    }

    /// What comes after all keys of this kind.
    pub(super) fn end(self) -> Vec<u8> {
        vec![self.byte().saturating_add(1)]
    }

    /// The key of the record at a height, or the start of all of them.
    pub(super) fn at(self, height: Height) -> Vec<u8> {
        self.with(&height.get().to_be_bytes())
    }

    /// The key of a chunk.
    pub(super) fn chunk(self, height: Height, index: u32) -> Vec<u8> {
        let mut key = self.at(height);
        key.extend_from_slice(&index.to_be_bytes());
        key
    }

    /// The key that continues with these bytes.
    pub(super) fn with(self, rest: &[u8]) -> Vec<u8> {
        let mut key = Vec::with_capacity(rest.len().saturating_add(1));
        key.push(self.byte());
        key.extend_from_slice(rest);
        key
    }
}

/// A record's value: seal and content.
pub(super) fn sealed(key: &[u8], content: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(content.len().saturating_add(SEAL_BYTES));
    value.extend_from_slice(&seal(key, content));
    value.extend_from_slice(content);
    value
}

/// The content of a record whose seal holds.
pub(super) fn opened(key: &[u8], mut value: Vec<u8>) -> Result<Vec<u8>, StoreError> {
    let (found, content) = value
        .split_first_chunk::<SEAL_BYTES>()
        .ok_or_else(|| damaged(key, "it is shorter than its seal"))?;
    if *found != seal(key, content) {
        return Err(damaged(key, "its checksum does not hold"));
    }
    value.drain(..SEAL_BYTES);
    Ok(value)
}

fn seal(key: &[u8], content: &[u8]) -> [u8; SEAL_BYTES] {
    crc32c::crc32c_append(crc32c::crc32c(key), content).to_le_bytes()
}

/// A record of a borsh type, written out.
pub(super) fn encoded<T: BorshSerialize>(key: &[u8], content: &T) -> Vec<u8> {
    sealed(key, &falaj_consensus::hash::encode(content))
}

/// A record of a borsh type, if it is there.
pub(super) fn read<T: BorshDeserialize>(
    medium: &impl Medium,
    key: &[u8],
) -> Result<Option<T>, StoreError> {
    let Some(content) = content(medium, key)? else {
        return Ok(None);
    };
    decoded(key, &content).map(Some)
}

/// A record's content, if the record is there.
pub(super) fn content(medium: &impl Medium, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    medium.get(key)?.map(|value| opened(key, value)).transpose()
}

/// The borsh type that a record's content must be.
pub(super) fn decoded<T: BorshDeserialize>(key: &[u8], content: &[u8]) -> Result<T, StoreError> {
    borsh::from_slice(content).map_err(|_| damaged(key, "its content does not decode"))
}

/// A damaged record, named by its key.
pub(super) fn damaged(key: &[u8], what: &'static str) -> StoreError {
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    StoreError::Damaged {
        place: format!("record {hex}"),
        what,
    }
}

/// Cuts a content into chunks, each with its key.
pub(super) fn chunks(
    kind: Kind,
    height: Height,
    content: &[u8],
) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    (0_u32..)
        .zip(content.chunks(CHUNK_BYTES))
        .map(move |(index, chunk)| {
            let key = kind.chunk(height, index);
            let value = sealed(&key, chunk);
            (key, value)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    // A record opens under its own key alone, and only as it was written.
    #[test]
    fn a_changed_or_moved_record_does_not_open() {
        let key = Kind::Delta.chunk(Height::new(7), 1);
        let value = sealed(&key, b"content");
        assert_eq!(opened(&key, value.clone()).unwrap(), b"content");
        assert!(opened(&Kind::Delta.chunk(Height::new(7), 2), value.clone()).is_err());
        for bit in 0..value.len() * 8 {
            let mut bad = value.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(opened(&key, bad).is_err(), "bit {bit}");
        }
        for cut in 0..value.len() {
            assert!(opened(&key, value[..cut].to_vec()).is_err(), "cut at {cut}");
        }
    }

    // Order of keys is order of heights, then of indexes, and kinds do not mix.
    #[test]
    fn keys_are_in_order_of_height_and_index() {
        let keys = [
            Kind::Marker.key(),
            Kind::Delta.key(),
            Kind::Delta.chunk(Height::new(255), 0),
            Kind::Delta.chunk(Height::new(255), 256),
            Kind::Delta.chunk(Height::new(256), 0),
            Kind::Delta.end(),
            Kind::Manifest.at(Height::new(1)),
        ];
        assert!(keys.is_sorted());
    }
}
