//! The last batches that blocks ordered or that died: where their bytes stand in the log.
//!
//! Invariant: a batch is remembered until [`ORDERED_MAX`] others came after it, whatever the length of the chain.
//! An older one is as good as not here: a block that names it again has it fetched like any other, and a peer that catches up says
//! at which height it wants a batch, so that the block log says where it stands.
//! Source: `docs/spec/dissemination.md`, "Batches".

use falaj_consensus::durable::Position;
use falaj_consensus::types::BatchDigest;
use std::collections::{BTreeMap, VecDeque};

/// Most batches of which the place is remembered.
pub const ORDERED_MAX: usize = 1 << 16;

/// Places of batches, the last ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ordered {
    places: BTreeMap<BatchDigest, Position>,
    /// In the order in which they came; each is in `places`.
    arrivals: VecDeque<BatchDigest>,
}

impl Ordered {
    /// Remembers a batch, and forgets the oldest beyond the bound.
    pub(super) fn insert(&mut self, digest: BatchDigest, position: Position) {
        if self.places.insert(digest, position).is_none() {
            self.arrivals.push_back(digest);
        }
        if self.arrivals.len() > ORDERED_MAX
            && let Some(oldest) = self.arrivals.pop_front()
        {
            self.places.remove(&oldest);
        }
    }

    /// How many are remembered.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Where a batch stands, if it is remembered.
    pub(super) fn get(&self, digest: &BatchDigest) -> Option<Position> {
        self.places.get(digest).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use falaj_consensus::types::Hash32;

    fn digest(number: u64) -> BatchDigest {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        BatchDigest::new(Hash32::new(bytes))
    }

    // Goal: many times the bound, and what is remembered is the bound's worth of the last ones.
    #[test]
    fn only_the_last_are_remembered() {
        let (mut ordered, all) = (Ordered::default(), 5 * ORDERED_MAX as u64);
        for number in 1..=all {
            ordered.insert(digest(number), Position::new(number));
            ordered.insert(digest(number), Position::new(number));
        }
        assert_eq!(ordered.places.len(), ORDERED_MAX);
        assert_eq!(ordered.arrivals.len(), ORDERED_MAX);
        assert_eq!(ordered.get(&digest(all)), Some(Position::new(all)));
        let kept = all - ORDERED_MAX as u64;
        assert_eq!(ordered.get(&digest(kept)), None);
        assert_eq!(
            ordered.get(&digest(kept + 1)),
            Some(Position::new(kept + 1))
        );
    }
}
