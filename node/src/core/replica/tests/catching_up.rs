//! Blocks ahead come from one peer, and nothing of them is verified until they are next.

use falaj_consensus::durable::Position;
use falaj_consensus::message::{BatchRef, Body, Lane};
use falaj_consensus::types::{BatchDigest, Hash32, Height, Round, ValidatorId};
use falaj_ledger::testing::{BANK_A, BANK_B, Ledger, Who, account, transfer};
use falaj_ledger::transaction::{Op, TxId};
use std::sync::Arc;

use super::governing::decide;
use super::harness::{PEER, World, asks_for_blocks};
use crate::core::{
    Ack, CheckedBatch, DecidedBlock, Dropped, Event, Frame, Input, Message, Output, Recipients,
    UNORDERED_BYTES_MAX, UnorderedBatch,
};

const AUTHOR: ValidatorId = ValidatorId::new(1);
const OWN: ValidatorId = ValidatorId::new(4);

/// A batch of an author with one payment, as it would close it.
fn batch(world: &World, author: ValidatorId, seq: u64) -> CheckedBatch {
    let mut ledger = Ledger::new(&world.genesis);
    let payment = Op::Transfer(transfer(account(BANK_A, 1), account(BANK_B, 1), 5));
    let signed = ledger.tx(BANK_A, payment, &[Who::Participant(BANK_A)]);
    CheckedBatch::close(author, seq, Lane::Retail, vec![signed])
}

/// The same with an id that old.
fn batch_of_age(world: &World, seq: u64, age_ms: u64) -> CheckedBatch {
    let mut ledger = Ledger::new(&world.genesis);
    let payment = Op::Transfer(transfer(account(BANK_A, 1), account(BANK_B, 1), 5));
    let mut body = ledger.body(BANK_A, payment);
    let time_ms = world.replica.state().time_us() / 1_000 - age_ms;
    body.id = TxId::new(time_ms, [9; 10]).unwrap();
    (body.valid_from_ms, body.valid_until_ms) = (time_ms, time_ms);
    let signed = ledger.checked(body, &[Who::Participant(BANK_A)]);
    CheckedBatch::close(AUTHOR, seq, Lane::Retail, vec![signed])
}

/// A block of that height that names batches, under a certificate that nobody signed.
fn block_ahead(world: &World, height: u64, batches: Vec<BatchRef>) -> DecidedBlock {
    let mut block = world.decided(|outcome| outcome);
    let body = Body {
        batches,
        ..Body::default()
    };
    let (transactions, bytes) = body.totals();
    block.header.height = Height::new(height);
    block.header.body_root = body.root();
    block.header.transactions = u32::try_from(transactions).unwrap();
    block.header.transaction_bytes = bytes;
    block.certificate.height = Height::new(height);
    block.body = body;
    block
}

/// The replica asks its peer, which answers with these blocks.
fn answered(blocks: impl FnOnce(&World) -> Vec<DecidedBlock>) -> World {
    let mut world = World::new();
    world.peer_at(100);
    assert!(world.sent().iter().any(asks_for_blocks));
    let blocks = blocks(&world);
    world.receive(100, Some(Message::Blocks(blocks)));
    world
}

/// The heights that frames without a message have stated to all since this was last asked.
fn stated(world: &mut World) -> Vec<u64> {
    let outputs = std::mem::take(&mut world.outputs);
    let heights = outputs.into_iter().filter_map(|output| {
        let Output::Send {
            to: Recipients::All,
            class,
            frame,
        } = output
        else {
            return None;
        };
        let frame = Frame::decode(class, &frame).unwrap();
        let says_nothing = frame.message.is_none() && frame.acks.is_empty();
        says_nothing.then(|| frame.height.get())
    });
    heights.collect()
}

