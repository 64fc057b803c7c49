//! Which field differs between two transactions of one key, or between an opening and the account that is there: what an answer of 2002 names.
//!
//! Invariant: `None` exactly when the content hashes are equal, or the account is as it would be opened; the validity window is not compared.
//! Source: `docs/spec/ledger.md`, "Sameness" and "Open account".

use super::{Op, OpenAccount, Propose, Transfer, TxBody};
use crate::account::Account;

impl TxBody {
    /// The first field, in order of encoding, in which two bodies ask for different things.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<&'static str> {
        first([
            ("version", self.version == other.version),
            ("genesis_hash", self.genesis_hash == other.genesis_hash),
            ("participant", self.participant == other.participant),
            ("id", self.id == other.id),
        ])
        .or_else(|| op(&self.op, &other.op))
    }
}

impl OpenAccount {
    /// The first field, in order of encoding, in which the account that has the id is not as this would open it.
    #[must_use]
    pub fn difference(&self, there: &Account) -> Option<&'static str> {
        first([
            ("currency", self.currency == there.currency),
            ("kind", self.kind == there.kind),
            ("controllers", self.controllers == there.controllers),
            ("kyc", self.kyc == there.kyc),
        ])
    }
}

/// The name of the first field that is not equal.
fn first<const N: usize>(fields: [(&'static str, bool); N]) -> Option<&'static str> {
    fields
        .into_iter()
        .find(|(_, equal)| !equal)
        .map(|(name, _)| name)
}

fn op(a: &Op, b: &Op) -> Option<&'static str> {
    match (a, b) {
        (Op::OpenAccount(a), Op::OpenAccount(b)) => open_account(a, b),
        (Op::Transfer(a), Op::Transfer(b)) => transfer(a, b),
        (Op::Propose(a), Op::Propose(b)) => propose(a, b),
        (Op::Approve(a), Op::Approve(b))
        | (Op::Execute(a), Op::Execute(b))
        | (Op::Veto(a), Op::Veto(b)) => first([("proposal", a == b)]),
        (Op::OpenAccount(_), _)
        | (Op::Transfer(_), _)
        | (Op::Propose(_), _)
        | (Op::Approve(_), _)
        | (Op::Execute(_), _)
        | (Op::Veto(_), _) => Some("op"),
    }
}

fn open_account(a: &OpenAccount, b: &OpenAccount) -> Option<&'static str> {
    let OpenAccount {
        account,
        currency,
        kind,
        controllers,
        kyc,
        flags,
    } = a;
    first([
        ("account", *account == b.account),
        ("currency", *currency == b.currency),
        ("kind", *kind == b.kind),
        ("controllers", *controllers == b.controllers),
        ("kyc", *kyc == b.kyc),
        ("flags", *flags == b.flags),
    ])
}

fn transfer(a: &Transfer, b: &Transfer) -> Option<&'static str> {
    let Transfer {
        debit,
        credit,
        currency,
        amount,
        max_fee,
        code,
        credit_participant,
        expected_version,
        references,
        flags,
    } = a;
    first([
        ("debit", *debit == b.debit),
        ("credit", *credit == b.credit),
        ("currency", *currency == b.currency),
        ("amount", *amount == b.amount),
        ("max_fee", *max_fee == b.max_fee),
        ("code", *code == b.code),
        (
            "credit_participant",
            *credit_participant == b.credit_participant,
        ),
        ("expected_version", *expected_version == b.expected_version),
        ("references", *references == b.references),
        ("flags", *flags == b.flags),
    ])
}

fn propose(a: &Propose, b: &Propose) -> Option<&'static str> {
    let Propose {
        authority,
        action,
        flags,
    } = a;
    first([
        ("authority", *authority == b.authority),
        ("action", *action == b.action),
        ("flags", *flags == b.flags),
    ])
}
