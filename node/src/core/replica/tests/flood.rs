//! A faulty member signs blocks without end, and the node goes on.

use falaj_consensus::message::{Body, Header, PrevoteValue, Statement};
use falaj_consensus::types::{BlockId, Height, Round};

use super::harness::World;
use crate::core::Message;
use crate::core::candidates::CANDIDATES_MAX;

/// Proposals that the faulty member signs.
const FLOOD: u64 = 200;
/// Two correct members, whose word is an honest hint.
const HINT: [u16; 2] = [0, 2];

fn empty(world: &World, round: u32, after_us: u64) -> Header {
    world.header(Round::new(round), &Body::default(), after_us)
}

fn prevotes(world: &mut World, round: u32, id: Option<BlockId>) {
    let value = id.map(|id| PrevoteValue {
        id,
        valid_round: None,
    });
    let (height, round) = (Height::new(1), Round::new(round));
    let votes = world.votes(
        &HINT,
        Statement::Prevote {
            height,
            round,
            value,
        },
    );
    world.receive(0, Some(votes));
}

fn asks_for(world: &mut World, id: BlockId) -> bool {
    let asks =
        |message: &Message| matches!(message, Message::GetBlock { id: asked, .. } if *asked == id);
    world.sent().iter().any(asks)
}

fn give_block(world: &mut World, header: &Header) {
    let (header, body) = (Box::new(header.clone()), Body::default());
    world.receive(0, Some(Message::Block { header, body }));
}

fn certify(world: &mut World, header: &Header) {
    let decided = world.decide(header.clone(), Body::default(), Vec::new(), |outcome| {
        outcome
    });
    world.receive(0, Some(Message::Certificate(decided.certificate)));
}

/// The proposer of round 0 shows this node one block and the others another, which the node gets by their prevotes: it is valid here,
/// and nothing of ours ever named it.
fn shown_another() -> (World, Header) {
    let mut world = World::new();
    let (shown, other) = (empty(&world, 0, 1), empty(&world, 0, 2));
    world.receive(0, Some(world.proposal(shown)));
    prevotes(&mut world, 0, Some(other.id()));
    assert!(asks_for(&mut world, other.id()));
    give_block(&mut world, &other);
    (world, other)
}

/// The proposer of round 0 signs blocks of its later turns.
fn flood(world: &mut World) {
    for turn in 1..=FLOOD {
        let round = u32::try_from(4 * turn).unwrap();
        let proposal = world.proposal(empty(world, round, 10 + turn));
        world.receive(0, Some(proposal));
    }
}

// docs/spec/dissemination.md, "Bodies": what a rule can still use is kept.
#[test]
fn a_decided_block_survives_a_flood_of_proposals() {
    let (mut world, other) = shown_another();
    flood(&mut world);
    certify(&mut world, &other);
    assert_eq!(world.replica.height(), Height::new(1));
}

// docs/spec/dissemination.md, "Bodies": what no rule could use any more was forgotten, and comes again under its certificate.
#[test]
fn a_decided_block_that_is_not_here_is_fetched() {
    let (mut world, other) = shown_another();
    // Blocks of later rounds take the two overlays.
    for round in [1, 3] {
        prevotes(&mut world, round, None);
        world.receive(0, Some(world.proposal(empty(&world, round, 3))));
    }
    flood(&mut world);
    assert!(world.replica.candidates.get(&other.id()).is_none());
    certify(&mut world, &other);
    assert!(asks_for(&mut world, other.id()));
    assert_eq!(world.replica.height(), Height::new(0));
    give_block(&mut world, &other);
    assert_eq!(world.replica.height(), Height::new(1));
}

// docs/spec/dissemination.md, "Bodies": two blocks a round come in with a proposal.
#[test]
fn a_third_block_of_a_round_is_not_taken_in() {
    let mut world = World::new();
    let headers = [1, 2, 3].map(|after_us| empty(&world, 4, after_us));
    for header in &headers {
        world.receive(0, Some(world.proposal(header.clone())));
    }
    let here = headers.map(|header| world.replica.candidates.get(&header.id()).is_some());
    assert_eq!(here, [true, true, false]);
}

// Goal: whatever is signed, what is kept of blocks stays within the bound.
#[test]
fn a_flood_of_proposals_keeps_no_more_than_the_bound() {
    let mut world = World::new();
    flood(&mut world);
    assert!(world.replica.candidates.unrecorded() <= CANDIDATES_MAX);
}
