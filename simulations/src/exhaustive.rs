//! What the exhaustive modes stand on: single instances of the shipped engine and signer, without a world around them.
//!
//! Invariant: an instance is the shipped [`Engine`](falaj_consensus::engine::Engine) with the shipped
//! [`Signer`](falaj_hsm::Signer) and its guard; nothing of either is written a second time. Both are values, so that a search
//! can branch by copying them.
//! Shape: one height, four validators of equal power, at most one of them faulty. What a block means plays no part: every block is
//! valid, held by whoever heard its proposal, and executed at once; clocks stand still; disks and tokens never fail.
//! Who calls it: [`crate::twins`] and [`crate::explore`].
//! Source: `docs/guide/exhaustive.md`.

mod ground;
mod instance;
mod judge;
mod words;

pub use ground::{Ground, VALIDATORS};
pub(crate) use ground::{now, outcome_of};
pub(crate) use instance::block;
pub use instance::{Act, Instance};
pub use judge::{Finding, Judge};
pub(crate) use words::{input_in_words, short, statement_in_words};
