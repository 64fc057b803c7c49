//! A replica that cannot go on: its disk is full, or a quorum computed something else.

use falaj_consensus::durable::LogId;
use falaj_consensus::engine::Wait;
use falaj_consensus::message::Body;
use falaj_consensus::types::{BlockId, Height, OutcomeHash, Round};
use falaj_hsm::Latch;
use falaj_ledger::block::BlockInput;
use falaj_ledger::execute::execute;
use falaj_ledger::rejection::Rejection;
use falaj_ledger::testing::{BANK_A, BANK_B, Ledger, Who, account, transfer};
use falaj_ledger::transaction::Op;
use std::sync::Arc;

use super::super::still::STORE_BEHIND_MAX;
use super::harness::{World, asks_for_blocks, key_of};
use crate::core::{Admission, Divergence, Effect, Event, Input, Message, Output, Ticket, Timer};

fn another(_: OutcomeHash) -> OutcomeHash {
    OutcomeHash::default()
}

/// Submits a payment and gives the answer, if one left.
pub(super) fn submit(world: &mut World) -> Option<Admission> {
    let mut ledger = Ledger::new(&world.genesis);
    let payment = Op::Transfer(transfer(account(BANK_A, 1), account(BANK_B, 1), 5));
    let signed = ledger.tx(BANK_A, payment, &[Who::Participant(BANK_A)]);
    world.outputs.clear();
    world.give(Input::Submit {
        ticket: Ticket(1),
        transaction: signed.tx().to_bytes(),
    });
    world.outputs.iter().find_map(|output| match output {
        Output::Answer { answer, .. } => Some(answer.clone()),
        Output::Send { .. }
        | Output::Committed(_)
        | Output::Event(_)
        | Output::Shun { .. }
        | Output::Admit(_) => None,
    })
}

fn latches(world: &World) -> bool {
    world
        .effects
        .iter()
        .any(|effect| matches!(effect, Effect::LatchSigning))
}

fn signs(world: &World) -> bool {
    world
        .effects
        .iter()
        .any(|effect| matches!(effect, Effect::Sign { .. }))
}

// Goal: a guard that is an old copy learns of it from the first certificate that holds our own signature.
#[test]
fn a_certificate_with_our_signature_goes_by_the_guard() {
    for (signers, seen) in [([1, 2, 3], false), ([1, 2, 4], true)] {
        let mut world = World::new();
        world.signers = signers;
        world.peer_at(2);
        let block = world.decided(|outcome| outcome);
        let statement = block.certificate.statement();
        world.receive(2, Some(Message::Blocks(vec![block])));
        assert_eq!(world.replica.height(), Height::new(1));
        let shown = world
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::OwnStatementSeen { statement: own, .. } if *own == statement));
        assert_eq!(shown, seen);
    }
}

// Goal: the harness is right; a decided block with the right outcome is taken up.
#[test]
fn a_decided_block_is_fetched_and_confirmed() {
    let mut world = World::new();
    world.peer_at(2);
    assert!(world.sent().iter().any(asks_for_blocks));
    let block = world.decided(|outcome| outcome);
    world.receive(2, Some(Message::Blocks(vec![block])));
    assert_eq!(world.replica.height(), Height::new(1));
    assert!(world.replica.diverged().is_none());
    assert_eq!(submit(&mut world), Some(Admission::Admitted));
}

// docs/spec/consensus.md, "Divergence": while running.
#[test]
fn a_replica_that_diverges_stands_at_the_height_before() {
    let mut world = World::new();
    world.peer_at(2);
    let block = world.decided(another);
    let id = block.header.id();
    let certified = block.certificate.outcome;
    world.receive(2, Some(Message::Blocks(vec![block])));
    assert_eq!(world.replica.height(), Height::new(0));
    let diverged = *world.replica.diverged().unwrap();
    assert_eq!(
        (diverged.height, diverged.id, diverged.certified),
        (Height::new(1), id, certified)
    );
    assert!(latches(&world));
    assert_eq!(world.replica.status().waits, [Wait::Halted]);
    let told = |output: &Output| matches!(output, Output::Event(Event::Diverged(told)) if *told == diverged);
    assert!(world.outputs.iter().any(told));
    // Body and certificate are kept.
    assert_eq!(world.appended, 2);
    stands_still(&mut world);
}

