//! What becomes of statements that the signer does not sign at once.

use falaj_consensus::engine::{TimerId, TimerKind};
use falaj_consensus::message::{Kind, Statement};
use falaj_consensus::types::{Height, Round};
use falaj_hsm::{Fault, Refusal};

use super::harness::World;
use super::voting::sign;
use crate::core::replica::consensus::UNSIGNED_MAX;
use crate::core::{Effect, Input, Message, Timer};

/// The token signs nothing of what was asked for, which is told.
fn fail(world: &mut World) -> Vec<(u32, Kind)> {
    let mut asked = Vec::new();
    for effect in std::mem::take(&mut world.effects) {
        let Effect::Sign { request, .. } = effect else {
            continue;
        };
        asked.push((request.statement.round().get(), request.statement.kind()));
        let result = Err(Refusal::Backend {
            fault: Fault::Token,
            device_code: None,
        });
        let id = request.id;
        world.give(Input::Signed { id, result });
    }
    asked
}

fn prevote(round: u32) -> Statement {
    Statement::Prevote {
        height: Height::new(1),
        round: Round::new(round),
        value: None,
    }
}

fn precommit(round: u32) -> Statement {
    Statement::Precommit {
        height: Height::new(1),
        round: Round::new(round),
        value: None,
    }
}

fn times_out(world: &mut World, round: u32, kind: TimerKind) {
    let (height, round) = (Height::new(1), Round::new(round));
    let timer = TimerId {
        height,
        round,
        kind,
    };
    world.give(Input::Timer(Timer::Engine(timer)));
}

/// Goes through a round in which nobody proposes, up to its precommit, or to the end of the round.
fn pass(world: &mut World, round: u32, ends: bool) {
    times_out(world, round, TimerKind::Propose);
    assert!(fail(world).contains(&(round, Kind::Prevote)));
    let votes = world.votes(&[0, 1, 2], prevote(round));
    world.receive(0, Some(votes));
    assert!(fail(world).contains(&(round, Kind::Precommit)));
    if ends {
        let votes = world.votes(&[0, 1, 2], precommit(round));
        world.receive(0, Some(votes));
        times_out(world, round, TimerKind::Precommit);
    }
}

/// At the precommit of round 1, with nothing signed.
fn with_a_token_that_failed() -> World {
    let mut world = World::new();
    times_out(&mut world, 0, TimerKind::Heartbeat);
    pass(&mut world, 0, true);
    pass(&mut world, 1, false);
    world
}

// docs/spec/consensus.md, "Missing signatures": the vote of the own step at each tick, of those before it one, in turn; what is signed no more.
#[test]
fn votes_before_the_own_step_are_asked_for_in_turn() {
    let mut world = with_a_token_that_failed();
    let own = (1, Kind::Precommit);
    let before = [
        (0, Kind::Prevote),
        (0, Kind::Precommit),
        (1, Kind::Prevote),
        (0, Kind::Prevote),
    ];
    for earlier in before {
        world.tick();
        assert_eq!(fail(&mut world), [own, earlier]);
    }
    world.tick();
    sign(&mut world);
    world.tick();
    assert_eq!(fail(&mut world), [(1, Kind::Prevote)]);
}

// The same: once the height is decided nothing of it is asked for.
#[test]
fn of_a_decided_height_nothing_is_asked_for() {
    let mut world = with_a_token_that_failed();
    let block = world.decided(|outcome| outcome);
    world.peer_at(2);
    world.receive(2, Some(Message::Blocks(vec![block])));
    assert_eq!(world.replica.height(), Height::new(1));
    world.tick();
    assert_eq!(fail(&mut world), []);
}

// The same, "Bounds": a token that is away for many rounds leaves no more behind than a guard signs below its highest record.
#[test]
fn what_waits_for_a_signature_is_bounded() {
    let mut world = World::new();
    times_out(&mut world, 0, TimerKind::Heartbeat);
    for round in 0..40 {
        pass(&mut world, round, true);
    }
    assert_eq!(world.replica.unsigned.len(), UNSIGNED_MAX);
}
