//! Evidence from detection to the ledger: told, checked, carried, refused.

use falaj_consensus::engine::{BodyVerdict, Wait};
use falaj_consensus::evidence::double_vote;
use falaj_consensus::message::{
    Body, Evidence, EvidenceKind, Header, PrevoteValue, Statement, Vote,
};
use falaj_consensus::params::Parameters;
use falaj_consensus::types::{BlockId, Hash32, Height, Round, ValidatorId, ValidatorIndex};
use falaj_ledger::genesis::Genesis;
use falaj_ledger::testing::{Ledger, genesis, genesis_governed};
use std::slice;

use super::governing::change_set;
use super::harness::{PEER, World};
use crate::core::evidence::OF_PEER_MAX;
use crate::core::{
    Dropped, Effect, Event, Frame, Input, Message, Output, Peer, PeerFault, Recipients,
};

fn other(number: u32) -> Peer {
    Peer::of(ValidatorId::new(number)).unwrap()
}

/// Two prevotes of a round: nil, and of some block.
fn halves(world: &World, height: u64, validator: u16) -> (Vote, Vote) {
    let validator = ValidatorIndex::new(validator);
    let vote = |value| {
        let statement = Statement::Prevote {
            height: Height::new(height),
            round: Round::new(0),
            value,
        };
        Vote::new(validator, statement, world.sign(validator, statement)).unwrap()
    };
    let some = PrevoteValue {
        id: BlockId::new(Hash32::new([1; 32])),
        valid_round: None,
    };
    (vote(None), vote(Some(some)))
}

fn proof(world: &World, height: u64, validator: u16) -> Evidence {
    let (a, b) = halves(world, height, validator);
    double_vote(&a, &b).unwrap()
}

fn tell(evidence: &Evidence) -> Option<Message> {
    Some(Message::Evidence(Box::new(evidence.clone())))
}

/// Validator 4 with links to the others, at that height.
fn linked(decided: u64) -> World {
    let mut world = World::new();
    (1..=3).for_each(|number| world.give(Input::PeerUp(other(number))));
    (0..decided).for_each(|_| decide(&mut world, Vec::new()));
    world.outputs.clear();
    world.effects.clear();
    world
}

fn carrying(evidence: Vec<Evidence>) -> Body {
    Body {
        evidence,
        ..Body::default()
    }
}

/// The others decide a block that carries evidence.
fn decide(world: &mut World, evidence: Vec<Evidence>) {
    let decided = world.certified(carrying(evidence), Vec::new(), |outcome| outcome);
    let height = decided.header.height;
    let proposal = world.proposal_of(decided.header, decided.body);
    world.receive(height.get(), Some(proposal));
    let certificate = Message::Certificate(decided.certificate);
    world.receive(height.get(), Some(certificate));
    assert_eq!(world.replica.height(), height);
}

/// The pieces that were told since this was last asked.
fn told(world: &mut World) -> Vec<Evidence> {
    let sent = world.sent().into_iter().filter_map(|sent| {
        let Message::Evidence(evidence) = sent else {
            return None;
        };
        Some(*evidence)
    });
    sent.collect()
}

/// Faults of peers and what was not taken of them, since this was last asked.
fn refused(world: &mut World) -> (Vec<PeerFault>, Vec<Dropped>) {
    let (mut faults, mut dropped) = (Vec::new(), Vec::new());
    for output in std::mem::take(&mut world.outputs) {
        match output {
            Output::Event(Event::PeerFault { fault, .. }) => faults.push(fault),
            Output::Event(Event::PeerLimited { dropped: what, .. }) => dropped.push(what),
            Output::Send { .. }
            | Output::Answer { .. }
            | Output::Committed(_)
            | Output::Event(_)
            | Output::Shun { .. }
            | Output::Admit(_) => {}
        }
    }
    (faults, dropped)
}

fn kept(world: &World) -> Vec<Evidence> {
    world.replica.evidence.iter().cloned().collect()
}

/// What the replica says of a body that the next proposer proposes.
fn judged(world: &mut World, body: Body) -> Option<BodyVerdict> {
    let header = world.header(Round::new(0), &body, 1);
    judged_under(world, header, body)
}

fn judged_under(world: &mut World, header: Header, body: Body) -> Option<BodyVerdict> {
    let (id, height) = (header.id(), header.height.get());
    let proposal = world.proposal_of(header, body);
    world.receive(height - 1, Some(proposal));
    world.replica.candidates.get(&id)?.verdict
}

