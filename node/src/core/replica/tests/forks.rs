//! What the block log keeps for whoever looks into a fork.

use falaj_consensus::durable::LogId;
use falaj_consensus::message::{CommitCertificate, Polka, PrevoteValue, Statement};
use falaj_consensus::types::{Hash32, OutcomeHash, Round};

use super::harness::World;
use super::voting::sign;
use crate::core::Message;
use crate::storage::BlockRecord;

fn kept(world: &World) -> (Vec<Polka>, Vec<CommitCertificate>) {
    let (mut polkas, mut conflicting) = (Vec::new(), Vec::new());
    for record in world.block_records() {
        match record {
            BlockRecord::Polka(polka) => polkas.push(polka),
            BlockRecord::Conflicting(certificate) => conflicting.push(certificate),
            BlockRecord::Proposed { .. } | BlockRecord::Decided(_) | BlockRecord::Restored(_) => {}
        }
    }
    (polkas, conflicting)
}

// docs/spec/durable.md, "What a fork leaves": both of two certificates that contradict each other.
#[test]
fn certificates_that_contradict_each_other_are_kept() {
    let mut world = World::new();
    world.peer_at(0);
    let block = world.decided(|outcome| outcome);
    let other = world.decided(|_| OutcomeHash::new(Hash32::new([9; 32])));
    assert_eq!(block.header, other.header);
    for decided in [&block, &other] {
        world.receive(0, Some(Message::Certificate(decided.certificate.clone())));
    }
    let (_, conflicting) = kept(&world);
    assert_eq!(conflicting, [block.certificate, other.certificate]);
}

// docs/spec/durable.md, "What a fork leaves": a lock's polka is written with the decision, after the block and before the certificate.
#[test]
fn the_polka_of_a_lock_is_kept_with_the_decision() {
    let mut world = World::new();
    world.peer_at(0);
    let header = world.decided(|outcome| outcome).header;
    let block = world.decide(header.clone(), Default::default(), Vec::new(), |outcome| {
        outcome
    });
    world.receive(0, Some(world.proposal(header.clone())));
    sign(&mut world);
    let value = PrevoteValue {
        id: header.id(),
        valid_round: None,
    };
    let prevote = Statement::Prevote {
        height: header.height,
        round: Round::new(0),
        value: Some(value),
    };
    world.receive(0, Some(world.votes(&[0, 1, 2], prevote)));
    sign(&mut world);
    assert_eq!(kept(&world).0, []);
    world.receive(0, Some(Message::Certificate(block.certificate)));
    assert_eq!(world.replica.height(), header.height);
    let (polkas, conflicting) = kept(&world);
    assert_eq!(conflicting, []);
    let [polka] = &polkas[..] else {
        panic!("one polka: {polkas:?}");
    };
    assert_eq!(polka.statement(), prevote);
    assert!(matches!(
        world.block_records()[..],
        [
            BlockRecord::Proposed { .. },
            BlockRecord::Polka(_),
            BlockRecord::Decided(_)
        ]
    ));
}

// docs/spec/durable.md, "What a fork leaves": a prevote that answers a proposal made again waits for the polka of its valid round.
#[test]
fn the_prevote_for_a_proposal_made_again_waits_for_its_polka() {
    let mut world = World::new();
    world.peer_at(0);
    let header = world.decided(|outcome| outcome).header;
    world.receive(0, Some(world.proposal(header.clone())));
    sign(&mut world);
    let prevote = |round, valid_round| Statement::Prevote {
        height: header.height,
        round: Round::new(round),
        value: Some(PrevoteValue {
            id: header.id(),
            valid_round,
        }),
    };
    let again = prevote(1, Some(Round::new(0)));
    world.sent();
    world.proves = false;
    world.receive(0, Some(world.votes(&[0, 1], again)));
    let proposal = world.proposal_again(&header, Round::new(1), prevote(0, None));
    world.receive(0, Some(proposal));
    sign(&mut world);
    let says = |message: &Message| matches!(message, Message::Votes(votes) if votes.iter().any(|vote| vote.statement() == again));
    assert_eq!(kept(&world).0.len(), 1);
    assert!(!world.sent().iter().any(says));
    world.prove(LogId::Block);
    assert!(world.sent().iter().any(says));
}
