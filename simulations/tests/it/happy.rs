//! A calm network.

use falaj_ledger::account::AccountId;
use falaj_ledger::participant::ParticipantNumber;
use falaj_simulations::marks::Mark;
use falaj_simulations::run::run;
use falaj_simulations::scenario::{Scenario, Signatures};
use falaj_simulations::{BuildError, Fault, Verdict, World, WorldBuilder};

use crate::{SECOND_NS, at_ms, node, run_to, settle, world};

/// Goal: on a good day whatever can be executed gets its receipt, in round 0, and idle heights wait for work.
#[test]
fn a_calm_network_settles_every_payment() {
    let mut world = world(1, Scenario::calm(4));
    run_to(&mut world, at_ms(3_000));
    settle(&mut world, 5 * SECOND_NS);
    let clients = world.workload();
    assert_eq!(clients.receipts() + clients.given_up(), clients.issued());
    assert_eq!(world.marks().count(Mark::LaterRound), 0);
    assert!(world.marks().count(Mark::IdleStart) > 0);
}

/// Goal: one validator is a network, and seven are.
#[test]
fn networks_of_other_sizes_work() {
    for validators in [1, 2, 7] {
        let mut world = world(2, Scenario::calm(validators));
        run_to(&mut world, at_ms(500));
        // Of seven nodes three have to say no before a client believes that nobody will execute what a stranger signed.
        settle(&mut world, 10 * SECOND_NS);
    }
}

/// Goal: with real Ed25519 keys and the checker of production the same happens.
#[test]
fn real_signatures_work() {
    let scenario = Scenario {
        signatures: Signatures::Real,
        ..Scenario::calm(4)
    };
    let mut world = world(3, scenario);
    run_to(&mut world, at_ms(300));
    settle(&mut world, 5 * SECOND_NS);
}

/// Goal: a node behind by a tick or a heartbeat costs nothing: without payments a block comes with each heartbeat alone.
#[test]
fn an_idle_network_decides_by_its_heartbeat() {
    let mut world = world(4, Scenario::calm(4));
    world.workload_mut().stop();
    let heartbeats = 4;
    run_to(&mut world, at_ms(heartbeats * 5_000 + 2_500));
    assert_eq!(world.decided().get(), heartbeats);
    assert!(world.marks().count(Mark::EmptyBlock) > 0);
}

/// Goal: a world that is driven by hand and then ended as a campaign ends is the run of its scenario: same hash, same verdict.
#[test]
fn a_world_by_hand_ends_as_a_campaign_does() {
    let whole = run(9, &Scenario::calm(4), None);
    let mut world = WorldBuilder::new(9).nodes(4).start().unwrap();
    let by_hand = world.finish();
    assert_eq!(by_hand.trace_hash, whole.trace_hash);
    assert_eq!((by_hand.seed, by_hand.verdict), (9, Verdict::SafeLive));
    assert!(world.replica(node(0)).is_some());
}

/// Goal: every node can be asked what an account holds, and all level nodes say the same; nobody knows an account that is not there.
#[test]
fn balances_can_be_asked() {
    let mut world = WorldBuilder::new(5).nodes(4).start().unwrap();
    run_to(&mut world, at_ms(1_000));
    settle(&mut world, 5 * SECOND_NS);
    let ids: Vec<_> = world.ledger(node(0)).unwrap().accounts().collect();
    let of = |world: &World, place| -> Vec<_> {
        ids.iter()
            .map(|(id, _)| world.balance(place, *id))
            .collect()
    };
    let first = of(&world, node(0));
    assert!(first.iter().all(Option::is_some));
    assert_eq!(first, of(&world, node(3)));
    let nobody = AccountId::new(ParticipantNumber::new(99), [0; 12]);
    assert_eq!(world.balance(node(0), nobody), None);
}

/// Goal: what no network can be is refused with what is wrong.
#[test]
fn worlds_that_cannot_be_are_refused() {
    let refused = |builder: WorldBuilder| builder.start().err();
    assert_eq!(refused(WorldBuilder::new(1)), Some(BuildError::Nodes(0)));
    let many = WorldBuilder::new(1).nodes(u16::MAX).nodes(2);
    assert_eq!(refused(many), Some(BuildError::Nodes(u16::MAX)));
    let crash = Fault::Crash(node(4));
    let fault = WorldBuilder::new(1).nodes(4).fault(at_ms(1), crash);
    let wanted = BuildError::FaultOfNobody {
        node: node(4),
        nodes: 4,
    };
    assert_eq!(refused(fault), Some(wanted));
}
