//! What he who chooses when messages arrive is out for in a round.
//!
//! Invariant: a round's aim is drawn for its height and number alone. A proposal that one node gets too late makes it prevote nil, and that
//! vote starts the others' prevote timers without a polka: a polka that is then shown to one node alone makes it lock alone.
//! A certificate that is shown to one node alone makes it decide alone.
//! Source: Buchman, Kwon, Milosevic, "The latest gossip on BFT consensus" (2018), algorithm 1, lines 34 to 49.

use falaj_consensus::message::Kind;
use falaj_consensus::types::{Height, Round};

use crate::chance::{Chance, Site};
use crate::types::NodeIndex;

const ROUND: Site = Site::new("schedule/round");

/// What he draws aims from.
#[derive(Debug)]
pub(super) struct Aims {
    chance: Chance,
    validators: u16,
}

/// What one round is to come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goal {
    /// The proposal comes too late to all but the favoured node, and nobody locks.
    Starve,
    /// The favoured node alone locks.
    LockAlone,
    /// All but the misled node lock, and the favoured one alone decides.
    DecideAlone,
    /// The round is left alone.
    Spare,
}

/// A round's goal, and for whom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Aim {
    goal: Goal,
    favoured: NodeIndex,
    misled: NodeIndex,
    hides_long: bool,
}

impl Aims {
    pub(super) const fn new(chance: Chance, validators: u16) -> Self {
        Self { chance, validators }
    }

    /// What is drawn for a round: one in eight is left alone.
    pub(super) fn of(&self, height: Height, round: Round) -> Aim {
        let place = height.get() << 16 | u64::from(round.get() & 0xffff);
        let draw = self.chance.draws(ROUND, place).at(0);
        let goal = match draw.word(0).below(8) {
            0 => Goal::Spare,
            1 => Goal::Starve,
            2..=4 => Goal::LockAlone,
            _ => Goal::DecideAlone,
        };
        let validators = u64::from(self.validators.max(1));
        let favoured = draw.word(1).below(validators);
        let other = 1 + draw.word(2).below(validators - 1);
        Aim {
            goal,
            favoured: node(favoured),
            misled: node((favoured + other) % validators),
            hides_long: draw.word(3).below(2) == 0,
        }
    }
}

impl Aim {
    /// Whether a node may have the proposal, the polka or the certificate of this round in time.
    pub(super) fn grants(&self, kind: Kind, to: NodeIndex) -> bool {
        match (self.goal, kind) {
            (Goal::Spare, _) => true,
            (Goal::Starve, Kind::Proposal)
            | (Goal::LockAlone, Kind::Prevote)
            | (Goal::DecideAlone, Kind::Precommit) => to == self.favoured,
            (Goal::LockAlone | Goal::DecideAlone, Kind::Proposal)
            | (Goal::DecideAlone, Kind::Prevote) => to != self.misled,
            (Goal::Starve, Kind::Prevote | Kind::Precommit)
            | (Goal::LockAlone, Kind::Precommit) => false,
        }
    }

    /// Whether what is not granted comes when the round is over, if that can be, and not just after the step's timer.
    pub(super) const fn hides_long(&self) -> bool {
        self.hides_long
    }
}

fn node(below: u64) -> NodeIndex {
    NodeIndex::new(u16::try_from(below).expect("there are fewer than 2^16 validators"))
}
