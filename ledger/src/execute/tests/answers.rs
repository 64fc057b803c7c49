//! What an answer is worth: duplicates, pins, quota, sameness.

use super::{failed, pinned, skipped};
use crate::account::{AccountId, Place};
use crate::receipt::{Original, Verdict};
use crate::rejection::Rejection;
use crate::testing::{BANK_A, BANK_B, CENTRAL_BANK, Ledger, Who, account, amount, open, transfer};
use crate::transaction::{Op, TxBody};
use falaj_consensus::types::Height;

const BANK: [Who; 1] = [Who::Participant(BANK_A)];

fn from() -> AccountId {
    account(BANK_A, 1)
}

fn to() -> AccountId {
    account(BANK_B, 1)
}

fn pay(ledger: &mut Ledger, units: u64) -> TxBody {
    ledger.body(BANK_A, Op::Transfer(transfer(from(), to(), units)))
}

fn run(ledger: &mut Ledger, body: &TxBody) -> Verdict {
    let tx = ledger.checked(body.clone(), &BANK);
    ledger.block(vec![tx])[0]
}

const fn original(code: Rejection, height: u64, index: u32, first: Option<Rejection>) -> Verdict {
    let place = Place {
        height: Height::new(height),
        index,
    };
    Verdict::Skipped {
        code,
        original: Some(Original { place, code: first }),
    }
}

// The same again points at the first, and moves nothing twice.
#[test]
fn exists() {
    let mut ledger = Ledger::default();
    let body = pay(&mut ledger, 100);
    assert_eq!(run(&mut ledger, &body), Verdict::Executed);
    assert_eq!(
        run(&mut ledger, &body),
        original(Rejection::Exists, 1, 0, None)
    );
    assert_eq!(ledger.posted(to()), 100_100);
}

// A re-signed retry with another window is the same; another amount under the id is not.
#[test]
fn sameness_ignores_window_and_signatures() {
    let mut ledger = Ledger::default();
    let body = pay(&mut ledger, 100);
    assert_eq!(run(&mut ledger, &body), Verdict::Executed);
    let mut again = body.clone();
    again.valid_from_ms += 1_000;
    again.valid_until_ms -= 1_000;
    assert_eq!(
        run(&mut ledger, &again),
        original(Rejection::Exists, 1, 0, None)
    );
    let mut other = body;
    if let Op::Transfer(transfer) = &mut other.op {
        transfer.amount = amount(101);
    }
    assert_eq!(
        run(&mut ledger, &other),
        original(Rejection::ExistsDifferent, 1, 0, None)
    );
}

#[test]
fn exists_different() {
    let mut ledger = Ledger::default();
    let body = pay(&mut ledger, 100);
    run(&mut ledger, &body);
    let mut other = body;
    other.op = Op::OpenAccount(open(account(BANK_A, 40)));
    assert_eq!(
        run(&mut ledger, &other),
        original(Rejection::ExistsDifferent, 1, 0, None)
    );
    assert_eq!(ledger.state.account(account(BANK_A, 40)), None);
}

// A pinned failure is final: it fails again even when the reason is gone.
#[test]
fn failed_before() {
    let mut ledger = Ledger::default();
    let body = pay(&mut ledger, 100_001);
    assert_eq!(
        run(&mut ledger, &body),
        pinned(Rejection::InsufficientFunds)
    );
    let refill = Op::Transfer(transfer(account(BANK_A, 2), from(), 1));
    assert_eq!(ledger.run(BANK_A, refill, &BANK), Verdict::Executed);
    let first = Some(Rejection::InsufficientFunds);
    assert_eq!(
        run(&mut ledger, &body),
        original(Rejection::FailedBefore, 1, 0, first)
    );
    let same_amount = pay(&mut ledger, 100_001);
    assert_eq!(run(&mut ledger, &same_amount), Verdict::Executed);
}

// What was not pinned may be tried again under its id.
#[test]
fn unpinned_answers_are_not_final() {
    let mut ledger = Ledger::default();
    let body = ledger.body(BANK_A, Op::Transfer(transfer(account(BANK_A, 3), to(), 1)));
    let short = ledger.checked(body.clone(), &[Who::Customer(0)]);
    let foreign = ledger.checked(body.clone(), &[Who::Nobody]);
    let right = ledger.checked(body, &[Who::Customer(0), Who::Customer(1)]);
    let verdicts = ledger.block(vec![short, foreign, right]);
    assert_eq!(
        verdicts,
        [
            failed(Rejection::Quorum),
            skipped(Rejection::Role),
            Verdict::Executed
        ]
    );
}

// One block may name a transaction twice: the second is passed over.
#[test]
fn twice_in_one_block() {
    let mut ledger = Ledger::default();
    let body = pay(&mut ledger, 100);
    let tx = ledger.checked(body, &BANK);
    let verdicts = ledger.block(vec![tx.clone(), tx]);
    assert_eq!(
        verdicts,
        [Verdict::Executed, original(Rejection::Exists, 1, 0, None)]
    );
    assert_eq!(ledger.posted(to()), 100_100);
}

// Two participants may use one id; neither occupies the other's.
#[test]
fn ids_are_per_participant() {
    let mut ledger = Ledger::default();
    let body = pay(&mut ledger, 100);
    let mut theirs = body.clone();
    theirs.participant = BANK_B;
    theirs.op = Op::Transfer(transfer(to(), from(), 7));
    let ours = ledger.checked(body, &BANK);
    let theirs = ledger.checked(theirs, &[Who::Participant(BANK_B)]);
    assert_eq!(ledger.block(vec![theirs, ours]), [Verdict::Executed; 2]);
}

