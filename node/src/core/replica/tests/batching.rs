//! When a batch is closed.

use std::sync::Arc;

use falaj_consensus::durable::Position;
use falaj_consensus::message::{BATCH_BYTES_MAX, Batch, Lane};
use falaj_consensus::types::{Height, ValidatorId, ValidatorIndex};
use falaj_ledger::proposal::{Action, ParametersChange};
use falaj_ledger::rejection::Rejection;
use falaj_ledger::testing::{BANK_A, BANK_B, Ledger, Who, account, genesis_governed, transfer};
use falaj_ledger::transaction::Op;

use super::super::Step;
use super::governing::{decide, enact};
use super::harness::World;
use crate::core::batches::{CheckedBatch, UNORDERED_BYTES_MAX};
use crate::core::{
    Ack, Admission, Effect, Input, Mempool, MempoolLimits, Message, Output, Peer, Ticket, Timer,
};

const WAIT_NS: u64 = 10_000_000;

/// Submits payments of one bank, each its own.
fn submit(world: &mut World, ledger: &mut Ledger, count: u64) {
    for ticket in 0..count {
        let payment = Op::Transfer(transfer(account(BANK_A, 1), account(BANK_B, 1), 5));
        let signed = ledger.tx(BANK_A, payment, &[Who::Participant(BANK_A)]);
        world.give(Input::Submit {
            ticket: Ticket(ticket),
            transaction: signed.tx().to_bytes(),
        });
    }
}

/// How long each timer that closes a batch was set for, since this was asked last.
fn waits(world: &mut World) -> Vec<u64> {
    let effects = std::mem::take(&mut world.effects);
    let mut waits = Vec::new();
    for effect in effects {
        if let Effect::Timer {
            id: Timer::CloseBatch(Lane::Retail),
            after_ns,
        } = effect
        {
            waits.push(after_ns);
        }
    }
    waits
}

fn close(world: &mut World) -> usize {
    world.outputs.clear();
    world.give(Input::Timer(Timer::CloseBatch(Lane::Retail)));
    let sent = world.sent();
    let batches = sent
        .iter()
        .filter(|message| matches!(message, Message::Batch(_)));
    batches.count()
}

// docs/spec/dissemination.md, "Batches": at once, but not within 10 ms after the last one of its lane.
#[test]
fn a_lone_payment_waits_for_no_company_and_many_share_a_batch() {
    let mut world = World::new();
    let mut ledger = Ledger::new(&world.genesis);
    submit(&mut world, &mut ledger, 1);
    assert_eq!(waits(&mut world), [0]);
    assert_eq!(close(&mut world), 1);

    world.now.mono_ns += 3_000_000;
    submit(&mut world, &mut ledger, 5);
    assert_eq!(waits(&mut world), [WAIT_NS - 3_000_000]);
    world.now.mono_ns += WAIT_NS - 3_000_000;
    assert_eq!(close(&mut world), 1);
    assert!(world.replica.mempool().is_empty());

    world.now.mono_ns += WAIT_NS;
    submit(&mut world, &mut ledger, 1);
    assert_eq!(waits(&mut world), [0]);
}

// A timer that finds nothing to close leaves the pace alone.
#[test]
fn an_empty_batch_is_never_closed() {
    let mut world = World::new();
    assert_eq!(close(&mut world), 0);
    assert_eq!(waits(&mut world), [0; 0]);
}

// One of four has it, and it is ours: no proposer can name it.
#[test]
fn a_batch_that_too_few_hold_is_held_up() {
    let mut world = World::new();
    let mut ledger = Ledger::new(&world.genesis);
    assert_eq!(world.replica.held_up(), (0, Vec::new()));
    submit(&mut world, &mut ledger, 1);
    close(&mut world);
    let others = [0, 1, 2].map(ValidatorIndex::new).to_vec();
    assert_eq!(world.replica.held_up(), (1, others));
}

