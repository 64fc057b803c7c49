//! Money, exactly: deterministic execution of ordered blocks over accounts, with proofs.
#![deny(clippy::arithmetic_side_effects, clippy::float_arithmetic)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

pub mod state_map;
pub mod state_root;
pub mod write_set;
