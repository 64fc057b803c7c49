//! The order inside a block, determinism, and what a block leaves behind.

use crate::account::AccountId;
use crate::block::BlockInput;
use crate::execute::{Executed, execute};
use crate::log_tree;
use crate::proposal::{Action, ProposalId};
use crate::receipt::{Receipt, Verdict, receipts_root};
use crate::rejection::Rejection;
use crate::state::State;
use crate::state_map::StateMap;
use crate::testing::{
    BANK_A, BANK_B, CENTRAL_BANK, Ledger, RESERVE_UNITS, Who, account, propose, supply_change,
    transfer,
};
use crate::transaction::Op;
use crate::validate::CheckedTx;
use falaj_consensus::types::{Round, ValidatorId, ValidatorIndex};
use std::sync::Arc;

const BANK: [Who; 1] = [Who::Participant(BANK_A)];

fn reserve() -> AccountId {
    account(BANK_A, 0)
}

fn mixed(ledger: &mut Ledger) -> Vec<Arc<CheckedTx>> {
    let spend = transfer(reserve(), account(BANK_B, 0), RESERVE_UNITS + 5);
    let pay = ledger.tx(BANK_A, Op::Transfer(spend), &BANK);
    let action = Action::Issue(supply_change(reserve(), 5, "R1"));
    let made = ledger.tx(
        CENTRAL_BANK,
        propose(1, action),
        &[Who::Participant(CENTRAL_BANK)],
    );
    let id = ProposalId::new(made.content_hash().hash());
    let approved = ledger.tx(
        CENTRAL_BANK,
        Op::Approve(id),
        &[Who::Member(0), Who::Member(1)],
    );
    let done = ledger.tx(
        CENTRAL_BANK,
        Op::Execute(id),
        &[Who::Participant(CENTRAL_BANK)],
    );
    vec![pay, made, approved, done]
}

// Governance runs before payments, so the payment that stands first finds the money that is issued after it;
// receipts keep the order of the block.
#[test]
fn governance_first_then_block_order() {
    let mut ledger = Ledger::default();
    let block = mixed(&mut ledger);
    assert_eq!(ledger.block(block.clone()), [Verdict::Executed; 4]);
    let executed = ledger.last.unwrap();
    for (index, (receipt, tx)) in executed.receipts.iter().zip(&block).enumerate() {
        assert_eq!((receipt.key, receipt.body_hash), (tx.key(), tx.body_hash()));
        assert_eq!(usize::try_from(receipt.place.index).unwrap(), index);
    }
    let causes: Vec<_> = executed
        .events
        .iter()
        .map(|event| event.place.index)
        .collect();
    assert_eq!(causes, [1, 2, 3, 0]);
    assert!(
        executed
            .events
            .iter()
            .zip(0..)
            .all(|(event, number)| event.sequence == number)
    );
}

/// Everything that is compared between nodes.
fn trace(executed: &Executed) -> (falaj_consensus::message::Outcome, Vec<Receipt>, Vec<u8>) {
    let writes = falaj_consensus::hash::encode(&executed.write_set);
    (executed.outcome.clone(), executed.receipts.clone(), writes)
}

// The same block on the same state gives the same bytes, on a clone and on a state that was loaded.
#[test]
fn execution_is_a_function_of_its_arguments() {
    let mut ledger = Ledger::default();
    let block = mixed(&mut ledger);
    let input = ledger.input(ledger.state.time_us() + 1, block);
    let mut copy = StateMap::new();
    let mut writes = crate::write_set::WriteSet::new();
    ledger
        .state
        .map()
        .iter()
        .for_each(|(key, value)| writes.put(key, value));
    copy.apply(&writes);
    let loaded = State::from_map(copy).unwrap();
    let first = trace(&execute(&ledger.state, &input));
    assert_eq!(trace(&execute(&ledger.state.clone(), &input)), first);
    assert_eq!(trace(&execute(&loaded, &input)), first);
}

