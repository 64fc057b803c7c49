//! Evidence on the ledger: which offences a block may carry the proof of, what is recorded of them, and until when.
//!
//! Invariant: an offence, named by height, validator and kind, is recorded at most once in the life of the chain; what is over is over for
//! ever, whatever the parameters become, so a record that was dropped is never made again.
//! Shape: heights are old enough by marks, the heights and times of a few blocks, since the state keeps no other block's time.
//! Who calls it: [`crate::execute`] records; proposers and validators ask [`crate::state::State::takes_evidence`] before.
//! Source: `docs/spec/ledger.md`, "Evidence".

use alloc::vec::Vec;
use borsh::{BorshDeserialize, BorshSerialize};
use falaj_consensus::message::{Evidence, EvidenceKey, EvidenceKind};
use falaj_consensus::params::Parameters;
use falaj_consensus::types::{Hash32, Height, ValidatorId};

/// Into how many parts marks cut each window.
const MARKS_A_WINDOW: u64 = 64;

/// An offence that a block carries the proof of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offence {
    /// Who did what, and when.
    pub key: EvidenceKey,
    /// The name of the evidence, which covers both statements.
    pub evidence: Hash32,
}

impl Offence {
    /// What the ledger records of a piece of evidence.
    #[must_use]
    pub fn of(evidence: &Evidence) -> Self {
        Self {
            key: evidence.key(),
            evidence: evidence.id(),
        }
    }
}

/// What names a recorded offence in the state: the height, the validator by its id, the kind.
pub type SeenKey = (Height, ValidatorId, EvidenceKind);

/// An offence that was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct EvidenceSeen {
    /// The name of the evidence.
    pub evidence: Hash32,
    /// The block that carries it.
    pub block: Height,
}

/// A block by which the age of heights is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Mark {
    /// Its height.
    pub height: Height,
    /// Its time in microseconds since the Unix epoch.
    pub time_us: u64,
}

/// How old the heights are.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Ages {
    /// Offences of heights up to this one are over.
    over: Mark,
    /// Blocks after it, in order.
    marks: Vec<Mark>,
}

impl Ages {
    /// The last height whose offences are over; 0 while none are.
    #[must_use]
    pub const fn over(&self) -> Height {
        self.over.height
    }

    /// The ages after a block, which that block's parameters govern.
    #[must_use]
    pub fn after(&self, block: Mark, parameters: &Parameters) -> Self {
        let heights = parameters.evidence_age_heights;
        let micros = parameters.evidence_age_ms.saturating_mul(1_000);
        let between = |earlier: &Mark| {
            let heights = block.height.get().saturating_sub(earlier.height.get());
            (heights, block.time_us.saturating_sub(earlier.time_us))
        };
        let is_over = |mark: &Mark| {
            let (higher, later) = between(mark);
            higher > heights && later > micros
        };
        let mut next = self.clone();
        while next.marks.first().is_some_and(is_over) {
            next.over = next.marks.remove(0);
        }
        let (higher, later) = between(next.marks.last().unwrap_or(&next.over));
        let (apart, apart_us) = (heights / MARKS_A_WINDOW, micros / MARKS_A_WINDOW);
        if higher >= apart.max(1) && later >= apart_us {
            next.marks.push(block);
        }
        next
    }
}

#[cfg(test)]
mod tests;
