//! Money, exactly: deterministic execution of ordered blocks over accounts, with proofs.
//!
//! [`validate`] makes checked transactions of bytes, [`execute`] makes of a [`state::State`] and a block the next state, its outcome,
//! receipts and events. Nothing here does input or output, reads a clock or draws a random number, but for the stores behind [`store::Store`].
//! Rules and encodings: `docs/spec/ledger.md`, `docs/spec/state-root.md`, `docs/spec/storage.md`.
#![cfg_attr(
    not(test),
    deny(clippy::arithmetic_side_effects, clippy::float_arithmetic)
)]

pub mod account;
pub mod amount;
pub mod authority;
pub mod block;
pub mod bundle;
pub mod currency;
pub mod decode;
pub mod dedup;
pub mod event;
pub mod execute;
pub mod genesis;
pub mod log_tree;
mod outcome;
pub mod participant;
pub mod proof;
pub mod proposal;
pub mod receipt;
pub mod reference;
pub mod rejection;
pub mod state;
pub mod state_map;
pub mod state_root;
pub mod store;
pub mod supply;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod transaction;
pub mod trust;
pub mod validate;
pub mod window;
pub mod write_set;
