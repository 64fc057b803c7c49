//! Operations in JSON, field by field.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::decimal::Decimal;
use super::gate::GateForm;
use super::governing::{ParametersForm, ValidatorsForm};
use super::references::ReferencesForm;

/// An operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[expect(
    clippy::large_enum_variant,
    reason = "one at a time, on its way to or from JSON"
)]
pub enum OperationForm {
    /// Open an account.
    OpenAccount(OpenAccountForm),
    /// Move money between two accounts.
    Transfer(TransferForm),
    /// Propose an action to an authority.
    Propose(ProposeForm),
    /// Approve a proposal.
    Approve(ProposalForm),
    /// Execute a proposal that has its quorum.
    Execute(ProposalForm),
    /// Stop a proposal.
    Veto(ProposalForm),
}

/// Opens an account with a zero balance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenAccountForm {
    /// Its id, beginning with the submitter's participant number.
    pub account: String,
    /// Its currency.
    pub currency: String,
    /// What it is for, such as `retail-1`.
    pub account_kind: String,
    /// Whose signatures a debit needs; absent: any key of the participant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub controllers: Option<ControllersForm>,
    /// Commitment to the owner's screening.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kyc: Option<String>,
}

/// Keys of which a threshold must sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ControllersForm {
    /// How many must sign.
    pub threshold: u8,
    /// The keys, in any order.
    pub keys: Vec<KeyForm>,
}

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyForm {
    /// Its algorithm, such as `ed25519` or `p256`.
    pub algorithm: String,
    /// Its bytes in small hexadecimal.
    pub public_key: String,
}

/// Moves money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransferForm {
    /// The account that pays.
    pub debit: String,
    /// The account that is paid.
    pub credit: String,
    /// Currency of the amount.
    pub currency: String,
    /// How much.
    pub amount: Decimal,
    /// The most the payer accepts to be charged beside the amount; absent: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_fee: Option<Decimal>,
    /// Kind of payment by the scheme's own list.
    #[serde(default)]
    pub code: u16,
    /// The participant that must serve the credit account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit_participant: Option<u32>,
    /// The version the debit account must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_version: Option<u64>,
    /// References for other systems.
    #[serde(default, skip_serializing_if = "ReferencesForm::is_empty")]
    pub references: ReferencesForm,
}

/// Puts an action before an authority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposeForm {
    /// Number of the authority.
    pub authority: u32,
    /// What it is to decide.
    pub action: ActionForm,
}

/// What an authority decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ActionForm {
    /// Make money into a reserve account.
    Issue(SupplyChangeForm),
    /// Take money back from a reserve account.
    Redeem(SupplyChangeForm),
    /// Govern consensus by other parameters.
    Parameters(ParametersForm),
    /// Change who validates.
    Validators(ValidatorsForm),
    /// Schedule, move or withdraw a feature gate.
    Gate(GateForm),
}

/// One issue or redemption.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SupplyChangeForm {
    /// Currency.
    pub currency: String,
    /// The reserve account that takes or gives.
    pub account: String,
    /// How much.
    pub amount: Decimal,
    /// Reference of the RTGS payment on the other side.
    pub rtgs_reference: String,
}

/// Names a proposal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposalForm {
    /// Its id.
    pub proposal: String,
}
