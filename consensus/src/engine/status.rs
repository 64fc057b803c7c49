//! Why it is not moving: one structured answer at any moment.
//!
//! Invariant: an undecided height that is not halted waits for at least one thing, and every thing it waits for is named.
//! Units: power in votes, as `u128` sums.
//! Source: `docs/spec/consensus.md`, "Why is it not moving".

use crate::round::{Locked, Step, ValidValue};
use crate::types::{BlockId, Height, OutcomeHash, Round, ValidatorIndex};

/// Where the engine stands and what it waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Status {
    /// Height.
    pub height: Height,
    /// Round.
    pub round: Round,
    /// Step.
    pub step: Step,
    /// Whose turn the round is.
    pub proposer: ValidatorIndex,
    /// The lock.
    pub locked: Option<Locked>,
    /// The valid value.
    pub valid: Option<ValidValue>,
    /// The decided block and outcome, once there is one.
    pub decided: Option<(BlockId, OutcomeHash)>,
    /// Everything that is waited for; the first is what the step turns on.
    pub waits: Vec<Wait>,
}

/// A thing that is waited for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Wait {
    /// Something to propose: round 0 is idle.
    Work,
    /// The proposal of this round.
    Proposal {
        /// Whose turn it is.
        from: ValidatorIndex,
    },
    /// The host's fresh block, or the guard's signature under our proposal.
    OwnProposal,
    /// The polka that a re-proposal needs.
    Polka {
        /// Its round.
        round: Round,
        /// The block.
        id: BlockId,
    },
    /// The header of a block that has a quorum.
    Header(BlockId),
    /// Body or batches of a block.
    Body(BlockId),
    /// The end of a block's execution.
    Execution(BlockId),
    /// More prevotes of this round.
    Prevotes(Shortfall),
    /// More precommits of this round.
    Precommits(Shortfall),
    /// The host, to give the next height.
    NextHeight,
    /// A person: the height is halted.
    Halted,
}

/// How far a quorum is away.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Shortfall {
    /// Power of everybody who voted, whatever for.
    pub power: u128,
    /// Greatest power that voted for one and the same thing.
    pub power_of_leader: u128,
    /// Least power that is a quorum.
    pub power_of_quorum: u128,
    /// Who has not voted.
    pub missing: Vec<ValidatorIndex>,
}
