//! The commitment to the whole state: a compact binary Merkle map over SHA-256 of the key.
//!
//! Invariant: the root is a function of the set of (key, value hash) alone, whatever the order and grouping of the updates
//! that led to it; a copy taken earlier never changes.
//! Shapes and units, frozen:
//! - key hash = SHA-256(key), value hash = SHA-256(value), both without a tag;
//! - leaf = SHA-256(len(tag) ‖ tag ‖ key hash ‖ value hash) with the tag `falaj/state-leaf/1`;
//! - inner node = SHA-256 of exactly 64 bytes, left ‖ right; empty subtree = 32 zero bytes;
//! - bit 0 is the most significant bit of the key hash's first byte, 0 goes left;
//! - a subtree with one leaf *is* that leaf, at whatever depth; a subtree with two or more branches at every bit.
//!
//! Who calls it: [`crate::state_map::StateMap`], which keeps the values beside it.
//! Errors: none; a proof that does not hold is a [`ProofError`].
//! Snapshots are cut along its subtrees and proven by their roots, see [`crate::snapshot`].
//! Source: `docs/spec/state-root.md`; Dahlberg, Pulls, Peeters, "Efficient sparse Merkle trees" (2016), for compact subtrees.

mod hash;
#[cfg(feature = "std")]
mod node;
#[cfg(feature = "std")]
mod pair_hash;
#[cfg(feature = "std")]
mod plan;
mod proof;
#[cfg(feature = "std")]
mod tree;
#[cfg(feature = "std")]
mod update;
#[cfg(feature = "std")]
mod work;

#[cfg(feature = "std")]
pub(crate) use hash::{bit, one as fork_hash};
pub use proof::{DEPTH_MAX, Proof, ProofError};
#[cfg(feature = "std")]
pub(crate) use tree::subtree_root;
#[cfg(feature = "std")]
pub use tree::{LeafChange, StateTree, root_by_definition};

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;
