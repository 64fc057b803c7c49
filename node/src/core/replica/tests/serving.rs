//! What a node gives to one that is far behind, of which it remembers nothing.

use falaj_consensus::message::{Body, Lane};
use falaj_consensus::types::{Hash32, Height, Round, ValidatorId};
use falaj_consensus::validator_set::Bitmap;
use falaj_ledger::snapshot::Manifest;
use falaj_ledger::testing::{BANK_A, BANK_B, Ledger, Who, account, transfer};
use falaj_ledger::transaction::Op;

use super::harness::{PEER, World};
use crate::core::batches::Batches;
use crate::core::serving::{SENT_BYTES_PER_TICK, WAITING_MAX};
use crate::core::{
    CheckedBatch, DecidedBlock, Dropped, Effect, Event, FindFor, Message, Output, Peer,
    SnapshotAnswer, SnapshotName, SnapshotPart,
};

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

/// A question about a decided height, which anybody can ask without a signature.
fn pull(height: u64) -> Message {
    let none = || Bitmap::none(4);
    Message::PullVotes {
        height: Height::new(height),
        round: Round::new(0),
        proposal: false,
        prevotes: none(),
        precommits: none(),
    }
}

/// What was not taken, since this was last asked.
fn limited(world: &mut World) -> usize {
    let outputs = std::mem::take(&mut world.outputs);
    let is_limited = |output: &&Output| matches!(output, Output::Event(Event::PeerLimited { peer, .. }) if *peer == PEER);
    outputs.iter().filter(is_limited).count()
}

// docs/spec/dissemination.md, "Serving": however much a peer asks for, one search of a kind is under way for it, and batches wait
// within a bound; what is beyond is told and dropped. When a search ends the next begins.
#[test]
fn requests_of_one_peer_are_bounded() {
    let (mut world, batch) = long();
    let digest = batch.reference.digest;
    (world.reads, world.effects) = (false, Vec::new());
    for _ in 0..5 {
        for height in 1..=300 {
            let (height, from) = (Height::new(height), Height::new(height));
            let digests = vec![digest; 64];
            world.receive(0, Some(Message::GetBatches { height, digests }));
            world.receive(0, Some(Message::GetBlocks { from, count: 32 }));
            world.receive(0, Some(pull(height.get().min(299))));
        }
    }
    let under_way = std::mem::take(&mut world.effects);
    let purposes = under_way.iter().map(|effect| {
        let Effect::Find { purpose, .. } = effect else {
            panic!("{effect:?}");
        };
        purpose.clone()
    });
    let first = [
        FindFor::ServeBatches {
            to: PEER,
            digests: vec![digest],
        },
        FindFor::ServeBlocks { to: PEER },
        FindFor::ServeCertificate { to: PEER },
    ];
    assert!(purposes.eq(first));
    assert_eq!(limited(&mut world), 2 * (5 * 300 - 1));
    // The answers come, and the batches of the other heights are looked for one after the other.
    world.reads = true;
    under_way.into_iter().for_each(|effect| world.begin(effect));
    let sent = world.sent();
    let batches = sent.iter().filter(|sent| matches!(sent, Message::Batch(_)));
    // It was asked for again while it was being read.
    assert_eq!(batches.count(), 2);
    world.receive(
        0,
        Some(Message::GetBlocks {
            from: Height::new(1),
            count: 1,
        }),
    );
    assert_eq!(world.sent().len(), 1);
}

// More batches than may wait are not read; the rest are, a message's worth at a time.
#[test]
fn batches_that_wait_to_be_read_are_bounded() {
    let (mut world, _) = long();
    (world.reads, world.effects) = (false, Vec::new());
    let digest = |number: usize| {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        falaj_consensus::types::BatchDigest::new(Hash32::new(bytes))
    };
    for request in 0..100 {
        let (height, all) = (Height::new(7), request * 64..(request + 1) * 64);
        let digests = all.map(digest).collect();
        world.receive(0, Some(Message::GetBatches { height, digests }));
    }
    let [Effect::Find { purpose, .. }] = &world.effects[..] else {
        panic!("one search, not {:?}", world.effects);
    };
    let FindFor::ServeBatches { digests, .. } = purpose else {
        panic!("{purpose:?}");
    };
    assert_eq!(digests.len(), 64);
    let taken = 1 + WAITING_MAX / 64;
    assert_eq!(limited(&mut world), 100 - taken);
}