// docs/spec/dissemination.md, "Catching up": a height that has been the last for a whole tick is stated once more.
#[test]
fn who_has_nothing_to_say_states_its_last_height_once() {
    let mut world = World::new();
    (0..3).for_each(|_| world.tick());
    assert_eq!(stated(&mut world), [0_u64; 0]);
    decide(&mut world);
    assert_eq!(stated(&mut world), [0_u64; 0]);
    world.tick();
    assert_eq!(stated(&mut world), [0_u64; 0]);
    world.tick();
    assert_eq!(stated(&mut world), [1]);
    (0..3).for_each(|_| world.tick());
    assert_eq!(stated(&mut world), [0_u64; 0]);
}

// docs/spec/dissemination.md, "Catching up": the limits of the open height and of the next are known; those above may be higher.
#[test]
fn blocks_ahead_are_judged_by_the_limits_of_their_own_height() {
    let world = answered(|world| {
        let mut reference = batch(world, AUTHOR, 1).reference;
        reference.transactions = world.replica.parameters().limits.block_transactions_max + 1;
        let block = |height| block_ahead(world, height, vec![reference]);
        vec![block(1), block(2), block(3)]
    });
    let ahead: Vec<_> = world.replica.sync.heights_ahead().collect();
    assert_eq!(ahead, [Height::new(3)]);
}

/// Batches that the replica asked for since this was last asked.
fn fetched(world: &mut World) -> Vec<BatchDigest> {
    let mut fetched = Vec::new();
    for message in world.sent() {
        if let Message::GetBatches { digests, .. } = message {
            fetched.extend(digests);
        }
    }
    fetched
}

fn gives(world: &mut World, batch: &CheckedBatch) -> bool {
    world.receive(100, Some(Message::Batch(batch.encoded.to_vec())));
    world.replica.batches.contains(&batch.reference.digest)
}

fn is_dropped(world: &World, why: Dropped) -> bool {
    let dropped = |output: &Output| matches!(output, Output::Event(Event::PeerLimited { peer, dropped }) if *peer == PEER && *dropped == why);
    world.outputs.iter().any(dropped)
}

// Goal: what an honest peer gives ahead is fetched meanwhile.
#[test]
fn batches_of_blocks_ahead_are_fetched_before_their_height() {
    let mut named = None;
    let mut world = answered(|world| {
        let batch = batch(world, AUTHOR, 1);
        let block = block_ahead(world, 2, vec![batch.reference]);
        named = Some(batch);
        vec![block]
    });
    let batch = named.unwrap();
    assert_eq!(fetched(&mut world), [batch.reference.digest]);
    assert!(gives(&mut world, &batch));
}

// docs/spec/dissemination.md, "Catching up": the quota of a sender holds for what only a block ahead names.
#[test]
fn a_block_ahead_lifts_no_quota() {
    let mut named = None;
    let mut world = answered(|world| {
        let batch = batch(world, AUTHOR, 1);
        let block = block_ahead(world, 2, vec![batch.reference]);
        named = Some(batch);
        vec![block]
    });
    let batch = named.unwrap();
    full_quota(&mut world, &batch);
    assert!(!gives(&mut world, &batch));
    assert!(is_dropped(&world, Dropped::BatchQuota));
}

// docs/spec/dissemination.md, "Batches": nobody has us keep a batch in our own name by a block that nobody verified.
#[test]
fn a_block_ahead_brings_in_no_batch_in_our_name() {
    let mut named = None;
    let mut world = answered(|world| {
        let batch = batch(world, OWN, u64::MAX);
        let block = block_ahead(world, 2, vec![batch.reference]);
        named = Some(batch);
        vec![block]
    });
    let batch = named.unwrap();
    assert_eq!(fetched(&mut world), []);
    assert!(!gives(&mut world, &batch));
    assert!(is_dropped(&world, Dropped::BatchForeign));
}

