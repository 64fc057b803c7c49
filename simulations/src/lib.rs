//! Whole networks of the shipped replica in virtual time, under faults, judged from outside.
//!
//! Invariant: a run is a function of (build, scenario, seed). Nothing here reads a clock, the system's randomness or the
//! order of a hash map, and every random decision is a keyed hash of (seed, site, place, counter), see [`chance`].
//! Shapes and units: time in nanoseconds, probabilities in parts per million, sizes in bytes.
//! Who calls it: `falaj-sim`, tests, and programs of researchers.
//! Source: `docs/simulation.md`.
//!
//! # Use
//!
//! Build a world, add nodes and faults, run it to a predicate, ask. What that takes is named here at the root; a module that is not shown
//! is the simulator's own inside, and may change with every commit.
//!
//! ```
//! use falaj_simulations::{Fault, NodeIndex, SimTime, Verdict, WorldBuilder};
//!
//! let second = |count: u64| SimTime::new(count * 1_000_000_000);
//! let node = NodeIndex::new;
//! let side = vec![node(0), node(1)];
//! let mut world = WorldBuilder::new(7)
//!     .nodes(4)
//!     .fault(second(1), Fault::Partition { side, noticed: true })
//!     .start()?;
//!
//! // Two and two decide nothing.
//! world.run_to(second(2));
//! let stuck = world.decided();
//! world.run_to(second(4));
//! assert_eq!(world.decided(), stuck);
//!
//! // With the partition gone they go on, and everybody gets there.
//! world.add_fault(second(5), Fault::Heal);
//! let there = |world: &falaj_simulations::World| world.least_height() > Some(stuck);
//! assert!(world.run_until(second(20), there));
//!
//! // Any node can be asked for anything that it holds.
//! let view = world.view(node(2));
//! let consensus = view.consensus.expect("it runs");
//! println!("height {}, round {}, lock {:?}", consensus.height, consensus.round, consensus.locked);
//! let ledger = world.ledger(node(2)).expect("it runs");
//! for (account, _) in ledger.accounts().take(3) {
//!     println!("{account:?}: {:?}", world.balance(node(2), account));
//! }
//!
//! // The oracles have watched all along; a campaign's end adds the proof of liveness.
//! assert_eq!(world.violation(), None);
//! let report = world.finish();
//! assert_eq!(report.verdict, Verdict::SafeLive, "{}", report.finding);
//! println!("{} events, trace {}", report.events, report.trace_hash);
//! # Ok::<(), falaj_simulations::BuildError>(())
//! ```
//!
//! Many seeds of a scenario, on every processor, are a [`campaign::campaign`]; [`scenario::file::File`] reads scenario files, and
//! [`token::Token`] names a run so that `falaj-sim replay` finds it.

pub mod byzantine;
pub mod campaign;
#[doc(hidden)]
pub mod chance;
#[doc(hidden)]
pub mod checker;
pub mod cities;
pub mod clock;
pub mod disk;
#[doc(hidden)]
pub mod economy;
pub mod exhaustive;
pub mod explore;
pub mod fault;
pub mod history;
#[doc(hidden)]
pub mod hsm;
pub mod marks;
pub mod minimise;
#[cfg(feature = "model")]
pub mod model;
pub mod network;
pub mod pictures;
#[doc(hidden)]
pub mod queue;
pub mod run;
pub mod scenario;
pub mod schedule;
#[cfg(feature = "mutations")]
pub mod selfcheck;
pub mod spread;
pub mod sweep;
pub mod timers;
pub mod token;
pub mod trace;
pub mod twins;
pub mod types;
#[doc(hidden)]
pub mod workload;
pub mod world;

pub use byzantine::Behaviour;
pub use checker::Violation;
pub use cities::City;
pub use clock::Clock;
pub use disk::DiskDials;
pub use fault::Fault;
pub use hsm::TokenDials;
pub use marks::Mark;
pub use network::LinkDials;
pub use run::{Report, Verdict};
pub use scenario::Scenario;
pub use types::{NodeIndex, Ppm, SimTime};
pub use workload::WorkloadDials;
pub use world::{BuildError, NodeView, World, WorldBuilder};

/// The examples of the guide for researchers are run like those of the library.
#[cfg(doctest)]
#[doc = include_str!("../../docs/simulation.md")]
struct Guide;
