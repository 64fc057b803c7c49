//! Which share of a block a transaction draws on, as far as admission can tell.
//!
//! Invariant: advice for the mempool; execution never reads it, and orders by the operation alone.
//! Source: `docs/spec/ledger.md`, "Inside a block".

use falaj_consensus::message::Lane;

use crate::account::{Account, AccountKind};
use crate::state::State;
use crate::transaction::{Op, Transfer};

/// The lane of an operation on a state.
#[must_use]
pub fn lane(state: &State, op: &Op) -> Lane {
    match op {
        Op::Propose(_) | Op::Approve(_) | Op::Execute(_) | Op::Veto(_) => Lane::Governance,
        Op::Transfer(transfer) if is_interbank(state, transfer) => Lane::Interbank,
        Op::Transfer(_) | Op::OpenAccount(_) => Lane::Retail,
    }
}

/// A payment between participants' own accounts.
fn is_interbank(state: &State, transfer: &Transfer) -> bool {
    [transfer.debit, transfer.credit]
        .into_iter()
        .all(|id| state.account(id).is_some_and(|account| is_own(&account)))
}

const fn is_own(account: &Account) -> bool {
    matches!(account.kind, AccountKind::Reserve | AccountKind::Wholesale)
}
