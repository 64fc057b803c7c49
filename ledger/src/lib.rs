//! Money, exactly: deterministic execution of ordered blocks over accounts, with proofs.
#![cfg_attr(
    not(test),
    deny(clippy::arithmetic_side_effects, clippy::float_arithmetic)
)]

pub mod log_tree;
pub mod state_map;
pub mod state_root;
pub mod store;
pub mod write_set;
