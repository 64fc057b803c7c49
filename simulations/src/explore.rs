//! Exploration: every order in which the messages of a small case can be delivered, each state once.
//!
//! Invariant: two states are one when the canonical forms of their engines, signers and timers, and what is on its way, have the same
//! BLAKE3 hash, cut to 128 bits; what a state is judged by is a function of these.
//! Shape: a step delivers any message that is on its way, or lets any timer of a round run out as long as the case allows one more.
//! Nothing is lost: what is delivered never is a state in which it has not been delivered yet, and every state is judged.
//! An instance that has decided is done, and what is on its way to it counts as delivered.
//! Who calls it: `falaj-sim explore`.
//! Source: `docs/guide/exhaustive.md`.

mod case;
mod digest;
mod liar;
mod search;
mod state;

pub use case::{Case, Cast};
pub use search::{Bounds, Explored, Failure, explore, replay};

#[cfg(test)]
mod tests;
