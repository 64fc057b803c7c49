//! Proofs over a log whose complete subtrees somebody stored, so that a proof reads as many roots as it has nodes, however long the log is.
//!
//! Invariant: gives the same proofs as [`super::prove_inclusion`] and [`super::prove_consistency`] if every root is that of its leaves.
//! Shapes and units: a complete subtree holds 2^level leaves from a multiple of that number; the *place* of its root is how many complete
//! subtrees were finished before it when leaves are appended one by one, so roots can be stored in the order in which they come and found
//! by arithmetic.
//! Errors: those of whoever looks a root up.
//! Source: RFC 9162, section 2.1; `docs/spec/storage.md`, "History".

use alloc::vec::Vec;
use core::ops::Range;

use falaj_consensus::types::Hash32;

use super::{
    ConsistencyProof, InclusionProof, consistency_path, empty_root, inclusion_path, node_hash,
    split_point,
};

/// Where roots of complete subtrees are looked up.
pub trait Subtrees {
    /// Why a root could not be looked up.
    type Error;

    /// The root over the 2^`level` leaves from `start`, which is a multiple of that number.
    ///
    /// # Errors
    /// Its own.
    fn complete(&mut self, start: u64, level: u32) -> Result<Hash32, Self::Error>;
}

/// How many complete subtrees a log of so many leaves has finished.
#[must_use]
pub fn completed(leaves: u64) -> u64 {
    let twice = leaves.saturating_mul(2);
    twice.saturating_sub(u64::from(leaves.count_ones()))
}

/// The place of the root of a complete subtree, from 0.
#[must_use]
pub fn place_of(start: u64, level: u32) -> u64 {
    let below = 1_u64
        .checked_shl(level.saturating_add(1))
        .map_or(u64::MAX, |twice| twice.saturating_sub(2));
    completed(start).saturating_add(below)
}

/// Proves that the leaf at `index` is in the tree of the first `size`; `None` if there is no such leaf.
///
/// # Errors
/// Those of the lookup.
pub fn inclusion_over<S: Subtrees>(
    subtrees: &mut S,
    index: u64,
    size: u64,
) -> Result<Option<InclusionProof>, S::Error> {
    let proof = |path| Ok(InclusionProof::new(index, size, roots(subtrees, path)?));
    inclusion_path(index, size).map(proof).transpose()
}

/// Proves that the tree of the first `size` leaves extends that of the first `old_size`; `None` if the log would shrink.
///
/// # Errors
/// Those of the lookup.
pub fn consistency_over<S: Subtrees>(
    subtrees: &mut S,
    old_size: u64,
    size: u64,
) -> Result<Option<ConsistencyProof>, S::Error> {
    let proof = |path| {
        Ok(ConsistencyProof::new(
            old_size,
            size,
            roots(subtrees, path)?,
        ))
    };
    consistency_path(old_size, size).map(proof).transpose()
}

fn roots<S: Subtrees>(subtrees: &mut S, path: Vec<Range<u64>>) -> Result<Vec<Hash32>, S::Error> {
    path.into_iter()
        .map(|range| root_over(subtrees, range))
        .collect()
}

/// The root over a range that is a subtree: complete, or at the right edge of the tree.
pub(super) fn root_over<S: Subtrees>(
    subtrees: &mut S,
    leaves: Range<u64>,
) -> Result<Hash32, S::Error> {
    let count = leaves.end.saturating_sub(leaves.start);
    if count == 0 {
        return Ok(empty_root());
    }
    if count.is_power_of_two() {
        return subtrees.complete(leaves.start, count.ilog2());
    }
    let middle = leaves.start.saturating_add(split_point(count));
    let left = root_over(subtrees, leaves.start..middle)?;
    let right = root_over(subtrees, middle..leaves.end)?;
    Ok(node_hash(&left, &right))
}

#[cfg(test)]
mod tests {
    use super::super::{Frontier, leaf_hash, prove_consistency, prove_inclusion};
    use super::*;

    /// Roots in the order in which they were completed.
    struct InOrder(Vec<Hash32>);

    impl Subtrees for InOrder {
        type Error = (u64, u32);

        fn complete(&mut self, start: u64, level: u32) -> Result<Hash32, (u64, u32)> {
            let place = usize::try_from(place_of(start, level)).unwrap();
            self.0.get(place).copied().ok_or((start, level))
        }
    }

    const LEAVES: u64 = 70;

    fn leaves(size: u64) -> Vec<Hash32> {
        (0..size).map(|n| leaf_hash(&n.to_be_bytes())).collect()
    }

    fn stored(size: u64) -> InOrder {
        let (mut frontier, mut roots) = (Frontier::new(), Vec::new());
        for leaf in leaves(size) {
            frontier.append_telling(leaf, |_, root| roots.push(root));
        }
        assert_eq!(u64::try_from(roots.len()), Ok(completed(size)));
        InOrder(roots)
    }

    // The log is longer than each tree that is proven over: what came later changes no proof.
    #[test]
    fn proofs_over_stored_subtrees_are_those_of_the_definition() {
        let mut log = stored(LEAVES);
        for size in 0..=LEAVES {
            let leaves = leaves(size);
            for index in 0..=size {
                let found = inclusion_over(&mut log, index, size).unwrap();
                assert_eq!(found, prove_inclusion(&leaves, index), "{index} of {size}");
                let found = consistency_over(&mut log, index, size).unwrap();
                assert_eq!(found, prove_consistency(&leaves, index), "{index} {size}");
            }
        }
        assert_eq!(inclusion_over(&mut log, 5, 5), Ok(None));
        assert_eq!(consistency_over(&mut log, 6, 5), Ok(None));
    }

    // Nothing but the subtrees of the tree's own leaves is asked for.
    #[test]
    fn a_log_that_ends_with_the_tree_is_enough() {
        for size in 1..=LEAVES {
            let mut log = stored(size);
            for index in 0..size {
                assert!(inclusion_over(&mut log, index, size).is_ok());
                assert!(consistency_over(&mut log, index, size).is_ok());
            }
        }
    }

    #[test]
    fn a_root_that_is_missing_is_named() {
        let mut log = stored(7);
        assert_eq!(inclusion_over(&mut log, 0, 8), Err((4, 2)));
    }
}
