//! What a node gives to one that is far behind, of which it remembers nothing.

use falaj_consensus::message::{Body, Lane};
use falaj_consensus::types::{Height, ValidatorId};
use falaj_ledger::testing::{BANK_A, BANK_B, Ledger, Who, account, transfer};
use falaj_ledger::transaction::Op;

use super::harness::World;
use crate::core::batches::Batches;
use crate::core::{CheckedBatch, DecidedBlock, Message};

/// The height that the peer states.
const AHEAD: u64 = 1_000;

/// Has the replica decide a block that its peer gives it, with the batches that it names.
fn decide(world: &mut World, block: DecidedBlock, batches: &[&CheckedBatch]) {
    let height = block.header.height;
    world.receive(AHEAD, Some(Message::Blocks(vec![block])));
    for batch in batches {
        world.receive(AHEAD, Some(Message::Batch(batch.encoded.to_vec())));
    }
    assert_eq!(world.replica.height(), height);
    world.sent();
}

fn batch(world: &World, seq: u64) -> CheckedBatch {
    let mut ledger = Ledger::new(&world.genesis);
    let payment = Op::Transfer(transfer(account(BANK_A, 1), account(BANK_B, 1), 5));
    let signed = ledger.tx(BANK_A, payment, &[Who::Participant(BANK_A)]);
    CheckedBatch::close(ValidatorId::new(1), seq, Lane::Retail, vec![signed])
}

/// A world that decided a batch at height 1 and 300 empty blocks after it, and has forgotten where the batch stands.
fn long() -> (World, CheckedBatch) {
    let mut world = World::new();
    world.peer_at(AHEAD);
    let batch = batch(&world, 1);
    let body = Body {
        batches: vec![batch.reference],
        ..Body::default()
    };
    let block = world.certified(body, batch.transactions.clone(), |outcome| outcome);
    decide(&mut world, block, &[&batch]);
    for _ in 0..300 {
        let block = world.decided(|outcome| outcome);
        decide(&mut world, block, &[]);
    }
    // It asks for no more.
    world.receive(0, None);
    world.replica.batches = Batches::default();
    (world, batch)
}

// docs/spec/dissemination.md, "Catching up": a block's batches are found by its height, however long ago it was decided.
#[test]
fn an_old_batch_is_served_by_the_height_that_names_it() {
    let (mut world, batch) = long();
    let mut ask = |height| {
        let digests = vec![batch.reference.digest];
        let height = Height::new(height);
        world.receive(0, Some(Message::GetBatches { height, digests }));
        world.sent()
    };
    assert_eq!(ask(1), [Message::Batch(batch.encoded.to_vec())]);
    for elsewhere in [0, 2, 301, 302, u64::MAX] {
        assert_eq!(ask(elsewhere), []);
    }
}

// docs/spec/dissemination.md, "Catching up": decided blocks come from the log, in a row, as far as they were asked for or are here.
#[test]
fn old_blocks_are_served_from_the_log() {
    let (mut world, _) = long();
    for (from, count, given) in [
        (1, 32, 32),
        (150, 3, 3),
        (300, 32, 2),
        (302, 32, 0),
        (5, 0, 0),
    ] {
        let from = Height::new(from);
        world.receive(0, Some(Message::GetBlocks { from, count }));
        let sent = world.sent();
        let [Message::Blocks(blocks)] = &sent[..] else {
            panic!("blocks alone, not {sent:?}");
        };
        let heights = blocks.iter().map(|block| block.header.height.get());
        assert!(heights.eq(from.get()..from.get() + given));
    }
}

// docs/spec/dissemination.md, "Batches": what was ordered long ago and comes again is not kept.
#[test]
fn an_old_batch_that_comes_again_is_not_kept() {
    let (mut world, batch) = long();
    let mut numbers = crate::core::Numbers::default();
    numbers.book(batch.reference);
    numbers.settle(batch.reference);
    let author = batch.reference.author;
    world.replica.batches.restore_numbers(author, numbers);
    let appended = world.appended;
    world.receive(0, Some(Message::Batch(batch.encoded.to_vec())));
    assert_eq!(world.appended, appended);
    assert!(world.replica.batches.nothing_unordered());
}
