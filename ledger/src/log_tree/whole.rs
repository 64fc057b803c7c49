//! A whole tree in memory, for whoever proves many of its leaves: built once, a proof costs its path.
//!
//! Invariant: gives the same root and proofs as [`super::root`] and [`super::prove_inclusion`].
//! Shape: level k holds the roots of the complete subtrees of 2^k leaves, in order; what is left over at the right edge is in no level.
//! Source: RFC 9162, section 2.1.1.

use alloc::vec;
use alloc::vec::Vec;
use core::convert::Infallible;

use falaj_consensus::types::Hash32;

use super::stored::{Subtrees, inclusion_over, root_over};
use super::{InclusionProof, node_hash, size_of};

/// All complete subtrees over a list of leaves.
#[derive(Clone, Debug)]
pub struct WholeTree {
    levels: Vec<Vec<Hash32>>,
    size: u64,
}

impl WholeTree {
    /// The tree over these leaf hashes.
    #[must_use]
    pub fn new(leaves: Vec<Hash32>) -> Self {
        let size = size_of(&leaves);
        let mut levels = vec![leaves];
        while let Some(above) = levels.last().and_then(|level| joined(level)) {
            levels.push(above);
        }
        Self { levels, size }
    }

    /// The root over all leaves.
    #[must_use]
    pub fn root(&self) -> Hash32 {
        let Ok(root) = root_over(&mut &*self, 0..self.size);
        root
    }

    /// Proves that the leaf at `index` is in the tree; `None` if there is no such leaf.
    #[must_use]
    pub fn prove_inclusion(&self, index: u64) -> Option<InclusionProof> {
        let Ok(proof) = inclusion_over(&mut &*self, index, self.size);
        proof
    }
}

impl Subtrees for &WholeTree {
    type Error = Infallible;

    fn complete(&mut self, start: u64, level: u32) -> Result<Hash32, Infallible> {
        let position = |number: u64| usize::try_from(number).ok();
        let in_level = position(u64::from(level)).and_then(|level| self.levels.get(level));
        let at = start.checked_shr(level).and_then(position);
        Ok(*in_level
            .zip(at)
            .and_then(|(level, at)| level.get(at))
            .expect("a complete subtree of this tree is in its level"))
    }
}

/// The level above, without an odd last node; `None` above a level of one.
fn joined(level: &[Hash32]) -> Option<Vec<Hash32>> {
    let (pairs, _) = level.as_chunks::<2>();
    let above: Vec<Hash32> = pairs
        .iter()
        .map(|[left, right]| node_hash(left, right))
        .collect();
    (!above.is_empty()).then_some(above)
}

#[cfg(test)]
mod tests {
    use super::super::{leaf_hash, prove_inclusion, root};
    use super::*;

    // Both ways of making root and proofs agree for every leaf of every tree up to a size.
    #[test]
    fn proofs_are_those_of_the_definition() {
        for size in 0..70_u64 {
            let leaves: Vec<Hash32> = (0..size).map(|n| leaf_hash(&n.to_be_bytes())).collect();
            let tree = WholeTree::new(leaves.clone());
            assert_eq!(tree.root(), root(&leaves));
            for index in 0..=size {
                assert_eq!(tree.prove_inclusion(index), prove_inclusion(&leaves, index));
            }
        }
    }
}
