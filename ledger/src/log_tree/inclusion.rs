//! Proofs that a leaf stands at a position of a log.
//!
//! Invariant: for a size and a position there is one path length, so a proof has one form.
//! Shapes and units: encoded as index and size (`u64` little-endian each), then the path from the leaf up, 32 bytes a node,
//! without a count, as index and size fix it.
//! Errors: [`LogProofError`].
//! Source: RFC 9162, sections 2.1.3.1 (generation) and 2.1.3.2 (verification).

use alloc::vec::Vec;
use borsh::io::{Error, ErrorKind, Read, Result as IoResult, Write};
use core::ops::Range;

use borsh::{BorshDeserialize, BorshSerialize};
use falaj_consensus::types::Hash32;

use super::{LogProofError, leaf_hash, node_hash, split_point};

/// A path from a leaf to the root of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InclusionProof {
    index: u64,
    size: u64,
    path: Vec<Hash32>,
}

/// The subtrees, as ranges of leaves from the deepest up, whose roots are the path of a leaf; `None` outside the tree.
///
/// This is for logs whose subtree roots are stored; over leaf hashes in memory there is [`super::prove_inclusion`].
#[must_use]
pub fn inclusion_path(index: u64, size: u64) -> Option<Vec<Range<u64>>> {
    if index >= size {
        return None;
    }
    let (mut start, mut end) = (0_u64, size);
    let mut path = Vec::new();
    loop {
        let half = split_point(end.checked_sub(start)?);
        if half == 0 {
            path.reverse();
            return Some(path);
        }
        let middle = start.checked_add(half)?;
        if index < middle {
            path.push(middle..end);
            end = middle;
        } else {
            path.push(start..middle);
            start = middle;
        }
    }
}

impl InclusionProof {
    /// A proof from its parts; only [`InclusionProof::verify`] says whether it holds.
    #[must_use]
    pub const fn new(index: u64, size: u64, path: Vec<Hash32>) -> Self {
        Self { index, size, path }
    }

    /// Position of the leaf.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// Leaves of the tree.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The siblings from the leaf up.
    #[must_use]
    pub fn path(&self) -> &[Hash32] {
        &self.path
    }

    /// Checks that these bytes are a leaf of the tree with this root.
    ///
    /// It is the leaf at [`InclusionProof::index`] if [`InclusionProof::size`] is that tree's size, which the caller knows from
    /// a certificate or does not rely on.
    ///
    /// # Errors
    /// [`LogProofError`], with the first thing that is wrong.
    pub fn verify(&self, root: &Hash32, data: &[u8]) -> Result<(), LogProofError> {
        self.verify_leaf(root, &leaf_hash(data))
    }

    /// The same for a leaf given by its hash.
    ///
    /// # Errors
    /// [`LogProofError`], with the first thing that is wrong.
    pub fn verify_leaf(&self, root: &Hash32, leaf: &Hash32) -> Result<(), LogProofError> {
        let subtrees = inclusion_path(self.index, self.size).ok_or(LogProofError::OutsideTree {
            index: self.index,
            size: self.size,
        })?;
        if subtrees.len() != self.path.len() {
            return Err(LogProofError::PathLength {
                found: self.path.len(),
                expected: subtrees.len(),
            });
        }
        let found = subtrees
            .iter()
            .zip(&self.path)
            .fold(*leaf, |below, (subtree, sibling)| {
                if subtree.start > self.index {
                    node_hash(&below, sibling)
                } else {
                    node_hash(sibling, &below)
                }
            });
        if found == *root {
            Ok(())
        } else {
            Err(LogProofError::OtherRoot {
                found,
                expected: *root,
            })
        }
    }
}

impl BorshSerialize for InclusionProof {
    fn serialize<W: Write>(&self, writer: &mut W) -> IoResult<()> {
        self.index.serialize(writer)?;
        self.size.serialize(writer)?;
        self.path.iter().try_for_each(|node| node.serialize(writer))
    }
}

impl BorshDeserialize for InclusionProof {
    fn deserialize_reader<R: Read>(reader: &mut R) -> IoResult<Self> {
        let index = u64::deserialize_reader(reader)?;
        let size = u64::deserialize_reader(reader)?;
        let nodes = inclusion_path(index, size).ok_or_else(|| {
            Error::new(ErrorKind::InvalidData, "leaf is not in a tree of that size")
        })?;
        let path = nodes
            .iter()
            .map(|_| Hash32::deserialize_reader(reader))
            .collect::<IoResult<_>>()?;
        Ok(Self { index, size, path })
    }
}
