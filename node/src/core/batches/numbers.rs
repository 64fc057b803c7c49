//! Which numbers of one author's batches are here.
//!
//! Invariant: what is acknowledged of an author is a number up to which every batch is held, verified and on disk, or was passed: a block
//! that a quorum decided named a batch more than [`GAP_MAX`] numbers above it; or a batch above it died here, and with it whatever came
//! before; or its author sent it when it was dead; or the node began with a snapshot, and the first batch that the author sends
//! here, or that a block names, is above it.
//! Why it is passed: one batch that never comes, because its author lost it or let it die, would keep everything above unacknowledged, so
//! that no proposer could ever name a batch of that author again. An acknowledgement of a passed number costs a peer that names its batch
//! a fetch, as any untrue one does, and never safety: nobody prevotes what it does not hold.
//! Bounds: of ordered batches at most [`GAP_MAX`] numbers are remembered above the gapless part; unordered ones have their senders' quota,
//! and a batch that dies unordered is forgotten here too. A number more than [`JUMP_MAX`] above all that came is nobody's: blocks may name
//! batches that their alleged author never made, and one of those must not use an author's numbers up.
//! Source: `docs/spec/dissemination.md`, "Batches".

use falaj_consensus::message::BatchRef;
use falaj_consensus::mutated;
use falaj_consensus::types::BatchDigest;
use std::collections::BTreeMap;

/// How far below an ordered batch of an author a number is still waited for.
pub(super) const GAP_MAX: u64 = 1024;

/// How far above all that came of an author a number may be. No author leaves out so many, and so far steps never use 64 bits up.
pub(super) const JUMP_MAX: u64 = 1 << 32;

/// The numbers of one author.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Numbers {
    /// First batch that came under each number above `contiguous`, and whether it is on disk.
    beyond: BTreeMap<u64, (BatchDigest, bool)>,
    /// All numbers up to here are held, verified and on disk, or were passed.
    contiguous: u64,
    /// The highest number that was ever here.
    highest: u64,
}

impl Numbers {
    /// What is acknowledged.
    pub(crate) fn contiguous(&self) -> u64 {
        if mutated!(AcknowledgeOverGap) {
            return self.highest;
        }
        self.contiguous
    }

    /// The highest number that was ever here.
    pub(in crate::core) const fn highest(&self) -> u64 {
        self.highest
    }

    /// How many numbers are remembered above the gapless part.
    pub(super) fn beyond(&self) -> usize {
        self.beyond.len()
    }

    /// Books the number of a batch; whether it is the first under it.
    pub(crate) fn book(&mut self, reference: BatchRef) -> bool {
        if reference.seq <= self.contiguous || self.is_too_far(reference.seq) {
            return false;
        }
        self.highest = self.highest.max(reference.seq);
        let first = self
            .beyond
            .entry(reference.seq)
            .or_insert((reference.digest, false));
        first.0 == reference.digest
    }

    /// A batch is on disk. Whether the gapless part grew.
    pub(crate) fn settle(&mut self, reference: BatchRef) -> bool {
        if let Some((digest, durable)) = self.beyond.get_mut(&reference.seq)
            && *digest == reference.digest
        {
            *durable = true;
        }
        self.grow()
    }

    /// A batch died unordered: nothing up to its number is waited for any longer. Whether the gapless part grew.
    pub(super) fn died(&mut self, reference: BatchRef) -> bool {
        let booked = self.beyond.get(&reference.seq);
        let first = booked.is_some_and(|(digest, _)| *digest == reference.digest);
        first && self.pass_up_to(reference.seq)
    }

    /// The author sent a batch when it was dead. Its number is waited for no longer, if it is the next one. Whether it was.
    pub(super) fn pass(&mut self, seq: u64) -> bool {
        seq == self.contiguous.saturating_add(1) && self.pass_up_to(seq)
    }

    fn pass_up_to(&mut self, seq: u64) -> bool {
        self.highest = self.highest.max(seq);
        self.contiguous = seq;
        self.beyond = self.beyond.split_off(&seq.saturating_add(1));
        self.grow();
        true
    }

    const fn is_too_far(&self, seq: u64) -> bool {
        seq.saturating_sub(self.highest) > JUMP_MAX
    }

    /// A decided block named a batch of that number. Whether the gapless part grew.
    pub(crate) fn ordered(&mut self, seq: u64) -> bool {
        let passed = seq.saturating_sub(GAP_MAX);
        if passed <= self.contiguous || self.is_too_far(seq) {
            return false;
        }
        self.highest = self.highest.max(seq);
        self.pass_up_to(passed)
    }

    /// This node has none of the blocks that ordered an author's earlier batches, and now the author sends this one or a block names it:
    /// nothing below it is waited for, if nothing of the author was held before. Whether the gapless part grew.
    pub(crate) fn begin_at(&mut self, seq: u64) -> bool {
        let passed = seq.saturating_sub(1);
        self.contiguous == 0 && passed > 0 && !self.is_too_far(seq) && self.pass_up_to(passed)
    }

