//! Proof that a transaction was never executed: its key is not in the dedup map at a time when it must be, had it been.
//!
//! Invariant: block time lies after the last moment at which the transaction could be executed, and not after the moment until which the
//! dedup map keeps every id; so what is not in the map was not executed, and its time is over.
//! The last moment is the end of the window, which only who knows the transaction can state; without that, the latest end that its id allows.
//! A refusal that is not final for the id (5xxx, skipped) is no execution either, and leaves nothing in the map.
//! Source: `docs/spec/receipts.md`, "No execution"; `docs/spec/ledger.md`, "Replay".

use borsh::{BorshDeserialize, BorshSerialize};
use falaj_consensus::verify::Checker;

use super::{BundleError, CertifiedOutcome, Proven};
use crate::genesis::Constants;
use crate::state_root::Proof;
use crate::transaction::TxKey;
use crate::trust::Trust;

/// That a transaction was never executed and never will be.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct NoExecutionBundle {
    /// The block after which it is not in the dedup map.
    pub certified: CertifiedOutcome,
    /// The transaction.
    pub key: TxKey,
    /// End of its window, if the asker stated it; whoever checks has to compare it with the transaction itself.
    pub valid_until_ms: Option<u64>,
    /// That the dedup map has no such key.
    pub absence: Proof,
}

/// A proof of no execution that was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifiedNoExecution {
    /// Where.
    pub at: Proven,
    /// The transaction.
    pub key: TxKey,
    /// The proof is about bodies whose window ends then or earlier; `None`: about every body of that key.
    pub valid_until_ms: Option<u64>,
}

impl NoExecutionBundle {
    /// Checks all of it under what is trusted.
    ///
    /// # Errors
    /// [`BundleError`], with the first part that does not hold.
    pub fn verify(
        &self,
        trust: &Trust,
        checker: &dyn Checker,
    ) -> Result<VerifiedNoExecution, BundleError> {
        let certified = self.certified.verify(trust, checker)?;
        let constants = trust.constants();
        let until_ms = window_end_ms(constants, self.key, self.valid_until_ms);
        certified.check_no_execution(constants, self.key, until_ms, &self.absence)?;
        Ok(VerifiedNoExecution {
            at: self.certified.proven(trust),
            key: self.key,
            valid_until_ms: self.valid_until_ms,
        })
    }
}

/// The last millisecond at which a transaction can be executed: the end of its window, or the latest that its id allows.
#[must_use]
pub fn window_end_ms(constants: &Constants, key: TxKey, valid_until_ms: Option<u64>) -> u64 {
    let latest_ms = key.id.time_ms().saturating_add(constants.id_window_ms);
    valid_until_ms.map_or(latest_ms, |stated| stated.min(latest_ms))
}
