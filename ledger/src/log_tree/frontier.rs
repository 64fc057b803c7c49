//! The right edge of a growing tree: enough to append for ever and to know the root, in at most 64 hashes.
//!
//! Invariant: one peak for each one-bit of the size, the largest subtree first; so a frontier has one form per log.
//! Shapes and units: encoded as the size, `u64` little-endian, then the peaks, 32 bytes each, without a count.
//! Source: RFC 9162, section 2.1.1; `docs/spec/state-root.md`.

use alloc::vec::Vec;
use borsh::io::{Read, Result, Write};

use borsh::{BorshDeserialize, BorshSerialize};
use falaj_consensus::types::Hash32;

use super::{empty_root, node_hash};

/// What must be kept of a log to append to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash32>,
}

impl Frontier {
    /// The frontier of an empty log.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            size: 0,
            peaks: Vec::new(),
        }
    }

    /// Leaves appended so far.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf, given by its hash.
    ///
    /// # Panics
    /// At 2⁶⁴ leaves, which no log of ours reaches.
    pub fn append(&mut self, leaf: Hash32) {
        self.append_telling(leaf, |_, _| {});
    }

    /// The same, and tells every complete subtree that it finishes: its level, from 0 for the leaf itself, and its root.
    ///
    /// # Panics
    /// As [`Frontier::append`].
    pub fn append_telling(&mut self, leaf: Hash32, mut completed: impl FnMut(u32, Hash32)) {
        let mut peak = leaf;
        completed(0, peak);
        for level in 0..self.size.trailing_ones() {
            let left = self
                .peaks
                .pop()
                .expect("one peak for each one-bit of the size");
            peak = node_hash(&left, &peak);
            completed(level.saturating_add(1), peak);
        }
        self.peaks.push(peak);
        self.size = self
            .size
            .checked_add(1)
            .expect("no log of ours reaches 2^64 leaves");
    }

    /// The complete subtrees that it is made of, the largest first: first leaf, level and root of each.
    pub fn peaks(&self) -> impl Iterator<Item = (u64, u32, Hash32)> + '_ {
        let levels = (0..u64::BITS)
            .rev()
            .filter(|level| self.size >> level & 1 == 1);
        let mut next = 0_u64;
        levels.zip(&self.peaks).map(move |(level, root)| {
            let start = next;
            next = next.saturating_add(1_u64 << level);
            (start, level, *root)
        })
    }

    /// The root over all leaves so far.
    #[must_use]
    pub fn root(&self) -> Hash32 {
        let smaller_first = self.peaks.iter().rev().copied();
        smaller_first
            .reduce(|right, left| node_hash(&left, &right))
            .unwrap_or_else(empty_root)
    }
}

impl BorshSerialize for Frontier {
    fn serialize<W: Write>(&self, writer: &mut W) -> Result<()> {
        self.size.serialize(writer)?;
        self.peaks
            .iter()
            .try_for_each(|peak| peak.serialize(writer))
    }
}

impl BorshDeserialize for Frontier {
    fn deserialize_reader<R: Read>(reader: &mut R) -> Result<Self> {
        let size = u64::deserialize_reader(reader)?;
        let peaks = (0..size.count_ones())
            .map(|_| Hash32::deserialize_reader(reader))
            .collect::<Result<_>>()?;
        Ok(Self { size, peaks })
    }
}
