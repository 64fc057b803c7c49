//! The outcome of a block: what a precommit names beside the block itself.
//!
//! Invariant: it is a function of genesis and the ordered blocks alone (I17).
//! Source: `docs/spec/encoding.md`, "Outcome"; `docs/spec/ledger.md`, "Commitments".

use falaj_consensus::message::Outcome;
use falaj_consensus::types::Hash32;

use crate::state::State;

impl State {
    /// The outcome that left this state, given the root over its block's receipts.
    #[must_use]
    pub fn outcome(&self, receipts_root: Hash32) -> Outcome {
        let events = self.events();
        let decided = self.height().next().next();
        Outcome {
            version: Outcome::VERSION,
            state_root: self.root(),
            receipts_root,
            events_root: events.root(),
            events: events.size(),
            supply: self.supplies().entries().to_vec(),
            set_hash: self.validators_at(decided).hash(),
            parameters_hash: self.parameters_at(decided).hash(),
        }
    }
}
