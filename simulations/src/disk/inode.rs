//! The bytes of one file, and which of them a crash may take.
//!
//! Invariant: `synced` never exceeds the length. Bytes below it survive every crash, but for those of a sync that failed
//! or lied.
//! Shape and units: files only grow at their end or are cut, as [`falaj_consensus::durable::Disk`] has it; bytes.

use std::ops::Range;

use crate::chance::{Draws, WORDS, Word};

/// What a disk writes whole or not at all.
pub(super) const SECTOR_BYTES: usize = 512;
/// How many sectors one draw decides about.
const SECTORS_PER_DRAW: usize = WORDS * 64;

/// A file without its name.
#[derive(Clone, Debug, Default)]
pub(super) struct Inode {
    bytes: Vec<u8>,
    /// Bytes at the front that were synced.
    synced: usize,
    /// Synced bytes behind a cut that is not synced itself: a crash may bring them back.
    uncut: Vec<u8>,
    /// Bytes that a failed sync marked clean, or a lying one called synced, and that never reached the disk.
    missing: Vec<Range<usize>>,
    /// A sector that cannot be read any more, whatever is written.
    spoilt: Option<Range<usize>>,
}

/// What a crash did to a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fate {
    pub(super) lost_tail: bool,
    pub(super) torn: bool,
    pub(super) lost_synced: bool,
}