// docs/spec/consensus.md, "Why is it not moving": nobody can acknowledge a batch past a gap that its author left, whoever passes it on; so
// where the author cannot be reached, or has lost its batch, the others have done their part.
#[test]
fn a_batch_waits_for_its_author_while_that_is_gone_or_has_lost_it() {
    let author = ValidatorId::new(1);
    let cases = [
        (true, [1, 4], vec![1, 2]),
        (false, [1, 4], vec![0]),
        (true, [2, 4], vec![0]),
    ];
    for (linked, holders, missing) in cases {
        let mut world = World::new();
        if linked {
            world.give(Input::PeerUp(Peer::of(author).unwrap()));
        }
        let batch = numbered(author, 1, Lane::Retail);
        world.replica.batches.insert(batch, Position::START, author);
        for holder in holders.map(ValidatorId::new) {
            let ack = Ack { author, seq: 1 };
            world.replica.batches.acknowledged(holder, ack);
        }
        let missing = missing.into_iter().map(ValidatorIndex::new).collect();
        assert_eq!(
            world.replica.held_up(),
            (1, missing),
            "{linked}, {holders:?}"
        );
    }
}

// docs/spec/dissemination.md, "Idle": limits that were lowered leave a batch that no block can hold, and no height begins for it.
#[test]
fn a_batch_that_no_block_can_hold_is_no_work() {
    let author = ValidatorId::new(1);
    for (transactions_max, due) in [(2, true), (1, false)] {
        let mut genesis = falaj_ledger::testing::genesis();
        genesis.parameters.limits.block_transactions_max = transactions_max;
        let mut world = World::of(genesis, 4, |_| {});
        let mut batch = (*numbered(author, 1, Lane::Retail)).clone();
        batch.reference.transactions = 2;
        let (batch, at) = (Arc::new(batch), Position::START);
        world.replica.batches.insert(batch, at, author);
        for holder in [1, 2, 3, 4].map(ValidatorId::new) {
            let ack = Ack { author, seq: 1 };
            world.replica.batches.acknowledged(holder, ack);
        }
        assert_eq!(world.replica.held_up(), (0, Vec::new()));
        assert_eq!(world.replica.is_work_due(), due);
    }
}

// docs/spec/dissemination.md, "Idle": whoever has no link to the proposer of round 0 cannot send it a batch, and does not wait for that:
// where one client pays one node, nobody else would ever begin the height of a proposer that is down.
#[test]
fn a_proposer_out_of_reach_is_not_waited_for() {
    let author = ValidatorId::new(1);
    for (linked, due) in [(true, false), (false, true)] {
        let mut world = World::new();
        let proposer = world.replica.first_proposer;
        assert!(![author, ValidatorId::new(4)].contains(&proposer));
        if linked {
            world.give(Input::PeerUp(Peer::of(proposer).unwrap()));
        }
        let batch = numbered(author, 1, Lane::Retail);
        let at = Position::START;
        world.replica.batches.insert(batch, at, author);
        let holders = [1, 2, 3, 4].map(ValidatorId::new);
        for holder in holders.into_iter().filter(|holder| *holder != proposer) {
            let ack = Ack { author, seq: 1 };
            world.replica.batches.acknowledged(holder, ack);
        }
        assert_eq!(world.replica.is_work_due(), due);
    }
}

/// Bytes of our own that no block has ordered, as many as leave room for so many full batches.
fn unordered(author: ValidatorId, batches: usize) -> Arc<CheckedBatch> {
    let batch = Batch {
        author,
        seq: 1,
        lane: Lane::Retail,
        transactions: Vec::new(),
    };
    let bytes = usize::try_from(UNORDERED_BYTES_MAX).unwrap() - batches * BATCH_BYTES_MAX;
    Arc::new(CheckedBatch {
        reference: batch.reference(),
        lane: batch.lane,
        transactions: Vec::new(),
        encoded: vec![0; bytes].into(),
    })
}

fn refused(world: &mut World) -> usize {
    let outputs = std::mem::take(&mut world.outputs);
    let full = |output: &Output| {
        let answer = Admission::Refused(Rejection::MempoolFull);
        matches!(output, Output::Answer { answer: given, .. } if *given == answer)
    };
    outputs.iter().filter(|output| full(output)).count()
}

// docs/spec/dissemination.md, "Mempool": a network that decides nothing fills its nodes' pools and then says so, and goes on from there.
#[test]
fn without_room_for_batches_the_pool_fills_up_and_says_so() {
    let mut world = World::new();
    let mut ledger = Ledger::new(&world.genesis);
    world.replica.mempool = Mempool::new(MempoolLimits {
        transactions_max: 100,
        ..MempoolLimits::default()
    });
    let own = ValidatorId::new(4);
    let first = unordered(own, 0);
    let digest = first.reference.digest;
    world.replica.batches.insert(first, Position::new(1), own);

    submit(&mut world, &mut ledger, 90);
    assert_eq!(refused(&mut world), 10);
    assert_eq!(waits(&mut world), [0; 0]);
    assert_eq!(close(&mut world), 0);
    assert_eq!(waits(&mut world), [0; 0]);
    assert_eq!(world.replica.mempool().len(), 80);

    let _ack = world.replica.batches.order(&digest, |_| true);
    submit(&mut world, &mut ledger, 1);
    assert_eq!(waits(&mut world), [0]);
    assert_eq!(close(&mut world), 1);
    assert!(world.replica.mempool().is_empty());
}

