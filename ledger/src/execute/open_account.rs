//! Open an account: a zero balance under an id of the submitter's own.
//!
//! Order of checks: keys 5001, id 5001, role 5001, currency 1011, then 2001 or 2002 if the id is taken.
//! Source: `docs/spec/ledger.md`, "Open account".

use super::overlay::Overlay;
use super::refusal::Refusal;
use super::{Call, entitle};
use crate::account::Account;
use crate::amount::Units;
use crate::event::EventKind;
use crate::participant::Participant;
use crate::rejection::Rejection;
use crate::transaction::OpenAccount;

pub(super) fn run(
    overlay: &mut Overlay<'_>,
    call: Call<'_>,
    submitter: &Participant,
    open: &OpenAccount,
) -> Result<(), Refusal> {
    entitle::submitter_keys(call, submitter)?;
    check(overlay, submitter, open).map_err(Refusal::Entitled)?;
    overlay.put_account(open.account, opened(call, submitter, open));
    let OpenAccount {
        account,
        currency,
        kind,
        ..
    } = *open;
    overlay.record(
        call,
        EventKind::AccountOpened {
            account,
            currency,
            kind,
        },
    );
    Ok(())
}

fn check(
    overlay: &mut Overlay<'_>,
    submitter: &Participant,
    open: &OpenAccount,
) -> Result<(), Rejection> {
    let role = open.kind.opener_role().ok_or(Rejection::Role)?;
    if open.account.opener() != submitter.number || !submitter.roles.contains(role) {
        return Err(Rejection::Role);
    }
    if overlay.currency(open.currency).is_none() {
        return Err(Rejection::CurrencyMismatch);
    }
    match overlay.account(open.account) {
        None => Ok(()),
        Some(there) if is_same(there, open) => Err(Rejection::Exists),
        Some(_) => Err(Rejection::ExistsDifferent),
    }
}

fn is_same(there: &Account, open: &OpenAccount) -> bool {
    there.currency == open.currency
        && there.kind == open.kind
        && there.controllers == open.controllers
        && there.kyc == open.kyc
}

fn opened(call: Call<'_>, submitter: &Participant, open: &OpenAccount) -> Account {
    Account {
        currency: open.currency,
        kind: open.kind,
        participant: submitter.number,
        controllers: open.controllers.clone(),
        debits: Units::ZERO,
        credits: Units::ZERO,
        version: 0,
        opened: call.place,
        kyc: open.kyc,
    }
}
