//! Cutting a state into chunks.
//!
//! Invariant: the cut is a function of the entries alone, so all nodes cut one state alike. A subtree whose entries fit is a chunk; one
//! whose do not is cut in its two halves.
//! Shapes and units: entries stand in order of the key hash; bytes are those of [`super::chunk`], without the head.
//! Who calls it: whoever makes a snapshot, over a copy of the state that stays as it is.
//! Source: `docs/spec/snapshots.md`, "The cut".

use falaj_consensus::hash::sha256;
use falaj_consensus::types::Hash32;
use std::ops::Range;

use super::parts::{CHUNKS_MAX, Part};
use super::{CHUNK_BYTES, LENGTHS_BYTES, SnapshotError, chunk};
use crate::state_map::StateMap;
use crate::state_root::{bit, subtree_root};

/// A state, cut.
#[derive(Clone, Debug)]
pub struct Cut<'a> {
    entries: Vec<chunk::Entry<'a>>,
    chunks: Vec<(Part, Range<usize>)>,
}

/// Key hash, hash of the value, bytes in a chunk.
struct Leaf {
    hashes: (Hash32, Hash32),
    bytes: usize,
}

impl<'a> Cut<'a> {
    /// Cuts a state.
    ///
    /// # Errors
    /// [`SnapshotError::TooLarge`].
    pub fn of(map: &'a StateMap) -> Result<Self, SnapshotError> {
        Self::within(map, CHUNK_BYTES)
    }

    /// The same with chunks of other sizes, for tests and for worlds of small states.
    ///
    /// # Errors
    /// [`SnapshotError::TooLarge`].
    pub fn within(map: &'a StateMap, bytes_max: usize) -> Result<Self, SnapshotError> {
        let mut sorted: Vec<(Leaf, chunk::Entry<'a>)> = map
            .iter()
            .map(|(key, value)| {
                let leaf = Leaf {
                    hashes: (sha256(key), sha256(value)),
                    bytes: LENGTHS_BYTES
                        .saturating_add(key.len())
                        .saturating_add(value.len()),
                };
                (leaf, (key, value))
            })
            .collect();
        sorted.sort_unstable_by_key(|(leaf, _)| leaf.hashes.0);
        let (leaves, entries): (Vec<Leaf>, _) = sorted.into_iter().unzip();
        let mut chunks = Vec::new();
        cut(&leaves, 0..leaves.len(), 0, bytes_max, &mut chunks)?;
        Ok(Self { entries, chunks })
    }

    /// The chunks as a manifest lists them.
    pub fn parts(&self) -> impl ExactSizeIterator<Item = Part> + '_ {
        self.chunks.iter().map(|(part, _)| *part)
    }

    /// The bytes of a chunk; `None` behind the last.
    #[must_use]
    pub fn chunk(&self, index: usize) -> Option<Vec<u8>> {
        let (_, range) = self.chunks.get(index)?;
        let entries = self.entries.get(range.clone())?;
        Some(chunk::encode(entries.iter().copied()))
    }
}

fn cut(
    leaves: &[Leaf],
    range: Range<usize>,
    depth: u16,
    bytes_max: usize,
    chunks: &mut Vec<(Part, Range<usize>)>,
) -> Result<(), SnapshotError> {
    let here = leaves.get(range.clone()).unwrap_or_default();
    let bytes = here
        .iter()
        .fold(0_usize, |sum, leaf| sum.saturating_add(leaf.bytes));
    if here.len() > 1 && bytes > bytes_max {
        let at = usize::from(depth);
        let left = here.partition_point(|leaf| !bit(&leaf.hashes.0, at));
        let middle = range.start.saturating_add(left);
        let below = depth.saturating_add(1);
        cut(leaves, range.start..middle, below, bytes_max, chunks)?;
        return cut(leaves, middle..range.end, below, bytes_max, chunks);
    }
    if chunks.len() >= CHUNKS_MAX {
        return Err(SnapshotError::TooLarge);
    }
    let hashes: Vec<_> = here.iter().map(|leaf| leaf.hashes).collect();
    let part = Part {
        depth,
        entries: u32::try_from(here.len()).expect("a chunk is far below 2^32 entries"),
        root: subtree_root(&hashes, usize::from(depth)),
    };
    chunks.push((part, range));
    Ok(())
}
