//! Money, exactly: deterministic execution of ordered blocks over accounts, with proofs.
//!
//! [`validate`] makes checked transactions of bytes, [`execute`] makes of a [`state::State`] and a block the next state, its outcome,
//! receipts and events. Nothing here does input or output, reads a clock or draws a random number, but for the stores behind [`store::Store`].
//! Rules and encodings: `docs/spec/ledger.md`, `docs/spec/state-root.md`, `docs/spec/storage.md`.
#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(
    not(test),
    deny(clippy::arithmetic_side_effects, clippy::float_arithmetic)
)]

extern crate alloc;

pub mod account;
pub mod amount;
pub mod authority;
#[cfg(feature = "std")]
pub mod block;
pub mod bundle;
pub mod currency;
pub mod decode;
pub mod dedup;
pub mod event;
pub mod evidence;
#[cfg(feature = "std")]
pub mod execute;
pub mod gate;
pub mod genesis;
pub mod key;
pub mod log_tree;
#[cfg(feature = "std")]
mod outcome;
pub mod participant;
pub mod proof;
pub mod proposal;
pub mod receipt;
pub mod record;
pub mod reference;
pub mod rejection;
pub mod set_change;
#[cfg(feature = "std")]
pub mod snapshot;
#[cfg(feature = "std")]
pub mod state;
#[cfg(feature = "std")]
pub mod state_map;
pub mod state_root;
#[cfg(feature = "std")]
pub mod store;
#[cfg(feature = "std")]
pub mod supply;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod transaction;
pub mod trust;
#[cfg(feature = "std")]
pub mod validate;
pub mod window;
#[cfg(feature = "std")]
pub mod write_set;
