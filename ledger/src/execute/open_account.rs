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
use crate::receipt::Original;
use crate::rejection::Rejection;
use crate::transaction::OpenAccount;

pub(super) fn run(
    overlay: &mut Overlay<'_>,
    call: Call<'_>,
    submitter: &Participant,
    open: &OpenAccount,
) -> Result<(), Refusal> {
    entitle::submitter_keys(call, submitter)?;
    check(overlay, submitter, open)?;
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
) -> Result<(), Refusal> {
    let role = open.kind.opener_role();
    let opens = role.is_some_and(|role| submitter.roles.contains(role));
    if !opens || open.account.opener() != submitter.number {
        return Err(Refusal::Entitled(Rejection::Role));
    }
    if overlay.currency(open.currency).is_none() {
        return Err(Refusal::Entitled(Rejection::CurrencyMismatch));
    }
    overlay
        .account(open.account)
        .map_or(Ok(()), |there| Err(taken(there, open)))
}

/// The id is taken: the refusal points at where that account was opened.
fn taken(there: &Account, open: &OpenAccount) -> Refusal {
    let code = match open.difference(there) {
        None => Rejection::Exists,
        Some(_) => Rejection::ExistsDifferent,
    };
    let original = Original {
        place: there.opened,
        code: None,
    };
    Refusal::Skip {
        code,
        original: Some(original),
    }
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
