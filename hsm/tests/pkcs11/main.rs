//! The PKCS #11 backend on SoftHSM2: real tokens, in a child process for each test.
//!
//! Nothing is skipped: without SoftHSM2, or without a C compiler for the shim, tests fail with the line to run.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod algorithms;
mod bench;
mod discovery;
mod doctor;
mod faults;
mod guarded;
mod keys;
mod load;
mod shim;
mod suite;
