//! Where in the course of consensus a statement stands, and what a key says there.
//!
//! Invariant: places are ordered by height, round, step, and propose < prevote < precommit.
//! Source: `docs/spec/guard.md`, "The order".

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};

use falaj_consensus::message::{Kind, Statement};
use falaj_consensus::types::{Height, Round};

/// A position at which a key says at most one thing.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct Place {
    /// Height.
    pub height: Height,
    /// Round.
    pub round: Round,
    /// Propose, prevote or precommit, named by the message that belongs to it.
    pub step: Kind,
}

impl Place {
    /// Below everything a key ever says.
    pub const GENESIS: Self = Self {
        height: Height::new(0),
        round: Round::new(0),
        step: Kind::Precommit,
    };

    /// Where a statement stands.
    #[must_use]
    pub const fn of(statement: &Statement) -> Self {
        Self {
            height: statement.height(),
            round: statement.round(),
            step: statement.kind(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "height {}, round {}, {}",
            self.height,
            self.round,
            self.step.name()
        )
    }
}
