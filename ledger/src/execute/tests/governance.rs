//! Issue and redeem: proposals, approvals, veto, execution once, caps, and each rejection on the way.

use super::{failed, pinned, skipped};
use crate::account::AccountId;
use crate::amount::Units;
use crate::event::EventKind;
use crate::proposal::{Action, ProposalId};
use crate::receipt::Verdict;
use crate::rejection::Rejection;
use crate::testing::{
    BANK_A, BANK_B, CENTRAL_BANK, Ledger, MINISTRY, RESERVE_UNITS, ROLLING_CAP_UNITS, Who, account,
    aed, bhd, propose, supply_change,
};
use crate::transaction::Op;
use crate::window::WINDOW_US;

const BANK: [Who; 1] = [Who::Participant(BANK_A)];
const CENTRAL: [Who; 1] = [Who::Participant(CENTRAL_BANK)];
const TWO: [Who; 2] = [Who::Member(0), Who::Member(1)];

fn reserve() -> AccountId {
    account(BANK_A, 0)
}

fn issue(units: u64, reference: &str) -> Action {
    Action::Issue(supply_change(reserve(), units, reference))
}

fn redeem(units: u64, reference: &str) -> Action {
    Action::Redeem(supply_change(reserve(), units, reference))
}

/// Proposes and gives the proposal's name.
#[track_caller]
fn proposed(ledger: &mut Ledger, authority: u32, action: Action, signers: &[Who]) -> ProposalId {
    let submitter = if signers == BANK {
        BANK_A
    } else {
        CENTRAL_BANK
    };
    let tx = ledger.tx(submitter, propose(authority, action), signers);
    let id = ProposalId::new(tx.content_hash().hash());
    assert_eq!(ledger.block(vec![tx]), [Verdict::Executed]);
    id
}

fn approve(ledger: &mut Ledger, id: ProposalId, signers: &[Who]) -> Verdict {
    ledger.run(CENTRAL_BANK, Op::Approve(id), signers)
}

fn enact(ledger: &mut Ledger, id: ProposalId) -> Verdict {
    ledger.run(CENTRAL_BANK, Op::Execute(id), &CENTRAL)
}

/// Proposes, approves by two, executes.
#[track_caller]
fn carried_out(ledger: &mut Ledger, authority: u32, action: Action) -> Verdict {
    let signers = if matches!(action, Action::Issue(_)) {
        CENTRAL
    } else {
        BANK
    };
    let id = proposed(ledger, authority, action, &signers);
    assert_eq!(approve(ledger, id, &TWO), Verdict::Executed);
    enact(ledger, id)
}

fn supply(ledger: &Ledger) -> u128 {
    ledger.state.supplies().get(aed()).unwrap().get()
}

#[test]
fn issue_makes_money_into_the_reserve_account() {
    let mut ledger = Ledger::default();
    let before = supply(&ledger);
    assert_eq!(
        carried_out(&mut ledger, 1, issue(500, "RTGS-1")),
        Verdict::Executed
    );
    assert_eq!(supply(&ledger), before + 500);
    assert_eq!(ledger.posted(reserve()), i128::from(RESERVE_UNITS) + 500);
    assert_eq!(
        ledger.posted(account(CENTRAL_BANK, 9)),
        -i128::try_from(before + 500).unwrap()
    );
    let currency = ledger.state.currency(aed()).unwrap();
    assert_eq!(
        (currency.issued.get(), currency.redeemed.get()),
        (before + 500, 0)
    );
    assert!(matches!(
        ledger.last.as_ref().unwrap().events[0].kind,
        EventKind::Issued { .. }
    ));
    let stated = &ledger.last.unwrap().outcome.supply;
    assert_eq!(
        (stated[0].currency, stated[0].minor_units),
        (*b"AED", before + 500)
    );
}

