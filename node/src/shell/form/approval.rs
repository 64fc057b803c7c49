//! A key's signature in JSON, and a transaction with those that it has so far.
//!
//! Shape: signatures in small hexadecimal; a draft passes from signer to signer until it has all that it needs.
//! Source: `docs/spec/api.md`, "Transactions in JSON".

use data_encoding::HEXLOWER;
use falaj_consensus::crypto::Signature;
use falaj_ledger::transaction::Approval;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::FormError;
use super::operation::KeyForm;
use super::{TransactionForm, write};

/// A key's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalForm {
    /// The key.
    pub key: KeyForm,
    /// Its signature in small hexadecimal.
    pub signature: String,
}

/// A transaction with the signatures that it has so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftForm {
    /// What is asked.
    pub transaction: TransactionForm,
    /// Signatures over its sign-bytes.
    #[serde(default)]
    #[schema(required = false)]
    pub approvals: Vec<ApprovalForm>,
}

impl ApprovalForm {
    /// The approval of the form.
    ///
    /// # Errors
    /// [`FormError`].
    pub fn to_approval(&self) -> Result<Approval, FormError> {
        let wrong = || FormError::new("approvals", "a signature in small hexadecimal is needed");
        let bytes = HEXLOWER
            .decode(self.signature.as_bytes())
            .map_err(|_| wrong())?;
        Ok(Approval {
            public_key: self.key.to_key()?,
            signature: Signature::new(bytes).ok_or_else(wrong)?,
        })
    }

    /// The form of an approval.
    #[must_use]
    pub fn of(approval: &Approval) -> Self {
        Self {
            key: write::key(&approval.public_key),
            signature: HEXLOWER.encode(approval.signature.bytes()),
        }
    }
}
