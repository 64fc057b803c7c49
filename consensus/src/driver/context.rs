//! What a height stands on, fixed from its start: set, turns, parameters, parent, and which member we are.
//!
//! Invariant: every answer here is the same on every node, but for `own` and `signs`.
//! Source: `docs/spec/consensus.md`, "Proposer choice", "Block time"; the header's rules in `docs/spec/encoding.md`.

use std::sync::Arc;

use crate::engine::{GuardPosition, HeightStart, Parent};
use crate::message::Header;
use crate::params::Parameters;
use crate::proposer;
use crate::types::{Hash32, Height, Round, ValidatorIndex};
use crate::validator_set::ValidatorSet;

/// The fixed facts of one height.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HeightContext {
    /// The height.
    pub height: Height,
    /// Its validators.
    pub set: Arc<ValidatorSet>,
    /// Its parameters.
    pub parameters: Parameters,
    /// Its features word, which is that of its header.
    pub features: u64,
    /// The block before.
    pub parent: Parent,
    /// Which member we are, if any.
    pub own: Option<ValidatorIndex>,
    /// Whether anything new may be signed in this height: a member's guard is not above it.
    pub signs: bool,
    genesis_hash: Hash32,
    turns: Vec<ValidatorIndex>,
}

impl HeightContext {
    /// Takes the facts of a start.
    #[must_use]
    pub fn new(genesis_hash: Hash32, start: &HeightStart) -> Self {
        Self {
            height: start.height,
            set: Arc::clone(&start.set),
            parameters: start.parameters,
            features: start.features,
            parent: start.parent,
            own: start.own,
            signs: start.own.is_some() && !matches!(start.guard, GuardPosition::Above(_)),
            genesis_hash,
            turns: proposer::turns(&start.set, &start.bench, start.height),
        }
    }

    /// Whose turn a round is.
    ///
    /// # Panics
    /// Never: a set has at least one member.
    #[must_use]
    pub fn proposer(&self, round: Round) -> ValidatorIndex {
        let round =
            usize::try_from(round.get()).expect("a usize holds a u32 on every supported machine");
        let turn = round
            .checked_rem(self.turns.len())
            .expect("a set has at least one member");
        self.turns[turn]
    }

    /// Whether a round's turn is ours.
    #[must_use]
    pub fn is_own_turn(&self, round: Round) -> bool {
        self.own == Some(self.proposer(round))
    }

    /// Whether a header keeps every rule that needs no body: version, features, chain, height, turn, parent, set, and a time after the parent's.
    #[must_use]
    pub fn admits(&self, header: &Header) -> bool {
        header.version == Header::VERSION
            && header.features == self.features
            && header.genesis_hash == self.genesis_hash
            && header.height == self.height
            && header.proposer == self.proposer(header.round)
            && header.parent_id == self.parent.id
            && (header.parent_outcome == self.parent.outcome || mutated!(ParentOutcomeUnchecked))
            && (header.time_us > self.parent.time_us || mutated!(BlockTimeStands))
            && header.set_hash == self.set.hash()
    }

    /// 22: whether a fresh proposal of a round came at a time that fits its block time.
    ///
    /// Precision never grows, the delay does: wrong parameters slow the chain and do not stop it.
    #[must_use]
    pub fn is_timely(&self, round: Round, time_us: u64, received_us: u64) -> bool {
        let precision = self.parameters.precision_us;
        let delay = self.parameters.delay_of_round_us(round);
        let earliest = time_us.saturating_sub(precision);
        let latest = time_us.saturating_add(precision).saturating_add(delay);
        (earliest..=latest).contains(&received_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash;
    use crate::testing::Committee;
    use crate::types::{BlockId, OutcomeHash};

    fn context() -> (HeightContext, Header) {
        let committee = Committee::new(&[1, 1, 1, 1]);
        let parent = Parent {
            id: BlockId::new(hash::sha256(b"parent")),
            outcome: OutcomeHash::new(hash::sha256(b"outcome")),
            time_us: 1_000,
        };
        let mut start = committee.start(Height::new(12), parent);
        start.own = Some(ValidatorIndex::new(0));
        let header = committee.header(&start, Round::new(2), ValidatorIndex::new(2), 0);
        (
            HeightContext::new(committee.chain.genesis_hash, &start),
            header,
        )
    }

    // The header's part of valid(v): each rule refuses by itself.
    #[test]
    fn a_header_that_breaks_any_rule_is_not_admitted() {
        let (context, sound) = context();
        assert!(context.admits(&sound));
        let other = hash::sha256(b"other");
        let breaks: [fn(&mut Header, Hash32); 10] = [
            |header, _| header.version = 2,
            |header, _| header.features = 1,
            |header, other| header.genesis_hash = other,
            |header, _| header.height = Height::new(13),
            |header, _| header.round = Round::new(3),
            |header, _| header.proposer = ValidatorIndex::new(1),
            |header, other| header.parent_id = BlockId::new(other),
            |header, other| header.parent_outcome = OutcomeHash::new(other),
            |header, _| header.time_us = 1_000,
            |header, other| header.set_hash = other,
        ];
        for (number, change) in breaks.iter().enumerate() {
            let mut header = sound.clone();
            change(&mut header, other);
            assert!(!context.admits(&header), "rule {number}");
        }
    }

    // A header from any round is admitted under the one whose turn that round was.
    #[test]
    fn the_turn_is_that_of_the_header_round() {
        let (context, sound) = context();
        for round in 0..9_u16 {
            let mut header = sound.clone();
            header.round = Round::new(round.into());
            header.proposer = ValidatorIndex::new(round % 4);
            assert!(context.admits(&header));
            assert_eq!(context.is_own_turn(header.round), round % 4 == 0);
        }
    }

    // Times at the ends of the range are compared, not overflowed.
    #[test]
    fn timeliness_does_not_overflow() {
        let (context, _) = context();
        let far = Round::new(u32::MAX);
        assert!(context.is_timely(far, u64::MAX, u64::MAX));
        assert!(context.is_timely(far, 0, 0));
        assert!(!context.is_timely(Round::new(0), u64::MAX, 0));
    }
}
