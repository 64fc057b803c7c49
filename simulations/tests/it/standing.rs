//! Nodes that stand still: on a full disk until there is room, after a divergence until they compute right.

use falaj_simulations::fault::Fault;
use falaj_simulations::marks::Mark;
use falaj_simulations::scenario::Scenario;
use falaj_simulations::world::World;

use crate::{SECOND_NS, at_ms, goes_on, node, run_to, settle, world};

/// Goal: a node whose disks are full takes part in nothing while the others go on, keeps what it has, and goes on with them once there
/// is room, without a restart.
#[test]
fn a_full_disk_stands_still_and_goes_on() {
    let mut world = world(1, Scenario::calm(4));
    world.add_fault(at_ms(500), Fault::DiskFull(node(1)));
    run_to(&mut world, at_ms(1_500));
    assert!(world.marks().count(Mark::DiskFull) > 0);
    let stands = world.height(node(1)).expect("it runs");
    goes_on(&mut world, 5);
    assert_eq!(world.height(node(1)), Some(stands));
    assert_eq!(world.replica(node(1)).unwrap().state().height(), stands);
    assert_eq!(world.marks().count(Mark::DiskRoom), 0);
    let later = world.now().after_ns(1);
    world.add_fault(later, Fault::DiskRoom(node(1)));
    settle(&mut world, 10 * SECOND_NS);
    assert!(world.marks().count(Mark::DiskRoom) > 0);
    assert_eq!(world.marks().count(Mark::Restart), 0);
}

/// Goal: with two of four disks full nothing is decided, because nothing is signed; with room it goes on.
#[test]
fn two_full_disks_of_four_stop_the_chain_until_there_is_room() {
    let mut world = world(2, Scenario::calm(4));
    for index in [0, 3] {
        world.add_fault(at_ms(500), Fault::DiskFull(node(index)));
    }
    run_to(&mut world, at_ms(2_000));
    let stuck = world.decided();
    run_to(&mut world, at_ms(6_000));
    assert_eq!(world.decided(), stuck);
    for index in [0, 3] {
        world.add_fault(at_ms(6_001), Fault::DiskRoom(node(index)));
    }
    settle(&mut world, 20 * SECOND_NS);
    assert!(world.decided() > stuck);
}

/// Goal: a node that dies with a full disk comes back on it, stands still, and goes on once there is room.
#[test]
fn a_restart_on_a_full_disk_waits_for_room() {
    let mut world = world(3, Scenario::calm(4));
    world.add_fault(at_ms(500), Fault::DiskFull(node(2)));
    world.add_fault(at_ms(1_000), Fault::Crash(node(2)));
    let restart = Fault::Restart {
        node: node(2),
        after_changes: None,
    };
    world.add_fault(at_ms(1_500), restart);
    world.add_fault(at_ms(3_000), Fault::DiskRoom(node(2)));
    run_to(&mut world, at_ms(3_000));
    settle(&mut world, 10 * SECOND_NS);
    assert!(world.marks().count(Mark::DiskFull) > 0);
}

/// Goal: a node that computes something else stops at the height before, the others go on; with a program that computes right it
/// takes part again, so that a quorum may need it.
#[test]
fn a_node_that_diverged_stands_until_it_computes_right() {
    let mut scenario = Scenario::calm(4);
    scenario.lost.extend([node(1), node(2)]);
    scenario.unsound.insert(node(1));
    let mut world = world(4, scenario);
    world.add_fault(at_ms(500), Fault::Diverge(node(1)));
    run_to(&mut world, at_ms(1_500));
    assert!(world.marks().count(Mark::Diverged) > 0);
    let replica = world.replica(node(1)).expect("it runs");
    let parted = *replica.diverged().expect("it parted from a quorum");
    assert_eq!(replica.height().next(), parted.height);
    goes_on(&mut world, 5);
    let replica = world.replica(node(1)).expect("it runs");
    assert_eq!(replica.diverged(), Some(&parted));
    let now = world.now();
    world.add_fault(now.after_ns(1), Fault::Mend(node(1)));
    world.add_fault(now.after_ns(2), Fault::Crash(node(1)));
    let restart = Fault::Restart {
        node: node(1),
        after_changes: None,
    };
    world.add_fault(now.after_ns(3), restart);
    let level = |world: &World| world.height(node(1)) == Some(world.decided());
    let end = now.after_ns(10 * SECOND_NS);
    assert!(world.run_until(end, |world| world.now() > now.after_ns(3) && level(world)));
    let later = world.now().after_ns(1);
    world.add_fault(later, Fault::Crash(node(2)));
    goes_on(&mut world, 5);
    settle(&mut world, 20 * SECOND_NS);
}

/// Goal: a validator that was set up from another genesis, and whose hello was let through, decides nothing alone; the others go on without
/// it, and nobody correct is accused by anybody, though all of them refuse what the other chain signs.
#[test]
fn a_node_of_another_genesis_is_heard_by_nobody() {
    for (seed, at) in [(6, 0), (7, 700)] {
        let mut scenario = Scenario::calm(4);
        scenario.lost.insert(node(3));
        scenario.unsound.insert(node(3));
        let mut world = world(seed, scenario);
        world.add_fault(at_ms(at), Fault::OtherGenesis(node(3)));
        run_to(&mut world, at_ms(1_500));
        goes_on(&mut world, 20);
        let marks = world.marks();
        assert!(marks.count(Mark::OtherGenesis) > 0);
        let proven = [Mark::DoubleVote, Mark::DoubleProposal, Mark::KeyElsewhere];
        assert_eq!(proven.map(|mark| marks.count(mark)), [0; 3]);
        assert_eq!(world.height(node(3)), Some(Default::default()));
        settle(&mut world, 20 * SECOND_NS);
    }
}
