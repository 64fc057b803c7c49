//! Processes that die and come back.

use falaj_simulations::fault::Fault;
use falaj_simulations::marks::Mark;
use falaj_simulations::scenario::Scenario;

use crate::{SECOND_NS, at_ms, node, run_to, settle, world};

/// Goal: of four, three go on; the turns of the fourth cost a timeout each until it is benched.
#[test]
fn one_validator_down_is_borne() {
    let mut scenario = Scenario::calm(4);
    scenario.lost.insert(node(2));
    let mut world = world(1, scenario);
    world.add_fault(at_ms(500), Fault::Crash(node(2)));
    run_to(&mut world, at_ms(6_000));
    settle(&mut world, 10 * SECOND_NS);
    assert!(world.marks().count(Mark::LaterRound) > 0);
    assert!(world.marks().count(Mark::Benched) > 0);
}

/// Goal: wherever the power goes in the course of a height, on whichever disk, the node comes back by itself and votes again.
#[test]
fn power_may_go_at_any_change_of_a_disk() {
    let mut scenario = Scenario::calm(4);
    scenario.workload.gap_min_ns = 5_000_000;
    let mut restarts = 0;
    for changes in 0..48 {
        let mut world = world(100 + changes, scenario.clone());
        let cut = Fault::PowerCut {
            node: node(1),
            after_changes: changes,
        };
        world.add_fault(at_ms(200), cut);
        run_to(&mut world, at_ms(600));
        settle(&mut world, 10 * SECOND_NS);
        restarts += world.marks().count(Mark::Restart);
    }
    assert!(restarts >= 40, "{restarts} of 48 cuts hit a change");
}

/// Goal: the power goes again while the node recovers, at each of the first changes of its disks.
#[test]
fn power_may_go_in_recovery() {
    for changes in 0..24 {
        let mut world = world(200 + changes, Scenario::calm(4));
        world.add_fault(at_ms(300), Fault::Crash(node(3)));
        let restart = Fault::Restart {
            node: node(3),
            after_changes: Some(changes),
        };
        world.add_fault(at_ms(400), restart);
        run_to(&mut world, at_ms(800));
        settle(&mut world, 10 * SECOND_NS);
    }
}

/// Goal: a data centre loses its power: all nodes die at once, with what they had not synced, and the network goes on.
#[test]
fn all_four_restart() {
    for seed in 0..8 {
        let mut world = world(300 + seed, Scenario::calm(4));
        for index in 0..4 {
            world.add_fault(at_ms(700), Fault::Crash(node(index)));
            let restart = Fault::Restart {
                node: node(index),
                after_changes: None,
            };
            world.add_fault(at_ms(900 + 40 * u64::from(index)), restart);
        }
        run_to(&mut world, at_ms(1_500));
        settle(&mut world, 10 * SECOND_NS);
        assert_eq!(world.marks().count(Mark::Restart), 4);
    }
}

/// Goal: a node that was away for more than a hundred heights gets them from its peers and is level again.
#[test]
fn a_node_that_was_away_catches_up() {
    let mut scenario = Scenario::calm(4);
    scenario.workload.gap_min_ns = 10_000_000;
    let mut world = world(400, scenario);
    world.add_fault(at_ms(300), Fault::Crash(node(0)));
    let gone = at_ms(60_000);
    run_to(&mut world, at_ms(301));
    let before = world.decided().get();
    assert!(world.run_until(gone, |world| world.decided().get() >= before + 100));
    let restart = Fault::Restart {
        node: node(0),
        after_changes: None,
    };
    let back = world.now().after_ns(1);
    world.add_fault(back, restart);
    settle(&mut world, 10 * SECOND_NS);
    assert!(world.marks().count(Mark::CatchUp) > 0);
}