// What is in memory costs no reading, but sending: each batch of a request goes once, and none beyond what a tick allows.
#[test]
fn what_is_sent_from_memory_is_bounded() {
    let mut world = World::new();
    world.peer_at(0);
    let batch = batch(&world, 1);
    world.receive(0, Some(Message::Batch(batch.encoded.to_vec())));
    world.sent();
    let ask = |world: &mut World| {
        let digests = vec![batch.reference.digest; 64];
        let height = Height::new(1);
        world.receive(0, Some(Message::GetBatches { height, digests }));
    };
    ask(&mut world);
    assert_eq!(world.sent(), [Message::Batch(batch.encoded.to_vec())]);
    world.replica.serving.sent(PEER, SENT_BYTES_PER_TICK);
    ask(&mut world);
    assert_eq!(limited(&mut world), 1);
    assert_eq!(world.sent(), []);
    world.tick();
    world.sent();
    ask(&mut world);
    assert_eq!(world.sent(), [Message::Batch(batch.encoded.to_vec())]);
}

/// A snapshot of two chunks, whose manifest is as long as that.
fn put(world: &mut World, manifest: &Manifest) -> SnapshotName {
    world.shelf.put(manifest, vec![vec![1], vec![2]]);
    SnapshotName::of(manifest)
}

// docs/spec/snapshots.md, "Between peers": a part that is here is given, and in the place of one that is not the name of what is.
#[test]
fn parts_of_a_snapshot_are_given() {
    let mut world = World::new();
    world.peer_at(0);
    world.sent();
    let ask = |world: &mut World, part| {
        world.receive(0, Some(Message::GetSnapshot(part)));
        let [Message::Snapshot(answer)] = &world.sent()[..] else {
            panic!("one answer");
        };
        (**answer).clone()
    };
    assert_eq!(
        ask(&mut world, SnapshotPart::Newest),
        SnapshotAnswer::Newest(None)
    );
    let manifest = crate::core::joining::manifest_of_test_chain();
    let name = put(&mut world, &manifest);
    let here = SnapshotAnswer::Newest(Some(name));
    assert_eq!(ask(&mut world, SnapshotPart::Newest), here);
    let bytes = vec![2];
    let chunk = SnapshotAnswer::Chunk {
        name,
        index: 1,
        bytes,
    };
    assert_eq!(
        ask(&mut world, SnapshotPart::Chunk { name, index: 1 }),
        chunk
    );
    let (length, from) = (u32::try_from(manifest.to_bytes().len()).unwrap(), 9);
    let bytes = manifest.to_bytes()[9..].to_vec();
    let piece = SnapshotAnswer::Manifest {
        name,
        length,
        from,
        bytes,
    };
    assert_eq!(
        ask(&mut world, SnapshotPart::Manifest { name, from }),
        piece
    );
    let cut = Hash32::ZERO;
    for part in [
        SnapshotPart::Chunk { name, index: 2 },
        SnapshotPart::Chunk {
            name,
            index: u32::MAX,
        },
        SnapshotPart::Chunk {
            name: SnapshotName { cut, ..name },
            index: 0,
        },
        SnapshotPart::Manifest { name, from: length },
        SnapshotPart::Manifest {
            name,
            from: u32::MAX,
        },
        SnapshotPart::Manifest {
            name: SnapshotName { cut, ..name },
            from: 0,
        },
    ] {
        assert_eq!(ask(&mut world, part), here, "{part:?}");
    }
}

// docs/spec/dissemination.md, "Serving": of a peer's requests one part is read at a time; another is told and left, whoever else asks.
#[test]
fn one_part_of_a_snapshot_is_read_for_a_peer() {
    let mut world = World::new();
    world.peer_at(0);
    world.reads = false;
    world.effects.clear();
    world.outputs.clear();
    for _ in 0..3 {
        world.receive(0, Some(Message::GetSnapshot(SnapshotPart::Newest)));
    }
    assert_eq!(world.effects.len(), 1);
    let dropped = world.outputs.iter().filter(|output| {
        let snapshot = Dropped::SnapshotAsked;
        matches!(output, Output::Event(Event::PeerLimited { dropped, .. }) if *dropped == snapshot)
    });
    assert_eq!(dropped.count(), 2);
    let other = Peer::of(ValidatorId::new(2)).unwrap();
    world.receive_from(other, 0, Some(Message::GetSnapshot(SnapshotPart::Newest)));
    assert_eq!(world.effects.len(), 2);
    world.reads = true;
    for effect in std::mem::take(&mut world.effects) {
        world.begin(effect);
    }
    world.receive(0, Some(Message::GetSnapshot(SnapshotPart::Newest)));
    assert_eq!(world.sent().len(), 3);
}