#[test]
fn redeem_takes_money_from_the_reserve_account() {
    let mut ledger = Ledger::default();
    let before = supply(&ledger);
    assert_eq!(
        carried_out(&mut ledger, 2, redeem(700, "RTGS-1")),
        Verdict::Executed
    );
    assert_eq!(supply(&ledger), before - 700);
    assert_eq!(ledger.posted(reserve()), i128::from(RESERVE_UNITS) - 700);
    let currency = ledger.state.currency(aed()).unwrap();
    assert_eq!(
        (currency.issued.get(), currency.redeemed.get()),
        (before, 700)
    );
    assert!(matches!(
        ledger.last.unwrap().events[0].kind,
        EventKind::Redeemed { .. }
    ));
}

// Once: the second execution finds no proposal.
#[test]
fn stale_approval_executed() {
    let mut ledger = Ledger::default();
    let id = proposed(&mut ledger, 1, issue(500, "RTGS-1"), &CENTRAL);
    approve(&mut ledger, id, &TWO);
    assert_eq!(enact(&mut ledger, id), Verdict::Executed);
    assert_eq!(ledger.state.proposal(id), None);
    let stale = failed(Rejection::StaleApproval);
    assert_eq!(enact(&mut ledger, id), stale);
    assert_eq!(approve(&mut ledger, id, &[Who::Member(2)]), stale);
    assert_eq!(
        ledger.run(CENTRAL_BANK, Op::Veto(id), &[Who::Vetoer]),
        stale
    );
}

#[test]
fn stale_approval_unknown() {
    let mut ledger = Ledger::default();
    let unknown = ProposalId::new(falaj_consensus::types::Hash32::new([9; 32]));
    assert_eq!(
        approve(&mut ledger, unknown, &TWO),
        failed(Rejection::StaleApproval)
    );
    assert_eq!(
        enact(&mut ledger, unknown),
        failed(Rejection::StaleApproval)
    );
}

// A proposal is open strictly before its end, and leaves the state afterwards.
#[test]
fn stale_approval_expired() {
    let life_us = 7 * WINDOW_US;
    for (offset, open) in [(life_us - 1, true), (life_us, false)] {
        let mut ledger = Ledger::default();
        let id = proposed(&mut ledger, 1, issue(500, "RTGS-1"), &CENTRAL);
        let made_us = ledger.state.time_us();
        ledger.block_at(made_us + offset - 1_000_000, vec![]);
        let verdict = approve(&mut ledger, id, &TWO);
        assert_eq!(verdict.is_executed(), open);
        assert_eq!(ledger.state.proposal(id).is_some(), open);
        if !open {
            assert_eq!(verdict, failed(Rejection::StaleApproval));
        }
    }
}

// No member counts twice, in one transaction or in two, and nothing of such a transaction counts.
#[test]
fn stale_approval_double() {
    let mut ledger = Ledger::default();
    let id = proposed(&mut ledger, 1, issue(500, "RTGS-1"), &CENTRAL);
    assert_eq!(
        approve(&mut ledger, id, &[Who::Member(0)]),
        Verdict::Executed
    );
    let stale = failed(Rejection::StaleApproval);
    assert_eq!(approve(&mut ledger, id, &[Who::Member(0)]), stale);
    assert_eq!(approve(&mut ledger, id, &TWO), stale);
    assert_eq!(ledger.state.proposal(id).unwrap().approvals.len(), 1);
    assert_eq!(enact(&mut ledger, id), failed(Rejection::Quorum));
}

#[test]
fn quorum() {
    let mut ledger = Ledger::default();
    let id = proposed(&mut ledger, 1, issue(500, "RTGS-1"), &CENTRAL);
    assert_eq!(enact(&mut ledger, id), failed(Rejection::Quorum));
    approve(&mut ledger, id, &[Who::Member(2)]);
    assert_eq!(enact(&mut ledger, id), failed(Rejection::Quorum));
    approve(&mut ledger, id, &[Who::Member(0)]);
    assert_eq!(enact(&mut ledger, id), Verdict::Executed);
}

// The proposer is never an approver.
#[test]
fn role_of_a_proposer() {
    let mut ledger = Ledger::default();
    let id = proposed(&mut ledger, 1, issue(500, "RTGS-1"), &[Who::Member(0)]);
    assert_eq!(
        approve(&mut ledger, id, &[Who::Member(0)]),
        failed(Rejection::Role)
    );
    assert_eq!(approve(&mut ledger, id, &TWO), failed(Rejection::Role));
    assert_eq!(
        approve(&mut ledger, id, &[Who::Member(1), Who::Member(2)]),
        Verdict::Executed
    );
    assert_eq!(enact(&mut ledger, id), Verdict::Executed);
}

