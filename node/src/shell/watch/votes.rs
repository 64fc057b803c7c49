//! Whose votes come when, and whose do not, by this node's own clock.
//!
//! Invariant: what is kept is of the open height and the one above it, and one entry a member of its set.
//! A round is timed from its begin, round 0 from the end of the height's idle wait; a vote that came earlier took no time.
//! A height counts for who missed it only if a quorum's prevotes came here: a node that catches up hears of no votes.
//! Source: `docs/guide/metrics.md`, "Consensus".

use falaj_consensus::message::{CommitCertificate, Kind};
use falaj_consensus::types::{Height, Round, ValidatorId};
use falaj_consensus::validator_set::ValidatorSet;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::seconds_between;
use crate::core::VoteSeen;

/// What a vote of the open round shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Arrival {
    /// How long after the round's begin it came, in seconds.
    pub(super) seconds: f64,
    /// Whether the round's prevotes became a quorum's with it.
    pub(super) is_quorum: bool,
}

/// Why a member is not among a certificate's signers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// We are the member, and said nothing.
    NotSigned,
    /// There was no link to it.
    Unreachable,
    /// There was a link, and no vote of it.
    Silent,
    /// Its last vote was nil.
    Nil,
}

impl Cause {
    /// The word for it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::NotSigned => "not_signed",
            Self::Unreachable => "unreachable",
            Self::Silent => "silent",
            Self::Nil => "nil",
        }
    }
}

/// The votes of the open height.
#[derive(Debug, Default)]
pub(super) struct VoteClock {
    own: Option<ValidatorId>,
    set: Option<Arc<ValidatorSet>>,
    height: Height,
    round: Round,
    begun_ns: Option<u64>,
    /// Who was counted in the open round.
    counted: BTreeSet<(Kind, ValidatorId)>,
    prevoted: u128,
    /// Whether a quorum's prevotes came in a round of the open height.
    quorum_of: Option<Round>,
    /// Last vote of each member, of the open height and the next.
    last: BTreeMap<(Height, ValidatorId), (Round, Kind, bool)>,
}

impl VoteClock {
    /// A height opens under a set.
    pub(super) fn opened(
        &mut self,
        own: Option<ValidatorId>,
        height: Height,
        set: Arc<ValidatorSet>,
    ) {
        let mut last = std::mem::take(&mut self.last);
        last.retain(|(at, _), _| *at >= height);
        *self = Self {
            own,
            set: Some(set),
            height,
            last,
            ..Self::default()
        };
    }

    /// Who we are, if we vote.
    pub(super) const fn own(&self) -> Option<ValidatorId> {
        self.own
    }

    /// A round begins; round 0 only when its idle wait ends.
    pub(super) fn round(&mut self, height: Height, round: Round, now_ns: u64) {
        if height != self.height || round == self.round {
            return;
        }
        self.round = round;
        self.begun_ns = Some(now_ns);
        self.counted.clear();
        self.prevoted = 0;
    }

    /// The idle wait of round 0 ends.
    pub(super) fn begun(&mut self, now_ns: u64) {
        self.begun_ns.get_or_insert(now_ns);
    }

    /// A vote came; what it shows, if it is the first of its kind by that member in the open round.
    pub(super) fn vote(&mut self, seen: &VoteSeen, now_ns: u64) -> Option<Arrival> {
        let set = self.set.clone()?;
        let index = set.index_of(seen.validator)?;
        if seen.height != self.height && seen.height != self.height.next() {
            return None;
        }
        let said = (seen.round, seen.kind, seen.is_nil);
        let last = self
            .last
            .entry((seen.height, seen.validator))
            .or_insert(said);
        *last = said.max(*last);
        let is_open = (seen.height, seen.round) == (self.height, self.round);
        if !is_open || !self.counted.insert((seen.kind, seen.validator)) {
            return None;
        }
        let seconds = seconds_between(self.begun_ns.unwrap_or(now_ns), now_ns);
        let was = set.is_quorum(self.prevoted);
        if seen.kind == Kind::Prevote {
            self.prevoted = self.prevoted.saturating_add(set.power(index));
        }
        let is_quorum = !was && set.is_quorum(self.prevoted);
        if is_quorum {
            self.quorum_of = Some(self.round);
        }
        Some(Arrival { seconds, is_quorum })
    }

    /// The open height is final; who is not among the signers though a quorum's votes came here, and why.
    pub(super) fn committed(
        &self,
        certificate: &CommitCertificate,
        is_linked: impl Fn(ValidatorId) -> bool,
    ) -> Vec<(ValidatorId, Cause)> {
        let Some(set) = &self.set else {
            return Vec::new();
        };
        if certificate.height != self.height || self.quorum_of.is_none() {
            return Vec::new();
        }
        let absent = set
            .indices()
            .filter(|index| !certificate.signers.contains(*index));
        let members = absent.filter_map(|index| set.get(index));
        members
            .filter_map(|member| Some((member.id, self.cause(member.id, &is_linked)?)))
            .collect()
    }

