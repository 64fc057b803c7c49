//! Proofs that a key has a value, or that it is not there, against a state root alone.
//!
//! Invariant: a proof that verifies for a value, or for absence, cannot exist for anything else under the same root, short of
//! a collision of SHA-256; a proof has exactly one encoding.
//! Shapes and units: `end ‖ count ‖ siblings`: one byte for what the path ends in (0 the key itself, 1 nothing, 2 another
//! key, followed by that leaf's key hash and value hash), the number of siblings as `u16` little-endian, at most [`DEPTH_MAX`],
//! then the siblings from the deepest up, 32 bytes each.
//! Errors: [`ProofError`] says why a proof does not hold; foreign bytes never panic and never allocate past the bound.
//! Source: `docs/spec/state-root.md`.

use alloc::vec::Vec;
use borsh::io::{Error, ErrorKind, Read, Result as IoResult, Write};

use borsh::{BorshDeserialize, BorshSerialize};
use falaj_consensus::hash::sha256;
use falaj_consensus::types::Hash32;

use super::hash::{bit, leaf_hash, one};
#[cfg(feature = "std")]
use super::node::Node;

/// The most siblings a path can have: the bits of a key hash.
pub const DEPTH_MAX: usize = 256;

/// A path through the state tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    end: End,
    siblings: Vec<Hash32>,
}

/// What the path of a key ends in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
enum End {
    /// The key's own leaf.
    Present = 0,
    /// An empty subtree.
    Nothing = 1,
    /// The leaf of another key, alone in the subtree where this key would be.
    Other { key: Hash32, value: Hash32 } = 2,
}

