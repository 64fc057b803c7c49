//! Transfers: what moves, and each rejection of the ladder.

use super::{failed, pinned, skipped};
use crate::account::AccountId;
use crate::event::EventKind;
use crate::receipt::Verdict;
use crate::rejection::Rejection;
use crate::testing::{
    BANK_A, BANK_B, CENTRAL_BANK, CUSTOMER_UNITS, Ledger, Who, account, amount, bhd, open, transfer,
};
use crate::transaction::{Op, Transfer};

const BANK: Who = Who::Participant(BANK_A);

fn from() -> AccountId {
    account(BANK_A, 1)
}

fn to() -> AccountId {
    account(BANK_B, 1)
}

/// One transfer by bank A's key, changed as the case asks, and that it moved nothing unless executed.
#[track_caller]
fn check(change: impl FnOnce(&mut Transfer), signers: &[Who], expected: Verdict) {
    let mut ledger = Ledger::default();
    let before = ledger.state.root();
    let mut asked = transfer(from(), to(), 100);
    change(&mut asked);
    assert_eq!(ledger.run(BANK_A, Op::Transfer(asked), signers), expected);
    let moved = ledger.posted(from()) != i128::from(CUSTOMER_UNITS);
    assert_eq!(moved, expected.is_executed());
    assert_ne!(ledger.state.root(), before, "the tip is part of the state");
}

#[test]
fn executed_moves_the_amount_and_counts_both_versions() {
    let mut ledger = Ledger::default();
    assert_eq!(
        ledger.run(BANK_A, Op::Transfer(transfer(from(), to(), 250)), &[BANK]),
        Verdict::Executed
    );
    let payer = ledger.state.account(from()).unwrap();
    let payee = ledger.state.account(to()).unwrap();
    assert_eq!(
        (payer.posted(), payer.debits.get(), payer.version),
        (99_750, 250, 1)
    );
    assert_eq!(
        (payee.posted(), payee.credits.get(), payee.version),
        (100_250, 100_250, 1)
    );
    let events = ledger.last.unwrap().events;
    assert_eq!(events.len(), 1);
    assert_eq!(
        (events[0].sequence, events[0].accounts()),
        (0, vec![from(), to()])
    );
    assert!(matches!(events[0].kind, EventKind::Transferred { .. }));
}

#[test]
fn everything_can_be_spent() {
    check(
        |t| t.amount = amount(CUSTOMER_UNITS),
        &[BANK],
        Verdict::Executed,
    );
}

#[test]
fn insufficient_funds() {
    check(
        |t| t.amount = amount(CUSTOMER_UNITS + 1),
        &[BANK],
        pinned(Rejection::InsufficientFunds),
    );
}

// Final only for the bank itself: a stranger cannot burn an id of the bank with an account that does not exist.
#[test]
fn debit_account_not_found() {
    check(
        |t| t.debit = account(BANK_A, 77),
        &[BANK],
        pinned(Rejection::DebitAccountNotFound),
    );
    check(
        |t| t.debit = account(BANK_A, 77),
        &[Who::Nobody],
        failed(Rejection::DebitAccountNotFound),
    );
}

#[test]
fn credit_account_not_found() {
    check(
        |t| t.credit = account(BANK_B, 77),
        &[BANK],
        pinned(Rejection::CreditAccountNotFound),
    );
}

// An issuance account pays and is paid by issue and redeem alone.
#[test]
fn role_of_an_issuance_account() {
    check(
        |t| t.credit = account(CENTRAL_BANK, 9),
        &[BANK],
        failed(Rejection::Role),
    );
    let mut ledger = Ledger::default();
    let asked = transfer(account(CENTRAL_BANK, 9), to(), 1);
    let verdict = ledger.run(
        CENTRAL_BANK,
        Op::Transfer(asked),
        &[Who::Participant(CENTRAL_BANK)],
    );
    assert_eq!(verdict, failed(Rejection::Role));
}

#[test]
fn currency_mismatch() {
    check(
        |t| t.currency = bhd(),
        &[BANK],
        failed(Rejection::CurrencyMismatch),
    );
    let mut ledger = Ledger::default();
    let mut asked = open(account(BANK_B, 50));
    asked.currency = bhd();
    ledger.run(BANK_B, Op::OpenAccount(asked), &[Who::Participant(BANK_B)]);
    let asked = transfer(from(), account(BANK_B, 50), 1);
    assert_eq!(
        ledger.run(BANK_A, Op::Transfer(asked), &[BANK]),
        failed(Rejection::CurrencyMismatch)
    );
}

#[test]
fn version_conflict() {
    check(|t| t.expected_version = Some(0), &[BANK], Verdict::Executed);
    check(
        |t| t.expected_version = Some(1),
        &[BANK],
        pinned(Rejection::VersionConflict),
    );
    check(
        |t| t.credit_participant = Some(BANK_B),
        &[BANK],
        Verdict::Executed,
    );
    check(
        |t| t.credit_participant = Some(BANK_A),
        &[BANK],
        pinned(Rejection::VersionConflict),
    );
}

