//! An event with its path into the event log as it was after a certified block.
//!
//! Invariant: the block may be any from the event's own on; the log only grows, so each of them proves the same event.
//! Source: `docs/spec/receipts.md`, "Event"; `docs/spec/ledger.md`, "Events".

use borsh::{BorshDeserialize, BorshSerialize};
use falaj_consensus::verify::Checker;

use super::{BundleError, CertifiedOutcome, Proven};
use crate::event::Event;
use crate::log_tree::InclusionProof;
use crate::trust::Trust;

/// Something that happened in the ledger, to be kept and checked by anybody.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct EventBundle {
    /// The block after which the log is as the path has it.
    pub certified: CertifiedOutcome,
    /// The event.
    pub event: Event,
    /// Where it stands in the log.
    pub inclusion: InclusionProof,
}

/// An event that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedEvent {
    /// Where the log was certified.
    pub at: Proven,
    /// What happened, and where.
    pub event: Event,
}

impl EventBundle {
    /// Checks all of it under what is trusted.
    ///
    /// # Errors
    /// [`BundleError`], with the first part that does not hold.
    pub fn verify(
        &self,
        trust: &Trust,
        checker: &dyn Checker,
    ) -> Result<VerifiedEvent, BundleError> {
        let certified = self.certified.verify(trust, checker)?;
        certified.check_event(&self.event, &self.inclusion)?;
        Ok(VerifiedEvent {
            at: self.certified.proven(trust),
            event: self.event.clone(),
        })
    }
}
