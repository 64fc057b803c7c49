//! Opening accounts: whose id, which role, and what happens to an id that is taken.

use super::{failed, skipped};
use crate::account::{AccountKind, ControllerKeys, Controllers, Place};
use crate::currency::CurrencyCode;
use crate::receipt::{Original, Verdict};
use crate::rejection::Rejection;
use crate::testing::{
    BANK_A, BANK_B, CENTRAL_BANK, Ledger, MINISTRY, Who, account, bhd, open, transfer,
};
use crate::transaction::{Op, OpenAccount};
use falaj_consensus::types::Height;

#[track_caller]
fn check(change: impl FnOnce(&mut OpenAccount), signers: &[Who], expected: Verdict) {
    let mut ledger = Ledger::default();
    let mut asked = open(account(BANK_A, 40));
    change(&mut asked);
    let id = asked.account;
    let was_there = ledger.state.account(id).is_some();
    assert_eq!(
        ledger.run(BANK_A, Op::OpenAccount(asked), signers),
        expected
    );
    assert_eq!(
        ledger.state.account(id).is_some(),
        was_there || expected.is_executed()
    );
}

#[test]
fn executed_opens_with_nothing() {
    let mut ledger = Ledger::default();
    let id = account(BANK_A, 40);
    assert_eq!(
        ledger.run(
            BANK_A,
            Op::OpenAccount(open(id)),
            &[Who::Participant(BANK_A)]
        ),
        Verdict::Executed
    );
    let opened = ledger.state.account(id).unwrap();
    assert_eq!(
        (opened.posted(), opened.version, opened.participant),
        (0, 0, BANK_A)
    );
    assert_eq!(
        opened.opened,
        Place {
            height: Height::new(1),
            index: 0
        }
    );
    assert_eq!(ledger.last.unwrap().events[0].accounts(), [id]);
}

// It takes part at once, in the same block.
#[test]
fn an_account_is_there_for_the_next_transaction() {
    let mut ledger = Ledger::default();
    let id = account(BANK_A, 40);
    let bank = [Who::Participant(BANK_A)];
    let opening = ledger.tx(BANK_A, Op::OpenAccount(open(id)), &bank);
    let credit = ledger.tx(
        BANK_A,
        Op::Transfer(transfer(account(BANK_A, 1), id, 5)),
        &bank,
    );
    let debit = ledger.tx(
        BANK_A,
        Op::Transfer(transfer(id, account(BANK_B, 1), 5)),
        &bank,
    );
    assert_eq!(
        ledger.block(vec![opening, credit, debit]),
        [Verdict::Executed; 3]
    );
}

#[test]
fn role_of_a_foreign_id() {
    let role = failed(Rejection::Role);
    check(
        |o| o.account = account(BANK_B, 40),
        &[Who::Participant(BANK_A)],
        role,
    );
    check(|_| (), &[Who::Nobody], skipped(Rejection::Role));
    check(
        |_| (),
        &[Who::Participant(BANK_B)],
        skipped(Rejection::Role),
    );
    check(|_| (), &[Who::Later(BANK_A)], skipped(Rejection::Role));
}

#[test]
fn role_of_a_kind() {
    let (bank, role) = ([Who::Participant(BANK_A)], failed(Rejection::Role));
    for kind in AccountKind::ALL {
        let opens = kind.opener_role() == Some(crate::participant::Roles::INTERMEDIARY);
        check(
            |o| o.kind = kind,
            &bank,
            if opens { Verdict::Executed } else { role },
        );
    }
    let mut ledger = Ledger::default();
    for (opener, expected) in [(MINISTRY, Verdict::Executed), (CENTRAL_BANK, role)] {
        let mut asked = open(account(opener, 40));
        asked.kind = AccountKind::Government;
        assert_eq!(
            ledger.run(opener, Op::OpenAccount(asked), &[Who::Participant(opener)]),
            expected
        );
    }
}

#[test]
fn currency_mismatch() {
    let bank = [Who::Participant(BANK_A)];
    check(|o| o.currency = bhd(), &bank, Verdict::Executed);
    let unknown = CurrencyCode::parse("XTS").unwrap();
    check(
        |o| o.currency = unknown,
        &bank,
        failed(Rejection::CurrencyMismatch),
    );
}

// The same content again is 2001, other content 2002; both point at the opening, change nothing and are not final.
#[test]
fn exists_and_exists_different() {
    let mut ledger = Ledger::default();
    let bank = [Who::Participant(BANK_A)];
    let mut run = |change: &dyn Fn(&mut OpenAccount)| {
        let mut asked = open(account(BANK_A, 40));
        change(&mut asked);
        ledger.run(BANK_A, Op::OpenAccount(asked), &bank)
    };
    let keys = ControllerKeys::new(1, vec![Who::Customer(0).key().public()]).unwrap();
    assert_eq!(run(&|_| ()), Verdict::Executed);
    let place = Place {
        height: Height::new(1),
        index: 0,
    };
    let original = Some(Original { place, code: None });
    let code = Rejection::Exists;
    assert_eq!(run(&|_| ()), Verdict::Skipped { code, original });
    let code = Rejection::ExistsDifferent;
    let different = Verdict::Skipped { code, original };
    assert_eq!(run(&|o| o.currency = bhd()), different);
    assert_eq!(run(&|o| o.kind = AccountKind::Merchant), different);
    assert_eq!(
        run(&|o| o.controllers = Controllers::Keys(keys.clone())),
        different
    );
}
