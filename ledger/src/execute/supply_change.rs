//! Issue and redeem: the only two ways in which supply changes.
//!
//! Invariant (I9): issuance debits = issued, its credits = redeemed; both sides move by the same amount in one step.
//! Order of checks: reference 2005, caps 5003, reserve account 3002 or 3001, its kind 5001, currency 1011, room 3017 or funds 3003.
//! Caps: an issue keeps supply within the currency's absolute cap and its rolling one; both actions keep within the authority's.
//! Source: `docs/spec/ledger.md`, "Issue and redeem".

use super::Call;
use super::overlay::Overlay;
use crate::account::{Account, AccountKind};
use crate::amount::Units;
use crate::authority::Authority;
use crate::currency::Currency;
use crate::event::EventKind;
use crate::proposal::{Action, ProposalId, SupplyChange};
use crate::rejection::Rejection;
use crate::state::WindowOf;
use crate::window::Window;

/// Every record that an issue or a redemption writes, as it will be.
pub(super) struct Change {
    reserve: Account,
    issuance: Account,
    currency: Currency,
    windows: Vec<(WindowOf, Window)>,
}

/// The reference of the RTGS payment was never used in this currency.
pub(super) fn check_reference(
    overlay: &mut Overlay<'_>,
    change: &SupplyChange,
) -> Result<(), Rejection> {
    if overlay.is_rtgs_reference_used(change.currency, &change.rtgs_reference) {
        return Err(Rejection::ReferenceUsed);
    }
    Ok(())
}

/// The reserve account of an action, in the currency of the action.
pub(super) fn reserve_account(
    overlay: &mut Overlay<'_>,
    action: &Action,
) -> Result<Account, Rejection> {
    let change = action.supply_change();
    let missing = match action {
        Action::Issue(_) => Rejection::CreditAccountNotFound,
        Action::Redeem(_) => Rejection::DebitAccountNotFound,
    };
    let account = overlay.account(change.account).ok_or(missing)?;
    if account.kind != AccountKind::Reserve {
        return Err(Rejection::Role);
    }
    if account.currency != change.currency {
        return Err(Rejection::CurrencyMismatch);
    }
    Ok(account.clone())
}

/// What the action will write, if it may.
pub(super) fn check(
    overlay: &mut Overlay<'_>,
    action: &Action,
    authority: &Authority,
) -> Result<Change, Rejection> {
    let change = action.supply_change();
    check_reference(overlay, change)?;
    let currency = overlay
        .currency(change.currency)
        .cloned()
        .ok_or(Rejection::CurrencyMismatch)?;
    let currency_after = after(&currency, action)?;
    let windows = windows(overlay, action, &currency, authority)?;
    let reserve = reserve_account(overlay, action)?;
    let issuance = overlay
        .account(currency.issuance_account)
        .expect("a currency has its issuance account");
    let (reserve, issuance) = match action {
        Action::Issue(_) => (
            reserve.credited(change.amount),
            issuance.issued(change.amount),
        ),
        Action::Redeem(_) => (
            reserve.debited(change.amount),
            issuance.redeemed(change.amount),
        ),
    };
    let refused = match action {
        Action::Issue(_) => Rejection::CreditOverflow,
        Action::Redeem(_) => Rejection::InsufficientFunds,
    };
    let (reserve, issuance) = reserve.zip(issuance).ok_or(refused)?;
    Ok(Change {
        reserve,
        issuance,
        currency: currency_after,
        windows,
    })
}

/// The currency after the action, within its absolute cap.
fn after(currency: &Currency, action: &Action) -> Result<Currency, Rejection> {
    let moved = action.supply_change().amount.units();
    let mut after = currency.clone();
    let sum = match action {
        Action::Issue(_) => &mut after.issued,
        Action::Redeem(_) => &mut after.redeemed,
    };
    *sum = sum.checked_add(moved).ok_or(Rejection::IssuanceCap)?;
    match (action, after.issued.checked_sub(after.redeemed)) {
        (Action::Issue(_), Some(supply)) if supply <= after.cap => Ok(after),
        (Action::Redeem(_), Some(_)) => Ok(after),
        (Action::Issue(_), _) => Err(Rejection::IssuanceCap),
        (Action::Redeem(_), None) => Err(Rejection::InsufficientFunds),
    }
}

/// The rolling sums after the action, each within its cap.
fn windows(
    overlay: &mut Overlay<'_>,
    action: &Action,
    currency: &Currency,
    authority: &Authority,
) -> Result<Vec<(WindowOf, Window)>, Rejection> {
    let of_authority = (WindowOf::Authority(authority.id), authority.rolling_cap);
    let capped = match action {
        Action::Issue(_) => vec![
            of_authority,
            (WindowOf::Currency(currency.code), currency.rolling_cap),
        ],
        Action::Redeem(_) => vec![of_authority],
    };
    let moved = action.supply_change().amount.units();
    let mut windows = Vec::with_capacity(capped.len());
    for (of, cap) in capped {
        windows.push((of, within(overlay, of, moved, cap)?));
    }
    Ok(windows)
}

fn within(
    overlay: &mut Overlay<'_>,
    of: WindowOf,
    moved: Units,
    cap: Units,
) -> Result<Window, Rejection> {
    let time_us = overlay.time_us();
    let window = overlay.window(of).with(time_us, moved);
    window
        .filter(|window| window.sum_at(time_us).is_some_and(|sum| sum <= cap))
        .ok_or(Rejection::IssuanceCap)
}

/// Writes what was checked; nothing here can fail.
pub(super) fn write(
    overlay: &mut Overlay<'_>,
    call: Call<'_>,
    id: ProposalId,
    action: &Action,
    change: Change,
) {
    let asked = action.supply_change();
    overlay.put_account(asked.account, change.reserve);
    overlay.put_account(change.currency.issuance_account, change.issuance);
    overlay.put_currency(change.currency);
    change
        .windows
        .into_iter()
        .for_each(|(of, window)| overlay.put_window(of, window));
    overlay.use_rtgs_reference(asked.currency, &asked.rtgs_reference, id);
    let kind = match action {
        Action::Issue(change) => EventKind::Issued {
            proposal: id,
            change: change.clone(),
        },
        Action::Redeem(change) => EventKind::Redeemed {
            proposal: id,
            change: change.clone(),
        },
    };
    overlay.record(call, kind);
}