// docs/spec/consensus.md, "Divergence": what was confirmed by a first execution is not made the state by a second one that differs.
#[test]
fn a_second_execution_that_differs_is_a_divergence() {
    let mut world = World::new();
    world.peer_at(0);
    let block = world.decided(|outcome| outcome);
    let id = block.header.id();
    let proposal = world.proposal(block.header.clone());
    world.receive(0, Some(proposal));
    let later = world.header(Round::new(0), &Body::default(), 77);
    let differs = execute(
        world.replica.state(),
        &BlockInput::new(&later, &Body::default(), Vec::new()),
    );
    let own = differs.outcome.hash();
    let candidate = world.replica.candidates.get_mut(&id).unwrap();
    assert_ne!(candidate.executed.as_ref().unwrap().outcome.hash(), own);
    candidate.executed = Some(Arc::new(differs));
    let certified = block.certificate.outcome;
    world.effects.clear();
    world.receive(1, Some(Message::Certificate(block.certificate)));
    let diverged = Divergence {
        height: Height::new(1),
        id,
        own,
        certified,
    };
    assert_eq!(world.replica.diverged(), Some(&diverged));
    assert_eq!(world.replica.height(), Height::new(0));
    assert!(latches(&world));
    stands_still(&mut world);
}

// docs/spec/consensus.md, "Divergence": the replay of the logs parts from a quorum.
#[test]
fn a_restart_that_diverges_stands_at_the_height_before() {
    let divergence = Divergence {
        height: Height::new(1),
        id: BlockId::default(),
        own: OutcomeHash::default(),
        certified: OutcomeHash::default(),
    };
    let mut world = World::start(|recovered| recovered.diverged = Some(divergence));
    assert_eq!(world.replica.diverged(), Some(&divergence));
    assert!(latches(&world));
    assert_eq!(world.replica.status().waits, [Wait::Halted]);
    world.peer_at(2);
    stands_still(&mut world);
}

/// Nothing is fetched, admitted, signed or recorded any more.
pub(super) fn stands_still(world: &mut World) {
    let appended = world.appended;
    world.sent();
    world.receive(9, None);
    world.tick();
    world.tick();
    assert!(!world.sent().iter().any(asks_for_blocks));
    assert_eq!(submit(world), Some(Admission::Refused(Rejection::ReadOnly)));
    assert!(!signs(world));
    assert_eq!(world.appended, appended);
}

fn latched(recovered: &mut super::super::Recovered, last: u64, latch: Latch) {
    recovered
        .guards
        .insert(key_of(4), guard_at(last, Some(latch)));
}

/// A guard that has signed nothing lately and stands at a height.
pub(super) fn guard_at(last: u64, latch: Option<Latch>) -> falaj_hsm::Recovered {
    use falaj_hsm::{Place, Recovered as Guard, Witness};
    let place = Place {
        height: Height::new(last),
        ..Place::GENESIS
    };
    Guard {
        last: place,
        lock: None,
        accepted_outcome: None,
        latch,
        statements: Vec::new(),
        own: Vec::new(),
        intent: None,
        complete: true,
        sets_hash: Default::default(),
        witness: Witness {
            instance: [0; 16],
            fence_epoch: 0,
            place,
        },
    }
}

fn opens(world: &World) -> bool {
    world
        .effects
        .iter()
        .any(|effect| matches!(effect, Effect::OpenLatch))
}

// A program that computes what was certified opens the latch of a divergence once it has come to the guard's own height.
#[test]
fn a_latch_opens_when_the_certified_outcomes_are_computed() {
    let at_once = World::start(|recovered| latched(recovered, 1, Latch::Diverged));
    assert!(opens(&at_once));
    let mut later = World::start(|recovered| latched(recovered, 2, Latch::Diverged));
    assert!(!opens(&later));
    later.peer_at(2);
    let block = later.decided(|outcome| outcome);
    later.receive(2, Some(Message::Blocks(vec![block])));
    assert!(opens(&later));
}

// Only people open a latch of another kind.
#[test]
fn a_latch_of_another_kind_stays() {
    for latch in [Latch::Operator, Latch::OwnKeyElsewhere, Latch::GuardOlder] {
        assert!(!opens(&World::start(|recovered| latched(
            recovered, 1, latch
        ))));
    }
}