// docs/spec/dissemination.md, "Evidence": what a node proves is kept and told to every peer, once.
#[test]
fn what_is_proven_here_is_told_to_all() {
    let mut world = linked(0);
    let (a, b) = halves(&world, 1, 1);
    for vote in [a.clone(), b.clone(), a, b] {
        world.receive(0, Some(Message::Votes(vec![vote])));
    }
    let proof = proof(&world, 1, 1);
    assert_eq!(told(&mut world), slice::from_ref(&proof));
    assert_eq!(kept(&world), [proof]);
}

// docs/spec/dissemination.md, "Evidence": what a peer tells is checked, kept, and told on to the others alone, once.
#[test]
fn what_a_peer_tells_is_told_on() {
    let mut world = linked(1);
    let proof = proof(&world, 1, 1);
    world.receive(1, tell(&proof));
    let to = world.outputs.iter().find_map(|output| {
        let Output::Send { to, frame, class } = output else {
            return None;
        };
        let frame = Frame::decode(*class, frame).ok()?;
        matches!(frame.message, Some(Message::Evidence(_))).then_some(to.clone())
    });
    let others = Recipients::Some(vec![other(2), other(3)]);
    assert_eq!(to, Some(others));
    assert_eq!(told(&mut world), slice::from_ref(&proof));
    world.receive_from(other(2), 1, tell(&proof));
    assert_eq!(told(&mut world), []);
    assert_eq!(kept(&world), [proof]);
}

// docs/spec/dissemination.md, "Faults": evidence that proves nothing is its giver's fault, and is neither kept nor told on.
#[test]
fn wrong_evidence_is_its_givers_fault() {
    let (a, b) = halves(&World::new(), 1, 1);
    let forged = Vote {
        signature: b.signature.clone(),
        ..a.clone()
    };
    let of_two = Vote {
        validator: ValidatorIndex::new(2),
        ..b.clone()
    };
    for wrong in [
        Evidence::DoublePrevote(forged, b.clone()),
        Evidence::DoublePrevote(b.clone(), a.clone()),
        Evidence::DoublePrevote(a.clone(), a.clone()),
        Evidence::DoublePrevote(a.clone(), of_two),
        Evidence::DoublePrecommit(a, b),
    ] {
        let mut world = linked(1);
        world.receive(1, tell(&wrong));
        assert_eq!(kept(&world), []);
        assert_eq!(refused(&mut world), (vec![PeerFault::Evidence], vec![]));
    }
}

// The same, and docs/spec/consensus.md, "Valid blocks": evidence is right or wrong under the set of its own height, whoever has the index now.
#[test]
fn evidence_is_judged_under_the_set_of_its_height() {
    let left = || {
        let mut world = World::of(genesis_governed(), 4, |_| {});
        (1..=3).for_each(|number| world.give(Input::PeerUp(other(number))));
        let mut ledger = Ledger::new(&world.genesis);
        change_set(&mut world, &mut ledger, &[], &[4]);
        (2..=4).for_each(|_| decide(&mut world, Vec::new()));
        (world, ledger)
    };
    let changed = || {
        let (mut world, mut ledger) = left();
        change_set(&mut world, &mut ledger, &[(5, 1, 5)], &[]);
        decide(&mut world, Vec::new());
        let place = world.replica.open_set().index_of(ValidatorId::new(5));
        assert_eq!(place, Some(ValidatorIndex::new(3)));
        world.outputs.clear();
        world
    };
    // The fourth key has the fourth place up to height 2, and the fifth from height 7 on.
    let (of_fourth, of_nobody) = (2, 7);
    let mut world = changed();
    let (right, wrong) = (proof(&world, of_fourth, 3), proof(&world, of_nobody, 3));
    world.receive(6, tell(&wrong));
    assert_eq!(kept(&world), []);
    assert_eq!(refused(&mut world).0, [PeerFault::Evidence]);
    let mut world = changed();
    world.receive(6, tell(&right));
    assert_eq!(kept(&world), slice::from_ref(&right));
    assert_eq!(refused(&mut world).0, []);
    let verdict = judged(&mut left().0, carrying(vec![right]));
    assert_eq!(verdict, Some(BodyVerdict::Valid));
}

