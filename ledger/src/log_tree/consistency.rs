//! Proofs that a log extends an older state of itself.
//!
//! Invariant: for two sizes there is one path length, so a proof has one form.
//! Shapes and units: encoded as old and new size (`u64` little-endian each), then the path, 32 bytes a node, without a count,
//! as the sizes fix it. From size 0, and between equal sizes, the path is empty.
//! Errors: [`LogProofError`].
//! Source: RFC 9162, sections 2.1.4.1 (generation) and 2.1.4.2 (verification). An empty old tree, which the RFC leaves out,
//! is extended by every tree.

use alloc::vec::Vec;
use borsh::io::{Error, ErrorKind, Read, Result as IoResult, Write};
use core::ops::Range;

use borsh::{BorshDeserialize, BorshSerialize};
use falaj_consensus::types::Hash32;

use super::{LogProofError, empty_root, node_hash, split_point};

/// The nodes that two trees of one log share, and what completes both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsistencyProof {
    old_size: u64,
    new_size: u64,
    path: Vec<Hash32>,
}

/// The subtrees, as ranges of leaves, whose roots are the path between two sizes; `None` if the log would shrink.
///
/// This is for logs whose subtree roots are stored; over leaf hashes in memory there is [`super::prove_consistency`].
#[must_use]
pub fn consistency_path(old_size: u64, new_size: u64) -> Option<Vec<Range<u64>>> {
    if old_size > new_size {
        return None;
    }
    if old_size == 0 || old_size == new_size {
        return Some(Vec::new());
    }
    let (mut start, mut end) = (0_u64, new_size);
    let mut path = Vec::new();
    while end != old_size {
        let middle = start.checked_add(split_point(end.checked_sub(start)?))?;
        if old_size <= middle {
            path.push(middle..end);
            end = middle;
        } else {
            path.push(start..middle);
            start = middle;
        }
    }
    if start != 0 {
        path.push(start..end);
    }
    path.reverse();
    Some(path)
}

impl ConsistencyProof {
    /// A proof from its parts; only [`ConsistencyProof::verify`] says whether it holds.
    #[must_use]
    pub const fn new(old_size: u64, new_size: u64, path: Vec<Hash32>) -> Self {
        Self {
            old_size,
            new_size,
            path,
        }
    }

    /// Leaves of the older tree.
    #[must_use]
    pub const fn old_size(&self) -> u64 {
        self.old_size
    }

    /// Leaves of the newer tree.
    #[must_use]
    pub const fn new_size(&self) -> u64 {
        self.new_size
    }

    /// The nodes, in the order of RFC 9162.
    #[must_use]
    pub fn path(&self) -> &[Hash32] {
        &self.path
    }

    /// Checks that the tree with the new root extends the one with the old root, where the sizes are theirs.
    ///
    /// # Errors
    /// [`LogProofError`], with the first thing that is wrong.
    pub fn verify(&self, old_root: &Hash32, new_root: &Hash32) -> Result<(), LogProofError> {
        let (old_size, new_size) = (self.old_size, self.new_size);
        let subtrees = consistency_path(old_size, new_size)
            .ok_or(LogProofError::Shrinks { old_size, new_size })?;
        if subtrees.len() != self.path.len() {
            return Err(LogProofError::PathLength {
                found: self.path.len(),
                expected: subtrees.len(),
            });
        }
        if old_size == 0 {
            return same(empty_root(), old_root);
        }
        let (old, new) = self.climb(&subtrees, old_root);
        // Between equal sizes nothing was hashed, and both roots must be the one that was given.
        same(old, old_root)?;
        same(new, new_root)
    }

    /// Both roots that the path leads to. It starts from the largest whole subtree in which the old tree ends, which is the
    /// old tree itself where that is whole, and else the first node of the path.
    fn climb(&self, subtrees: &[Range<u64>], old_root: &Hash32) -> (Hash32, Hash32) {
        let mut nodes = subtrees.iter().zip(&self.path);
        let starts_in_path = subtrees
            .first()
            .is_some_and(|first| first.end == self.old_size);
        let start = if starts_in_path {
            nodes.next().map_or(*old_root, |(_, node)| *node)
        } else {
            *old_root
        };
        nodes.fold((start, start), |(old, new), (subtree, node)| {
            if subtree.start >= self.old_size {
                (old, node_hash(&new, node))
            } else {
                (node_hash(node, &old), node_hash(node, &new))
            }
        })
    }
}

fn same(found: Hash32, expected: &Hash32) -> Result<(), LogProofError> {
    if found == *expected {
        Ok(())
    } else {
        Err(LogProofError::OtherRoot {
            found,
            expected: *expected,
        })
    }
}

impl BorshSerialize for ConsistencyProof {
    fn serialize<W: Write>(&self, writer: &mut W) -> IoResult<()> {
        self.old_size.serialize(writer)?;
        self.new_size.serialize(writer)?;
        self.path.iter().try_for_each(|node| node.serialize(writer))
    }
}

impl BorshDeserialize for ConsistencyProof {
    fn deserialize_reader<R: Read>(reader: &mut R) -> IoResult<Self> {
        let old_size = u64::deserialize_reader(reader)?;
        let new_size = u64::deserialize_reader(reader)?;
        let nodes = consistency_path(old_size, new_size)
            .ok_or_else(|| Error::new(ErrorKind::InvalidData, "log would shrink"))?;
        let path = nodes
            .iter()
            .map(|_| Hash32::deserialize_reader(reader))
            .collect::<IoResult<_>>()?;
        Ok(Self {
            old_size,
            new_size,
            path,
        })
    }
}
