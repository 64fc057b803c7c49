//! A calm network.

use falaj_simulations::marks::Mark;
use falaj_simulations::scenario::{Scenario, Signatures};

use crate::{SECOND_NS, at_ms, run_to, settle, world};

/// Goal: on a good day every payment gets its receipt, in round 0, and idle heights wait for work.
#[test]
fn a_calm_network_settles_every_payment() {
    let mut world = world(1, Scenario::calm(4));
    run_to(&mut world, at_ms(3_000));
    settle(&mut world, 5 * SECOND_NS);
    assert_eq!(world.workload().receipts(), world.workload().issued());
    assert_eq!(world.marks().count(Mark::LaterRound), 0);
    assert!(world.marks().count(Mark::IdleStart) > 0);
}

/// Goal: one validator is a network, and seven are.
#[test]
fn networks_of_other_sizes_work() {
    for validators in [1, 2, 7] {
        let mut world = world(2, Scenario::calm(validators));
        run_to(&mut world, at_ms(500));
        settle(&mut world, 5 * SECOND_NS);
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