// docs/spec/dissemination.md, "Catching up": blocks ahead have a bounded number of batches fetched.
#[test]
fn blocks_ahead_have_no_more_batches_fetched_than_the_bound() {
    let reference = |number: u8| BatchRef {
        digest: BatchDigest::new(Hash32::new([number; 32])),
        author: AUTHOR,
        seq: number.into(),
        transactions: 1,
        bytes: 1,
    };
    let mut world = answered(|world| {
        let first = block_ahead(world, 2, (1..=50).map(reference).collect());
        let second = block_ahead(world, 3, (51..=100).map(reference).collect());
        vec![first, second]
    });
    let expected: Vec<_> = (1..=64).map(|number| reference(number).digest).collect();
    assert_eq!(fetched(&mut world), expected);
}

// docs/spec/dissemination.md, "Catching up": a block beyond the limits is not kept, so nothing of it is fetched.
#[test]
fn a_block_ahead_that_exceeds_the_limits_is_left() {
    let mut world = answered(|world| {
        let limits = world.replica.parameters().limits;
        let mut batch = batch(world, AUTHOR, 1).reference;
        batch.bytes = u64::from(limits.block_bytes_max) + 1;
        vec![block_ahead(world, 2, vec![batch])]
    });
    assert_eq!(fetched(&mut world), []);
    assert_eq!(world.replica.peers().batches_ahead().count(), 0);
}

// docs/spec/dissemination.md, "Bodies": what exceeds its limits is invalid before anything of it is fetched.
#[test]
fn nothing_of_a_proposed_block_that_exceeds_the_limits_is_fetched() {
    let mut world = World::new();
    for (more, asks) in [(0, 1), (1, 0)] {
        let mut batch = batch(&world, AUTHOR, 1 + more).reference;
        batch.bytes = u64::from(world.replica.parameters().limits.block_bytes_max) + more;
        let body = Body {
            batches: vec![batch],
            ..Body::default()
        };
        let header = world.header(Round::new(0), &body, 1 + more);
        let proposal = world.proposal_of(header, body);
        world.receive(0, Some(proposal));
        assert_eq!(fetched(&mut world).len(), asks);
    }
}

// docs/spec/dissemination.md, "Bounds": a block ahead is forgotten once its height is decided, though the peers that were ahead are gone.
#[test]
fn no_block_is_kept_below_the_open_height() {
    let mut world = answered(|world| {
        let batch = batch(world, AUTHOR, 1);
        vec![block_ahead(world, 2, vec![batch.reference])]
    });
    world.give(Input::PeerDown(PEER));
    assert_eq!(world.replica.peers().batches_ahead().count(), 1);
    for height in 1..=2 {
        let header = world.header(Round::new(0), &Body::default(), 1);
        let proposal = world.proposal(header.clone());
        world.receive(0, Some(proposal));
        let decided = world.decide(header, Body::default(), Vec::new(), |outcome| outcome);
        world.receive(0, Some(Message::Certificate(decided.certificate)));
        assert_eq!(world.replica.height(), Height::new(height));
    }
    assert_eq!(world.replica.peers().batches_ahead().count(), 0);
}

// docs/spec/dissemination.md, "Catching up": one wrong certificate costs its giver everything it gave ahead.
#[test]
fn a_wrong_certificate_drops_what_its_giver_gave_ahead() {
    let world = answered(|world| {
        let mut next = world.decided(|outcome| outcome);
        next.certificate.signatures.swap(0, 1);
        let batch = batch(world, AUTHOR, 1);
        vec![next, block_ahead(world, 2, vec![batch.reference])]
    });
    assert_eq!(world.replica.height(), Height::new(0));
    assert_eq!(world.replica.peers().batches_ahead().count(), 0);
}

// docs/spec/dissemination.md, "Batches": what can never be posted is not even written, unless a block that consensus turns on names it.
#[test]
fn a_batch_that_is_dead_on_arrival_is_refused() {
    let mut world = World::new();
    let life_ms = world.genesis.constants.id_life_ms();
    let dead = batch_of_age(&world, 1, life_ms + 1);
    assert!(!gives(&mut world, &dead));
    assert!(is_dropped(&world, Dropped::BatchDead));
    assert_eq!(world.appended, 0);
    let alive = batch_of_age(&world, 2, life_ms);
    assert!(gives(&mut world, &alive));
}

