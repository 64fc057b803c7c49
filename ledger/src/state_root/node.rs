//! The nodes of the state tree and how a path runs through them.
//!
//! Invariant: an inner node has at least two leaves below it; its hash is that of its children.
//! Shapes and units: depth is the number of bits of the key hash that were followed, 0 at the top, at most 255 at an inner node.

use std::sync::Arc;

use falaj_consensus::hash::{Tag, tagged_parts};
use falaj_consensus::types::Hash32;

const LEAF: Tag = Tag::new("falaj/state-leaf/1");

/// A subtree; shared between all trees that contain it.
#[derive(Clone, Debug, Default)]
pub(super) enum Node {
    /// No leaf.
    #[default]
    Empty,
    /// Exactly one leaf.
    Leaf(Arc<Leaf>),
    /// Two or more.
    Inner(Arc<Inner>),
}

/// One key of the map.
#[derive(Debug)]
pub(super) struct Leaf {
    pub(super) key: Hash32,
    pub(super) value: Hash32,
    pub(super) hash: Hash32,
}

/// A fork: the next bit decides.
#[derive(Debug)]
pub(super) struct Inner {
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
            Self::Leaf(leaf) => leaf.hash,
            Self::Inner(inner) => inner.hash,
        }
    }

    /// Follows a key's bits to the end, telling `passed` the sibling at each fork; the leaf there need not be the key's.
    pub(super) fn descend(&self, key: &Hash32, mut passed: impl FnMut(&Self)) -> Option<&Leaf> {
        let (mut node, mut depth) = (self, 0_usize);
        while let Self::Inner(inner) = node {
            let right = bit(key, depth);
            let (next, sibling) = if right {
                (&inner.right, &inner.left)
            } else {
                (&inner.left, &inner.right)
            };
            passed(sibling);
            (node, depth) = (next, depth.saturating_add(1));
        }
        match node {
            Self::Leaf(leaf) => Some(leaf),
            Self::Empty | Self::Inner(_) => None,
        }
    }
}

/// The hash of a leaf; its preimage is longer than 64 bytes, so it is never that of an inner node.
pub(super) fn leaf_hash(key: &Hash32, value: &Hash32) -> Hash32 {
    tagged_parts(LEAF, &[key.bytes(), value.bytes()])
}

/// Bit `depth` of a key hash, from the most significant of the first byte; `true` goes right.
///
/// # Panics
/// At depth 256: two hashes that agree in all bits are one.
pub(super) fn bit(key: &Hash32, depth: usize) -> bool {
    let byte = key
        .bytes()
        .get(depth >> 3)
        .expect("two different hashes differ within 256 bits");
    byte & (0x80_u8 >> (depth & 7)) != 0
}
