//! What a height stands on, fixed from its start: set, turns, parameters, parent, and which member we are.
//!
//! Invariant: every answer here is the same on every node, but for `own` and `signs`.
//! Source: `docs/spec/consensus.md`, "Proposer choice", "Block time"; the header's rules in `docs/spec/encoding.md`.

use std::sync::Arc;

use crate::engine::{GuardPosition, HeightStart, Parent};
use crate::message::Header;
use crate::params::Parameters;
use crate::proposer;
use crate::types::{Hash32, Height, Round, ValidatorId, ValidatorIndex};
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
    /// The block before.
    pub parent: Parent,
    /// Which member we are, if any.
    pub own: Option<ValidatorIndex>,
    /// Whether this height may be signed at all: a member's guard is not above it.
    pub signs: bool,
    genesis_hash: Hash32,
    turns: Vec<ValidatorIndex>,
}

impl HeightContext {
    /// Takes the facts of a start.
    #[must_use]
    pub fn new(own: Option<ValidatorId>, genesis_hash: Hash32, start: &HeightStart) -> Self {
        let own = own.and_then(|id| start.set.index_of(id));
        Self {
            height: start.height,
            set: Arc::clone(&start.set),
            parameters: start.parameters,
            parent: start.parent,
            own,
            signs: own.is_some() && start.guard != GuardPosition::Above,
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

    /// Whether a header keeps every rule that needs no body: version, chain, height, turn, parent, set, and a time after the parent's.
    #[must_use]
    pub fn admits(&self, header: &Header) -> bool {
        header.version == Header::VERSION
            && header.features & !Header::FEATURES_KNOWN == 0
            && header.genesis_hash == self.genesis_hash
            && header.height == self.height
            && header.proposer == self.proposer(header.round)
            && header.parent_id == self.parent.id
            && header.parent_outcome == self.parent.outcome
            && header.time_us > self.parent.time_us
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
