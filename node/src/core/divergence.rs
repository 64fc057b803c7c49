//! A decided height whose outcome is another one here than a quorum certified.
//!
//! Invariant: a replica that diverged stands at the height before, with signing latched off: it says nothing new, takes nothing new and
//! fetches nothing, and goes on when a program computes the certified outcome.
//! Source: `docs/spec/consensus.md`, "Divergence".

use falaj_consensus::types::{BlockId, Height, OutcomeHash};

/// Where this node and a quorum part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("height {height} gives outcome {own} here, certified is {certified}")]
pub struct Divergence {
    /// The height.
    pub height: Height,
    /// The decided block.
    pub id: BlockId,
    /// Own outcome.
    pub own: OutcomeHash,
    /// Certified outcome.
    pub certified: OutcomeHash,
}
