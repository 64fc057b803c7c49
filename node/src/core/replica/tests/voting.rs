//! Whether a vote of this node is heard, as it says of itself.

use falaj_consensus::engine::{TimerId, TimerKind};
use falaj_consensus::message::{Kind, Statement, Vote};
use falaj_consensus::types::{Height, Round, ValidatorId, ValidatorIndex};
use falaj_consensus::verify::{Context, RealChecker, SignedStatement};
use falaj_ledger::testing::Who;

use super::harness::World;
use crate::core::{Cause, Effect, Event, Input, Message, Output, Peer, Timer};

pub(super) fn runs_out(world: &mut World, height: u64, kind: TimerKind) {
    let timer = TimerId {
        height: Height::new(height),
        round: Round::new(0),
        kind,
    };
    world.give(Input::Timer(Timer::Engine(timer)));
}

/// The signer answers all that it was asked for.
pub(super) fn sign(world: &mut World) {
    let chain = world.genesis.chain();
    let validator = world.replica.own_index().unwrap();
    for effect in std::mem::take(&mut world.effects) {
        let Effect::Sign { request, .. } = effect else {
            continue;
        };
        let signed = SignedStatement {
            validator,
            statement: request.statement,
            signature: world.sign(validator, request.statement),
        };
        let context = Context {
            chain: &chain,
            set: &world.genesis.validators,
            checker: &RealChecker,
        };
        let result = Ok(context.statement(signed).unwrap());
        let id = request.id;
        world.give(Input::Signed { id, result });
    }
}

/// The others decide the open height.
fn decided_by_others(world: &mut World) {
    let block = world.decided(|outcome| outcome);
    let above = block.header.height.next().get();
    world.peer_at(above);
    world.receive(above, Some(Message::Blocks(vec![block])));
}

// docs/spec/api.md, "Health": an idle height needs no vote, one that is being decided does.
#[test]
fn a_node_is_silent_from_when_a_height_begins_until_its_vote_is_released() {
    let mut world = World::new();
    assert!(!world.replica.is_silent());
    runs_out(&mut world, 1, TimerKind::Heartbeat);
    assert!(world.replica.is_silent());
    runs_out(&mut world, 1, TimerKind::Propose);
    assert!(world.replica.is_silent());
    sign(&mut world);
    assert!(
        world
            .sent()
            .iter()
            .any(|sent| matches!(sent, Message::Votes(_)))
    );
    assert!(!world.replica.is_silent());
}

// Goal: what metrics know of votes: a checked vote of another with its sender, height and kind, and our own when it leaves.
#[test]
fn votes_are_told_with_whose_they_are() {
    let mut world = World::new();
    let statement = Statement::Prevote {
        height: Height::new(1),
        round: Round::new(0),
        value: None,
    };
    let bytes = statement.sign_bytes(&world.genesis.chain());
    let signature = Who::Validator(2).key().sign(bytes.as_slice());
    let vote = Vote::new(ValidatorIndex::new(1), statement, signature).unwrap();
    world.receive(0, Some(Message::Votes(vec![vote])));
    assert_eq!(told(&mut world), [(2, Kind::Prevote, true)]);
    runs_out(&mut world, 1, TimerKind::Heartbeat);
    runs_out(&mut world, 1, TimerKind::Propose);
    assert_eq!(told(&mut world), []);
    sign(&mut world);
    assert_eq!(told(&mut world), [(4, Kind::Prevote, true)]);
}

/// Votes of round 0 of height 1 that were told since this was last asked.
fn told(world: &mut World) -> Vec<(u32, Kind, bool)> {
    let outputs = std::mem::take(&mut world.outputs);
    let seen = outputs.into_iter().filter_map(|output| match output {
        Output::Event(Event::Voted(seen)) => Some(seen),
        Output::Send { .. }
        | Output::Answer { .. }
        | Output::Committed(_)
        | Output::Event(_)
        | Output::Shun { .. }
        | Output::Admit(_) => None,
    });
    seen.map(|seen| {
        assert_eq!((seen.height, seen.round), (Height::new(1), Round::new(0)));
        (seen.validator.get(), seen.kind, seen.is_nil)
    })
    .collect()
}

// docs/spec/api.md, "Health": the vote of the height before counts while a height begins, an older one does not.
#[test]
fn a_vote_counts_for_its_height_and_the_next() {
    let mut world = World::new();
    runs_out(&mut world, 1, TimerKind::Heartbeat);
    runs_out(&mut world, 1, TimerKind::Propose);
    sign(&mut world);
    decided_by_others(&mut world);
    assert_eq!(world.replica.height(), Height::new(1));
    runs_out(&mut world, 2, TimerKind::Heartbeat);
    assert!(!world.replica.is_silent());
    decided_by_others(&mut world);
    assert_eq!(world.replica.height(), Height::new(2));
    assert!(!world.replica.is_silent());
    runs_out(&mut world, 3, TimerKind::Heartbeat);
    assert!(world.replica.is_silent());
}

// docs/spec/consensus.md, "Why is it not moving": who has no vote at the height asks for nobody's, and calls nobody silent; whom it cannot
// reach it names.
#[test]
fn who_does_not_vote_calls_nobody_silent() {
    for (own, silent) in [(4, &[1, 2][..]), (9, &[])] {
        let mut world = World::of(falaj_ledger::testing::genesis(), own, |_| {});
        for number in [1, 2] {
            let peer = Peer::of(ValidatorId::new(number)).unwrap();
            world.give(Input::PeerUp(peer));
            world.receive_from(peer, 0, None);
        }
        let nil = Statement::Prevote {
            height: Height::new(1),
            round: Round::new(0),
            value: None,
        };
        let votes = world.votes(&[2], nil);
        world.receive(0, Some(votes));
        runs_out(&mut world, 1, TimerKind::Heartbeat);
        runs_out(&mut world, 1, TimerKind::Propose);
        let missing = world.replica.why().missing;
        let of = |cause: Cause| {
            let of_cause = missing.iter().filter(move |one| one.cause == cause);
            of_cause.map(|one| one.validator.get()).collect::<Vec<_>>()
        };
        assert_eq!(of(Cause::Silent), silent, "{own}: {missing:?}");
        let unreachable = if own == 9 { &[4][..] } else { &[] };
        assert_eq!(of(Cause::Unreachable), unreachable, "{missing:?}");
    }
}