// Only members approve, only vetoers veto, and only in the authority's name.
#[test]
fn role_of_a_key() {
    let mut ledger = Ledger::default();
    let id = proposed(&mut ledger, 3, issue(500, "RTGS-1"), &CENTRAL);
    let role = skipped(Rejection::Role);
    for signers in [
        &CENTRAL[..],
        &BANK,
        &[Who::Nobody],
        &[Who::Vetoer],
        &[Who::Member(0), Who::Nobody],
    ] {
        assert_eq!(approve(&mut ledger, id, signers), role);
    }
    for signers in [&CENTRAL[..], &BANK, &TWO] {
        assert_eq!(ledger.run(CENTRAL_BANK, Op::Veto(id), signers), role);
    }
    assert_eq!(ledger.run(BANK_A, Op::Approve(id), &TWO), role);
    assert_eq!(
        ledger.run(BANK_B, Op::Execute(id), &[Who::Participant(BANK_B)]),
        role
    );
    assert_eq!(
        ledger.run(CENTRAL_BANK, Op::Execute(id), &[Who::Vetoer]),
        role
    );
}

// Who may propose: the authority's side for an issue, the reserve account's controllers for either.
#[test]
fn role_of_who_proposes() {
    let mut ledger = Ledger::default();
    let mut run = |participant, action: Action, signers: &[Who]| {
        let authority = if matches!(action, Action::Issue(_)) {
            1
        } else {
            2
        };
        ledger.run(participant, propose(authority, action), signers)
    };
    let role = skipped(Rejection::Role);
    assert_eq!(run(BANK_A, issue(1, "R1"), &BANK), Verdict::Executed);
    assert_eq!(
        run(CENTRAL_BANK, issue(1, "R2"), &CENTRAL),
        Verdict::Executed
    );
    assert_eq!(
        run(CENTRAL_BANK, issue(1, "R3"), &[Who::Member(0)]),
        Verdict::Executed
    );
    assert_eq!(
        run(BANK_B, issue(1, "R4"), &[Who::Participant(BANK_B)]),
        role
    );
    assert_eq!(run(BANK_A, redeem(1, "R5"), &BANK), Verdict::Executed);
    assert_eq!(run(CENTRAL_BANK, redeem(1, "R6"), &CENTRAL), role);
    assert_eq!(run(CENTRAL_BANK, redeem(1, "R7"), &TWO), role);
    assert_eq!(
        run(BANK_B, redeem(1, "R8"), &[Who::Participant(BANK_B)]),
        role
    );
    assert_eq!(
        run(MINISTRY, issue(1, "R9"), &[Who::Participant(MINISTRY)]),
        role
    );
}

#[test]
fn role_of_an_authority() {
    let mut ledger = Ledger::default();
    let role = failed(Rejection::Role);
    assert_eq!(
        ledger.run(CENTRAL_BANK, propose(2, issue(1, "R1")), &CENTRAL),
        role
    );
    assert_eq!(ledger.run(BANK_A, propose(1, redeem(1, "R1")), &BANK), role);
    assert_eq!(
        ledger.run(CENTRAL_BANK, propose(99, issue(1, "R1")), &CENTRAL),
        role
    );
    let mut foreign = supply_change(reserve(), 1, "R1");
    foreign.currency = bhd();
    assert_eq!(
        ledger.run(CENTRAL_BANK, propose(1, Action::Issue(foreign)), &CENTRAL),
        role
    );
}

// Money enters and leaves through reserve accounts alone.
#[test]
fn role_of_a_reserve_account() {
    let mut ledger = Ledger::default();
    let customer = Action::Issue(supply_change(account(BANK_A, 1), 1, "R1"));
    assert_eq!(
        ledger.run(CENTRAL_BANK, propose(1, customer), &CENTRAL),
        failed(Rejection::Role)
    );
    let missing = Action::Issue(supply_change(account(BANK_A, 77), 1, "R1"));
    let verdict = ledger.run(CENTRAL_BANK, propose(1, missing), &CENTRAL);
    assert_eq!(verdict, pinned(Rejection::CreditAccountNotFound));
}

