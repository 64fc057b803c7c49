//! A peer that sends what no correct node sends, or more than it may.

use falaj_consensus::hash;
use falaj_consensus::message::{
    BATCH_BYTES_MAX, Batch, Body, Lane, Polka, PrevoteValue, Statement, Vote,
};
use falaj_consensus::types::{BlockId, Hash32, Height, Round, ValidatorId, ValidatorIndex};
use falaj_consensus::validator_set::Bitmap;

use super::harness::{PEER, World};
use crate::core::checks::OPEN_BYTES_MAX;
use crate::core::faults::STRIKE_FIRST_NS;
use crate::core::{Class, Dropped, Event, Input, Message, Output, Peer, PeerFault};

fn other(number: u32) -> Peer {
    Peer::of(ValidatorId::new(number)).unwrap()
}

/// Validator 4 with links to so many of the others.
fn linked(others: u32) -> World {
    let mut world = World::new();
    (1..=others).for_each(|number| world.give(Input::PeerUp(other(number))));
    world.outputs.clear();
    world
}

fn give_garbage(world: &mut World) {
    world.give(Input::Received {
        from: PEER,
        class: Class::Votes,
        bytes: [1, 2, 3][..].into(),
    });
}

/// Faults that were told, links that were cut and let in again, since this was last asked.
fn told(world: &mut World) -> (Vec<PeerFault>, Vec<(Peer, PeerFault)>, Vec<Peer>) {
    let (mut faults, mut cut, mut admitted) = (Vec::new(), Vec::new(), Vec::new());
    for output in std::mem::take(&mut world.outputs) {
        match output {
            Output::Event(Event::PeerFault { fault, .. }) => faults.push(fault),
            Output::Shun { peer, fault, .. } => cut.push((peer, fault)),
            Output::Admit(peer) => admitted.push(peer),
            Output::Send { .. }
            | Output::Answer { .. }
            | Output::Committed(_)
            | Output::Event(_) => {}
        }
    }
    (faults, cut, admitted)
}

fn pass(world: &mut World, ns: u64) {
    world.now.mono_ns += ns;
    world.tick();
}

/// The height that the peer is heard to state.
fn heard(world: &mut World, height: u64) -> bool {
    world.receive(height, None);
    world.replica.peers().height_of(PEER) == Height::new(height)
}

// docs/spec/dissemination.md, "Faults": nothing of such a peer is heard until its strike is over.
#[test]
fn a_peer_at_fault_is_cut_off_for_a_while() {
    let mut world = linked(3);
    give_garbage(&mut world);
    assert_eq!(
        told(&mut world),
        (
            vec![PeerFault::Frame],
            vec![(PEER, PeerFault::Frame)],
            vec![]
        )
    );
    give_garbage(&mut world);
    world.give(Input::PeerUp(PEER));
    assert!(!heard(&mut world, 7));
    pass(&mut world, STRIKE_FIRST_NS - 1);
    assert_eq!(told(&mut world), (vec![], vec![], vec![]));
    assert!(!world.replica.peers().reachable().any(|peer| peer == PEER));
    pass(&mut world, 1);
    assert_eq!(told(&mut world), (vec![], vec![], vec![PEER]));
    world.give(Input::PeerUp(PEER));
    assert!(heard(&mut world, 8));
    assert!(world.replica.peers().reachable().any(|peer| peer == PEER));
}

// docs/spec/dissemination.md, "Faults": consensus loses no vote that a quorum needs; every fault is counted, and told once a strike.
#[test]
fn a_link_that_a_quorum_needs_is_not_cut() {
    let mut world = linked(2);
    (0..3).for_each(|_| give_garbage(&mut world));
    let is_news = |output: &&Output| matches!(output, Output::Event(Event::PeerFault { is_news, .. }) if *is_news);
    assert_eq!(world.outputs.iter().filter(is_news).count(), 1);
    assert_eq!(
        told(&mut world),
        (vec![PeerFault::Frame; 3], vec![], vec![])
    );
    assert!(heard(&mut world, 7));
}

// docs/spec/dissemination.md, "Faults": who was cut off comes back as soon as a quorum needs it, and is cut off again when it does not.
#[test]
fn a_peer_is_let_in_when_a_quorum_needs_it() {
    let mut world = linked(3);
    give_garbage(&mut world);
    world.give(Input::PeerDown(other(2)));
    told(&mut world);
    pass(&mut world, 1);
    assert_eq!(told(&mut world), (vec![], vec![], vec![PEER]));
    world.give(Input::PeerUp(PEER));
    world.give(Input::PeerUp(other(2)));
    pass(&mut world, STRIKE_FIRST_NS);
    give_garbage(&mut world);
    assert_eq!(told(&mut world).1, [(PEER, PeerFault::Frame)]);
}

fn nil_prevote(height: u64) -> Statement {
    Statement::Prevote {
        height: Height::new(height),
        round: Round::new(0),
        value: None,
    }
}

/// A vote of the first validator, signed over that statement or another.
fn vote(world: &World, statement: Statement, signed: Statement) -> Vote {
    let first = ValidatorIndex::new(0);
    Vote::new(first, statement, world.sign(first, signed)).unwrap()
}

