//! Transfer: from one account to another of the same currency.
//!
//! Order of checks: debit account 3001, its controllers 5001 and 5002, credit account 3002, issuance on either side 5001,
//! currencies 1011, expected version and participant 3008, UETR 2005, funds 3003, room 3017.
//! There are no fees in this version, so no `max_fee` is ever exceeded.
//! Source: `docs/spec/ledger.md`, "Transfer".

use falaj_consensus::mutated;

use super::overlay::Overlay;
use super::refusal::Refusal;
use super::{Call, entitle};
use crate::account::{Account, AccountKind};
use crate::event::EventKind;
use crate::participant::Participant;
use crate::rejection::Rejection;
use crate::transaction::Transfer;

pub(super) fn run(
    overlay: &mut Overlay<'_>,
    call: Call<'_>,
    submitter: &Participant,
    transfer: &Transfer,
) -> Result<(), Refusal> {
    let payer = entitled_payer(overlay, call, submitter, transfer)?;
    let (payer_after, payee_after) =
        check(overlay, submitter, transfer, &payer).map_err(Refusal::Entitled)?;
    if !mutated!(DebitForgotten | DebitForgottenAndNoticed) {
        overlay.put_account(transfer.debit, payer_after);
    }
    overlay.put_account(transfer.credit, payee_after);
    let Transfer {
        debit,
        credit,
        currency,
        amount,
        ..
    } = *transfer;
    overlay.record(
        call,
        EventKind::Transferred {
            debit,
            credit,
            currency,
            amount,
        },
    );
    Ok(())
}

/// The debit account, whose controllers have signed. That it is missing is final only under the submitter's own key.
fn entitled_payer(
    overlay: &mut Overlay<'_>,
    call: Call<'_>,
    submitter: &Participant,
    transfer: &Transfer,
) -> Result<Account, Refusal> {
    let Some(payer) = overlay.account(transfer.debit) else {
        let own = entitle::has_submitter_key(call, submitter);
        let missing = Rejection::DebitAccountNotFound;
        return Err(if own {
            Refusal::Entitled(missing)
        } else {
            Refusal::Fail(missing)
        });
    };
    entitle::controllers(call, submitter, payer)?;
    Ok(payer.clone())
}

/// Both accounts as they are after the transfer.
fn check(
    overlay: &mut Overlay<'_>,
    submitter: &Participant,
    transfer: &Transfer,
    payer: &Account,
) -> Result<(Account, Account), Rejection> {
    let payee = overlay
        .account(transfer.credit)
        .ok_or(Rejection::CreditAccountNotFound)?;
    if [payer, payee]
        .iter()
        .any(|account| account.kind == AccountKind::Issuance)
    {
        return Err(Rejection::Role);
    }
    if [payer, payee]
        .iter()
        .any(|account| account.currency != transfer.currency)
    {
        return Err(Rejection::CurrencyMismatch);
    }
    if !is_expected(transfer, payer, payee) {
        return Err(Rejection::VersionConflict);
    }
    let payer_after = payer.debited(transfer.amount);
    let payee_after = payee.credited(transfer.amount);
    if transfer
        .references
        .uetr
        .is_some_and(|uetr| overlay.is_uetr_used(submitter.number, uetr))
    {
        return Err(Rejection::ReferenceUsed);
    }
    let payer_after = payer_after.ok_or(Rejection::InsufficientFunds)?;
    let payee_after = payee_after.ok_or(Rejection::CreditOverflow)?;
    Ok((payer_after, payee_after))
}

fn is_expected(transfer: &Transfer, payer: &Account, payee: &Account) -> bool {
    transfer
        .expected_version
        .is_none_or(|version| version == payer.version)
        && transfer
            .credit_participant
            .is_none_or(|participant| participant == payee.participant)
}