#[test]
fn vetoed() {
    let mut ledger = Ledger::default();
    let id = proposed(&mut ledger, 3, issue(500, "RTGS-1"), &CENTRAL);
    approve(&mut ledger, id, &[Who::Member(0)]);
    assert_eq!(
        ledger.run(CENTRAL_BANK, Op::Veto(id), &[Who::Vetoer]),
        Verdict::Executed
    );
    let vetoed = failed(Rejection::Vetoed);
    assert_eq!(
        ledger.run(CENTRAL_BANK, Op::Veto(id), &[Who::Vetoer]),
        vetoed
    );
    assert_eq!(approve(&mut ledger, id, &[Who::Member(1)]), vetoed);
    assert_eq!(enact(&mut ledger, id), vetoed);
}

// The delay counts from the proposal, to the microsecond.
#[test]
fn delay() {
    for (offset, expected) in [
        (3_600_000_000 - 1, failed(Rejection::Delay)),
        (3_600_000_000, Verdict::Executed),
    ] {
        let mut ledger = Ledger::default();
        let id = proposed(&mut ledger, 3, issue(500, "RTGS-1"), &CENTRAL);
        let made_us = ledger.state.time_us();
        approve(&mut ledger, id, &TWO);
        let tx = ledger.tx(CENTRAL_BANK, Op::Execute(id), &CENTRAL);
        assert_eq!(ledger.block_at(made_us + offset, vec![tx]), [expected]);
    }
}

// An RTGS reference is used once per currency, for ever, and only by what was executed.
#[test]
fn reference_used_rtgs() {
    let mut ledger = Ledger::default();
    let first = proposed(&mut ledger, 1, issue(1, "RTGS-1"), &CENTRAL);
    let second = proposed(&mut ledger, 1, issue(2, "RTGS-1"), &CENTRAL);
    for id in [first, second] {
        approve(&mut ledger, id, &TWO);
    }
    assert_eq!(enact(&mut ledger, first), Verdict::Executed);
    let used = failed(Rejection::ReferenceUsed);
    assert_eq!(enact(&mut ledger, second), used);
    assert_eq!(
        ledger.run(CENTRAL_BANK, propose(1, issue(3, "RTGS-1")), &CENTRAL),
        used
    );
    assert_eq!(
        ledger.run(BANK_A, propose(2, redeem(3, "RTGS-1")), &BANK),
        used
    );
    ledger.block_at(ledger.state.time_us() + 400 * WINDOW_US, vec![]);
    assert_eq!(
        ledger.run(CENTRAL_BANK, propose(1, issue(3, "RTGS-1")), &CENTRAL),
        used
    );
}

#[test]
fn issuance_cap_absolute() {
    let mut genesis = crate::testing::genesis();
    genesis.currencies[0].cap = genesis.currencies[0]
        .issued
        .checked_add(Units::new(1_000))
        .unwrap();
    let mut ledger = Ledger::new(&genesis);
    assert_eq!(
        carried_out(&mut ledger, 1, issue(1_001, "R1")),
        failed(Rejection::IssuanceCap)
    );
    assert_eq!(
        carried_out(&mut ledger, 1, issue(1_000, "R2")),
        Verdict::Executed
    );
    assert_eq!(
        carried_out(&mut ledger, 1, issue(1, "R3")),
        failed(Rejection::IssuanceCap)
    );
    assert_eq!(
        carried_out(&mut ledger, 2, redeem(5, "R4")),
        Verdict::Executed
    );
    assert_eq!(
        carried_out(&mut ledger, 1, issue(5, "R5")),
        Verdict::Executed
    );
}

