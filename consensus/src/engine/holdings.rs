//! What an engine keeps for others, counted, so that somebody outside can hold it against its bounds.
//!
//! Invariant: looking changes nothing; there is one entry for each thing that is kept.
//! Shapes: entries in order of round, kind and sender; of the next height in order of sender first.
//! Who calls it: the host, which shows it to whoever watches. Errors: none.
//! Source: `docs/spec/consensus.md`, "Bounds".

use super::Engine;
use crate::message::Kind;
use crate::types::{Height, Round, ValidatorIndex};

/// What is kept for the open height and the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    /// The open height.
    pub height: Height,
    /// Its round.
    pub round: Round,
    /// The round of the lock.
    pub locked: Option<Round>,
    /// The round of the valid value.
    pub valid: Option<Round>,
    /// Votes that are kept one by one.
    pub votes: Vec<(Round, Kind, ValidatorIndex)>,
    /// Proposals.
    pub proposals: Vec<(Round, ValidatorIndex)>,
    /// The rounds of which a polka is kept.
    pub polkas: Vec<Round>,
    /// Commit certificates.
    pub certificates: usize,
    /// Offences of which proof was given out.
    pub offences: usize,
    /// Blocks that are remembered.
    pub blocks: usize,
    /// Executions that hold an overlay.
    pub overlays: usize,
    /// Messages of the next height.
    pub next: NextHoldings,
}

/// What is kept for the next height.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NextHoldings {
    /// Votes.
    pub votes: Vec<(Round, Kind, ValidatorIndex)>,
    /// Proposals.
    pub proposals: Vec<(Round, ValidatorIndex)>,
    /// Polkas.
    pub polkas: usize,
    /// Commit certificates.
    pub certificates: usize,
}

impl Engine {
    /// What is kept for others.
    #[must_use]
    pub fn holdings(&self) -> Holdings {
        Holdings {
            next: self.next.holdings(),
            ..self.driver.holdings()
        }
    }
}
