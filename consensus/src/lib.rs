//! The BFT protocol of Falaj as a pure state machine, with the words, encodings and checks that every other crate builds on.
//!
//! Nothing here does input or output, reads a clock, draws a random number, starts a thread or awaits.
//! The one exception is the disk behind the feature `os-disk`.
//! Rules and encodings: `docs/spec/consensus.md`, `docs/spec/encoding.md`, `docs/spec/durable.md`.
#![cfg_attr(not(feature = "std"), no_std)]
#![deny(clippy::arithmetic_side_effects, clippy::float_arithmetic)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

extern crate alloc;

#[macro_use]
pub mod mutation;

#[cfg(feature = "std")]
pub mod accountability;
pub mod bounded;
pub mod crypto;
#[cfg(feature = "std")]
pub mod driver;
#[cfg(feature = "std")]
pub mod durable;
#[cfg(feature = "std")]
pub mod engine;
#[cfg(feature = "std")]
pub mod evidence;
pub mod hash;
pub mod message;
pub mod params;
#[cfg(feature = "std")]
pub mod proposer;
#[cfg(feature = "std")]
pub mod round;
#[cfg(any(test, feature = "testing"))]
pub mod strategies;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod types;
pub mod validator_set;
pub mod verify;
#[cfg(feature = "std")]
pub mod vote_keeper;
