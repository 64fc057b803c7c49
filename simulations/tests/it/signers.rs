//! Signers in trouble: what waits for a person, what comes too late, and a key that somebody else uses.

use falaj_simulations::fault::Fault;
use falaj_simulations::hsm::TokenDials;
use falaj_simulations::marks::Mark;
use falaj_simulations::scenario::Scenario;
use falaj_simulations::types::NodeIndex;
use falaj_simulations::world::World;

use crate::{MS_NS, SECOND_NS, at_ms, goes_on, node, run_to, settle, world};

/// How often the signer of a node has let something out.
fn released(world: &World, node: NodeIndex) -> usize {
    let released = world.registry().released();
    released.filter(|entry| entry.order.node == node).count()
}

/// Goal: with its PIN locked, or its key gone, a node misses votes, follows and asks its token no more, even when that would answer
/// again; a new process signs.
#[test]
fn what_a_person_must_put_right_ends_with_the_process() {
    for (fault, mark) in [
        (Fault::PinLocked(node(1)), Mark::PinLocked),
        (Fault::KeyMissing(node(1)), Mark::KeyMissing),
    ] {
        let mut world = world(1, Scenario::calm(4));
        world.add_fault(at_ms(500), fault);
        run_to(&mut world, at_ms(1_000));
        let before = released(&world, node(1));
        goes_on(&mut world, 5);
        assert_eq!(world.marks().count(mark), 1, "the token is asked once");
        assert_eq!(released(&world, node(1)), before);
        assert!(world.height(node(1)) >= Some(falaj_consensus::types::Height::new(5)));
        let later = world.now().after_ns(1);
        world.add_fault(later, Fault::TokenMended(node(1)));
        goes_on(&mut world, 5);
        assert!(world.marks().count(Mark::TokenMended) > 0);
        assert!(released(&world, node(1)) > before);
        settle(&mut world, 10 * SECOND_NS);
    }
}

/// Goal: two of four locked PINs stop the chain, and nothing else.
#[test]
fn two_locked_pins_of_four_stop_the_chain() {
    let mut world = world(2, Scenario::calm(4));
    for index in [0, 3] {
        world.add_fault(at_ms(500), Fault::PinLocked(node(index)));
    }
    run_to(&mut world, at_ms(2_000));
    let stuck = world.decided();
    run_to(&mut world, at_ms(6_000));
    assert_eq!(world.decided(), stuck);
    for index in [0, 3] {
        world.add_fault(at_ms(6_001), Fault::TokenMended(node(index)));
    }
    run_to(&mut world, at_ms(6_002));
    settle(&mut world, 20 * SECOND_NS);
    assert!(world.decided() > stuck);
}

/// Goal: a signature that comes when its call was given up changes nothing, with one of four down and every vote needed: no oracle
/// finds a second statement or a wrong one, and the chain goes on once the token answers in time.
#[test]
fn a_late_success_is_dropped() {
    let mut scenario = Scenario::calm(4);
    scenario.lost.insert(node(3));
    let mut world = world(3, scenario);
    world.add_fault(at_ms(200), Fault::Crash(node(3)));
    let dials = TokenDials {
        latency_min_ns: SECOND_NS,
        latency_cap_ns: SECOND_NS,
        ..TokenDials::CALM
    };
    for (ms, dials) in [(300, dials), (3_000, TokenDials::CALM)] {
        let node = node(1);
        world.add_fault(at_ms(ms), Fault::Token { node, dials });
    }
    run_to(&mut world, at_ms(3_000));
    assert!(world.marks().count(Mark::LateSuccess) > 0);
    settle(&mut world, 20 * SECOND_NS);
}

/// Goal: a second process with its key is found out by the node itself, which signs no more, not even after a restart; the others go on.
#[test]
fn a_key_with_a_second_user_is_latched_off() {
    let mut scenario = Scenario::calm(4);
    scenario.lost.insert(node(2));
    scenario.unsound.insert(node(2));
    let mut world = world(4, scenario);
    world.add_fault(at_ms(500), Fault::SharedKey(node(2)));
    run_to(&mut world, at_ms(2_000));
    assert!(world.marks().count(Mark::KeyElsewhere) > 0);
    let before = released(&world, node(2));
    goes_on(&mut world, 5);
    let later = world.now().after_ns(1);
    world.add_fault(later, Fault::Crash(node(2)));
    let restart = Fault::Restart {
        node: node(2),
        after_changes: None,
    };
    world.add_fault(later.after_ns(MS_NS), restart);
    goes_on(&mut world, 5);
    assert_eq!(released(&world, node(2)), before);
    settle(&mut world, 10 * SECOND_NS);
}

/// A failover in a world; the last that the node's own process had released, and the world some heights later.
fn failed_over(seed: u64, remembers: bool) -> (usize, World) {
    let mut scenario = Scenario::calm(4);
    scenario.lost.insert(node(0));
    scenario.unsound.insert(node(0));
    let mut world = world(seed, scenario);
    world.add_fault(at_ms(500), Fault::GuardCopied(node(0)));
    let failover = Fault::Failover {
        node: node(0),
        remembers,
    };
    world.add_fault(at_ms(3_000), failover);
    run_to(&mut world, at_ms(2_999));
    let before = released(&world, node(0));
    goes_on(&mut world, 8);
    (before, world)
}

/// Goal: a standby that knows how far the guard had come follows and never signs with the older copy.
#[test]
fn a_lagging_guard_with_its_witness_never_signs() {
    let (before, mut world) = failed_over(5, true);
    assert!(world.marks().count(Mark::GuardOlder) > 0);
    assert_eq!(released(&world, node(0)), before);
    assert!(world.height(node(0)).is_some());
    settle(&mut world, 10 * SECOND_NS);
}

/// Goal: with a data folder as old as its guard it hears of what its key has said since, while it catches up, and signs no more.
#[test]
fn a_lagging_guard_without_its_witness_is_found_out() {
    let (_, mut world) = failed_over(6, false);
    assert!(world.marks().count(Mark::GuardOlder) + world.marks().count(Mark::KeyElsewhere) > 0);
    let after = released(&world, node(0));
    goes_on(&mut world, 5);
    assert_eq!(released(&world, node(0)), after);
    settle(&mut world, 10 * SECOND_NS);
}