// Independent payments give the same balances in any order; dependent ones follow the block's.
#[test]
fn order_decides_only_between_dependent_payments() {
    let mut ledger = Ledger::default();
    let pairs = [(1, 2), (2, 1), (0, 1)];
    let txs: Vec<_> = pairs
        .iter()
        .map(|(from, to)| {
            let asked = transfer(account(BANK_A, *from), account(BANK_B, *to), 100);
            ledger.tx(BANK_A, Op::Transfer(asked), &BANK)
        })
        .collect();
    let balances = |order: [usize; 3]| {
        let mut copy = ledger.clone();
        copy.block(order.iter().map(|at| Arc::clone(&txs[*at])).collect());
        (0..3)
            .map(|number| copy.posted(account(BANK_B, number)))
            .collect::<Vec<_>>()
    };
    let first = balances([0, 1, 2]);
    for order in [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        assert_eq!(balances(order), first);
    }
    let spend = ledger.tx(
        BANK_A,
        Op::Transfer(transfer(account(BANK_A, 1), account(BANK_B, 1), 100_001)),
        &BANK,
    );
    let refill = ledger.tx(
        BANK_A,
        Op::Transfer(transfer(account(BANK_A, 2), account(BANK_A, 1), 1)),
        &BANK,
    );
    let poor = Verdict::Failed {
        code: Rejection::InsufficientFunds,
        pinned: true,
    };
    assert_eq!(
        ledger.clone().block(vec![spend.clone(), refill.clone()]),
        [poor, Verdict::Executed]
    );
    assert_eq!(ledger.block(vec![refill, spend]), [Verdict::Executed; 2]);
}

// The outcome commits to state, receipts, the whole event log and supply; the log only grows.
#[test]
fn outcomes_commit_to_everything() {
    let mut ledger = Ledger::default();
    let mut leaves = Vec::new();
    for _ in 0..5 {
        let asked = transfer(account(BANK_A, 1), account(BANK_B, 1), 1);
        ledger.run(BANK_A, Op::Transfer(asked), &BANK);
        let executed = ledger.last.clone().unwrap();
        leaves.extend(executed.events.iter().map(crate::event::Event::leaf_hash));
        let outcome = executed.outcome;
        assert_eq!(outcome.state_root, ledger.state.root());
        assert_eq!(outcome.receipts_root, receipts_root(&executed.receipts));
        assert_eq!(outcome.events_root, log_tree::root(&leaves));
        assert_eq!(outcome.events, u64::try_from(leaves.len()).unwrap());
        assert_eq!(
            outcome.set_hash,
            ledger
                .state
                .validators_at(ledger.state.height().next())
                .hash()
        );
        assert!(outcome.is_canonical());
    }
}

// The write set is exactly the difference between the two states.
#[test]
fn the_write_set_is_the_difference() {
    let mut ledger = Ledger::default();
    let block = mixed(&mut ledger);
    let mut before = ledger.state.map().clone();
    ledger.block(block);
    let executed = ledger.last.unwrap();
    for (key, value) in &executed.write_set {
        assert_ne!(before.get(key), value, "only what changed is written");
    }
    before.apply(&executed.write_set);
    assert_eq!(before.root(), executed.outcome.state_root);
}

// An empty block writes height and time alone.
#[test]
fn an_empty_block_writes_the_tip_alone() {
    let mut ledger = Ledger::default();
    ledger.block(vec![]);
    let executed = ledger.last.unwrap();
    assert_eq!(executed.write_set.len(), 1);
    assert_eq!(executed.outcome.receipts_root, log_tree::empty_root());
}

// A header of a later round benches whoever let the rounds before pass, in the state.
#[test]
fn the_bench_is_state() {
    let ledger = Ledger::default();
    let mut input = ledger.input(ledger.state.time_us() + 1, vec![]);
    input.header_round = Round::new(1);
    input.proposer = ValidatorIndex::new(2);
    let executed = execute(&ledger.state, &input);
    let bench = executed.state.bench();
    assert_eq!(bench.entries().len(), 1);
    assert_eq!(bench.entries()[0].validator, ValidatorId::new(2));
    assert_ne!(
        executed.outcome.state_root,
        execute(
            &ledger.state,
            &BlockInput {
                header_round: Round::new(0),
                ..input
            }
        )
        .outcome
        .state_root
    );
}

#[test]
#[should_panic(expected = "a block is executed on the state before it")]
fn a_block_of_another_height_is_a_broken_belief() {
    let ledger = Ledger::default();
    let mut input = ledger.input(ledger.state.time_us() + 1, vec![]);
    input.height = input.height.next();
    let _ = execute(&ledger.state, &input);
}

#[test]
#[should_panic(expected = "block time moves forward")]
fn a_block_that_goes_back_is_a_broken_belief() {
    let ledger = Ledger::default();
    let _ = execute(&ledger.state, &ledger.input(ledger.state.time_us(), vec![]));
}
