//! From an operation to its form.

use data_encoding::HEXLOWER;
use falaj_consensus::crypto::PublicKey;
use falaj_ledger::account::{AccountId, Controllers};
use falaj_ledger::amount::{Amount, Scale};
use falaj_ledger::currency::CurrencyCode;
use falaj_ledger::genesis::Genesis;
use falaj_ledger::participant::ParticipantNumber;
use falaj_ledger::proposal::{Action, ProposalId, SupplyChange};
use falaj_ledger::reference::{Commitment, Reference, References};
use falaj_ledger::transaction::{Op, OpenAccount, Propose, Transfer};

use super::decimal::Decimal;
use super::gate::GateForm;
use super::governing::{ParametersForm, ValidatorsForm};
use super::operation::{
    ActionForm, ControllersForm, KeyForm, OpenAccountForm, OperationForm, ProposalForm,
    ProposeForm, SupplyChangeForm, TransferForm,
};
use super::references::ReferencesForm;

pub(super) fn operation(op: &Op, genesis: &Genesis) -> OperationForm {
    match op {
        Op::OpenAccount(open) => OperationForm::OpenAccount(open_account(open, genesis)),
        Op::Transfer(payment) => OperationForm::Transfer(transfer(payment, genesis)),
        Op::Propose(made) => OperationForm::Propose(propose(made, genesis)),
        Op::Approve(id) => OperationForm::Approve(proposal(*id)),
        Op::Execute(id) => OperationForm::Execute(proposal(*id)),
        Op::Veto(id) => OperationForm::Veto(proposal(*id)),
    }
}

fn open_account(open: &OpenAccount, genesis: &Genesis) -> OpenAccountForm {
    OpenAccountForm {
        account: account(open.account, genesis),
        currency: open.currency.to_string(),
        account_kind: open.kind.name().to_owned(),
        controllers: controllers(&open.controllers),
        kyc: open.kyc.map(commitment),
    }
}

fn transfer(transfer: &Transfer, genesis: &Genesis) -> TransferForm {
    let decimal = |amount| decimal(amount, transfer.currency, genesis);
    TransferForm {
        debit: account(transfer.debit, genesis),
        credit: account(transfer.credit, genesis),
        currency: transfer.currency.to_string(),
        amount: decimal(transfer.amount),
        max_fee: (!transfer.max_fee.is_zero()).then(|| decimal(transfer.max_fee)),
        code: transfer.code,
        credit_participant: transfer.credit_participant.map(ParticipantNumber::get),
        expected_version: transfer.expected_version,
        references: references(&transfer.references),
    }
}

fn propose(propose: &Propose, genesis: &Genesis) -> ProposeForm {
    ProposeForm {
        authority: propose.authority.get(),
        action: action(&propose.action, genesis),
    }
}

/// The form of an action.
pub(super) fn action(action: &Action, genesis: &Genesis) -> ActionForm {
    let form = |change: &SupplyChange| SupplyChangeForm {
        currency: change.currency.to_string(),
        account: account(change.account, genesis),
        amount: decimal(change.amount, change.currency, genesis),
        rtgs_reference: change.rtgs_reference.to_string(),
    };
    match action {
        Action::Issue(change) => ActionForm::Issue(form(change)),
        Action::Redeem(change) => ActionForm::Redeem(form(change)),
        Action::Parameters(change) => ActionForm::Parameters(ParametersForm::of(change)),
        Action::Validators(change) => ActionForm::Validators(ValidatorsForm::of(change)),
        Action::Gate(change) => ActionForm::Gate(GateForm::of(change)),
    }
}

fn proposal(id: ProposalId) -> ProposalForm {
    let proposal = id.to_string();
    ProposalForm { proposal }
}

fn references(references: &References) -> ReferencesForm {
    ReferencesForm {
        uetr: references.uetr.map(|uetr| uuid(uetr.bytes())),
        end_to_end: references.end_to_end.as_ref().map(Reference::to_string),
        purpose: references.purpose.map(|purpose| purpose.to_string()),
        order: references.order.map(|order| HEXLOWER.encode(&order)),
        risk_band: references.risk_band,
        source_message: references.source_message.map(|hash| hash.to_hex()),
        kyc: references.kyc.map(commitment),
        travel_rule: references.travel_rule.map(commitment),
        aml: references.aml.map(commitment),
    }
}

/// Keys as a form, if there are keys of its own.
fn controllers(controllers: &Controllers) -> Option<ControllersForm> {
    match controllers {
        Controllers::Participant => None,
        Controllers::Keys(keys) => Some(ControllersForm {
            threshold: keys.threshold(),
            keys: keys.keys().iter().map(key).collect(),
        }),
    }
}

pub(super) fn key(key: &PublicKey) -> KeyForm {
    KeyForm {
        algorithm: key.algorithm().name().to_owned(),
        public_key: HEXLOWER.encode(key.bytes()),
    }
}

/// Sixteen bytes in groups of 8, 4, 4, 4 and 12 digits.
pub(super) fn uuid(bytes: &[u8; 16]) -> String {
    let digits = HEXLOWER.encode(bytes);
    let parts = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)];
    parts
        .map(|(from, to)| digits.get(from..to).unwrap_or_default())
        .join("-")
}

fn account(id: AccountId, genesis: &Genesis) -> String {
    id.to_text(&genesis.network)
}

fn commitment(commitment: Commitment) -> String {
    commitment.hash().to_hex()
}

/// Of a currency that the chain does not have, minor units.
fn decimal(amount: Amount, code: CurrencyCode, genesis: &Genesis) -> Decimal {
    let scale = genesis.currencies.iter().find(|known| known.code == code);
    let scale = scale.map(|known| known.scale).or(Scale::new(0));
    Decimal::Text(scale.map_or_else(|| amount.to_string(), |scale| amount.to_decimal(scale)))
}
