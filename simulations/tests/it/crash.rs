//! Processes that die and come back.

use falaj_consensus::durable::LogId;
use falaj_consensus::round::Step;
use falaj_simulations::disk::DiskDials;
use falaj_simulations::fault::Fault;
use falaj_simulations::marks::Mark;
use falaj_simulations::scenario::Scenario;
use falaj_simulations::types::NodeIndex;
use falaj_simulations::world::World;

use crate::{MS_NS, SECOND_NS, at_ms, node, run_to, settle, world};

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

/// Goal: with another validator down for good every vote is needed, also one that the guard has recorded for a block which the
/// crash took and nobody else ever had.
#[test]
fn a_vote_for_a_lost_block_is_still_a_vote() {
    let mut scenario = Scenario::calm(4);
    scenario.lost.insert(node(3));
    let mut lost = 0;
    for seed in 0..16 {
        let mut world = world(500 + seed, scenario.clone());
        world.add_fault(at_ms(1), Fault::Crash(node(3)));
        let slow = Fault::Disk {
            node: node(1),
            log: LogId::Block,
            dials: DiskDials {
                sync_min_ns: 30 * MS_NS,
                sync_cap_ns: 60 * MS_NS,
                ..DiskDials::CALM
            },
        };
        world.add_fault(at_ms(1), slow);
        assert!(world.run_until(at_ms(5_000), |world| votes_on_its_own(world, node(1))));
        let dies = world.now().after_ns(seed * MS_NS);
        world.add_fault(dies, Fault::Crash(node(1)));
        let restart = Fault::Restart {
            node: node(1),
            after_changes: None,
        };
        world.add_fault(dies.after_ns(50 * MS_NS), restart);
        run_to(&mut world, dies.after_ns(200 * MS_NS));
        settle(&mut world, 10 * SECOND_NS);
        lost += world.marks().count(Mark::LostBlock);
    }
    assert!(lost > 0);
}

/// Whether a node is about to prevote the block that it has proposed.
fn votes_on_its_own(world: &World, node: NodeIndex) -> bool {
    world.replica(node).is_some_and(|replica| {
        let status = replica.status();
        status.proposer.get() == node.get() && status.step == Step::Prevote
    })
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