// docs/spec/dissemination.md, "Evidence": of a height whose set is not known, of nobody, or of what is recorded nothing is checked.
#[test]
fn what_no_block_can_carry_is_passed_over() {
    let mut world = linked(1);
    let proof_of_1 = proof(&world, 1, 1);
    decide(&mut world, vec![proof_of_1.clone()]);
    world.outputs.clear();
    (world.checks, world.effects) = (false, Vec::new());
    for passed in [proof(&world, 5, 1), proof(&world, 1, 9), proof_of_1] {
        world.receive(2, tell(&passed));
    }
    assert!(world.effects.is_empty());
    assert_eq!(refused(&mut world), (vec![], vec![]));
    let near = proof(&world, 4, 1);
    world.receive(2, tell(&near));
    assert!(matches!(world.effects[..], [Effect::Verify(_)]));
}

// docs/spec/dissemination.md, "Bounds": a peer that tells without end is told so.
#[test]
fn a_peers_evidence_is_bounded() {
    let mut world = linked(30);
    let pieces = (1..=30).flat_map(|height| [0, 1, 2].map(|validator| (height, validator)));
    let pieces: Vec<_> = pieces.take(OF_PEER_MAX + 1).collect();
    for (height, validator) in pieces {
        let piece = proof(&world, height, validator);
        world.receive(30, tell(&piece));
    }
    assert_eq!(kept(&world).len(), OF_PEER_MAX);
    assert_eq!(refused(&mut world).1, [Dropped::EvidenceQuota]);
}

// docs/spec/consensus.md, "Valid blocks": every way in which the evidence of a block can be wrong.
#[test]
fn a_block_with_wrong_evidence_is_invalid() {
    let world = linked(2);
    let of = |height, validator| proof(&world, height, validator);
    let (a, b) = halves(&world, 1, 1);
    let forged = Evidence::DoublePrevote(
        Vote {
            signature: b.signature.clone(),
            ..a
        },
        b,
    );
    let mut of_next_key = of(1, 1);
    if let Evidence::DoublePrevote(a, b) = &mut of_next_key {
        a.validator = ValidatorIndex::new(2);
        b.validator = ValidatorIndex::new(2);
    }
    let cases = [
        ("right", vec![of(1, 1)], BodyVerdict::Valid),
        ("right, two", vec![of(1, 1), of(2, 0)], BodyVerdict::Valid),
        ("wrong signature", vec![forged], BodyVerdict::Invalid),
        (
            "another's signatures",
            vec![of_next_key],
            BodyVerdict::Invalid,
        ),
        ("own height", vec![of(3, 1)], BodyVerdict::Invalid),
        ("above", vec![of(4, 1)], BodyVerdict::Invalid),
        ("nobody", vec![of(1, 9)], BodyVerdict::Invalid),
        (
            "out of order",
            vec![of(2, 0), of(1, 1)],
            BodyVerdict::Invalid,
        ),
        ("twice", vec![of(1, 1), of(1, 1)], BodyVerdict::Invalid),
    ];
    for (name, evidence, verdict) in cases {
        let mut world = linked(2);
        let judged = judged(&mut world, carrying(evidence));
        assert_eq!(judged, Some(verdict), "{name}");
    }
}

// docs/spec/consensus.md, "Valid blocks": what the ledger has recorded is not carried again.
#[test]
fn recorded_evidence_is_invalid() {
    let mut world = linked(1);
    let proof = proof(&world, 1, 1);
    decide(&mut world, vec![proof.clone()]);
    assert_eq!(
        judged(&mut world, carrying(vec![proof])),
        Some(BodyVerdict::Invalid)
    );
}

// docs/spec/consensus.md, "Valid blocks": evidence beyond the limit of the parameters, and evidence that is over, is invalid.
#[test]
fn evidence_beyond_limit_or_window_is_invalid() {
    let narrow = Genesis {
        parameters: Parameters {
            evidence_age_heights: 2,
            evidence_age_ms: 1,
            limits: falaj_consensus::params::Limits {
                block_evidence_max: 1,
                ..genesis().parameters.limits
            },
            ..genesis().parameters
        },
        ..genesis()
    };
    let world = || {
        let mut world = World::of(narrow.clone(), 4, |_| {});
        (1..=3).for_each(|number| world.give(Input::PeerUp(other(number))));
        for _ in 0..4 {
            let aged = world.aged(2);
            let height = aged.header.height.get();
            let proposal = world.proposal(aged.header);
            world.receive(height, Some(proposal));
            world.receive(height, Some(Message::Certificate(aged.certificate)));
        }
        assert_eq!(world.replica.height(), Height::new(4));
        world
    };
    let cases = [
        (vec![(1, 1)], BodyVerdict::Invalid),
        (vec![(2, 1)], BodyVerdict::Valid),
        (vec![(2, 1), (3, 1)], BodyVerdict::Invalid),
    ];
    for (of, verdict) in cases {
        let mut world = world();
        let pieces = of.iter().map(|(height, by)| proof(&world, *height, *by));
        let body = carrying(pieces.collect());
        assert_eq!(judged(&mut world, body), Some(verdict), "{of:?}");
    }
}

