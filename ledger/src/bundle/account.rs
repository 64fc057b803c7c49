//! An account after a certified block, or that there is no such account.
//!
//! Source: `docs/spec/receipts.md`, "Account"; `docs/spec/state-root.md`.

use borsh::{BorshDeserialize, BorshSerialize};
use falaj_consensus::verify::Checker;

use super::{BundleError, CertifiedOutcome, Proven};
use crate::account::{Account, AccountId};
use crate::state_root::Proof;
use crate::trust::Trust;

/// An account after a block.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AccountBundle {
    /// The block.
    pub certified: CertifiedOutcome,
    /// Its id.
    pub id: AccountId,
    /// The account; `None` if there is none.
    pub account: Option<Account>,
    /// Its path in the state tree.
    pub path: Proof,
}

/// An account that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedAccount {
    /// Where.
    pub at: Proven,
    /// Its id.
    pub id: AccountId,
    /// The account; `None` if there is none.
    pub account: Option<Account>,
}

impl AccountBundle {
    /// Checks all of it under what is trusted.
    ///
    /// # Errors
    /// [`BundleError`], with the first part that does not hold.
    pub fn verify(
        &self,
        trust: &Trust,
        checker: &dyn Checker,
    ) -> Result<VerifiedAccount, BundleError> {
        let certified = self.certified.verify(trust, checker)?;
        certified.check_record(&self.id, self.account.as_ref(), &self.path)?;
        Ok(VerifiedAccount {
            at: self.certified.proven(trust),
            id: self.id,
            account: self.account.clone(),
        })
    }
}