/// A polka that nobody signed.
fn polka() -> Message {
    Message::Polka(Polka {
        height: Height::new(1),
        round: Round::new(0),
        id: BlockId::default(),
        valid_round: None,
        signers: Bitmap::none(4),
        signatures: Vec::new(),
    })
}

/// A batch of transactions that are none, in the name of another.
fn wrong_batch(seq: u64, bytes: usize) -> Message {
    let batch = Batch {
        author: ValidatorId::new(2),
        seq,
        lane: Lane::Retail,
        transactions: vec![vec![0; bytes]],
    };
    Message::Batch(hash::encode(&batch))
}

/// What comes of a message of the first validator.
fn fault_of(message: impl FnOnce(&World) -> Message) -> (Vec<PeerFault>, Vec<(Peer, PeerFault)>) {
    let mut world = linked(3);
    world.receive(2, None);
    let message = message(&world);
    world.receive(2, Some(message));
    let (faults, cut, _) = told(&mut world);
    (faults, cut)
}

// docs/spec/dissemination.md, "Faults": what is checked and wrong is its sender's, whosever name is in it.
#[test]
fn whatever_proves_wrong_is_its_senders_fault() {
    type Make = fn(&World) -> Message;
    let cases: [(PeerFault, Make); 7] = [
        (PeerFault::Heights, |world| {
            let heights = [nil_prevote(1), nil_prevote(2)];
            Message::Votes(heights.map(|vote_of| vote(world, vote_of, vote_of)).into())
        }),
        (PeerFault::Vote, |world| {
            Message::Votes(vec![vote(world, nil_prevote(1), nil_prevote(2))])
        }),
        (PeerFault::Polka, |_| polka()),
        (PeerFault::Certificate, |world| {
            let mut certificate = world.decided(|outcome| outcome).certificate;
            certificate.signatures.swap(0, 1);
            Message::Certificate(certificate)
        }),
        (PeerFault::Proposal, |world| {
            let header = world.header(Round::new(0), &Body::default(), 1);
            let Message::Proposal(mut bundle) = world.proposal(header) else {
                panic!("it is a proposal");
            };
            let Message::Polka(wrong) = polka() else {
                panic!("it is a polka");
            };
            bundle.polka = Some(wrong);
            Message::Proposal(bundle)
        }),
        (PeerFault::Block, |world| {
            let mut block = world.decided(|outcome| outcome);
            block.header.time_us += 1;
            Message::Blocks(vec![block])
        }),
        (PeerFault::Batch, |_| wrong_batch(1, 10)),
    ];
    for (fault, make) in cases {
        assert_eq!(fault_of(make), (vec![fault], vec![(PEER, fault)]));
    }
}

// docs/spec/dissemination.md, "Faults": who contradicts itself signs rightly; that is evidence, and consensus needs to see it.
#[test]
fn equivocation_cuts_nobody_off() {
    let id = |number| BlockId::new(Hash32::new([number; 32]));
    let mut world = linked(3);
    for number in 1..=2 {
        let value = Some(PrevoteValue {
            id: id(number),
            valid_round: None,
        });
        let statement = Statement::Prevote {
            height: Height::new(1),
            round: Round::new(0),
            value,
        };
        let votes = vec![vote(&world, statement, statement)];
        world.receive(0, Some(Message::Votes(votes)));
    }
    let is_evidence = |output: &Output| matches!(output, Output::Event(Event::Evidence(_)));
    assert!(world.outputs.iter().any(is_evidence));
    assert_eq!(told(&mut world), (vec![], vec![], vec![]));
}

// docs/spec/dissemination.md, "Jobs": a peer's batches take no more than their bytes, what is beyond is told, and its votes are heard.
#[test]
fn batches_that_are_being_checked_are_bounded_by_bytes() {
    const BYTES: usize = BATCH_BYTES_MAX - 1024;
    let mut world = linked(3);
    (world.checks, world.effects) = (false, Vec::new());
    let fit = usize::try_from(OPEN_BYTES_MAX).unwrap() / BYTES;
    for seq in 1..=(fit as u64 + 8) {
        world.receive(0, Some(wrong_batch(seq, BYTES)));
    }
    let is_dropped = |output: &&Output| matches!(output, Output::Event(Event::PeerLimited { peer, dropped: Dropped::BatchChecks }) if *peer == PEER);
    assert_eq!(world.outputs.iter().filter(is_dropped).count(), 8);
    let vote = vote(&world, nil_prevote(1), nil_prevote(1));
    world.receive(0, Some(Message::Votes(vec![vote])));
    let checks = std::mem::take(&mut world.effects);
    assert_eq!(checks.len(), fit + 1);
    world.checks = true;
    checks.into_iter().for_each(|check| world.begin(check));
    let (faults, cut, _) = told(&mut world);
    assert_eq!(faults, vec![PeerFault::Batch; fit]);
    assert_eq!(cut, [(PEER, PeerFault::Batch)]);
}
