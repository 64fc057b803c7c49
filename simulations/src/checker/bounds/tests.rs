//! A look at a node that keeps to its bounds, and each bound broken by one.

use falaj_consensus::message::Kind;
use falaj_consensus::types::{Height, Round, ValidatorId, ValidatorIndex};
use falaj_ledger::participant::ParticipantNumber;
use falaj_node::core::{BatchLoad, Peer};

use super::*;

const PEER: Peer = match Peer::of(ValidatorId::new(1)) {
    Some(peer) => peer,
    None => panic!("a small id"),
};
const SENDER: ValidatorIndex = ValidatorIndex::new(1);
/// A node in the 41st round of a height, among four, whose blocks name eight batches at most.
const ROUND: u32 = 40;

type Change = fn(&mut Holdings, &mut UnderWay);

fn round(number: u32) -> Round {
    Round::new(number)
}

fn vote(number: u32) -> (Round, Kind, ValidatorIndex) {
    (round(number), Kind::Prevote, SENDER)
}

/// As full as it may be.
fn full() -> (Holdings, UnderWay) {
    let mut held = Holdings::default();
    let consensus = &mut held.consensus;
    consensus.height = Height::new(9);
    consensus.round = round(ROUND);
    consensus.votes = (8..=ROUND + 8).map(vote).collect();
    let turns = [8, 8, ROUND, ROUND + 4];
    consensus.proposals = turns.map(|turn| (round(turn), SENDER)).to_vec();
    consensus.polkas = (8..=ROUND).map(round).collect();
    consensus.certificates = 2;
    consensus.offences = 16;
    consensus.overlays = 2;
    consensus.blocks = 64 + 4 + 33 + 2 + 2 + 4;
    consensus.next.votes = [1, 1, 5, 7, 9].map(vote).to_vec();
    consensus.next.proposals = [1, 1, 5, 7, 9].map(|turn| (round(turn), SENDER)).to_vec();
    consensus.next.polkas = 1;
    consensus.next.certificates = 1;
    held.blocks_unrecorded = 64 + consensus.blocks;
    held.blocks_recorded = 3 * (41 + 1) + 1;
    held.blocks_early = 4;
    held.blocks_ahead = (9..9 + 128).map(Height::new).collect();
    held.mempool = vec![
        (
            Lane::Retail,
            ParticipantNumber::new(1),
            load(50_000, 64 * MIB),
        ),
        (Lane::Retail, ParticipantNumber::new(2), load(30_000, MIB)),
        (
            Lane::Interbank,
            ParticipantNumber::new(1),
            load(10_000, MIB),
        ),
    ];
    held.inline = load(7, 11 * 4096);
    held.submitted = SUBMITTED;
    held.submission_jobs = 2;
    held.batches = vec![
        (Quota::Author(ValidatorId::new(1)), batches(64 * MIB)),
        (Quota::Relay(ValidatorId::new(1)), batches(16 * MIB)),
        (Quota::Log, batches(320 * MIB)),
    ];
    held.batch_places = 65_536;
    held.batch_numbers = vec![(ValidatorId::new(1), 1_024 + 3)];
    let blocks = held.blocks_recorded + held.blocks_unrecorded;
    held.batches_fetched = 64 + (blocks + 64) * 8;
    held.signing = 3;
    let peer = PeerLoad {
        messages: CHECKS,
        batches: CHECKS,
        searches: 2,
        reads: 2,
        waiting: 512,
        sent_bytes: 12 * MIB,
    };
    held.peers = vec![(PEER, peer)];
    let under_way = UnderWay {
        checks: 2 * 1_024 + 2,
        signatures: 3,
        reads: 4,
        outputs: 0,
    };
    (held, under_way)
}

fn batches(bytes: u64) -> BatchLoad {
    BatchLoad {
        held: load(1, bytes),
        waiting_bytes: bytes,
        died_bytes: bytes,
    }
}

fn judged(held: &Holdings, under_way: UnderWay) -> Finding {
    let node = NodeIndex::new(0);
    let bounds = Bounds {
        validators: 4,
        block_batches: 8,
        starts: [(node, 1)].into(),
    };
    bounds.judge(node, held, under_way)
}

/// Goal: a node that holds all that it may, and one that holds nothing, are found by nobody.
#[test]
fn a_full_node_keeps_to_its_bounds() {
    let (held, under_way) = full();
    assert_eq!(judged(&held, under_way), Ok(()));
    assert_eq!(judged(&Holdings::default(), UnderWay::default()), Ok(()));
}