    /// None for a member whose vote for a block came: its precommit is on its way.
    fn cause(&self, member: ValidatorId, is_linked: impl Fn(ValidatorId) -> bool) -> Option<Cause> {
        match self.last.get(&(self.height, member)) {
            Some((_, _, true)) => Some(Cause::Nil),
            Some((_, _, false)) => None,
            None if Some(member) == self.own => Some(Cause::NotSigned),
            None if is_linked(member) => Some(Cause::Silent),
            None => Some(Cause::Unreachable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use falaj_consensus::types::{BlockId, OutcomeHash, ValidatorIndex};
    use falaj_consensus::validator_set::Bitmap;
    use falaj_ledger::testing;

    const SECOND: u64 = 1_000_000_000;
    const OWN: ValidatorId = ValidatorId::new(4);

    /// Height 7 of the four validators of the test world, begun at second 10.
    fn clock() -> VoteClock {
        let mut clock = VoteClock::default();
        let set = testing::genesis().validators;
        clock.opened(Some(OWN), Height::new(7), Arc::new(set));
        clock.begun(10 * SECOND);
        clock
    }

    fn seen(height: u64, round: u32, validator: u32, kind: Kind, is_nil: bool) -> VoteSeen {
        VoteSeen {
            height: Height::new(height),
            round: Round::new(round),
            validator: ValidatorId::new(validator),
            kind,
            is_nil,
        }
    }

    fn prevote(clock: &mut VoteClock, validator: u32, at: u64) -> Option<(f64, bool)> {
        let arrival = clock.vote(&seen(7, 0, validator, Kind::Prevote, false), at * SECOND)?;
        Some((arrival.seconds, arrival.is_quorum))
    }

    fn certificate(signers: &[u16]) -> CommitCertificate {
        let mut bitmap = Bitmap::none(4);
        signers
            .iter()
            .for_each(|index| bitmap.insert(ValidatorIndex::new(*index)));
        CommitCertificate {
            height: Height::new(7),
            round: Round::new(0),
            id: BlockId::default(),
            outcome: OutcomeHash::default(),
            signers: bitmap,
            signatures: Vec::new(),
        }
    }

    fn missed(clock: &VoteClock, signers: &[u16]) -> Vec<(u32, &'static str)> {
        let missed = clock.committed(&certificate(signers), |member| member.get() == 2);
        missed
            .into_iter()
            .map(|(member, cause)| (member.get(), cause.name()))
            .collect()
    }

    // Goal: a member is timed once a round and kind, and the quorum with the vote that makes it.
    #[test]
    fn votes_are_timed_from_the_begin_of_their_round() {
        let mut clock = clock();
        assert_eq!(prevote(&mut clock, 1, 11), Some((1.0, false)));
        assert_eq!(prevote(&mut clock, 1, 12), None);
        assert_eq!(prevote(&mut clock, 2, 12), Some((2.0, false)));
        assert_eq!(prevote(&mut clock, 3, 13), Some((3.0, true)));
        assert_eq!(prevote(&mut clock, 4, 14), Some((4.0, false)));
        clock.round(Height::new(7), Round::new(1), 20 * SECOND);
        assert_eq!(prevote(&mut clock, 1, 21), None);
        let later = clock.vote(&seen(7, 1, 1, Kind::Precommit, true), 22 * SECOND);
        let seconds = 2.0;
        let is_quorum = false;
        assert_eq!(later, Some(Arrival { seconds, is_quorum }));
    }

    // Goal: each cause by name, and nobody is blamed whose vote for a block came.
    #[test]
    fn who_missed_a_height_is_told_with_the_cause() {
        let mut clock = clock();
        assert_eq!(missed(&clock, &[0]), []);
        for validator in [1, 2, 3] {
            prevote(&mut clock, validator, 11);
        }
        assert_eq!(missed(&clock, &[0, 1, 2]), [(4, "not_signed")]);
        assert_eq!(missed(&clock, &[0, 1, 3]), []);
        clock.vote(&seen(7, 0, 3, Kind::Precommit, true), 12 * SECOND);
        assert_eq!(missed(&clock, &[0, 1, 3]), [(3, "nil")]);
        clock.last.clear();
        let nobody = [(2, "silent"), (3, "unreachable"), (4, "not_signed")];
        assert_eq!(missed(&clock, &[0]), nobody);
    }

    // Goal: a vote that comes before its height opens is not forgotten, and nothing older is kept.
    #[test]
    fn what_is_kept_is_of_two_heights() {
        let mut clock = clock();
        for height in 5..10 {
            clock.vote(&seen(height, 0, 1, Kind::Prevote, false), 11 * SECOND);
        }
        assert_eq!(clock.last.len(), 2);
        let set = clock.set.clone().unwrap();
        clock.opened(Some(OWN), Height::new(8), set);
        assert_eq!(clock.last.len(), 1);
    }
}
