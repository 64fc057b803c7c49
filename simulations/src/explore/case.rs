//! What is explored: who takes part, and how many timers may run out early.

use falaj_consensus::types::ValidatorIndex;

use crate::exhaustive::{Ground, VALIDATORS};

/// Who takes part, in the order of turns: the first proposes in round 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cast {
    /// All four, correct.
    Whole,
    /// Three; the last says nothing.
    Absent,
    /// Three; the first, whose turn it is, says nothing.
    NoProposer,
    /// Three, and the first says to each of them that it proposes two blocks, and votes for both and for nil.
    Liar,
}

impl Cast {
    /// Every cast.
    pub const ALL: [Self; 4] = [Self::Whole, Self::Absent, Self::NoProposer, Self::Liar];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Absent => "absent",
            Self::NoProposer => "no-proposer",
            Self::Liar => "liar",
        }
    }

    /// The validator that may do anything: where all are correct, nobody uses it.
    pub(super) fn faulty(self, ground: &Ground) -> ValidatorIndex {
        let turns = ground.turns();
        match self {
            Self::Whole | Self::Absent => turns[usize::from(VALIDATORS) - 1],
            Self::NoProposer | Self::Liar => turns[0],
        }
    }

    /// The validators that follow the protocol.
    pub(super) fn correct(self, ground: &Ground) -> Vec<ValidatorIndex> {
        let faulty = self.faulty(ground);
        let turns = ground.turns().iter().copied();
        turns
            .filter(|validator| self == Self::Whole || *validator != faulty)
            .collect()
    }
}

/// A case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Case {
    /// Who takes part.
    pub cast: Cast,
    /// How many timers may run out, whenever they like.
    pub timers: u32,
}

impl Case {
    /// Whether everybody has decided once every message was delivered: a correct proposer is heard by a correct quorum in round 0.
    pub(super) const fn decides_without_timers(self) -> bool {
        self.timers == 0 && matches!(self.cast, Cast::Whole | Cast::Absent)
    }
}
