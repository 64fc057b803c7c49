//! The proposals of one height: the first of each round, and the second for the proof.
//!
//! Invariant: at most two proposals a round, both by that round's proposer; the first is the one that rules 22 and 28 answer.
//! Another value of the round is reached through its certificate, by its id.
//! Bounds: rounds as in [`crate::vote_keeper`]; a proposal is a few hundred bytes.
//! Source: `docs/spec/consensus.md`, "Equivocation".

use std::collections::BTreeMap;

use crate::message::Proposal;
use crate::types::{BlockId, Round, ValidatorIndex};
use crate::vote_keeper::{ROUNDS_AHEAD_MAX, ROUNDS_BEHIND_MAX, Unkept};

/// A proposal with what was found out when it came.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Proposed {
    /// The proposal.
    pub(super) proposal: Proposal,
    /// The block it proposes.
    pub(super) id: BlockId,
    /// Whether its block time fits the time it came.
    pub(super) timely: bool,
}

/// What became of a proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// It is the first of its round.
    First,
    /// It differs from the first of its round, which is given back as the other half of the proof.
    Second(Box<Proposal>),
    /// Its statement is known, or it is a third.
    Known,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct OfRound {
    first: Proposed,
    second: Option<Proposed>,
}

/// The proposals of one height.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Proposals {
    rounds: BTreeMap<Round, OfRound>,
}

impl Proposals {
    /// Keeps a proposal of its round's proposer.
    ///
    /// # Errors
    /// [`Unkept`] when its round is outside what is kept at round `current`.
    pub(super) fn add(&mut self, current: Round, proposed: Proposed) -> Result<Added, Unkept> {
        let round = proposed.proposal.round;
        if let Room::InPlaceOf(oldest) = self.room(current, &proposed.proposal)? {
            self.rounds.remove(&oldest);
        }
        let Some(known) = self.rounds.get_mut(&round) else {
            self.rounds.insert(
                round,
                OfRound {
                    first: proposed,
                    second: None,
                },
            );
            return Ok(Added::First);
        };
        if is_same(&known.first, &proposed.proposal) || known.second.is_some() {
            return Ok(Added::Known);
        }
        known.second = Some(proposed);
        Ok(Added::Second(Box::new(known.first.proposal.clone())))
    }

    /// Whether a proposal of its round's proposer is one that is kept at round `current`, or is kept already.
    #[must_use]
    pub(super) fn takes(&self, current: Round, proposal: &Proposal) -> bool {
        let is_kept = |known: &OfRound| {
            let second = known.second.as_ref();
            is_same(&known.first, proposal) || second.is_none_or(|second| is_same(second, proposal))
        };
        let known = self.rounds.get(&proposal.round);
        known.is_none_or(is_kept) && self.room(current, proposal).is_ok()
    }

    /// The proposal of a round that is answered.
    #[must_use]
    pub(super) fn first(&self, round: Round) -> Option<&Proposed> {
        self.rounds.get(&round).map(|known| &known.first)
    }

    /// Every block that is proposed in a round that is kept.
    pub(super) fn blocks(&self) -> impl Iterator<Item = BlockId> + '_ {
        let both = |known: &OfRound| {
            [
                Some(known.first.id),
                known.second.as_ref().map(|second| second.id),
            ]
        };
        self.rounds.values().flat_map(both).flatten()
    }

    /// Round and sender of every proposal that is kept.
    pub(super) fn senders(&self) -> impl Iterator<Item = (Round, ValidatorIndex)> + '_ {
        self.rounds.values().flat_map(|known| {
            let both = [Some(&known.first), known.second.as_ref()];
            let kept = both.into_iter().flatten();
            kept.map(|kept| (kept.proposal.round, kept.proposal.proposer))
        })
    }

    /// Drops what is too far behind.
    pub(super) fn advance(&mut self, round: Round) {
        let oldest = oldest(round);
        self.rounds.retain(|round, _| *round >= oldest);
    }

    /// How many proposals are kept.
    #[must_use]
    pub(super) fn count(&self) -> usize {
        self.rounds
            .values()
            .map(|known| if known.second.is_some() { 2 } else { 1 })
            .sum()
    }

    /// What a proposal of a round needs to be kept.
    fn room(&self, current: Round, proposal: &Proposal) -> Result<Room, Unkept> {
        let Proposal {
            round, proposer, ..
        } = *proposal;
        if round < oldest(current) {
            return Err(Unkept::TooFarBehind);
        }
        if round <= current || self.rounds.contains_key(&round) {
            return Ok(Room::Free);
        }
        let ahead = self.rounds.range(current.next()..);
        let ahead: Vec<_> = ahead
            .filter(|(_, known)| known.first.proposal.proposer == proposer)
            .map(|(round, _)| *round)
            .collect();
        match ahead.first() {
            Some(oldest) if ahead.len() >= ROUNDS_AHEAD_MAX => {
                if *oldest > round {
                    return Err(Unkept::TooFarAhead);
                }
                Ok(Room::InPlaceOf(*oldest))
            }
            Some(_) | None => Ok(Room::Free),
        }
    }
}

/// Room for a proposal.
enum Room {
    /// There is.
    Free,
    /// In the place of those of that round.
    InPlaceOf(Round),
}

fn oldest(current: Round) -> Round {
    Round::new(current.get().saturating_sub(ROUNDS_BEHIND_MAX))
}

fn is_same(known: &Proposed, other: &Proposal) -> bool {
    known.id == other.id() && known.proposal.valid_round == other.valid_round
}
