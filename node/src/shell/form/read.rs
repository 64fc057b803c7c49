//! From a form to an operation.

use data_encoding::HEXLOWER;
use falaj_consensus::crypto::{Algorithm, PublicKey};
use falaj_consensus::types::Hash32;
use falaj_ledger::account::{AccountId, AccountKind, ControllerKeys, Controllers};
use falaj_ledger::amount::{Amount, Scale};
use falaj_ledger::authority::AuthorityId;
use falaj_ledger::currency::CurrencyCode;
use falaj_ledger::genesis::Genesis;
use falaj_ledger::participant::ParticipantNumber;
use falaj_ledger::proposal::{Action, ProposalId, SupplyChange};
use falaj_ledger::reference::{Commitment, Purpose, Reference, References, Uetr};
use falaj_ledger::transaction::{Flags, Op, OpenAccount, Propose, Transfer};

use super::decimal::Decimal;
use super::error::FormError;
use super::operation::{
    ActionForm, ControllersForm, KeyForm, OpenAccountForm, OperationForm, ProposalForm,
    ProposeForm, SupplyChangeForm, TransferForm,
};
use super::references::ReferencesForm;

pub(super) fn operation(form: &OperationForm, genesis: &Genesis) -> Result<Op, FormError> {
    Ok(match form {
        OperationForm::OpenAccount(form) => Op::OpenAccount(open_account(form, genesis)?),
        OperationForm::Transfer(form) => Op::Transfer(transfer(form, genesis)?),
        OperationForm::Propose(form) => Op::Propose(propose(form, genesis)?),
        OperationForm::Approve(form) => Op::Approve(proposal(form)?),
        OperationForm::Execute(form) => Op::Execute(proposal(form)?),
        OperationForm::Veto(form) => Op::Veto(proposal(form)?),
    })
}

fn open_account(form: &OpenAccountForm, genesis: &Genesis) -> Result<OpenAccount, FormError> {
    let kind = AccountKind::from_name(&form.account_kind);
    let controllers = match &form.controllers {
        None => Controllers::Participant,
        Some(form) => Controllers::Keys(controllers(form)?),
    };
    Ok(OpenAccount {
        account: account("account", &form.account, genesis)?,
        currency: currency("currency", &form.currency, genesis)?.0,
        kind: kind.ok_or_else(|| FormError::new("account_kind", "there is no such kind"))?,
        controllers,
        kyc: commitment("kyc", form.kyc.as_deref())?,
        flags: Flags::NONE,
    })
}

fn transfer(form: &TransferForm, genesis: &Genesis) -> Result<Transfer, FormError> {
    let (code, scale) = currency("currency", &form.currency, genesis)?;
    let max_fee = match &form.max_fee {
        None => Amount::ZERO,
        Some(max_fee) => amount("max_fee", max_fee, scale)?,
    };
    Ok(Transfer {
        debit: account("debit", &form.debit, genesis)?,
        credit: account("credit", &form.credit, genesis)?,
        currency: code,
        amount: amount("amount", &form.amount, scale)?,
        max_fee,
        code: form.code,
        credit_participant: form.credit_participant.map(ParticipantNumber::new),
        expected_version: form.expected_version,
        references: references(&form.references)?,
        flags: Flags::NONE,
    })
}

fn propose(form: &ProposeForm, genesis: &Genesis) -> Result<Propose, FormError> {
    let action = match &form.action {
        ActionForm::Issue(change) => Action::Issue(supply_change(change, genesis)?),
        ActionForm::Redeem(change) => Action::Redeem(supply_change(change, genesis)?),
        ActionForm::Parameters(form) => Action::Parameters(form.change()?),
        ActionForm::Validators(form) => Action::Validators(form.change()?),
        ActionForm::Gate(form) => Action::Gate(form.change()?),
    };
    Ok(Propose {
        authority: AuthorityId::new(form.authority),
        action,
        flags: Flags::NONE,
    })
}

fn supply_change(form: &SupplyChangeForm, genesis: &Genesis) -> Result<SupplyChange, FormError> {
    let (code, scale) = currency("currency", &form.currency, genesis)?;
    let rtgs_reference = text("rtgs_reference", Some(&form.rtgs_reference))?;
    let missing = || FormError::new("rtgs_reference", "it is missing");
    Ok(SupplyChange {
        currency: code,
        account: account("account", &form.account, genesis)?,
        amount: amount("amount", &form.amount, scale)?,
        rtgs_reference: rtgs_reference.ok_or_else(missing)?,
    })
}

fn proposal(form: &ProposalForm) -> Result<ProposalId, FormError> {
    let hash = hash("proposal", Some(&form.proposal))?;
    let missing = || FormError::new("proposal", "it is missing");
    hash.map(ProposalId::new).ok_or_else(missing)
}