// The duplicate check comes first, before window and keys.
#[test]
fn the_duplicate_check_comes_first() {
    let mut ledger = Ledger::default();
    let body = pay(&mut ledger, 100);
    run(&mut ledger, &body);
    let stranger = ledger.checked(body.clone(), &[Who::Nobody]);
    let late = ledger.state.time_us() + 2 * 3_600_000_000;
    let verdict = ledger.block_at(late - 1_000_000, vec![stranger])[0];
    assert_eq!(verdict, original(Rejection::Exists, 1, 0, None));
}

// A submitter that is no participant is passed over.
#[test]
fn role_of_a_stranger() {
    let mut ledger = Ledger::default();
    let nobody = crate::participant::ParticipantNumber::new(99);
    let verdict = ledger.run(nobody, Op::Transfer(transfer(from(), to(), 1)), &BANK);
    assert_eq!(verdict, skipped(Rejection::Role));
}

// Beyond its quota of pins a participant's failures are not decided, while its good payments go on.
#[test]
fn quota() {
    let mut genesis = crate::testing::genesis();
    genesis.participants[1].quota = 2;
    let mut ledger = Ledger::new(&genesis);
    for _ in 0..2 {
        let body = pay(&mut ledger, 100_001);
        assert_eq!(
            run(&mut ledger, &body),
            pinned(Rejection::InsufficientFunds)
        );
    }
    let third = pay(&mut ledger, 100_001);
    assert_eq!(run(&mut ledger, &third), skipped(Rejection::Quota));
    assert_eq!(ledger.state.dedup(third.key()), None);
    let good = pay(&mut ledger, 1);
    assert_eq!(run(&mut ledger, &good), Verdict::Executed);
    let theirs = Op::Transfer(transfer(to(), from(), 200_000));
    let verdict = ledger.run(BANK_B, theirs, &[Who::Participant(BANK_B)]);
    assert_eq!(
        verdict,
        pinned(Rejection::InsufficientFunds),
        "another's quota is its own"
    );
    let past_life = ledger.state.time_us() + 2 * 3_600_000_000 + 60_000_000;
    ledger.block_at(past_life, vec![]);
    let fresh = pay(&mut ledger, 100_001);
    assert_eq!(
        run(&mut ledger, &fresh),
        pinned(Rejection::InsufficientFunds),
        "expired pins free the quota"
    );
}

// A UETR is unique per participant for as long as the id lives, and another participant may use it.
#[test]
fn reference_used_uetr() {
    let uetr = crate::reference::Uetr::new(
        *b"\x01\x02\x03\x04\x05\x06\x47\x08\x89\x0a\x0b\x0c\x0d\x0e\x0f\x10",
    );
    assert!(uetr.is_some());
    let mut ledger = Ledger::default();
    let mut asked = transfer(from(), to(), 1);
    asked.references.uetr = uetr;
    let run = |ledger: &mut Ledger| ledger.run(BANK_A, Op::Transfer(asked.clone()), &BANK);
    let first_ms = ledger.time_ms();
    assert_eq!(run(&mut ledger), Verdict::Executed);
    assert_eq!(run(&mut ledger), failed(Rejection::ReferenceUsed));
    let mut theirs = transfer(to(), from(), 1);
    theirs.references.uetr = uetr;
    let verdict = ledger.run(BANK_B, Op::Transfer(theirs), &[Who::Participant(BANK_B)]);
    assert_eq!(verdict, Verdict::Executed);
    ledger.block_at((first_ms + 2 * 3_600_000 + 60_000) * 1_000, vec![]);
    assert_eq!(run(&mut ledger), Verdict::Executed);
}

// A failed transfer does not hold its UETR.
#[test]
fn a_failure_leaves_its_uetr_free() {
    let uetr = crate::reference::Uetr::new(
        *b"\x01\x02\x03\x04\x05\x06\x47\x08\x89\x0a\x0b\x0c\x0d\x0e\x0f\x10",
    );
    assert!(uetr.is_some());
    let mut ledger = Ledger::default();
    let mut asked = transfer(from(), to(), 100_001);
    asked.references.uetr = uetr;
    let verdict = ledger.run(BANK_A, Op::Transfer(asked.clone()), &BANK);
    assert_eq!(verdict, pinned(Rejection::InsufficientFunds));
    asked.amount = amount(1);
    assert_eq!(
        ledger.run(BANK_A, Op::Transfer(asked), &BANK),
        Verdict::Executed
    );
}

// The advice of admission is what execution then gives.
#[test]
fn precheck_agrees_with_execution() {
    let mut ledger = Ledger::default();
    let good = ledger.tx(BANK_A, Op::Transfer(transfer(from(), to(), 1)), &BANK);
    let poor = ledger.tx(BANK_A, Op::Transfer(transfer(from(), to(), 100_001)), &BANK);
    let foreign = ledger.tx(
        BANK_A,
        Op::Transfer(transfer(from(), to(), 1)),
        &[Who::Nobody],
    );
    let stranger = ledger.tx(CENTRAL_BANK, Op::Transfer(transfer(from(), to(), 1)), &BANK);
    for tx in [good, poor, foreign, stranger] {
        let advice = crate::execute::precheck(&ledger.state, &tx, ledger.state.time_us());
        let verdict = ledger.clone().block(vec![tx])[0];
        assert_eq!(advice.err(), verdict.rejection());
    }
}