// docs/spec/dissemination.md, "Mempool": a lane leaves room for a batch of each lane before it.
#[test]
fn retail_payments_leave_room_for_the_lanes_before_them() {
    for (batches, closes) in [(2, 0), (3, 1)] {
        let mut world = World::new();
        let mut ledger = Ledger::new(&world.genesis);
        let own = ValidatorId::new(4);
        let waiting = unordered(own, batches);
        world.replica.batches.insert(waiting, Position::new(1), own);
        submit(&mut world, &mut ledger, 1);
        assert_eq!(close(&mut world), closes, "room for {batches}");
        assert!(world.replica.batches.has_room_for_own(own, 2));
    }
}

// docs/spec/dissemination.md, "Mempool": what died while it waited would make a batch that every peer refuses.
#[test]
fn what_died_in_the_pool_is_put_into_no_batch() {
    let mut world = World::new();
    let mut ledger = Ledger::new(&world.genesis);
    submit(&mut world, &mut ledger, 3);
    let decided = world.aged(world.genesis.constants.id_life_ms() + 1);
    world.peer_at(2);
    world.receive(2, Some(Message::Blocks(vec![decided])));
    assert_eq!(world.replica.open_height(), Height::new(2));
    assert_eq!(close(&mut world), 0);
    assert!(world.replica.mempool().is_empty());
}

// docs/spec/dissemination.md, "Batches": what waits in a batch of ours that lowered limits leave no room for goes into smaller ones.
#[test]
fn transactions_come_back_from_a_batch_that_no_block_has_room_for() {
    let mut world = World::of(genesis_governed(), 4, |_| {});
    let mut ledger = Ledger::new(&world.genesis);
    submit(&mut world, &mut ledger, 7);
    assert_eq!(close(&mut world), 1);
    let base = world.replica.state().parameters_at(Height::new(1));
    let mut parameters = base;
    parameters.limits.block_transactions_max = 4;
    let change = ParametersChange {
        base: base.hash(),
        parameters,
    };
    enact(&mut world, &mut ledger, 4, Action::Parameters(change));
    assert!(world.replica.mempool().is_empty());
    decide(&mut world);
    assert_eq!(world.replica.mempool().len(), 7);
    decide(&mut world);
    assert_eq!(world.replica.mempool().len(), 7);
    let closed = close(&mut world) + close(&mut world);
    assert_eq!(closed, 2);
    assert!(world.replica.mempool().is_empty());
}

/// An empty batch of that number.
fn numbered(author: ValidatorId, seq: u8, lane: Lane) -> Arc<CheckedBatch> {
    let batch = Batch {
        author,
        seq: seq.into(),
        lane,
        transactions: Vec::new(),
    };
    Arc::new(CheckedBatch {
        reference: batch.reference(),
        lane,
        transactions: Vec::new(),
        encoded: borsh::to_vec(&batch).unwrap().into(),
    })
}

// docs/spec/dissemination.md, "Batches": acknowledgements do not pass the first that is missing, so however many of a lane that goes before
// others wait, the lowest number is sent again first.
#[test]
fn the_lowest_numbers_are_sent_again_first() {
    let mut world = World::new();
    world.peer_at(0);
    let own = ValidatorId::new(4);
    for seq in 1..=20 {
        let lane = if seq == 1 {
            Lane::Retail
        } else {
            Lane::Governance
        };
        let batch = numbered(own, seq, lane);
        world.replica.batches.insert(batch, Position::START, own);
    }
    world.outputs.clear();
    let mut step = Step::default();
    world.replica.resend_batches(&mut step);
    world.outputs = step.outputs;
    let sent: Vec<_> = world
        .sent()
        .into_iter()
        .map(|message| {
            let Message::Batch(bytes) = message else {
                panic!("{message:?}");
            };
            borsh::from_slice::<Batch>(&bytes).unwrap().seq
        })
        .collect();
    assert_eq!(sent, [1, 2, 3, 4, 5, 6, 7, 8]);
}