/// Goal: each bound is broken by one more, and the finding says which.
#[test]
fn one_more_of_anything_is_found() {
    let changes: [(&str, Change); 33] = [
        ("votes of round 7", |held, _| {
            held.consensus.votes.push(vote(7))
        }),
        ("votes of validator", |held, _| {
            held.consensus.votes.push(vote(ROUND + 9));
        }),
        ("votes of one sender", |held, _| {
            held.consensus.votes.push(vote(9))
        }),
        ("proposals of round 7", |held, _| {
            held.consensus.proposals.push((round(7), SENDER));
        }),
        ("proposals of validator", |held, _| {
            let ahead = (1..10).map(|turn| (round(ROUND + 4 * turn), SENDER));
            held.consensus.proposals.extend(ahead);
        }),
        ("proposals of a round", |held, _| {
            held.consensus.proposals.push((round(8), SENDER));
        }),
        ("polkas of a round", |held, _| {
            held.consensus.polkas.push(round(8))
        }),
        ("commit certificates", |held, _| {
            held.consensus.certificates += 1
        }),
        ("offences", |held, _| held.consensus.offences += 1),
        ("overlays", |held, _| held.consensus.overlays += 1),
        ("blocks: ", |held, _| held.consensus.blocks += 1),
        ("rounds of the next height with votes", |held, _| {
            held.consensus.next.votes.push(vote(11));
        }),
        ("rounds of the next height with proposals", |held, _| {
            held.consensus.next.proposals.push((round(11), SENDER));
        }),
        ("votes of the next height", |held, _| {
            held.consensus.next.votes.push(vote(1));
        }),
        ("proposals of the next height", |held, _| {
            held.consensus.next.proposals.push((round(1), SENDER));
        }),
        ("polkas of the next height", |held, _| {
            held.consensus.next.polkas += 1
        }),
        ("certificates of the next height", |held, _| {
            held.consensus.next.certificates += 1;
        }),
        ("blocks that nothing names", |held, _| {
            held.blocks_unrecorded += 1
        }),
        ("blocks that were written", |held, _| {
            held.blocks_recorded += 1
        }),
        ("blocks of the next height", |held, _| {
            held.blocks_early += 1
        }),
        ("blocks ahead", |held, _| {
            held.blocks_ahead.push(Height::new(200))
        }),
        ("bytes of blocks of our own", |held, _| {
            held.inline.bytes += 1
        }),
        ("submissions", |held, _| held.submitted.count += 1),
        ("jobs of submissions", |held, _| held.submission_jobs += 1),
        ("places of batches", |held, _| held.batch_places += 1),
        ("numbers of an author", |held, _| {
            held.batch_numbers[0].1 += 1
        }),
        ("batches asked for", |held, _| held.batches_fetched += 1),
        ("dead batches", |held, _| held.batches[1].1.died_bytes += 1),
        ("searches", |held, _| held.peers[0].1.searches += 1),
        ("reads", |held, _| held.peers[0].1.reads += 1),
        ("batches that wait", |held, _| held.peers[0].1.waiting += 1),
        ("sent from memory", |held, _| {
            held.peers[0].1.sent_bytes += 1
        }),
        ("messages being checked", |held, _| {
            held.peers[0].1.messages.bytes += 1;
        }),
    ];
    for (what, change) in changes {
        found(what, change);
    }
}

fn found(what: &str, change: Change) {
    let (mut held, mut under_way) = full();
    change(&mut held, &mut under_way);
    let finding = judged(&held, under_way).expect_err(what);
    assert!(finding.contains(what), "{what}: {finding}");
}

/// Goal: a participant's quota, the pool, and what each lane keeps of it for itself.
#[test]
fn the_pool_is_bounded_by_lane_and_participant() {
    found("a participant's transactions", |held, _| {
        held.mempool[0].2.count += 1
    });
    found("bytes of a participant's transactions", |held, _| {
        held.mempool[0].2.bytes += 1;
    });
    found("the pool", |held, _| held.mempool[1].2.count += 1);
    found("the pool", |held, _| held.mempool[2].2.count += 1);
}

/// Goal: a sender's quotas, and what counts without being here.
#[test]
fn batches_are_bounded_and_booked_as_they_are() {
    for number in 0..3 {
        let (mut held, under_way) = full();
        let load = &mut held.batches[number].1;
        load.waiting_bytes += 1;
        let finding = judged(&held, under_way).expect_err("booked and not here");
        assert!(finding.contains("are booked"), "{finding}");
        held.batches[number].1.held.bytes += 1;
        held.batches[number].1.died_bytes -= 1;
        let finding = judged(&held, under_way).expect_err("a quota");
        assert!(finding.starts_with("bytes of batches"), "{finding}");
    }
}

/// Goal: what is booked for something that has ended is a leak.
#[test]
fn what_has_ended_is_given_back() {
    let changes: [(&str, Change); 4] = [
        ("checks are booked", |_, under_way| under_way.checks -= 1),
        ("reads are booked", |_, under_way| under_way.reads -= 1),
        ("signatures are booked", |_, under_way| {
            under_way.signatures -= 1
        }),
        ("kept ahead", |held, _| {
            held.blocks_ahead[0] = Height::new(8)
        }),
    ];
    for (what, change) in changes {
        found(what, change);
    }
}
