//! Real processes: networks of `falaj` nodes on this machine, through `falaj-testnet`'s library and its own program.
//!
//! Invariant: the programs are those of this build. `make test` builds them first; a missing one fails the tests, it never skips them.
//! Nothing here passes by waiting for a while: every wait is for a condition, and its deadline is far beyond what a busy machine needs.
//! Errors: a failed wait says what never came true.

#[path = "smoke/bench.rs"]
mod bench;
#[path = "smoke/commanded.rs"]
mod commanded;
#[path = "smoke/days.rs"]
mod days;
#[path = "smoke/demo.rs"]
mod demo;
#[path = "smoke/faults.rs"]
mod faults;
#[path = "smoke/full_disk.rs"]
mod full_disk;
#[path = "smoke/generator.rs"]
mod generator;
#[path = "smoke/interrupted.rs"]
mod interrupted;
#[path = "smoke/neighbours.rs"]
mod neighbours;
#[path = "smoke/payments.rs"]
mod payments;
#[path = "smoke/programs.rs"]
mod programs;
#[path = "smoke/snapshot.rs"]
mod snapshot;
#[path = "smoke/stage.rs"]
mod stage;
#[path = "smoke/timers.rs"]
mod timers;
#[path = "smoke/up.rs"]
mod up;
#[path = "smoke/usage.rs"]
mod usage;
