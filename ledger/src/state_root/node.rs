//! The nodes of the state tree and how a path runs through them.
//!
//! Invariant: a subtree of at most [`BUCKET_MAX`] leaves is a bucket, a larger one a fork; so the nodes are a function of the
//! leaves, and few large pieces of memory take the place of many small ones. The hashes know nothing of buckets: those of the
//! forks inside a bucket are recomputed whenever they are needed.
//! Shapes and units: depth is the number of bits of the key hash that were followed, 0 at the top; leaves are in ascending
//! order of the key hash.

use std::sync::Arc;

use falaj_consensus::types::Hash32;

use super::hash::{bit, leaf_hash};
use super::pair_hash;

/// The most leaves of a bucket; measured, see `docs/spec/state-root.md`.
pub(super) const BUCKET_MAX: usize = 8;

/// A subtree; shared between all trees that contain it.
#[derive(Clone, Debug, Default)]
pub(super) enum Node {
    /// No leaf.
    #[default]
    Empty,
    /// One leaf or a few.
    Bucket(Arc<Bucket>),
    /// More.
    Fork(Arc<Fork>),
}

/// One key of the map.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaf {
    pub(super) key: Hash32,
    pub(super) value: Hash32,
    pub(super) hash: Hash32,
}

/// The leaves of a small subtree.
#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) hash: Hash32,
    pub(super) leaves: Box<[Leaf]>,
}

/// Where the next bit of the key hash decides.
#[derive(Debug)]
pub(super) struct Fork {
    pub(super) hash: Hash32,
    pub(super) left: Node,
    pub(super) right: Node,
}

impl Leaf {
    pub(super) fn new(key: Hash32, value: Hash32) -> Self {
        Self {
            key,
            value,
            hash: leaf_hash(&key, &value),
        }
    }
}

impl Node {
    pub(super) fn hash(&self) -> Hash32 {
        match self {
            Self::Empty => Hash32::ZERO,
            Self::Bucket(bucket) => bucket.hash,
            Self::Fork(fork) => fork.hash,
        }
    }

    /// The subtrees left and right, if this is not a bucket.
    pub(super) fn halves(&self) -> Option<(&Self, &Self)> {
        match self {
            Self::Empty => Some((self, self)),
            Self::Bucket(_) => None,
            Self::Fork(fork) => Some((&fork.left, &fork.right)),
        }
    }

    /// Follows a key's bits to the end, telling `passed` the hash of the sibling at each fork; the leaf there need not be the
    /// key's.
    pub(super) fn descend(&self, key: &Hash32, mut passed: impl FnMut(Hash32)) -> Option<&Leaf> {
        let (mut node, mut depth) = (self, 0_usize);
        while let Self::Fork(fork) = node {
            let (next, sibling) = if bit(key, depth) {
                (&fork.right, &fork.left)
            } else {
                (&fork.left, &fork.right)
            };
            passed(sibling.hash());
            (node, depth) = (next, depth.saturating_add(1));
        }
        match node {
            Self::Bucket(bucket) => descend_leaves(&bucket.leaves, key, depth, passed),
            Self::Empty | Self::Fork(_) => None,
        }
    }
}

/// The rest of the way, inside a bucket.
fn descend_leaves<'a>(
    mut leaves: &'a [Leaf],
    key: &Hash32,
    mut depth: usize,
    mut passed: impl FnMut(Hash32),
) -> Option<&'a Leaf> {
    while leaves.len() > 1 {
        let (left, right) = split(leaves, depth);
        let (next, sibling) = if bit(key, depth) {
            (right, left)
        } else {
            (left, right)
        };
        depth = depth.saturating_add(1);
        passed(subtree_hash(sibling, depth));
        leaves = next;
    }
    leaves.first()
}

/// The hash of a subtree by the definition: nothing, one leaf, or the fork over both halves.
pub(super) fn subtree_hash(leaves: &[Leaf], depth: usize) -> Hash32 {
    match leaves {
        [] => Hash32::ZERO,
        [leaf] => leaf.hash,
        several => {
            let (left, right) = split(several, depth);
            let below = depth.saturating_add(1);
            pair_hash::one(&subtree_hash(left, below), &subtree_hash(right, below))
        }
    }
}

/// The leaves that go left at this depth, and those that go right.
pub(super) fn split(leaves: &[Leaf], depth: usize) -> (&[Leaf], &[Leaf]) {
    leaves.split_at(leaves.partition_point(|leaf| !bit(&leaf.key, depth)))
}
