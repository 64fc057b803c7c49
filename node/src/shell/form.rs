//! Transactions in JSON, as people and other languages write them, and the bytes that are signed for them.
//!
//! Invariant: one form has one body; amounts are canonical decimal strings of their currency, never JSON numbers (1009); an unknown key is
//! refused. What is written from a body reads back as that body. Everything needed is in the genesis, so it works without a node.
//! Shapes: account ids in their text form, hashes and keys small hexadecimal, UUIDs with dashes, times in milliseconds since the Unix epoch.
//! Errors: [`FormError`] names the field and the stable code.
//! Source: `docs/spec/api.md`, "Transactions in JSON"; `docs/spec/ledger.md`, "Transactions".

mod approval;
mod decimal;
mod error;
mod gate;
mod governing;
mod operation;
mod read;
mod references;
mod write;

pub use approval::{ApprovalForm, DraftForm};
pub use decimal::Decimal;
pub use error::FormError;
pub use gate::GateForm;
pub use governing::{EntryForm, ParameterValues, ParametersForm, ValidatorsForm};
pub use operation::{
    ActionForm, ControllersForm, KeyForm, OpenAccountForm, OperationForm, ProposalForm,
    ProposeForm, SupplyChangeForm, TransferForm,
};
pub use references::ReferencesForm;

use falaj_consensus::crypto::PublicKey;
use falaj_ledger::genesis::Genesis;
use falaj_ledger::proposal::Action;
use falaj_ledger::transaction::{SignedTx, TxBody, TxId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a submitter asks, under which id, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransactionForm {
    /// The participant in whose name it is submitted.
    pub participant: u32,
    /// Its id, a version 7 UUID; a new one is made of the time if it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// First millisecond of block time at which it may be executed; from the id's time if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from_ms: Option<u64>,
    /// Last such millisecond; as late as the id allows if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until_ms: Option<u64>,
    /// The operation.
    pub operation: OperationForm,
}

impl TransactionForm {
    /// The body of the form on a chain; `fresh` is its id if it states none.
    ///
    /// # Errors
    /// [`FormError`] for the first field that is wrong.
    pub fn to_body(&self, genesis: &Genesis, fresh: TxId) -> Result<TxBody, FormError> {
        let id = match &self.id {
            Some(text) => TxId::parse(text).ok_or_else(FormError::id)?,
            None => fresh,
        };
        let latest_ms = id.time_ms().saturating_add(genesis.constants.id_window_ms);
        Ok(TxBody {
            version: TxBody::VERSION,
            genesis_hash: genesis.hash(),
            participant: falaj_ledger::participant::ParticipantNumber::new(self.participant),
            id,
            valid_from_ms: self.valid_from_ms.unwrap_or_else(|| id.time_ms()),
            valid_until_ms: self.valid_until_ms.unwrap_or(latest_ms),
            op: read::operation(&self.operation, genesis)?,
        })
    }

    /// The form of a body.
    #[must_use]
    pub fn of(body: &TxBody, genesis: &Genesis) -> Self {
        Self {
            participant: body.participant.get(),
            id: Some(body.id.to_string()),
            valid_from_ms: Some(body.valid_from_ms),
            valid_until_ms: Some(body.valid_until_ms),
            operation: write::operation(&body.op, genesis),
        }
    }
}

impl ActionForm {
    /// The form of an action.
    #[must_use]
    pub fn of(action: &Action, genesis: &Genesis) -> Self {
        write::action(action, genesis)
    }
}

impl KeyForm {
    /// The key of the form.
    ///
    /// # Errors
    /// [`FormError`].
    pub fn to_key(&self) -> Result<PublicKey, FormError> {
        read::key(self)
    }
}

/// A whole transaction, to be looked at.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SignedForm {
    /// What is asked.
    #[serde(flatten)]
    pub transaction: TransactionForm,
    /// The keys that signed it.
    pub signers: Vec<KeyForm>,
}

impl SignedForm {
    /// The form of a transaction.
    #[must_use]
    pub fn of(tx: &SignedTx, genesis: &Genesis) -> Self {
        Self {
            transaction: TransactionForm::of(&tx.body, genesis),
            signers: tx.signers().map(write::key).collect(),
        }
    }
}

#[cfg(test)]
mod tests;