impl Inode {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn append(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn truncate(&mut self, length: usize) {
        if length < self.synced {
            let mut uncut = self.bytes[length..self.synced].to_vec();
            uncut.append(&mut self.uncut);
            self.uncut = uncut;
            self.synced = length;
        }
        self.bytes.truncate(length);
        for range in &mut self.missing {
            range.end = range.end.min(length);
        }
    }

    pub(super) fn sync(&mut self) {
        self.synced = self.bytes.len();
        self.uncut.clear();
    }

    pub(super) const fn is_synced(&self) -> bool {
        self.synced == self.bytes.len() && self.uncut.is_empty()
    }

    /// Reports success without doing anything: the bytes count as synced and are not there.
    pub(super) fn sync_in_name_only(&mut self) {
        self.mark_missing();
        self.sync();
    }

    /// The pages are clean now and never written: a later sync has nothing to do for them.
    pub(super) fn fail_sync(&mut self) {
        self.mark_missing();
    }

    fn mark_missing(&mut self) {
        let range = self.synced..self.bytes.len();
        if !range.is_empty() {
            self.missing.push(range);
        }
    }

    /// Takes what chance takes of the bytes that were not synced, and everything that never reached the disk.
    pub(super) fn crash(&mut self, draws: &mut Draws) -> Fate {
        let draw = draws.next();
        if !self.uncut.is_empty() && draw.word(0).below(2) == 0 {
            self.undo_cut();
        }
        let kept = self.kept_length(draw.word(1), draw.word(2));
        let lost_tail = kept < self.bytes.len();
        self.bytes.truncate(kept);
        let torn = draw.word(3).below(2) == 0 && self.tear(draws);
        let lost_synced = self.lose_missing();
        self.sync();
        Fate {
            lost_tail,
            torn,
            lost_synced,
        }
    }

    /// Leaves nothing but what survives every crash.
    pub(super) fn keep_durable_only(&mut self) {
        self.bytes.truncate(self.synced);
        self.lose_missing();
        self.sync();
    }

    /// The sectors that a sync has to write, whole, and which is the first; none if there is nothing to write.
    pub(super) fn unsynced_sectors(&self) -> Option<(usize, Vec<u8>)> {
        let first = self.synced / SECTOR_BYTES;
        let end = self.bytes.len().next_multiple_of(SECTOR_BYTES);
        let mut sectors = self.bytes.get(first * SECTOR_BYTES..)?.to_vec();
        sectors.resize(end - first * SECTOR_BYTES, 0);
        (self.synced < self.bytes.len()).then_some((first, sectors))
    }

    /// Puts foreign sectors over the file's own, from one of the first `below` on, as far as the file goes; whether there was one.
    pub(super) fn overwrite(&mut self, sectors: &[u8], below: usize, chosen: Word) -> bool {
        let all = self.bytes.len().div_ceil(SECTOR_BYTES);
        let first = chosen.below(below.min(all) as u64);
        let first = usize::try_from(first).expect("it lies inside a vector");
        let Some(own) = self.bytes.get_mut(first * SECTOR_BYTES..) else {
            return false;
        };
        let foreign = own.iter_mut().zip(sectors);
        foreign.for_each(|(own, foreign)| *own = *foreign);
        below > 0 && all > 0
    }

    /// Flips one bit; there is none in an empty file.
    pub(super) fn rot(&mut self, word: Word) -> bool {
        let bit = word.below(self.bytes.len() as u64 * 8);
        let at = usize::try_from(bit / 8).expect("it lies inside a vector");
        let byte = self.bytes.get_mut(at);
        byte.map(|byte| *byte ^= 1 << (bit % 8)).is_some()
    }

    /// Makes a sector unreadable; there is none in an empty file.
    pub(super) fn spoil(&mut self, word: Word) -> bool {
        let sectors = self.bytes.len().div_ceil(SECTOR_BYTES) as u64;
        if sectors == 0 {
            return false;
        }
        let sector = usize::try_from(word.below(sectors)).expect("it lies inside a vector");
        self.spoilt = Some(sector * SECTOR_BYTES..(sector + 1) * SECTOR_BYTES);
        true
    }

    /// Whether a read of these bytes meets the unreadable sector.
    pub(super) fn is_spoilt(&self, wanted: &Range<usize>) -> bool {
        self.spoilt
            .as_ref()
            .is_some_and(|spoilt| spoilt.start < wanted.end && wanted.start < spoilt.end)
    }

    fn undo_cut(&mut self) {
        self.bytes.truncate(self.synced);
        self.bytes.append(&mut self.uncut);
        self.synced = self.bytes.len();
    }

    /// How much is left of the unsynced tail: nothing, everything, or any part, each a third of the time.
    fn kept_length(&self, choice: Word, part: Word) -> usize {
        let unsynced = (self.bytes.len() - self.synced) as u64;
        let kept = match choice.below(3) {
            0 => 0,
            1 => unsynced,
            _ => part.within(0, unsynced),
        };
        self.synced + usize::try_from(kept).expect("it is at most the length of a vector")
    }

    /// Loses about half of the unsynced sectors in what is left; they read as zeros. Says whether it lost any.
    fn tear(&mut self, draws: &mut Draws) -> bool {
        let first = self.synced / SECTOR_BYTES;
        let sectors: Vec<usize> = (first..self.bytes.len().div_ceil(SECTOR_BYTES)).collect();
        let mut torn = false;
        for group in sectors.chunks(SECTORS_PER_DRAW) {
            let draw = draws.next();
            for (index, sector) in group.iter().enumerate() {
                if draw.word(index / 64).get() >> (index % 64) & 1 == 0 {
                    torn |= self.zero(sector * SECTOR_BYTES..(sector + 1) * SECTOR_BYTES);
                }
            }
        }
        torn
    }

    /// Zeros what never reached the disk, synced in name or not. Says whether anything was lost by it.
    fn lose_missing(&mut self) -> bool {
        self.synced = 0;
        let mut lost = false;
        for range in std::mem::take(&mut self.missing) {
            lost |= self.zero(range);
        }
        lost
    }

    /// Zeros the unsynced bytes of a range; says whether there were any.
    fn zero(&mut self, range: Range<usize>) -> bool {
        let end = range.end.min(self.bytes.len());
        let start = range.start.max(self.synced).min(end);
        self.bytes[start..end].fill(0);
        start < end
    }
}
