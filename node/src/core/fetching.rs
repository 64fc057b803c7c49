//! Batches that were asked for: of whom now, and of whom next.
//!
//! Invariant: for as long as a batch is wanted in a height, one peer after another is asked for it, each with [`PATIENCE_TICKS`] to answer;
//! so whoever withholds it costs that time and no more, whatever the number of peers.
//! Source: `docs/spec/dissemination.md`, "Bodies".

use falaj_consensus::mutated;
use falaj_consensus::types::BatchDigest;
use std::collections::BTreeMap;

use super::input::Peer;

/// Ticks that a peer has for its answer.
const PATIENCE_TICKS: u32 = 2;

/// What is known of the asking for one batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Asked {
    /// How many peers were asked.
    times: usize,
    /// Ticks since the last one was.
    ticks: u32,
}

impl Asked {
    const fn is_under_way(self) -> bool {
        self.times > 0 && self.ticks <= PATIENCE_TICKS
    }
}

/// Every batch that was asked for and did not come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fetching {
    asked: BTreeMap<BatchDigest, Asked>,
}

impl Fetching {
    /// How many were asked for.
    pub(super) fn len(&self) -> usize {
        self.asked.len()
    }

    /// Whether a batch was asked for.
    pub(super) fn contains(&self, digest: &BatchDigest) -> bool {
        self.asked.contains_key(digest)
    }

    /// Whether one that was asked may still answer.
    pub(super) fn is_under_way(&self, digest: &BatchDigest) -> bool {
        self.asked
            .get(digest)
            .is_some_and(|asked| asked.is_under_way())
    }

    /// Whom to ask for a batch now, and books it: who named it first, then each of those that can be reached in turn.
    /// `None` while one that was asked may still answer, or if there is nobody.
    pub(super) fn next(
        &mut self,
        digest: BatchDigest,
        giver: Option<Peer>,
        reachable: &[Peer],
    ) -> Option<Peer> {
        let before = self.asked.get(&digest).copied().unwrap_or_default();
        if before.is_under_way() {
            return None;
        }
        let in_turn = || {
            if mutated!(BatchesAskedOfOnePeer) {
                return reachable.first().copied();
            }
            let turn = before.times.checked_rem(reachable.len())?;
            reachable.get(turn).copied()
        };
        let peer = giver.filter(|_| before.times == 0).or_else(in_turn)?;
        let asked = Asked {
            times: before.times.saturating_add(1),
            ticks: 0,
        };
        self.asked.insert(digest, asked);
        Some(peer)
    }

    /// A tick passed. What has had its time and is wanted no more is forgotten.
    pub(super) fn tick(&mut self, is_wanted: impl Fn(&BatchDigest) -> bool) {
        for asked in self.asked.values_mut() {
            asked.ticks = asked.ticks.saturating_add(1);
        }
        self.asked
            .retain(|digest, asked| asked.is_under_way() || is_wanted(digest));
    }

    /// A batch came.
    pub(super) fn came(&mut self, digest: &BatchDigest) {
        self.asked.remove(digest);
    }

    /// The height is over.
    pub(super) fn clear(&mut self) {
        self.asked.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use falaj_consensus::types::{Hash32, ValidatorId};

    const WANTED: BatchDigest = BatchDigest::new(Hash32::new([1; 32]));

    fn peers(count: u32) -> Vec<Peer> {
        let peer = |id| Peer::of(ValidatorId::new(id)).unwrap();
        (1..=count).map(peer).collect()
    }

    /// Whom that many ticks have asked.
    fn asked(fetching: &mut Fetching, giver: Peer, peers: &[Peer], ticks: u32) -> Vec<Peer> {
        let mut asked = Vec::new();
        for _ in 0..ticks {
            asked.extend(fetching.next(WANTED, Some(giver), peers));
            fetching.tick(|_| true);
        }
        asked
    }

    // docs/spec/dissemination.md, "Bodies": who named it first, then one after another, each as often as any other, for every number of peers.
    #[test]
    fn every_peer_is_asked_in_its_turn() {
        for count in 1..=9 {
            let peers = peers(count);
            let giver = *peers.last().unwrap();
            let rounds = 4 * count;
            let asked = asked(
                &mut Fetching::default(),
                giver,
                &peers,
                rounds * (PATIENCE_TICKS + 1),
            );
            assert_eq!(asked[0], giver);
            for window in asked[1..].windows(peers.len()) {
                assert!(peers.iter().all(|peer| window.contains(peer)), "{window:?}");
            }
            assert_eq!(asked.len(), usize::try_from(rounds).unwrap());
        }
    }

    // Goal: no peer is asked while another still has time to answer, and nobody twice at once.
    #[test]
    fn one_peer_at_a_time_has_its_time() {
        let (mut fetching, peers) = (Fetching::default(), peers(3));
        for _ in 0..=PATIENCE_TICKS {
            assert_eq!(fetching.next(WANTED, None, &peers).is_some(), {
                fetching.asked[&WANTED].ticks == 0
            });
            fetching.tick(|_| true);
        }
        assert_eq!(fetching.next(WANTED, None, &peers), Some(peers[1]));
        assert_eq!(fetching.next(WANTED, None, &peers), None);
        fetching.came(&WANTED);
        assert_eq!(fetching.next(WANTED, None, &peers), Some(peers[0]));
    }

    // docs/spec/dissemination.md, "Bounds": what no block names any more is forgotten once its time is over.
    #[test]
    fn what_is_wanted_no_more_is_forgotten() {
        let (mut fetching, peers) = (Fetching::default(), peers(1));
        fetching.next(WANTED, None, &peers);
        for _ in 0..PATIENCE_TICKS {
            fetching.tick(|_| false);
            assert!(fetching.contains(&WANTED));
        }
        fetching.tick(|_| true);
        assert!(fetching.contains(&WANTED));
        fetching.tick(|_| false);
        assert_eq!(fetching, Fetching::default());
    }

    // Goal: with nobody to ask nothing is booked.
    #[test]
    fn nobody_is_asked_where_nobody_is() {
        let mut fetching = Fetching::default();
        assert_eq!(fetching.next(WANTED, None, &[]), None);
        assert_eq!(fetching.len(), 0);
    }
}