fn references(form: &ReferencesForm) -> Result<References, FormError> {
    let purpose = form.purpose.as_deref().map(|text| {
        Purpose::new(text).ok_or_else(|| {
            FormError::new("references.purpose", "1 to 4 capitals or digits are needed")
        })
    });
    Ok(References {
        uetr: uetr(form.uetr.as_deref())?,
        end_to_end: text("references.end_to_end", form.end_to_end.as_deref())?,
        purpose: purpose.transpose()?,
        order: order(form.order.as_deref())?,
        risk_band: form.risk_band,
        source_message: hash("references.source_message", form.source_message.as_deref())?,
        kyc: commitment("references.kyc", form.kyc.as_deref())?,
        travel_rule: commitment("references.travel_rule", form.travel_rule.as_deref())?,
        aml: commitment("references.aml", form.aml.as_deref())?,
    })
}

fn uetr(text: Option<&str>) -> Result<Option<Uetr>, FormError> {
    let read = |text: &str| {
        let bytes = HEXLOWER.decode(text.replace('-', "").as_bytes()).ok()?;
        let uetr = Uetr::new(<[u8; 16]>::try_from(bytes).ok()?)?;
        (super::write::uuid(uetr.bytes()) == text).then_some(uetr)
    };
    let wrong = || {
        FormError::new(
            "references.uetr",
            "a version 4 uuid in small letters is needed",
        )
    };
    text.map(|text| read(text).ok_or_else(wrong)).transpose()
}

fn order(text: Option<&str>) -> Result<Option<[u8; 16]>, FormError> {
    let read = |text: &str| <[u8; 16]>::try_from(HEXLOWER.decode(text.as_bytes()).ok()?).ok();
    let wrong = || FormError::new("references.order", "32 hexadecimal digits are needed");
    text.map(|text| read(text).ok_or_else(wrong)).transpose()
}

fn text(field: &'static str, text: Option<&str>) -> Result<Option<Reference>, FormError> {
    let wrong = || {
        FormError::new(
            field,
            "1 to 35 characters of A-Z a-z 0-9 / - ? : ( ) . , ' + are needed",
        )
    };
    text.map(|text| Reference::new(text).ok_or_else(wrong))
        .transpose()
}

fn commitment(field: &'static str, text: Option<&str>) -> Result<Option<Commitment>, FormError> {
    Ok(hash(field, text)?.map(Commitment::from_hash))
}

fn hash(field: &'static str, text: Option<&str>) -> Result<Option<Hash32>, FormError> {
    let wrong = || FormError::new(field, "64 small hexadecimal digits are needed");
    text.map(|text| Hash32::from_hex(text).ok_or_else(wrong))
        .transpose()
}

fn controllers(form: &ControllersForm) -> Result<ControllerKeys, FormError> {
    let mut keys = form.keys.iter().map(key).collect::<Result<Vec<_>, _>>()?;
    keys.sort();
    let wrong = || {
        FormError::new(
            "controllers",
            "1 to 8 distinct keys that reach their threshold are needed",
        )
    };
    ControllerKeys::new(form.threshold, keys).ok_or_else(wrong)
}

pub(super) fn key(form: &KeyForm) -> Result<PublicKey, FormError> {
    let wrong = |reason: String| FormError::new("keys", reason);
    let algorithm = Algorithm::from_name(&form.algorithm)
        .ok_or_else(|| wrong(format!("there is no algorithm {}", form.algorithm)))?;
    let bytes = HEXLOWER
        .decode(form.public_key.as_bytes())
        .map_err(|_| wrong("small hexadecimal digits are needed".into()))?;
    PublicKey::new(algorithm, bytes).map_err(|error| wrong(error.to_string()))
}

fn account(field: &'static str, text: &str, genesis: &Genesis) -> Result<AccountId, FormError> {
    AccountId::parse(text, &genesis.network)
        .map_err(|error| FormError::new(field, error.to_string()))
}

fn currency(
    field: &'static str,
    text: &str,
    genesis: &Genesis,
) -> Result<(CurrencyCode, Scale), FormError> {
    let code = CurrencyCode::parse(text);
    let known = genesis
        .currencies
        .iter()
        .find(|known| Some(known.code) == code);
    known
        .map(|known| (known.code, known.scale))
        .ok_or_else(|| FormError::currency(field))
}

fn amount(field: &'static str, decimal: &Decimal, scale: Scale) -> Result<Amount, FormError> {
    match decimal {
        Decimal::Text(text) => {
            Amount::parse(text, scale).map_err(|error| FormError::amount(field, error))
        }
        Decimal::Number => Err(FormError::number(field)),
    }
}
