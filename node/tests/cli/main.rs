//! The `falaj` program as operators run it: real processes, real folders, tokens of SoftHSM2.
//!
//! Nothing is skipped: without SoftHSM2, or without a C compiler for the shim, tests fail with the line to run.
//! Nothing sleeps: a test waits for a process to end, for a line of its log, or for an answer of its API.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod audit;
mod bench;
mod client;
mod doctor;
mod inspect;
mod keys;
mod making;
mod setting;
mod shim;
mod snapshot;
mod startup;
mod token;
