//! A transaction on its way: its body, and the approvals it has so far.
//!
//! Shapes of a file: the JSON `{"transaction": {…}, "approvals": […]}` of the API's `:encode`, the form of a transaction alone,
//! `{"transaction": base64}`, base64, or the bytes themselves.
//! Errors: what is none of these is refused with the ledger's code and the field.

use data_encoding::BASE64;
use falaj_consensus::verify::{Checker as _, RealChecker, SignedItem};
use falaj_ledger::genesis::Genesis;
use falaj_ledger::proposal::ProposalId;
use falaj_ledger::rejection::Rejection;
use falaj_ledger::transaction::{APPROVALS_MAX, Approval, Op, SignedTx, TxBody, TxId, sign_bytes};
use falaj_ledger::validate::{Rules, check};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::path::Path;

use crate::shell::cli::names::of_key;
use crate::shell::cli::{Failure, chance, files};
use crate::shell::form::{ApprovalForm, DraftForm, FormError, TransactionForm};
use crate::shell::runtime::Clock;

/// The longest file: far above the longest transaction in JSON.
const FILE_BYTES_MAX: usize = 1 << 20;
/// How far an id is dated back, so that a validator whose clock is behind takes it.
const DATED_BACK_MS: u64 = 1_000;

/// A body with approvals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::shell::cli) struct Draft {
    body: TxBody,
    approvals: Vec<Approval>,
}

impl Draft {
    /// A draft of a form, without approvals; a missing id is made of this moment.
    pub(super) fn make(form: &TransactionForm, genesis: &Genesis) -> Result<Self, Failure> {
        let body = form.to_body(genesis, fresh_id()?).map_err(wrong_form)?;
        let approvals = Vec::new();
        Ok(Self { body, approvals })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it is no transaction of this chain.
    pub(in crate::shell::cli) fn read(path: &Path, genesis: &Genesis) -> Result<Self, Failure> {
        let bytes = files::read(path, FILE_BYTES_MAX)?;
        let Some(text) = std::str::from_utf8(&bytes).ok().map(str::trim) else {
            return Self::of_bytes(&bytes);
        };
        match text.strip_prefix('{') {
            Some(_) => Self::of_json(text, genesis),
            None => Self::of_base64(text).or_else(|_| Self::of_bytes(&bytes)),
        }
    }

    fn of_json(text: &str, genesis: &Genesis) -> Result<Self, Failure> {
        let value: Value = form(text)?;
        match value.get("transaction") {
            None => Self::make(&form(text)?, genesis),
            Some(Value::String(base64)) => Self::of_base64(base64),
            Some(_) => Self::of_form(&form(text)?, genesis),
        }
    }

    fn of_form(form: &DraftForm, genesis: &Genesis) -> Result<Self, Failure> {
        let approvals = form.approvals.iter().map(ApprovalForm::to_approval);
        let approvals = approvals
            .collect::<Result<Vec<_>, _>>()
            .map_err(wrong_form)?;
        if form.transaction.id.is_none() && !approvals.is_empty() {
            return Err(rejected(
                Rejection::BadId,
                "a signed transaction has its id",
            ));
        }
        Ok(Self {
            approvals,
            ..Self::make(&form.transaction, genesis)?
        })
    }

    fn of_base64(text: &str) -> Result<Self, Failure> {
        let bytes = BASE64.decode(text.as_bytes());
        let bytes = bytes.map_err(|_| rejected(Rejection::BadEncoding, "no base64"))?;
        Self::of_bytes(&bytes)
    }

    fn of_bytes(bytes: &[u8]) -> Result<Self, Failure> {
        let read = borsh::from_slice::<SignedTx>(bytes);
        let SignedTx { body, approvals } =
            read.map_err(|error| rejected(Rejection::BadEncoding, error))?;
        Ok(Self { body, approvals })
    }

    pub(in crate::shell::cli) const fn body(&self) -> &TxBody {
        &self.body
    }

    pub(super) fn approvals(&self) -> &[Approval] {
        &self.approvals
    }

    /// The form that is passed on.
    pub(super) fn to_form(&self, genesis: &Genesis) -> DraftForm {
        DraftForm {
            transaction: TransactionForm::of(&self.body, genesis),
            approvals: self.approvals.iter().map(ApprovalForm::of).collect(),
        }
    }

    /// What each approval signs.
    pub(super) fn sign_bytes(&self, genesis: &Genesis) -> Vec<u8> {
        sign_bytes(&genesis.chain(), &self.body)
    }

    /// Adds an approval, in the place of an earlier one of the same key.
    ///
    /// # Errors
    /// 1003 when its signature is not that of its key over this body.
    pub(super) fn add(&mut self, approval: Approval, genesis: &Genesis) -> Result<(), Failure> {
        let message = self.sign_bytes(genesis);
        let item = SignedItem {
            key: &approval.public_key,
            message: &message,
            signature: &approval.signature,
        };
        if !RealChecker.check(item) {
            let key = ApprovalForm::of(&approval).key.public_key;
            return Err(rejected(Rejection::BadSignature, format!("of key {key}")));
        }
        self.approvals
            .retain(|held| held.public_key != approval.public_key);
        self.approvals.push(approval);
        Ok(())
    }

    /// The whole transaction, checked as every node will check its bytes.
    ///
    /// # Errors
    /// The rejection of the first check that fails.
    pub(super) fn signed(&self, genesis: &Genesis) -> Result<SignedTx, Failure> {
        let tx = SignedTx::new(self.body.clone(), self.approvals.clone()).ok_or_else(|| {
            let text = format!(
                "it has {} approvals; 1 to {APPROVALS_MAX} of distinct keys are needed",
                self.approvals.len()
            );
            rejected(Rejection::BadEncoding, text)
                .fix("sign it with `falaj tx sign FILE --key KEY_FILE`")
        })?;
        match check(&Rules::of_genesis(genesis), &RealChecker, &tx.to_bytes()) {
            Ok(_) => Ok(tx),
            Err(rejection) => Err(rejected(rejection, "as every node would find")),
        }
    }

    /// The proposal that it makes, if it makes one.
    pub(super) fn proposal(&self) -> Option<ProposalId> {
        matches!(self.body.op, Op::Propose(_))
            .then(|| ProposalId::new(self.body.content_hash().hash()))
    }

    pub(super) fn name(&self) -> String {
        of_key(self.body.key())
    }
}

fn form<T: DeserializeOwned>(text: &str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|error| rejected(Rejection::BadEncoding, error))
}

/// A rejection that was found before anything was sent.
pub(super) fn rejected(rejection: Rejection, what: impl std::fmt::Display) -> Failure {
    Failure::new(Failure::CHECK, format!("{rejection} ({what})"))
        .with("code", rejection.code())
        .with("name", rejection.name())
        .fix(rejection.class().advice())
}

/// A field of a form, or a flag of the same name, that is wrong.
pub(super) fn wrong_form(error: FormError) -> Failure {
    let (code, field) = (error.code, error.field);
    let text = format!("{} {}: {field}: {}", code.code(), code.name(), error.reason);
    Failure::new(Failure::USAGE, text)
        .with("code", code.code())
        .with("name", code.name())
        .with("field", field)
}

fn fresh_id() -> Result<TxId, Failure> {
    let now_ms = Clock::start().now().wall_us / 1_000;
    let id = TxId::new(now_ms.saturating_sub(DATED_BACK_MS), chance::bytes()?);
    id.ok_or_else(|| Failure::new(70, "the system's clock is beyond the year 10000"))
}

#[cfg(test)]
mod tests;
