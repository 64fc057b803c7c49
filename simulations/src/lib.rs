//! Whole networks of the shipped replica in virtual time, under faults, judged from outside.
//!
//! Invariant: a run is a function of (build, scenario, seed). Nothing here reads a clock, the system's randomness or the
//! order of a hash map, and every random decision is a keyed hash of (seed, site, place, counter), see [`chance`].
//! Shapes and units: time in nanoseconds, probabilities in parts per million, sizes in bytes.
//! Who calls it: `falaj-sim`, tests, and programs of researchers.
//! Source: `docs/simulation.md`.

pub mod byzantine;
pub mod campaign;
pub mod chance;
pub mod checker;
pub mod clock;
pub mod disk;
pub mod economy;
pub mod fault;
pub mod hsm;
pub mod marks;
pub mod minimise;
pub mod network;
pub mod queue;
pub mod run;
pub mod scenario;
#[cfg(feature = "mutations")]
pub mod selfcheck;
pub mod sweep;
pub mod token;
pub mod trace;
pub mod types;
pub mod workload;
pub mod world;