// docs/spec/encoding.md, "Header": a body is not that of a header which names other evidence.
#[test]
fn evidence_that_the_header_does_not_name_is_no_body_of_it() {
    let mut world = linked(1);
    let body = carrying(vec![proof(&world, 1, 1)]);
    let header = world.header(Round::new(0), &Body::default(), 1);
    assert_eq!(judged_under(&mut world, header, body), None);
}

// docs/spec/consensus.md, "Idle": evidence begins a height, its proposer carries it, and once it is recorded nobody keeps it.
#[test]
fn a_proposer_carries_what_it_holds() {
    let mut world = linked(2);
    let (kept_ahead, carried) = (proof(&world, 3, 1), proof(&world, 1, 1));
    world.receive(2, tell(&kept_ahead));
    let asks = |world: &World| {
        world.effects.iter().find_map(|effect| {
            let Effect::Sign { request, .. } = effect else {
                return None;
            };
            request.statement.block()
        })
    };
    assert_eq!(asks(&world), None, "nothing that height 3 can carry");
    world.receive(2, tell(&carried));
    let proposed = asks(&world).expect("validator 4 proposes at height 3");
    let block = world.replica.candidates.get(&proposed).unwrap();
    assert_eq!(block.verdict, Some(BodyVerdict::Valid));
    assert_eq!(block.body.evidence, slice::from_ref(&carried));
    decide(&mut world, vec![carried]);
    assert_eq!(kept(&world), [kept_ahead]);
    let waits = || world.replica.status().waits;
    assert_eq!(
        waits(),
        [Wait::Work],
        "evidence alone begins no second height"
    );
    let (height, validator) = (Height::new(1), ValidatorId::new(2));
    let kind = EvidenceKind::DoublePrevote;
    let seen = world.replica.state().evidence(height, validator, kind);
    assert_eq!(seen.unwrap().block, Height::new(3));
}

// docs/spec/dissemination.md, "Evidence": a peer that connects is told what waits, so that a restart loses nothing that others hold.
#[test]
fn a_peer_that_connects_is_told() {
    let mut world = linked(1);
    let proof = proof(&world, 1, 1);
    world.receive(1, tell(&proof));
    world.sent();
    world.give(Input::PeerDown(PEER));
    world.give(Input::PeerUp(PEER));
    assert_eq!(told(&mut world), [proof]);
}

// docs/spec/dissemination.md, "Evidence": what got lost on its way is told again to whose turn it is.
#[test]
fn the_proposer_is_told_again_on_a_tick() {
    let mut world = linked(1);
    let proof = proof(&world, 1, 1);
    world.receive(1, tell(&proof));
    world.sent();
    world.tick();
    assert_eq!(told(&mut world), [proof]);
}

// docs/spec/dissemination.md, "Evidence": nobody is told again what it told itself, however long the height lasts.
#[test]
fn a_proposer_is_not_told_what_it_told() {
    let mut world = linked(1);
    let proof = proof(&world, 1, 1);
    let proposer = Peer::of(world.replica.first_proposer).unwrap();
    world.receive_from(proposer, 1, tell(&proof));
    world.sent();
    (0..5).for_each(|_| world.tick());
    assert_eq!(told(&mut world), []);
}

// docs/spec/dissemination.md, "Evidence": what waits for another block is not told again on every tick of an idle network.
#[test]
fn what_begins_no_height_is_not_told_again() {
    let mut world = linked(2);
    let [carried, waiting] = [1, 2].map(|validator| proof(&world, 1, validator));
    for piece in [&carried, &waiting] {
        world.receive_from(other(3), 2, tell(piece));
    }
    decide(&mut world, vec![carried]);
    world.sent();
    (0..5).for_each(|_| world.tick());
    assert_eq!(told(&mut world), []);
    decide(&mut world, Vec::new());
    world.sent();
    world.tick();
    assert_eq!(told(&mut world), [waiting]);
}