    fn grow(&mut self) -> bool {
        let before = self.contiguous;
        while let Some((_, true)) = self.beyond.get(&self.contiguous.saturating_add(1)) {
            self.contiguous = self.contiguous.saturating_add(1);
            self.beyond.remove(&self.contiguous);
        }
        self.contiguous > before
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use falaj_consensus::types::{Hash32, ValidatorId};

    fn batch(seq: u64, salt: u8) -> BatchRef {
        BatchRef {
            digest: BatchDigest::new(Hash32::new([salt; 32])),
            author: ValidatorId::new(1),
            seq,
            transactions: 1,
            bytes: 1,
        }
    }

    fn held(numbers: &mut Numbers, seq: u64) {
        numbers.book(batch(seq, 1));
        numbers.settle(batch(seq, 1));
        numbers.ordered(seq);
    }

    // docs/spec/dissemination.md, "Batches": what was ordered before the snapshot is waited for by nobody; what is held is not passed again.
    #[test]
    fn after_a_snapshot_numbers_begin_with_the_first_that_a_block_names() {
        let mut numbers = Numbers::default();
        numbers.book(batch(5_000, 1));
        numbers.settle(batch(5_000, 1));
        assert_eq!(numbers.contiguous(), 0);
        assert!(numbers.begin_at(5_000));
        assert_eq!(numbers.contiguous(), 5_000);
        assert!(!numbers.begin_at(9_000));
        assert_eq!(numbers.contiguous(), 5_000);
        let mut first = Numbers::default();
        assert!(!first.begin_at(1));
        assert!(!first.begin_at(u64::MAX));
        assert_eq!(first.contiguous(), 0);
    }

    // docs/spec/dissemination.md, "Batches": a number that never comes keeps what is above it unacknowledged only so long.
    #[test]
    fn a_gap_is_passed_once_blocks_are_far_above_it() {
        let mut numbers = Numbers::default();
        (2..=GAP_MAX + 1).for_each(|seq| held(&mut numbers, seq));
        assert_eq!(numbers.contiguous(), GAP_MAX + 1);
        let mut numbers = Numbers::default();
        (2..=GAP_MAX).for_each(|seq| held(&mut numbers, seq));
        assert_eq!(numbers.contiguous(), 0);
    }

    // Goal: one gap after the other, for many thousands of batches, and what is remembered stays within the bound.
    #[test]
    fn what_is_remembered_of_an_author_is_bounded() {
        let mut numbers = Numbers::default();
        for seq in (1..100_000).filter(|seq| seq % 700 != 0) {
            held(&mut numbers, seq);
            assert!(numbers.beyond.len() as u64 <= GAP_MAX);
        }
        assert!(numbers.contiguous() >= 100_000 - 1 - GAP_MAX);
    }

    // docs/spec/dissemination.md, "Batches": an author leaves number 1 out; once one above it dies, nobody waits for it any longer.
    #[test]
    fn what_dies_above_a_gap_ends_it() {
        let mut numbers = Numbers::default();
        for seq in 2..5_000 {
            assert!(numbers.book(batch(seq, 1)));
            assert!(!numbers.settle(batch(seq, 1)));
        }
        assert_eq!(numbers.contiguous(), 0);
        assert!(numbers.died(batch(2, 1)));
        assert!(numbers.beyond.is_empty());
        assert_eq!((numbers.contiguous(), numbers.highest()), (4_999, 4_999));
    }

    // What died under a number that another batch holds leaves that one its number.
    #[test]
    fn the_first_under_a_number_keeps_it() {
        let mut numbers = Numbers::default();
        numbers.book(batch(2, 1));
        assert!(!numbers.died(batch(2, 2)));
        assert!(numbers.book(batch(2, 1)));
        assert!(!numbers.book(batch(2, 2)));
    }

    // Goal: a block names a batch that its alleged author never made, under the last number there is, and the author goes on.
    #[test]
    fn a_far_number_uses_none_up() {
        let mut numbers = Numbers::default();
        assert!(!numbers.book(batch(u64::MAX, 1)));
        assert!(!numbers.ordered(u64::MAX));
        assert_eq!(numbers.highest(), 0);
        held(&mut numbers, 1);
        assert_eq!(numbers.contiguous(), 1);
        assert!(numbers.book(batch(1 + JUMP_MAX, 1)));
    }

    // docs/spec/dissemination.md, "Batches": an author that comes back after its batch has died is not locked out by it.
    #[test]
    fn a_number_that_its_author_sends_dead_is_passed_if_it_is_the_next() {
        let mut numbers = Numbers::default();
        numbers.book(batch(2, 1));
        numbers.settle(batch(2, 1));
        assert!(!numbers.pass(5));
        assert_eq!(numbers.contiguous(), 0);
        assert!(numbers.pass(1));
        assert_eq!(numbers.contiguous(), 2);
        assert!(!numbers.pass(1));
    }

    // A number that was passed belongs to nobody: a batch that comes under it is never the first.
    #[test]
    fn a_passed_number_is_never_booked() {
        let mut numbers = Numbers::default();
        numbers.ordered(GAP_MAX + 5);
        assert!(!numbers.book(batch(5, 1)));
        assert!(numbers.book(batch(6, 1)));
        assert!(!numbers.book(batch(6, 2)));
    }
}
