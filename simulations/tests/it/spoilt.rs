//! Disks that spoil their node for good: it counts as faulty from then on, and the others bear it.

use falaj_consensus::durable::LogId;
use falaj_simulations::disk::DiskDials;
use falaj_simulations::fault::Fault;
use falaj_simulations::marks::Mark;
use falaj_simulations::scenario::Scenario;
use falaj_simulations::types::Ppm;
use falaj_simulations::world::World;

use crate::{SECOND_NS, at_ms, node, run_to, settle, world};

fn spoilt(seed: u64) -> World {
    let mut scenario = Scenario::calm(4);
    scenario.lost.insert(node(2));
    scenario.unsound.insert(node(2));
    world(seed, scenario)
}

fn up_again(world: &mut World, ms: u64) {
    let restart = Fault::Restart {
        node: node(2),
        after_changes: None,
    };
    world.add_fault(at_ms(ms), restart);
}

/// Goal: a log with a flipped bit is refused, or loses its end; either way the others go on.
#[test]
fn a_rotten_log_takes_its_node_alone() {
    for (seed, log) in [(1, LogId::Guard), (2, LogId::Block), (3, LogId::Batch)] {
        let mut world = spoilt(seed);
        let (node, chosen) = (node(2), seed << 40 | 0x5a5a);
        world.add_fault(at_ms(900), Fault::Rot { node, log, chosen });
        up_again(&mut world, 950);
        run_to(&mut world, at_ms(2_500));
        assert!(world.marks().count(Mark::BitRot) > 0, "{log:?}");
        settle(&mut world, 15 * SECOND_NS);
    }
}

/// Goal: a machine that is put back to what it was a second ago signs what it will, and forks nothing.
#[test]
fn an_older_image_forks_nothing() {
    let mut world = spoilt(4);
    world.add_fault(at_ms(500), Fault::ImageTaken(node(2)));
    world.add_fault(at_ms(1_500), Fault::ImageRestored(node(2)));
    up_again(&mut world, 1_510);
    run_to(&mut world, at_ms(3_000));
    assert!(world.marks().count(Mark::OldImage) > 0);
    settle(&mut world, 15 * SECOND_NS);
}

/// Goal: a disk whose syncs lie takes its node alone when the power goes.
#[test]
fn a_sync_that_lies_takes_its_node_alone() {
    for log in [LogId::Guard, LogId::Block, LogId::Batch] {
        let mut world = spoilt(5);
        let dials = DiskDials {
            sync_lies: Ppm::ALWAYS,
            ..DiskDials::CALM
        };
        let node = node(2);
        world.add_fault(at_ms(500), Fault::Disk { node, log, dials });
        world.add_fault(at_ms(1_500), Fault::Crash(node));
        up_again(&mut world, 1_510);
        run_to(&mut world, at_ms(3_000));
        assert!(world.marks().count(Mark::LyingSync) > 0, "{log:?}");
        settle(&mut world, 15 * SECOND_NS);
    }
}

/// Goal: a write that landed elsewhere on the node's disks is found out by checksums at the next start, or is an end that was lost; either
/// way the others go on.
#[test]
fn a_misdirected_write_takes_its_node_alone() {
    let mut landed = 0;
    for (seed, log) in (0..12).zip(
        [LogId::Guard, LogId::Block, LogId::Batch]
            .into_iter()
            .cycle(),
    ) {
        let mut world = spoilt(seed);
        let chosen = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 1;
        let node = node(2);
        world.add_fault(at_ms(700), Fault::Misdirect { node, log, chosen });
        world.add_fault(at_ms(1_200), Fault::Crash(node));
        up_again(&mut world, 1_210);
        run_to(&mut world, at_ms(2_500));
        landed += world.marks().count(Mark::MisdirectedWrite);
        settle(&mut world, 15 * SECOND_NS);
    }
    assert!(landed > 0);
}
