//! That the event log after a later certified block begins with the whole log after an earlier one: nothing was taken out or changed between.
//!
//! Source: `docs/spec/receipts.md`, "Log extension"; RFC 9162, section 2.1.4.

use borsh::{BorshDeserialize, BorshSerialize};
use falaj_consensus::verify::Checker;

use super::{BundleError, CertifiedOutcome, Proven};
use crate::log_tree::ConsistencyProof;
use crate::trust::Trust;

/// Two certified blocks and what their event logs share.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct LogExtensionBundle {
    /// The earlier block.
    pub earlier: CertifiedOutcome,
    /// The later block, or the same.
    pub later: CertifiedOutcome,
    /// That its log extends the other's.
    pub consistency: ConsistencyProof,
}

/// An extension that was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifiedLogExtension {
    /// The earlier block.
    pub earlier: Proven,
    /// Events up to it, that block included.
    pub earlier_events: u64,
    /// The later block.
    pub at: Proven,
    /// Events up to it, that block included.
    pub events: u64,
}

impl LogExtensionBundle {
    /// Checks all of it under what is trusted.
    ///
    /// # Errors
    /// [`BundleError`], with the first part that does not hold.
    pub fn verify(
        &self,
        trust: &Trust,
        checker: &dyn Checker,
    ) -> Result<VerifiedLogExtension, BundleError> {
        let earlier = self.earlier.verify(trust, checker)?;
        let later = self.later.verify(trust, checker)?;
        later.check_extends(&earlier, &self.consistency)?;
        Ok(VerifiedLogExtension {
            earlier: self.earlier.proven(trust),
            earlier_events: earlier.outcome().events,
            at: self.later.proven(trust),
            events: later.outcome().events,
        })
    }
}
