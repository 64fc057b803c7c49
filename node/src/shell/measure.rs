//! Floors: what the parts that a node stands on cost alone, for `make bench` to divide the node's own figures by, and for
//! `falaj-testnet new` to make timers of.
//!
//! Each is measured with the code that the node runs, on the machine, the disk and the token of the moment, and gives its samples as they
//! are; percentiles and ratios are the business of whoever asked.
//! Invariant: nothing here signs a statement, writes to a home or is used by a running node.
//! Units: nanoseconds of wall time and of CPU time (user and system, of the whole process).
//! Source: `docs/guide/bench.md`, "Floors".

mod cpu;
pub mod link;
pub mod store;
pub mod token;

/// Nanoseconds of a duration.
fn nanoseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