// docs/spec/durable.md, "A full disk": no new work, no new records, no growing queue of outputs; with room it goes on by itself.
#[test]
fn a_full_disk_stops_the_replica_until_there_is_room() {
    for log in [LogId::Block, LogId::Batch] {
        let mut world = World::new();
        world.peer_at(0);
        world.give(Input::DiskFull(log));
        world.proves = false;
        let (appended, waiting) = (world.appended, world.waiting());
        assert_eq!(
            submit(&mut world),
            Some(Admission::Refused(Rejection::ReadOnly))
        );
        let block = world.decided(|outcome| outcome);
        for _ in 0..100 {
            world.receive(2, Some(Message::Blocks(vec![block.clone()])));
            world.receive(2, Some(Message::Certificate(block.certificate.clone())));
        }
        world.tick();
        assert_eq!((world.appended, world.waiting()), (appended, waiting));
        assert!(world.sent().is_empty());
        world.proves = true;
        world.effects.clear();
        world.give(Input::DiskRoom(log));
        let ticks = |effect: &Effect| {
            matches!(
                effect,
                Effect::Timer {
                    id: Timer::Tick,
                    ..
                }
            )
        };
        assert!(world.effects.iter().any(ticks), "the held tick ran");
        world.receive(2, None);
        world.receive(2, Some(Message::Blocks(vec![block])));
        assert_eq!(world.replica.height(), Height::new(1));
        assert_eq!(submit(&mut world), Some(Admission::Admitted));
    }
}

// What was admitted before the disk was full is batched when there is room.
#[test]
fn an_admitted_payment_waits_out_a_full_disk() {
    let mut world = World::new();
    assert_eq!(submit(&mut world), Some(Admission::Admitted));
    world.give(Input::DiskFull(LogId::Batch));
    let lane = falaj_consensus::message::Lane::Retail;
    world.give(Input::Timer(Timer::CloseBatch(lane)));
    assert_eq!((world.appended, world.replica.mempool().len()), (0, 1));
    world.give(Input::DiskRoom(LogId::Batch));
    assert_eq!((world.appended, world.replica.mempool().len()), (1, 0));
    let sent = world.sent();
    assert!(
        sent.iter()
            .any(|message| matches!(message, Message::Batch(_)))
    );
}

/// Offers the next block as voting does: its certificate, and the block when it is asked for. Whether it was decided.
fn decide_next(world: &mut World) -> bool {
    let block = world.decided(|outcome| outcome);
    let height = block.header.height;
    world.receive(height.get(), Some(Message::Certificate(block.certificate)));
    let (header, body) = (Box::new(block.header), block.body);
    world.receive(height.get(), Some(Message::Block { header, body }));
    world.replica.height() == height
}

// docs/spec/storage.md, "A slow store": what waits for the store is bounded, whoever decides the blocks; the node says so, admits nothing,
// and goes on by itself once the store has caught up half of it.
#[test]
fn a_slow_store_bounds_memory() {
    let mut world = World::new();
    world.peer_at(1_000);
    world.persists = false;
    let decided = (0..100).take_while(|_| decide_next(&mut world)).count() as u64;
    assert_eq!(decided, STORE_BEHIND_MAX + 1);
    let told = |output: &Output| matches!(output, Output::Event(Event::StoreBehind { persisted, .. }) if persisted.get() == 0);
    assert_eq!(
        world.outputs.iter().filter(|output| told(output)).count(),
        1
    );
    assert_eq!(
        submit(&mut world),
        Some(Admission::Refused(Rejection::ReadOnly))
    );
    let half = decided - STORE_BEHIND_MAX / 2;
    world.give(Input::Persisted(Height::new(half - 1)));
    assert!(!decide_next(&mut world));
    world.give(Input::Persisted(Height::new(half)));
    assert!(decide_next(&mut world));
    world.give(Input::Persisted(Height::new(decided + 1)));
    assert_eq!(submit(&mut world), Some(Admission::Admitted));
}

// docs/spec/storage.md, "A slow store": a node that catches up fetches no more than its store keeps up with, and goes on with it.
#[test]
fn catching_up_keeps_pace_with_the_store() {
    let mut world = World::new();
    world.peer_at(1_000);
    world.persists = false;
    let mut fetched = 0;
    for _ in 0..100 {
        let block = world.decided(|outcome| outcome);
        world.receive(1_000, Some(Message::Blocks(vec![block])));
        fetched = world.replica.height().get();
    }
    assert_eq!(fetched, STORE_BEHIND_MAX / 2 + 1);
    world.sent();
    world.give(Input::Persisted(Height::new(fetched)));
    assert!(world.sent().iter().any(asks_for_blocks));
}
