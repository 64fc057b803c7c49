//! Machines that are there and not well: processes that stand still, clocks that leap, disks and tokens that fail.

use falaj_consensus::durable::LogId;
use falaj_simulations::disk::DiskDials;
use falaj_simulations::fault::Fault;
use falaj_simulations::hsm::TokenDials;
use falaj_simulations::marks::Mark;
use falaj_simulations::scenario::Scenario;
use falaj_simulations::timers::TimerDials;
use falaj_simulations::types::Ppm;

use crate::{SECOND_NS, at_ms, node, run_to, settle, world};

/// Goal: a process that stands still for longer than any timeout misses heights, and goes on with the others when it wakes.
#[test]
fn a_process_that_stood_still_goes_on() {
    let mut world = world(1, Scenario::calm(4));
    world.add_fault(at_ms(500), Fault::Pause(node(2)));
    run_to(&mut world, at_ms(3_500));
    let stood = world.height(node(2)).expect("it runs");
    assert!(world.decided() > stood);
    world.add_fault(at_ms(3_501), Fault::Resume(node(2)));
    run_to(&mut world, at_ms(3_600));
    settle(&mut world, 10 * SECOND_NS);
    assert!(world.marks().count(Mark::Paused) > 0);
    assert_eq!(world.marks().count(Mark::Restart), 0);
}

/// Goal: a process that stands still while a peer goes down learns that before it learns that the peer is back, also if that comes at the very
/// time at which it goes on.
#[test]
fn what_waited_for_a_process_comes_before_what_is_new() {
    let mut world = world(3, Scenario::calm(4));
    world.add_fault(at_ms(500), Fault::Pause(node(2)));
    world.add_fault(at_ms(600), Fault::Kill(node(1)));
    world.add_fault(at_ms(900), Fault::Resume(node(2)));
    let (back, after_changes) = (node(1), None);
    world.add_fault(
        at_ms(900),
        Fault::Restart {
            node: back,
            after_changes,
        },
    );
    run_to(&mut world, at_ms(901));
    let reach = world.replica(node(2)).expect("it runs").reach();
    assert_eq!(reach.power, reach.power_total);
    settle(&mut world, 10 * SECOND_NS);
}

/// Goal: one wall clock an hour ahead or behind moves nobody else's time; its node takes part again when the clock is right.
#[test]
fn a_clock_that_leaps_moves_nobody() {
    let hour_us = 3_600_000_000;
    for by_us in [hour_us, -hour_us] {
        let mut world = world(2, Scenario::calm(4));
        let node = node(1);
        world.add_fault(at_ms(400), Fault::ClockLeap { node, by_us });
        run_to(&mut world, at_ms(3_000));
        assert!(world.marks().count(Mark::ClockLeapt) > 0);
        world.stabilise();
        settle(&mut world, 15 * SECOND_NS);
    }
}

/// Goal: a sync that fails takes its process with it, which comes back on what was durable and says nothing that was not.
#[test]
fn a_failed_sync_ends_its_process() {
    for log in [LogId::Guard, LogId::Block, LogId::Batch] {
        let mut world = world(3, Scenario::calm(4));
        let dials = DiskDials {
            sync_fails: Ppm::new(30_000),
            ..DiskDials::CALM
        };
        let node = node(3);
        world.add_fault(at_ms(300), Fault::Disk { node, log, dials });
        run_to(&mut world, at_ms(4_000));
        world.stabilise();
        settle(&mut world, 15 * SECOND_NS);
        assert!(world.marks().count(Mark::SyncFailed) > 0);
        assert!(world.marks().count(Mark::Restart) > 0);
    }
}

/// Goal: a node that cannot read a sector of its log does not start, and the others go on without it.
#[test]
fn a_bad_sector_keeps_its_node_down() {
    let mut scenario = Scenario::calm(4);
    scenario.lost.insert(node(0));
    let mut world = world(4, scenario);
    let (log, chosen) = (LogId::Block, 1 << 33);
    let bad = Fault::BadSector {
        node: node(0),
        log,
        chosen,
    };
    world.add_fault(at_ms(900), bad);
    world.add_fault(at_ms(1_000), Fault::Crash(node(0)));
    let restart = Fault::Restart {
        node: node(0),
        after_changes: None,
    };
    world.add_fault(at_ms(1_100), restart);
    run_to(&mut world, at_ms(2_500));
    assert!(world.marks().count(Mark::BadSector) > 0);
    assert_eq!(world.height(node(0)), None);
    settle(&mut world, 15 * SECOND_NS);
}

/// Goal: what a token gives instead of a signature leaves nobody; the vote is asked for again.
#[test]
fn a_wrong_signature_is_asked_for_again() {
    let mut world = world(5, Scenario::calm(4));
    for index in 0..4 {
        let dials = TokenDials {
            wrong_answer: Ppm::new(200_000),
            ..TokenDials::CALM
        };
        let node = node(index);
        world.add_fault(at_ms(100), Fault::Token { node, dials });
    }
    run_to(&mut world, at_ms(2_500));
    assert!(world.marks().count(Mark::WrongSignature) > 0);
    world.stabilise();
    settle(&mut world, 15 * SECOND_NS);
}

/// Goal: what a killed process had written and not synced is there at its next start, is made durable before anything rests on it, and a
/// power cut soon after takes nothing back that was said.
#[test]
fn a_killed_process_stands_on_what_it_has_made_durable() {
    let mut world = world(6, Scenario::calm(4));
    let node = node(3);
    let up = Fault::Restart {
        node,
        after_changes: None,
    };
    for number in 0..10 {
        let at = 300 + 177 * number;
        world.add_fault(at_ms(at), Fault::Kill(node));
        world.add_fault(at_ms(at + 10), up.clone());
        world.add_fault(at_ms(at + 20 + number), Fault::Crash(node));
        world.add_fault(at_ms(at + 60), up.clone());
    }
    run_to(&mut world, at_ms(2_500));
    assert!(world.marks().count(Mark::Killed) > 0);
    settle(&mut world, 15 * SECOND_NS);
}

/// Goal: timers of all nodes that run out long before or after their time cost rounds and never agreement; with right timers everything is
/// decided again.
#[test]
fn timers_that_are_early_and_late_cost_time_alone() {
    const MS: u64 = 1_000_000;
    for (seed, early_ns, late_ns) in [(7, 300 * MS, 0), (8, 0, 900 * MS), (9, 300 * MS, 900 * MS)] {
        let mut world = world(seed, Scenario::calm(4));
        for index in 0..4 {
            let (node, dials) = (node(index), TimerDials { early_ns, late_ns });
            world.add_fault(at_ms(100), Fault::Timers { node, dials });
        }
        run_to(&mut world, at_ms(4_000));
        let (early, late) = (Mark::EarlyTimer, Mark::LateTimer);
        assert_eq!(world.marks().count(early) > 0, early_ns > 0);
        assert_eq!(world.marks().count(late) > 0, late_ns > 0);
        world.stabilise();
        settle(&mut world, 15 * SECOND_NS);
    }
}
