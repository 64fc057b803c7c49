//! Append-only Merkle trees of RFC 9162: over the receipts of a block, and over the event log of the whole chain.
//!
//! Invariant: a root together with its size commits to the leaves and their order; a tree of n leaves extends every tree of
//! its own first m leaves, and only those. A root alone does not fix the size: a proof's sizes and positions mean something
//! only once they are compared with certified ones, such as the number of events in the outcome.
//! Shapes and units, frozen: leaf = SHA-256(0x00 ‖ data), node = SHA-256(0x01 ‖ left ‖ right), empty tree = SHA-256 of
//! nothing; positions and sizes are `u64`, in leaves from 0; functions take leaf hashes, see [`leaf_hash`].
//! Who calls it: execution, for the roots in the outcome; queries, for receipts and event proofs; the offline verifier.
//! Errors: [`LogProofError`] says why a proof does not hold.
//! Source: RFC 9162 (Certificate Transparency 2.0), section 2.1; `docs/spec/state-root.md`.

mod consistency;
mod frontier;
mod inclusion;
mod stored;
mod whole;

use alloc::vec::Vec;
use core::ops::Range;

use falaj_consensus::hash::sha256;
use falaj_consensus::types::Hash32;

pub use consistency::{ConsistencyProof, consistency_path};
pub use frontier::Frontier;
pub use inclusion::{InclusionProof, inclusion_path};
pub use stored::{Subtrees, completed, consistency_over, inclusion_over, place_of};
pub use whole::WholeTree;

/// Why a proof over a log does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogProofError {
    /// The position is not in a tree of that size.
    #[error("leaf {index} is not in a tree of {size} leaves")]
    OutsideTree {
        /// Position of the leaf.
        index: u64,
        /// Leaves of the tree.
        size: u64,
    },
    /// The old tree would be longer than the new one.
    #[error("tree of {new_size} leaves cannot extend one of {old_size}")]
    Shrinks {
        /// Leaves of the older tree.
        old_size: u64,
        /// Leaves of the newer tree.
        new_size: u64,
    },
    /// The path has not the number of nodes that its sizes ask for.
    #[error("path has {found} nodes where the sizes ask for {expected}")]
    PathLength {
        /// Nodes in the proof.
        found: usize,
        /// Nodes there must be.
        expected: usize,
    },
    /// The path leads to another root.
    #[error("path leads to root {found}, not to {expected}")]
    OtherRoot {
        /// The root the path leads to.
        found: Hash32,
        /// The root that was given.
        expected: Hash32,
    },
}

/// The hash of a leaf's bytes.
#[must_use]
pub fn leaf_hash(data: &[u8]) -> Hash32 {
    let mut bytes = Vec::with_capacity(data.len().saturating_add(1));
    bytes.push(0);
    bytes.extend_from_slice(data);
    sha256(&bytes)
}

/// The hash of a node over two subtrees.
#[must_use]
pub fn node_hash(left: &Hash32, right: &Hash32) -> Hash32 {
    let mut bytes = [1_u8; 65];
    bytes[1..33].copy_from_slice(left.bytes());
    bytes[33..].copy_from_slice(right.bytes());
    sha256(&bytes)
}

/// The root of a tree without leaves.
#[must_use]
pub fn empty_root() -> Hash32 {
    sha256(&[])
}

/// The root over leaf hashes.
#[must_use]
pub fn root(leaves: &[Hash32]) -> Hash32 {
    let mut frontier = Frontier::new();
    for leaf in leaves {
        frontier.append(*leaf);
    }
    frontier.root()
}

/// Proves that the leaf at `index` is in the tree over these leaf hashes; `None` if there is no such leaf.
#[must_use]
pub fn prove_inclusion(leaves: &[Hash32], index: u64) -> Option<InclusionProof> {
    let size = size_of(leaves);
    let path = inclusion_path(index, size)?;
    Some(InclusionProof::new(index, size, resolved(leaves, &path)))
}

/// Proves that the tree over these leaf hashes extends that over the first `old_size`; `None` if there are not so many.
#[must_use]
pub fn prove_consistency(leaves: &[Hash32], old_size: u64) -> Option<ConsistencyProof> {
    let size = size_of(leaves);
    let path = consistency_path(old_size, size)?;
    Some(ConsistencyProof::new(
        old_size,
        size,
        resolved(leaves, &path),
    ))
}

fn size_of(leaves: &[Hash32]) -> u64 {
    u64::try_from(leaves.len()).expect("a slice has fewer than 2^64 elements")
}

fn resolved(leaves: &[Hash32], path: &[Range<u64>]) -> Vec<Hash32> {
    let position =
        |at: u64| usize::try_from(at).expect("a path stays within the slice it was made for");
    path.iter()
        .map(|range| root(&leaves[position(range.start)..position(range.end)]))
        .collect()
}

/// The largest power of two below a number of leaves greater than one.
const fn split_point(leaves: u64) -> u64 {
    match leaves {
        0 | 1 => 0,
        _ => 1 << leaves.saturating_sub(1).ilog2(),
    }
}

#[cfg(test)]
mod tests;
