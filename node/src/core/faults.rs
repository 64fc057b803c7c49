//! Peers that sent what no correct node sends: whose link is cut, and until when.
//!
//! Invariant: a fault that comes while an earlier one of the same peer still counts adds nothing, so one burst is one strike;
//! each strike lasts twice as long as the one before, up to [`STRIKE_MAX_NS`], and is forgotten when the peer then stays good for that long.
//! What is a fault: bytes that do not decode, and signatures that do not verify. A correct node checks everything before it keeps it or sends
//! it on, so whoever sends such a thing did not, whosever name is in it. Statements that contradict each other are rightly signed: they
//! are evidence, consensus needs them, and nobody's link is cut for them.
//! Units: nanoseconds of the monotonic clock.
//! Errors: none. Whether a peer may be cut off at all is the caller's to say: not if a quorum needs it.
//! Source: `docs/spec/dissemination.md`, "Faults".

use std::collections::BTreeMap;

use super::input::Peer;

/// How long the first strike lasts.
pub(super) const STRIKE_FIRST_NS: u64 = 1_000_000_000;
/// The longest that one lasts, and after how long without a fault all are forgotten.
pub(super) const STRIKE_MAX_NS: u64 = 300 * STRIKE_FIRST_NS;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Record {
    /// Strikes in a row.
    strikes: u32,
    /// When the last one ends.
    until_ns: u64,
    /// Whether the peer's link is cut.
    is_shunned: bool,
}

/// Every peer that was ever at fault.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Faults {
    peers: BTreeMap<Peer, Record>,
}

impl Faults {
    /// A peer was at fault: how long the strike lasts, or nothing if one lasts already.
    pub(super) fn strike(&mut self, peer: Peer, now_ns: u64) -> Option<u64> {
        let record = self.peers.entry(peer).or_default();
        if now_ns < record.until_ns {
            return None;
        }
        if now_ns.saturating_sub(record.until_ns) >= STRIKE_MAX_NS {
            record.strikes = 0;
        }
        let doubled = STRIKE_FIRST_NS
            .checked_mul(2_u64.saturating_pow(record.strikes))
            .unwrap_or(STRIKE_MAX_NS);
        let lasts_ns = doubled.min(STRIKE_MAX_NS);
        record.strikes = record.strikes.saturating_add(1);
        record.until_ns = now_ns.saturating_add(lasts_ns);
        Some(lasts_ns)
    }

    /// The link to a peer is cut until its strike is over.
    pub(super) fn shun(&mut self, peer: Peer) {
        self.peers.entry(peer).or_default().is_shunned = true;
    }

    /// Whether nothing of a peer is heard.
    pub(super) fn is_shunned(&self, peer: Peer) -> bool {
        self.peers
            .get(&peer)
            .is_some_and(|record| record.is_shunned)
    }

    /// The peers that are let in again: those whose strike is over, or `all`.
    pub(super) fn admit(&mut self, now_ns: u64, all: bool) -> Vec<Peer> {
        let is_due = |record: &Record| record.is_shunned && (all || record.until_ns <= now_ns);
        let due = self
            .peers
            .iter_mut()
            .filter(|(_, record)| is_due(record))
            .map(|(peer, record)| {
                record.is_shunned = false;
                *peer
            });
        due.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use falaj_consensus::types::ValidatorId;

    const PEER: Peer = match Peer::of(ValidatorId::new(1)) {
        Some(peer) => peer,
        None => panic!("a small id"),
    };
    const SECOND_NS: u64 = 1_000_000_000;

    /// Strikes as soon as the one before is over, in seconds.
    fn in_a_row(faults: &mut Faults, now_ns: &mut u64, count: usize) -> Vec<u64> {
        let strikes = (0..count).map(|_| {
            let lasts_ns = faults.strike(PEER, *now_ns).unwrap();
            *now_ns += lasts_ns;
            lasts_ns / SECOND_NS
        });
        strikes.collect()
    }

    // docs/spec/dissemination.md, "Faults": each strike lasts twice as long as the one before, up to five minutes.
    #[test]
    fn strikes_double_up_to_their_cap() {
        let (mut faults, mut now_ns) = (Faults::default(), 0);
        assert_eq!(
            in_a_row(&mut faults, &mut now_ns, 11),
            [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
        );
        assert_eq!(in_a_row(&mut faults, &mut now_ns, 90).last(), Some(&300));
    }

    // docs/spec/dissemination.md, "Faults": whoever stays good for as long as the longest strike begins anew.
    #[test]
    fn strikes_are_forgotten() {
        let (mut faults, mut now_ns) = (Faults::default(), 0);
        in_a_row(&mut faults, &mut now_ns, 3);
        now_ns += STRIKE_MAX_NS - 1;
        assert_eq!(in_a_row(&mut faults, &mut now_ns, 1), [8]);
        now_ns += STRIKE_MAX_NS;
        assert_eq!(in_a_row(&mut faults, &mut now_ns, 1), [1]);
    }

    // Goal: a thousand wrong votes at once are one strike.
    #[test]
    fn a_burst_is_one_strike() {
        let mut faults = Faults::default();
        assert_eq!(faults.strike(PEER, 5), Some(STRIKE_FIRST_NS));
        for _ in 0..1_000 {
            assert_eq!(faults.strike(PEER, 6), None);
        }
        let over_ns = 5 + STRIKE_FIRST_NS;
        assert_eq!(faults.strike(PEER, over_ns), Some(2 * STRIKE_FIRST_NS));
    }

    // docs/spec/dissemination.md, "Faults": a peer is let in when its strike is over, or at once if all are.
    #[test]
    fn a_peer_is_let_in_when_its_strike_is_over() {
        let mut faults = Faults::default();
        for (now_ns, all) in [(STRIKE_FIRST_NS, false), (1, true)] {
            faults.strike(PEER, 0);
            faults.shun(PEER);
            assert_eq!(faults.admit(STRIKE_FIRST_NS - 1, false), []);
            assert!(faults.is_shunned(PEER));
            assert_eq!(faults.admit(now_ns, all), [PEER]);
            assert!(!faults.is_shunned(PEER));
            assert_eq!(faults.admit(now_ns, all), []);
        }
    }
}
