//! A receipt with its path into a certified block.
//!
//! Source: `docs/spec/receipts.md`, "Receipt".

use borsh::{BorshDeserialize, BorshSerialize};
use falaj_consensus::verify::Checker;

use super::{BundleError, CertifiedOutcome, Proven};
use crate::proof::ReceiptProof;
use crate::receipt::Receipt;
use crate::transaction::TxBody;
use crate::trust::Trust;

/// What became of a transaction, to be kept and checked by anybody.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ReceiptBundle {
    /// The block.
    pub certified: CertifiedOutcome,
    /// The receipt and its place among the block's.
    pub answer: ReceiptProof,
}

/// A receipt that was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifiedReceipt {
    /// Where.
    pub at: Proven,
    /// What became of the transaction.
    pub receipt: Receipt,
}

impl VerifiedReceipt {
    /// Whether it is the receipt of this very request, window included.
    #[must_use]
    pub fn is_of(&self, body: &TxBody) -> bool {
        self.receipt.key == body.key() && self.receipt.body_hash == body.body_hash()
    }
}

impl ReceiptBundle {
    /// Checks all of it under what is trusted.
    ///
    /// # Errors
    /// [`BundleError`], with the first part that does not hold.
    pub fn verify(
        &self,
        trust: &Trust,
        checker: &dyn Checker,
    ) -> Result<VerifiedReceipt, BundleError> {
        let certified = self.certified.verify(trust, checker)?;
        certified.check_inclusion(&self.answer)?;
        Ok(VerifiedReceipt {
            at: self.certified.proven(trust),
            receipt: self.answer.receipt,
        })
    }
}
