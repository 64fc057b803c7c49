//! Links that fail.

use falaj_consensus::types::Height;
use falaj_simulations::fault::{Fault, Timed};
use falaj_simulations::marks::Mark;
use falaj_simulations::network::LinkDials;
use falaj_simulations::run::Verdict;
use falaj_simulations::scenario::Scenario;
use falaj_simulations::schedule::ScheduleDials;
use falaj_simulations::types::Ppm;
use falaj_simulations::{City, WorldBuilder};

use crate::{MS_NS, SECOND_NS, at_ms, node, run_to, settle, world};

/// Goal: two and two decide nothing; when the partition heals they go on, noticed or not.
#[test]
fn a_partition_stops_and_heals() {
    for noticed in [false, true] {
        let mut world = world(1, Scenario::calm(4));
        let side = vec![node(0), node(1)];
        world.add_fault(at_ms(500), Fault::Partition { side, noticed });
        run_to(&mut world, at_ms(600));
        let stuck = world.decided();
        run_to(&mut world, at_ms(4_000));
        assert!(world.decided().get() <= stuck.get() + 1);
        world.add_fault(at_ms(4_100), Fault::Heal);
        run_to(&mut world, at_ms(4_200));
        settle(&mut world, 20 * SECOND_NS);
        assert!(world.marks().count(Mark::PartitionHealed) > 0);
    }
}

/// Goal: a node that hears and is not heard costs its turns and nothing else.
#[test]
fn a_mute_node_is_borne() {
    let mut world = world(2, Scenario::calm(4));
    let side = vec![node(3)];
    world.add_fault(at_ms(300), Fault::Mute { side });
    run_to(&mut world, at_ms(3_000));
    let before = world.decided();
    world.add_fault(at_ms(3_100), Fault::Heal);
    run_to(&mut world, at_ms(3_200));
    settle(&mut world, 10 * SECOND_NS);
    assert!(world.decided() > before);
}

/// Goal: a tenth lost, a tenth twice, a third out of order, and delays up to a second: slower, and right.
#[test]
fn a_bad_network_is_slow_and_right() {
    let network = LinkDials {
        loss: Ppm::new(100_000),
        duplicate: Ppm::new(100_000),
        reorder: Ppm::new(300_000),
        delay_min_ns: 5_000_000,
        delay_cap_ns: SECOND_NS,
        ..LinkDials::CALM
    };
    let scenario = Scenario {
        network,
        ..Scenario::calm(4)
    };
    let mut world = world(3, scenario);
    run_to(&mut world, at_ms(5_000));
    world.stabilise();
    settle(&mut world, 20 * SECOND_NS);
}

/// Goal: damaged messages never reach a replica: they end connections, which are made again, and nothing is lost by it but time.
#[test]
fn damage_ends_connections_alone() {
    let network = LinkDials {
        damage: Ppm::new(5_000),
        ..LinkDials::CALM
    };
    let scenario = Scenario {
        network,
        ..Scenario::calm(4)
    };
    let mut world = world(4, scenario);
    run_to(&mut world, at_ms(3_000));
    assert!(world.marks().count(Mark::ConnectionEnded) > 0);
    assert_eq!(world.marks().count(Mark::PeerFault), 0);
    world.stabilise();
    settle(&mut world, 20 * SECOND_NS);
}

/// Goal: links that carry less than is sent fill up and lose what finds no room; the chain is slower, and goes on.
#[test]
fn crowded_links_lose_what_finds_no_room() {
    let network = LinkDials {
        bandwidth_bytes: 30_000,
        queue_bytes: 6_000,
        ..LinkDials::CALM
    };
    let scenario = Scenario {
        network,
        ..Scenario::calm(4)
    };
    let mut world = world(5, scenario);
    run_to(&mut world, at_ms(3_000));
    assert!(world.marks().count(Mark::Overflow) > 0);
    world.stabilise();
    settle(&mut world, 20 * SECOND_NS);
}

/// Goal: validators on four continents agree in round 0 when their timers fit, and no height is quicker than light between them.
#[test]
fn cities_far_apart_agree_at_their_pace() {
    let cities = [City::Zurich, City::Sydney, City::SaoPaulo, City::Tokyo];
    let builder = WorldBuilder::new(11).with(|scenario| {
        let timeouts = &mut scenario.parameters.timeouts;
        (timeouts.propose_ms, timeouts.prevote_ms) = (2_000, 800);
        timeouts.precommit_ms = 800;
    });
    let mut world = cities
        .into_iter()
        .fold(builder, WorldBuilder::node_in)
        .start()
        .unwrap();
    run_to(&mut world, at_ms(8_000));
    settle(&mut world, 20 * SECOND_NS);
    assert_eq!(world.marks().count(Mark::LaterRound), 0);
    // A quorum of three reaches Zurich over the second shortest of its ways at least, three times a height.
    let mut ways: Vec<u64> = cities[1..]
        .iter()
        .map(|city| City::Zurich.delay_ns(*city, world.scenario().stretch_percent))
        .collect();
    ways.sort_unstable();
    let quickest_ns = 3 * ways[0];
    let (heights, took_ns) = (world.decided().get(), world.now().get());
    assert!(heights > 3 && heights <= took_ns / quickest_ns, "{heights}");
}

/// Goal: whoever sees every message and holds back what would complete a quorum keeps heights from being decided for a while, and in some of
/// the runs leaves one node alone with a lock; once he may hold back for less than timers wait, every height is decided within its bound.
#[test]
fn the_worst_schedule_costs_time_alone() {
    let mut scenario = Scenario::calm(4);
    scenario.stabilise_at = Some(at_ms(4_000));
    scenario.heights = Some(Height::new(30));
    let dials = ScheduleDials {
        hold_ns: 1_500 * MS_NS,
        delta_ns: 15 * MS_NS,
    };
    let (at, fault) = (at_ms(300), Fault::WorstSchedule(dials));
    let mut calm = world(1, scenario.clone());
    run_to(&mut calm, at_ms(4_000));
    scenario.add(Timed { at, fault });
    let mut lone_locks = 0;
    for seed in 1..=12 {
        let mut world = world(seed, scenario.clone());
        run_to(&mut world, at_ms(4_000));
        assert!(4 * world.decided().get() < calm.decided().get());
        assert!(world.marks().count(Mark::HeldQuorum) > 0);
        lone_locks += world.marks().count(Mark::LoneLock);
        let report = world.finish();
        assert_eq!(
            (report.verdict, report.finding.as_str()),
            (Verdict::SafeLive, "")
        );
        assert!(report.heights >= Height::new(30));
    }
    assert!(lone_locks > 0);
}