#[test]
fn credit_overflow() {
    let mut genesis = crate::testing::genesis();
    let full = crate::amount::AMOUNT_MAX - CUSTOMER_UNITS;
    genesis.accounts[4].balance = amount(full);
    genesis.currencies[0].issued = crate::amount::Units::new(
        genesis
            .accounts
            .iter()
            .map(|account| u128::from(account.balance.get()))
            .sum(),
    );
    genesis.currencies[0].cap = crate::amount::Units::new(u128::MAX);
    let mut ledger = Ledger::new(&genesis);
    let reserve = account(BANK_B, 0);
    let pay = |from: AccountId, units| Op::Transfer(transfer(from, reserve, units));
    assert_eq!(
        ledger.run(BANK_A, pay(from(), CUSTOMER_UNITS), &[BANK]),
        Verdict::Executed
    );
    let overflow = pinned(Rejection::CreditOverflow);
    assert_eq!(
        ledger.run(BANK_A, pay(account(BANK_A, 2), 1), &[BANK]),
        overflow
    );
    assert_eq!(
        ledger.posted(reserve),
        i128::from(crate::amount::AMOUNT_MAX)
    );
}

// A key that does not speak for the account is passed over, and never pins an id.
#[test]
fn role_of_a_key() {
    let role = skipped(Rejection::Role);
    check(|_| (), &[Who::Nobody], role);
    check(|_| (), &[Who::Participant(BANK_B)], role);
    check(|_| (), &[Who::Validator(1)], role);
    check(|_| (), &[BANK, Who::Nobody], role);
    check(
        |t| (t.debit, t.credit) = (to(), from()),
        &[Who::Participant(BANK_B)],
        role,
    );
    check(|t| (t.debit, t.credit) = (to(), from()), &[BANK], role);
}

// Keys speak at the heights of their range alone.
#[test]
fn key_validity() {
    let mut ledger = Ledger::default();
    let later = [Who::Later(BANK_A)];
    for height in 1..=11 {
        let verdict = ledger.run(BANK_A, Op::Transfer(transfer(from(), to(), 1)), &later);
        let expected = if height < 10 {
            skipped(Rejection::Role)
        } else {
            Verdict::Executed
        };
        assert_eq!(verdict, expected, "height {height}");
    }
}

// A customer's own keys, two of three; the bank's key does not replace them.
#[test]
fn quorum_of_controllers() {
    let own = |t: &mut Transfer| t.debit = account(BANK_A, 3);
    check(own, &[Who::Customer(0)], failed(Rejection::Quorum));
    check(own, &[BANK], skipped(Rejection::Role));
    check(
        own,
        &[Who::Customer(0), Who::Participant(BANK_A)],
        skipped(Rejection::Role),
    );
    let mut ledger = Ledger::default();
    for pair in [[0, 1], [1, 2], [2, 0]] {
        let signers = pair.map(Who::Customer);
        let asked = transfer(account(BANK_A, 3), to(), 1);
        assert_eq!(
            ledger.run(BANK_A, Op::Transfer(asked), &signers),
            Verdict::Executed
        );
    }
}

// There are no fees in this version, so whatever the payer accepts is enough.
#[test]
fn max_fee_is_never_exceeded() {
    check(|t| t.max_fee = amount(0), &[BANK], Verdict::Executed);
    check(|t| t.max_fee = amount(1), &[BANK], Verdict::Executed);
}

// The ladder's order: the earlier check answers where two would.
#[test]
fn order_of_checks() {
    let missing_both = |t: &mut Transfer| {
        t.debit = account(BANK_A, 77);
        t.credit = account(BANK_B, 77);
    };
    check(
        missing_both,
        &[BANK],
        pinned(Rejection::DebitAccountNotFound),
    );
    let missing_and_poor = |t: &mut Transfer| {
        t.credit = account(BANK_B, 77);
        t.amount = amount(CUSTOMER_UNITS + 1);
    };
    check(
        missing_and_poor,
        &[BANK],
        pinned(Rejection::CreditAccountNotFound),
    );
    check(missing_and_poor, &[Who::Nobody], skipped(Rejection::Role));
    let stale_and_poor = |t: &mut Transfer| {
        t.expected_version = Some(9);
        t.amount = amount(CUSTOMER_UNITS + 1);
    };
    check(stale_and_poor, &[BANK], pinned(Rejection::VersionConflict));
    let foreign_and_stale = |t: &mut Transfer| {
        t.currency = bhd();
        t.expected_version = Some(9);
    };
    check(
        foreign_and_stale,
        &[BANK],
        failed(Rejection::CurrencyMismatch),
    );
}