// docs/spec/dissemination.md, "Batches": an author whose batch died before anybody had it goes on with the next ones.
#[test]
fn a_dead_batch_of_its_author_leaves_no_gap() {
    let mut world = World::new();
    let life_ms = world.genesis.constants.id_life_ms();
    let next = batch_of_age(&world, 2, 0);
    assert!(gives(&mut world, &next));
    let acknowledged = |world: &World| {
        let acks = world.replica.batches.own_acks();
        acks.into_iter().find(|ack| ack.author == AUTHOR)
    };
    assert_eq!(acknowledged(&world), None);
    let dead = batch_of_age(&world, 1, life_ms + 1);
    assert!(!gives(&mut world, &dead));
    let upto = Ack {
        author: AUTHOR,
        seq: 2,
    };
    assert_eq!(acknowledged(&world), Some(upto));
}

fn full_quota(world: &mut World, like: &CheckedBatch) {
    let full = CheckedBatch {
        reference: BatchRef {
            digest: BatchDigest::new(Hash32::new([9; 32])),
            ..like.reference
        },
        encoded: vec![0; usize::try_from(UNORDERED_BYTES_MAX).unwrap()].into(),
        ..like.clone()
    };
    let batches = &mut world.replica.batches;
    batches.insert(Arc::new(full), Position::new(1), AUTHOR);
}

// docs/spec/dissemination.md, "Batches": only a block that consensus turns on lifts the quota of a sender.
#[test]
fn a_proposal_of_a_later_round_lifts_no_quota() {
    for (round, takes) in [(0, true), (4, false)] {
        let mut world = World::new();
        let batch = batch(&world, AUTHOR, 1);
        full_quota(&mut world, &batch);
        let body = Body {
            batches: vec![batch.reference],
            ..Body::default()
        };
        let header = world.header(Round::new(round), &body, 1);
        let proposal = world.proposal_of(header, body);
        world.receive(0, Some(proposal));
        assert_eq!(fetched(&mut world), [batch.reference.digest]);
        assert_eq!(gives(&mut world, &batch), takes, "round {round}");
    }
}

// docs/spec/dissemination.md, "Batches": after a restart too a number is its author's to book, not that of whoever made a batch in its name.
#[test]
fn a_relayed_batch_takes_no_number_over_a_restart() {
    let model = World::new();
    let taken_up = |author| UnorderedBatch {
        batch: Arc::new(batch(&model, author, 1)),
        position: Position::new(1),
    };
    let mut world = World::start(|recovered| {
        recovered.batches.unordered = vec![taken_up(AUTHOR), taken_up(OWN)];
    });
    let own = Ack {
        author: OWN,
        seq: 1,
    };
    assert_eq!(world.replica.batches.own_acks(), [own]);
    let sent = taken_up(AUTHOR).batch;
    world.receive(0, Some(Message::Batch(sent.encoded.to_vec())));
    let vouched = Ack {
        author: AUTHOR,
        seq: 1,
    };
    assert_eq!(world.replica.batches.own_acks(), [vouched, own]);
}

// docs/spec/dissemination.md, "Batches": a peer that comes back is sent what it does not acknowledge anew.
#[test]
fn an_acknowledgement_lasts_as_long_as_its_link() {
    let mut world = World::start(|_| {});
    world.peer_at(0);
    let own = Arc::new(batch(&world, OWN, 1));
    let batches = &mut world.replica.batches;
    batches.insert(Arc::clone(&own), Position::new(1), OWN);
    let ack = Ack {
        author: OWN,
        seq: 1,
    };
    batches.acknowledged(AUTHOR, ack);
    let is_sent = |world: &mut World| {
        world.sent();
        world.tick();
        let sent = world.sent();
        sent.iter()
            .any(|message| matches!(message, Message::Batch(bytes) if bytes[..] == own.encoded[..]))
    };
    assert!(!is_sent(&mut world));
    world.peer_at(0);
    assert!(is_sent(&mut world));
}
