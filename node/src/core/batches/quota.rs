//! How many bytes of batches each sender has here that no block ordered.
//!
//! Invariant: bytes count from when they are appended until a block orders them. Those of a batch that died unordered stay in the log, so
//! they go on counting for one to two lives of an id: however fast batches die, a sender fills the log with at most twice its quota a
//! life. Twice, because a network that stood still for a life has to go on: all that waited dies at once then, and leaves a quota free.
//! Units: bytes of encoded batches; lives of an id, counted from the Unix epoch in block time.
//! Source: `docs/spec/dissemination.md`, "Batches".

use falaj_consensus::mutated;
use falaj_consensus::types::ValidatorId;
use std::collections::BTreeMap;

use super::UNORDERED_BYTES_MAX;
use crate::core::holdings::{BatchLoad, Quota};

/// Most bytes of unordered batches of others that one validator may pass on to us: of its own it has a quota beside, so that nobody can
/// use up another's by having it pass batches on.
pub(super) const RELAYED_BYTES_MAX: u64 = UNORDERED_BYTES_MAX / 4;

/// Whose quota a batch takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sender {
    /// Of its author, which sent it.
    Author(ValidatorId),
    /// Of a validator that passed another's on.
    Relay(ValidatorId),
    /// Of nobody: a restart took another's up from the log, which does not say who sent it.
    Log,
}

impl Sender {
    /// Of a batch that came from a validator.
    pub(super) fn of(sender: ValidatorId, author: ValidatorId) -> Self {
        if sender == author {
            Self::Author(author)
        } else {
            Self::Relay(sender)
        }
    }

    /// As others name it.
    pub(super) const fn quota(self) -> Quota {
        match self {
            Self::Author(author) => Quota::Author(author),
            Self::Relay(sender) => Quota::Relay(sender),
            Self::Log => Quota::Log,
        }
    }

    const fn bytes_max(self) -> u64 {
        match self {
            Self::Author(_) | Self::Log => UNORDERED_BYTES_MAX,
            Self::Relay(_) => RELAYED_BYTES_MAX,
        }
    }
}

/// What counts of one sender, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Share {
    /// Of batches that wait to be ordered.
    waiting: u64,
    /// Of batches that died in this life, and in the one before.
    died: [u64; 2],
}

/// What counts of every sender.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Quotas {
    shares: BTreeMap<Sender, Share>,
    life: u64,
}

impl Quotas {
    /// Whether so many bytes more are welcome.
    pub(super) fn has_room(&self, sender: Sender, bytes: u64) -> bool {
        let Share { waiting, died } = self.shares.get(&sender).copied().unwrap_or_default();
        let waiting = waiting.saturating_add(bytes);
        let all = waiting.saturating_add(died[0]).saturating_add(died[1]);
        let most = sender.bytes_max();
        waiting <= most && all <= most.saturating_mul(2)
    }

    /// What is booked.
    pub(super) fn holdings(&self) -> impl Iterator<Item = (Quota, BatchLoad)> + '_ {
        self.shares.iter().map(|(sender, share)| {
            let load = BatchLoad {
                waiting_bytes: share.waiting,
                died_bytes: share.died[0].saturating_add(share.died[1]),
                ..BatchLoad::default()
            };
            (sender.quota(), load)
        })
    }

    /// A batch was appended.
    pub(super) fn appended(&mut self, sender: Sender, bytes: u64) {
        let share = self.shares.entry(sender).or_default();
        share.waiting = share.waiting.saturating_add(bytes);
    }

    /// A block ordered a batch.
    pub(super) fn ordered(&mut self, sender: Sender, bytes: u64) {
        if mutated!(QuotaNotGivenBack) {
            return;
        }
        let share = self.shares.entry(sender).or_default();
        share.waiting = share.waiting.saturating_sub(bytes);
    }

    /// A batch died unordered.
    pub(super) fn died(&mut self, sender: Sender, bytes: u64) {
        self.ordered(sender, bytes);
        let share = self.shares.entry(sender).or_default();
        share.died[0] = share.died[0].saturating_add(bytes);
    }

    /// Block time has come so far: what died two lives ago counts no more.
    pub(super) fn advance(&mut self, life_ms: u64, time_ms: u64) {
        let life = time_ms.checked_div(life_ms).unwrap_or(0);
        for _ in self.life..life.min(self.life.saturating_add(2)) {
            for share in self.shares.values_mut() {
                share.died = [0, share.died[0]];
            }
        }
        self.life = self.life.max(life);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENDER: Sender = Sender::Author(ValidatorId::new(1));
    const LIFE_MS: u64 = 100;

    fn is_full(quotas: &Quotas) -> bool {
        !quotas.has_room(SENDER, 1)
    }

    fn has_a_quota_free(quotas: &Quotas) -> bool {
        let has_room = |bytes| quotas.has_room(SENDER, bytes);
        has_room(UNORDERED_BYTES_MAX) && !has_room(UNORDERED_BYTES_MAX + 1)
    }

    /// What becomes of a sender's whole quota.
    fn fill(quotas: &mut Quotas, and_then: fn(&mut Quotas, Sender, u64)) {
        quotas.appended(SENDER, UNORDERED_BYTES_MAX);
        assert!(is_full(quotas));
        and_then(quotas, SENDER, UNORDERED_BYTES_MAX);
    }

    // docs/spec/dissemination.md, "Batches": what died unordered is in the log, and counts for a life at least; and however long
    // nothing was decided, what died before is over.
    #[test]
    fn dead_bytes_count_for_one_to_two_lives() {
        let mut quotas = Quotas::default();
        quotas.advance(LIFE_MS, 199);
        (0..2).for_each(|_| fill(&mut quotas, Quotas::died));
        for (time_ms, counts) in [(199, true), (299, true), (300, false), (u64::MAX, false)] {
            let mut later = quotas.clone();
            later.advance(LIFE_MS, time_ms);
            assert_eq!(is_full(&later), counts, "at {time_ms}");
        }
    }

    // docs/spec/dissemination.md, "Batches": a network that stood still for longer than an id lives goes on.
    #[test]
    fn what_died_at_once_leaves_a_quota_free() {
        let mut quotas = Quotas::default();
        fill(&mut quotas, Quotas::died);
        assert!(has_a_quota_free(&quotas));
    }

    // docs/spec/dissemination.md, "Batches": whoever has a validator pass its batches on uses none of that validator's own quota up.
    #[test]
    fn what_is_passed_on_has_a_quota_of_its_own() {
        let (own, other) = (ValidatorId::new(1), ValidatorId::new(2));
        let relay = Sender::of(own, other);
        let mut quotas = Quotas::default();
        quotas.appended(relay, RELAYED_BYTES_MAX);
        assert!(!quotas.has_room(relay, 1));
        assert!(quotas.has_room(Sender::of(own, own), UNORDERED_BYTES_MAX));
        assert!(quotas.has_room(Sender::of(other, other), UNORDERED_BYTES_MAX));
    }

    // What a block ordered is the chain's, not its sender's.
    #[test]
    fn ordered_bytes_are_free_at_once() {
        let mut quotas = Quotas::default();
        (0..3).for_each(|_| fill(&mut quotas, Quotas::ordered));
        assert!(has_a_quota_free(&quotas));
    }
}