// The rolling caps count the last day, the oldest hour whole; redemptions do not refund issues.
#[test]
fn issuance_cap_rolling() {
    let cap = u64::try_from(ROLLING_CAP_UNITS).unwrap();
    let mut ledger = Ledger::default();
    assert_eq!(
        carried_out(&mut ledger, 1, issue(cap, "R1")),
        Verdict::Executed
    );
    let full_us = ledger.state.time_us();
    assert_eq!(
        carried_out(&mut ledger, 1, issue(1, "R2")),
        failed(Rejection::IssuanceCap)
    );
    assert_eq!(
        carried_out(&mut ledger, 2, redeem(10, "R3")),
        Verdict::Executed
    );
    assert_eq!(
        carried_out(&mut ledger, 1, issue(1, "R4")),
        failed(Rejection::IssuanceCap)
    );
    ledger.block_at(full_us + WINDOW_US - 10_000_000, vec![]);
    assert_eq!(
        carried_out(&mut ledger, 1, issue(1, "R5")),
        failed(Rejection::IssuanceCap)
    );
    ledger.block_at(full_us + WINDOW_US + 3_600_000_000, vec![]);
    assert_eq!(
        carried_out(&mut ledger, 1, issue(1, "R6")),
        Verdict::Executed
    );
}

// Each authority has a cap of its own, and the currency one over all of them.
#[test]
fn issuance_cap_of_authority_and_currency() {
    let mut genesis = crate::testing::genesis();
    genesis.authorities[0].rolling_cap = Units::new(100);
    genesis.authorities[1].rolling_cap = Units::new(50);
    genesis.authorities[2].delay_ms = 0;
    genesis.currencies[0].rolling_cap = Units::new(150);
    let mut ledger = Ledger::new(&genesis);
    let capped = failed(Rejection::IssuanceCap);
    assert_eq!(carried_out(&mut ledger, 1, issue(101, "R1")), capped);
    assert_eq!(
        carried_out(&mut ledger, 1, issue(100, "R2")),
        Verdict::Executed
    );
    assert_eq!(carried_out(&mut ledger, 3, issue(51, "R3")), capped);
    assert_eq!(
        carried_out(&mut ledger, 3, issue(50, "R4")),
        Verdict::Executed
    );
    assert_eq!(carried_out(&mut ledger, 2, redeem(51, "R5")), capped);
    assert_eq!(
        carried_out(&mut ledger, 2, redeem(50, "R6")),
        Verdict::Executed
    );
}

// Nothing is held by proposing a redemption: the funds have to be there when it is executed.
#[test]
fn insufficient_funds_of_a_redemption() {
    let mut ledger = Ledger::default();
    let id = proposed(&mut ledger, 2, redeem(RESERVE_UNITS, "R1"), &BANK);
    approve(&mut ledger, id, &TWO);
    let spend = Op::Transfer(crate::testing::transfer(reserve(), account(BANK_A, 1), 1));
    assert_eq!(ledger.run(BANK_A, spend, &BANK), Verdict::Executed);
    assert_eq!(enact(&mut ledger, id), pinned(Rejection::InsufficientFunds));
    let refill = Op::Transfer(crate::testing::transfer(account(BANK_A, 1), reserve(), 1));
    ledger.run(BANK_A, refill, &BANK);
    assert_eq!(
        enact(&mut ledger, id),
        Verdict::Executed,
        "another id, the same proposal"
    );
}

// The bank that proposed may execute what has its quorum.
#[test]
fn the_proposer_may_execute() {
    let mut ledger = Ledger::default();
    let id = proposed(&mut ledger, 1, issue(5, "R1"), &BANK);
    approve(&mut ledger, id, &TWO);
    assert_eq!(
        ledger.run(BANK_A, Op::Execute(id), &BANK),
        Verdict::Executed
    );
}

// All of it within one block, in the governance lane.
#[test]
fn proposal_approval_and_execution_in_one_block() {
    let mut ledger = Ledger::default();
    let made = ledger.tx(CENTRAL_BANK, propose(1, issue(5, "R1")), &CENTRAL);
    let id = ProposalId::new(made.content_hash().hash());
    let approved = ledger.tx(CENTRAL_BANK, Op::Approve(id), &TWO);
    let done = ledger.tx(CENTRAL_BANK, Op::Execute(id), &CENTRAL);
    assert_eq!(
        ledger.block(vec![made, approved, done]),
        [Verdict::Executed; 3]
    );
    assert_eq!(ledger.posted(reserve()), i128::from(RESERVE_UNITS) + 5);
}