/// Why a proof does not show what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// A value was asked for, the proof is one of absence.
    #[error("proof is one of absence, not of a value")]
    ShowsAbsence,
    /// Absence was asked for, the proof is one of a value.
    #[error("proof is one of a value, not of absence")]
    ShowsValue,
    /// The other leaf of an absence proof does not lie on the key's path.
    #[error("other leaf does not lie on the path of the key at depth {depth}")]
    OtherLeafElsewhere {
        /// Where the path ends.
        depth: usize,
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

/// The proof of what is, or is not, under a key hash.
#[cfg(feature = "std")]
pub(super) fn prove(top: &Node, key: &Hash32) -> Proof {
    let mut siblings = Vec::new();
    let end = match top.descend(key, |sibling| siblings.push(sibling)) {
        None => End::Nothing,
        Some(leaf) if leaf.key == *key => End::Present,
        Some(leaf) => End::Other {
            key: leaf.key,
            value: leaf.value,
        },
    };
    siblings.reverse();
    Proof { end, siblings }
}

impl Proof {
    /// Checks that under `root` the key has a value of this hash, or with `None` that the key is not there.
    ///
    /// # Errors
    /// [`ProofError`], with the first thing that is wrong.
    pub fn verify(
        &self,
        root: &Hash32,
        key: &[u8],
        value: Option<&Hash32>,
    ) -> Result<(), ProofError> {
        let key = sha256(key);
        let end = self.end_hash(&key, value)?;
        let found = self.climb(&key, end);
        if found == *root {
            Ok(())
        } else {
            Err(ProofError::OtherRoot {
                found,
                expected: *root,
            })
        }
    }

    /// Checks that under `root` the key has exactly these bytes as its value.
    ///
    /// # Errors
    /// As [`Proof::verify`].
    pub fn verify_value(&self, root: &Hash32, key: &[u8], value: &[u8]) -> Result<(), ProofError> {
        self.verify(root, key, Some(&sha256(value)))
    }

    /// Checks that under `root` the key is not there.
    ///
    /// # Errors
    /// As [`Proof::verify`].
    pub fn verify_absent(&self, root: &Hash32, key: &[u8]) -> Result<(), ProofError> {
        self.verify(root, key, None)
    }

    /// Whether this is the proof of a value; what it proves, only [`Proof::verify`] says.
    #[must_use]
    pub const fn shows_value(&self) -> bool {
        matches!(self.end, End::Present)
    }

    /// The hash at the end of the path, if it fits the claim.
    fn end_hash(&self, key: &Hash32, value: Option<&Hash32>) -> Result<Hash32, ProofError> {
        match (self.end, value) {
            (End::Present, Some(value)) => Ok(leaf_hash(key, value)),
            (End::Present, None) => Err(ProofError::ShowsValue),
            (End::Nothing | End::Other { .. }, Some(_)) => Err(ProofError::ShowsAbsence),
            (End::Nothing, None) => Ok(Hash32::ZERO),
            (End::Other { key: other, value }, None) => {
                self.check_other(key, &other)?;
                Ok(leaf_hash(&other, &value))
            }
        }
    }

    /// The other leaf is another key that shares the whole path.
    fn check_other(&self, key: &Hash32, other: &Hash32) -> Result<(), ProofError> {
        let depth = self.siblings.len();
        let shares_path = (0..depth).all(|at| bit(key, at) == bit(other, at));
        if other == key {
            Err(ProofError::ShowsValue)
        } else if shares_path {
            Ok(())
        } else {
            Err(ProofError::OtherLeafElsewhere { depth })
        }
    }

    /// The root that the path leads to.
    fn climb(&self, key: &Hash32, end: Hash32) -> Hash32 {
        let depths = (0..self.siblings.len()).rev();
        self.siblings
            .iter()
            .zip(depths)
            .fold(end, |below, (sibling, depth)| {
                if bit(key, depth) {
                    one(sibling, &below)
                } else {
                    one(&below, sibling)
                }
            })
    }
}

impl BorshSerialize for Proof {
    fn serialize<W: Write>(&self, writer: &mut W) -> IoResult<()> {
        let count = u16::try_from(self.siblings.len()).expect("a path has at most 256 siblings");
        self.end.serialize(writer)?;
        count.serialize(writer)?;
        self.siblings
            .iter()
            .try_for_each(|sibling| sibling.serialize(writer))
    }
}

impl BorshDeserialize for Proof {
    fn deserialize_reader<R: Read>(reader: &mut R) -> IoResult<Self> {
        let end = End::deserialize_reader(reader)?;
        let count = u16::deserialize_reader(reader)?;
        if usize::from(count) > DEPTH_MAX {
            return Err(Error::new(
                ErrorKind::InvalidData,
                "a path has at most 256 siblings",
            ));
        }
        let siblings = (0..count)
            .map(|_| Hash32::deserialize_reader(reader))
            .collect::<IoResult<_>>()?;
        Ok(Self { end, siblings })
    }
}

#[cfg(test)]
mod tests {
    use super::super::node::Leaf;
    use super::*;

    fn numbered(numbers: impl Iterator<Item = u16>) -> (super::super::StateTree, Vec<Leaf>) {
        let leaves: Vec<Leaf> = numbers
            .map(|n| Leaf::new(sha256(&n.to_be_bytes()), sha256(&[1])))
            .collect();
        let mut changes: Vec<_> = leaves
            .iter()
            .map(|leaf| (leaf.key, Some(leaf.value)))
            .collect();
        changes.sort();
        let mut tree = super::super::StateTree::new();
        tree.update(&changes);
        (tree, leaves)
    }

    // A leaf from elsewhere in the tree shows nothing about this key, whatever path it is given.
    #[test]
    fn an_other_leaf_off_the_path_is_refused() {
        let (tree, leaves) = numbered(0..200);
        let absent = 1000_u16.to_be_bytes();
        let true_path = tree.prove(&absent).siblings;
        let mut refused = 0;
        for leaf in &leaves {
            let end = End::Other {
                key: leaf.key,
                value: leaf.value,
            };
            let forged = Proof {
                end,
                siblings: true_path.clone(),
            };
            if let Err(error) = forged.verify_absent(&tree.root(), &absent) {
                assert!(matches!(
                    error,
                    ProofError::OtherLeafElsewhere { .. } | ProofError::OtherRoot { .. }
                ));
                refused += 1;
            }
        }
        assert!(refused >= leaves.len() - 1);
    }

    // A key's own leaf cannot be passed off as another's to deny it.
    #[test]
    fn the_key_itself_is_not_another_leaf() {
        let (tree, leaves) = numbered(0..200);
        let own = 5_u16.to_be_bytes();
        let end = End::Other {
            key: leaves[5].key,
            value: leaves[5].value,
        };
        let denial = Proof {
            end,
            siblings: tree.prove(&own).siblings,
        };
        assert_eq!(
            denial.verify_absent(&tree.root(), &own),
            Err(ProofError::ShowsValue)
        );
    }

    // An inner node is not a leaf: a path that stops early proves nothing.
    #[test]
    fn a_path_cut_short_is_refused() {
        let (tree, leaves) = numbered(0..200);
        let own = 5_u16.to_be_bytes();
        let whole = tree.prove(&own);
        for kept in 0..whole.siblings.len() {
            let cut = Proof {
                end: whole.end,
                siblings: whole.siblings[..kept].to_vec(),
            };
            assert!(
                cut.verify(&tree.root(), &own, Some(&leaves[5].value))
                    .is_err()
            );
        }
    }
}
