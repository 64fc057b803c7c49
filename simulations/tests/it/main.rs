//! The public face of the simulator: worlds as researchers build them.
//!
//! Each file is one kind of trouble; each test is a story told by its name.

mod arrays;
mod benched;
mod browser;
mod byzantine;
mod crash;
mod determinism;
mod economy;
mod exhaustive;
mod guide;
mod happy;
mod links;
mod machines;
mod network;
mod output;
mod program;
mod regressions;
mod replay;
mod report;
mod shipped;
mod signers;
mod spoilt;
mod standing;
mod sweep;
mod token;

use falaj_consensus::types::Height;
use falaj_simulations::scenario::Scenario;
use falaj_simulations::trace::Trace;
use falaj_simulations::types::{NodeIndex, SimTime};
use falaj_simulations::world::World;

const MS_NS: u64 = 1_000_000;
const SECOND_NS: u64 = 1_000 * MS_NS;

fn at_ms(ms: u64) -> SimTime {
    SimTime::new(ms * MS_NS)
}

fn node(index: u16) -> NodeIndex {
    NodeIndex::new(index)
}

fn world(seed: u64, scenario: Scenario) -> World {
    World::new(seed, scenario, Trace::new(None))
}

/// Runs until a time; nothing may be wrong by then.
fn run_to(world: &mut World, end: SimTime) {
    world.run_to(end);
    assert_eq!(world.violation(), None);
}

/// Runs until so many heights more are final.
fn goes_on(world: &mut World, heights: u64) {
    let goal = world.decided().get() + heights;
    let end = world.now().after_ns(20 * SECOND_NS);
    let done = world.run_until(end, |world| world.decided().get() >= goal);
    assert_eq!(world.violation(), None);
    assert!(done, "the chain stands at {}", world.decided());
}

/// Lets clients end, and wants a receipt for every payment and all correct nodes level.
fn settle(world: &mut World, within_ns: u64) {
    world.workload_mut().stop();
    let end = world.now().after_ns(within_ns);
    let settled = world.run_until(end, |world| {
        let level = world.least_height() == Some(world.decided());
        world.workload().open().is_empty() && level
    });
    assert_eq!(world.violation(), None);
    let standing: Vec<_> = world
        .nodes()
        .map(|node| (node, world.replica(node).map(|replica| replica.status())))
        .collect();
    assert!(
        settled,
        "open: {}, {standing:?}",
        world.workload().open().len()
    );
    assert!(world.decided() > Height::new(0) && world.workload().receipts() > 0);
}
