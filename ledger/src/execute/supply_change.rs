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
use crate::proposal::{ProposalId, SupplyChange};
use crate::rejection::Rejection;
use crate::state::WindowOf;
use crate::window::Window;

/// An issue or a redemption.
#[derive(Clone, Copy)]
pub(super) enum Asked<'a> {
    Issue(&'a SupplyChange),
    Redeem(&'a SupplyChange),
}

impl<'a> Asked<'a> {
    pub(super) const fn change(self) -> &'a SupplyChange {
        match self {
            Self::Issue(change) | Self::Redeem(change) => change,
        }
    }
}

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
    asked: Asked<'_>,
) -> Result<Account, Rejection> {
    let change = asked.change();
    let missing = match asked {
        Asked::Issue(_) => Rejection::CreditAccountNotFound,
        Asked::Redeem(_) => Rejection::DebitAccountNotFound,
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
    asked: Asked<'_>,
    authority: &Authority,
) -> Result<Change, Rejection> {
    let change = asked.change();
    check_reference(overlay, change)?;
    let currency = overlay
        .currency(change.currency)
        .cloned()
        .ok_or(Rejection::CurrencyMismatch)?;
    let currency_after = after(&currency, asked)?;
    let windows = windows(overlay, asked, &currency, authority)?;
    let reserve = reserve_account(overlay, asked)?;
    let issuance = overlay
        .account(currency.issuance_account)
        .expect("a currency has its issuance account");
    let (reserve, issuance) = match asked {
        Asked::Issue(_) => (
            reserve.credited(change.amount),
            issuance.issued(change.amount),
        ),
        Asked::Redeem(_) => (
            reserve.debited(change.amount),
            issuance.redeemed(change.amount),
        ),
    };
    let refused = match asked {
        Asked::Issue(_) => Rejection::CreditOverflow,
        Asked::Redeem(_) => Rejection::InsufficientFunds,
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
fn after(currency: &Currency, asked: Asked<'_>) -> Result<Currency, Rejection> {
    let moved = asked.change().amount.units();
    let mut after = currency.clone();
    let sum = match asked {
        Asked::Issue(_) => &mut after.issued,
        Asked::Redeem(_) => &mut after.redeemed,
    };
    *sum = sum.checked_add(moved).ok_or(Rejection::IssuanceCap)?;
    match (asked, after.issued.checked_sub(after.redeemed)) {
        (Asked::Issue(_), Some(supply)) if supply <= after.cap => Ok(after),
        (Asked::Redeem(_), Some(_)) => Ok(after),
        (Asked::Issue(_), _) => Err(Rejection::IssuanceCap),
        (Asked::Redeem(_), None) => Err(Rejection::InsufficientFunds),
    }
}

/// The rolling sums after the action, each within its cap.
fn windows(
    overlay: &mut Overlay<'_>,
    asked: Asked<'_>,
    currency: &Currency,
    authority: &Authority,
) -> Result<Vec<(WindowOf, Window)>, Rejection> {
    let of_authority = (WindowOf::Authority(authority.id), authority.rolling_cap);
    let capped = match asked {
        Asked::Issue(_) => vec![
            of_authority,
            (WindowOf::Currency(currency.code), currency.rolling_cap),
        ],
        Asked::Redeem(_) => vec![of_authority],
    };
    let moved = asked.change().amount.units();
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
    asked: Asked<'_>,
    change: Change,
) {
    let moved = asked.change();
    overlay.put_account(moved.account, change.reserve);
    overlay.put_account(change.currency.issuance_account, change.issuance);
    overlay.put_currency(change.currency);
    change
        .windows
        .into_iter()
        .for_each(|(of, window)| overlay.put_window(of, window));
    overlay.use_rtgs_reference(moved.currency, &moved.rtgs_reference, id);
    let kind = match asked {
        Asked::Issue(change) => EventKind::Issued {
            proposal: id,
            change: change.clone(),
        },
        Asked::Redeem(change) => EventKind::Redeemed {
            proposal: id,
            change: change.clone(),
        },
    };
    overlay.record(call, kind);
}
