//! The chunks of a snapshot as its manifest lists them: subtrees from left to right, and how their roots fold into the state root.
//!
//! Invariant: parts that fold cover every key hash exactly once, and their roots are those of the tree above: an inner node is the hash of
//! its two halves, and nobody can find halves for a leaf (83 bytes) or for 32 zero bytes. So a root that is not the tree's is found
//! before any chunk is fetched.
//! Shapes and units: the depth of a part is the number of bits of its prefix; the prefixes follow from the depths, from left to right.
//! Source: `docs/spec/snapshots.md`, "The cut"; `docs/spec/state-root.md`, "The state root".

use borsh::{BorshDeserialize, BorshSerialize};
use falaj_consensus::types::Hash32;

use crate::state_root::{DEPTH_MAX, bit, fork_hash};

/// The most chunks of a snapshot.
pub const CHUNKS_MAX: usize = 1 << 16;

/// One chunk as the manifest lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Part {
    /// How many bits of the key hash all its entries share.
    pub depth: u16,
    /// How many entries it has; not proven before the chunk is.
    pub entries: u32,
    /// Root of the subtree of its entries.
    pub root: Hash32,
}

/// The bits that the key hashes of a part begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prefix {
    bits: [u8; 32],
    depth: usize,
}

impl Prefix {
    /// Number of bits.
    pub(super) const fn depth(&self) -> usize {
        self.depth
    }

    /// Whether a key hash begins with it.
    pub(super) fn holds(&self, key: &Hash32) -> bool {
        let own = Hash32::new(self.bits);
        (0..self.depth).all(|at| bit(key, at) == bit(&own, at))
    }

    /// The bits that come next in order, at the same depth; `None` behind the last.
    fn next_bits(&self) -> Option<[u8; 32]> {
        let mut bits = self.bits;
        for at in (0..self.depth).rev() {
            let (byte, mask) = (bits.get_mut(at >> 3)?, 0x80_u8 >> (at & 7));
            *byte ^= mask;
            if *byte & mask != 0 {
                return Some(bits);
            }
        }
        None
    }
}

/// The prefixes of parts and the root that they fold into; `None` if they do not cover the tree, each key once.
pub(super) fn fold(parts: &[Part]) -> Option<(Vec<Prefix>, Hash32)> {
    let mut prefixes = Vec::with_capacity(parts.len());
    // Left halves that wait for their right ones: their depths ascend.
    let mut open: Vec<(usize, Hash32)> = Vec::new();
    let mut next = Some([0; 32]);
    for part in parts {
        let depth = usize::from(part.depth);
        if depth > DEPTH_MAX || open.last().is_some_and(|(above, _)| depth < *above) {
            return None;
        }
        let prefix = Prefix { bits: next?, depth };
        next = prefix.next_bits();
        prefixes.push(prefix);
        let mut subtree = (depth, part.root);
        while let Some((depth, left)) = open.pop_if(|(depth, _)| *depth == subtree.0) {
            subtree = (depth.checked_sub(1)?, fork_hash(&left, &subtree.1));
        }
        open.push(subtree);
    }
    match open.as_slice() {
        [(0, root)] => Some((prefixes, *root)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(depths: &[u16]) -> Vec<Part> {
        let part = |(depth, at): (&u16, u8)| Part {
            depth: *depth,
            entries: 1,
            root: Hash32::new([at; 32]),
        };
        depths.iter().zip((1..=9).cycle()).map(part).collect()
    }

    // Any cut of the tree folds; anything that leaves a gap, overlaps or goes on behind the end does not.
    #[test]
    fn only_a_whole_cut_folds() {
        for whole in [
            &[0][..],
            &[1, 1],
            &[1, 2, 2],
            &[2, 2, 1],
            &[2, 3, 3, 1],
            &[3, 3, 2, 2, 3, 3],
        ] {
            let (prefixes, _) = fold(&parts(whole)).unwrap();
            assert_eq!(prefixes.len(), whole.len());
        }
        for broken in [
            &[][..],
            &[1],
            &[0, 0],
            &[1, 1, 1],
            &[2, 1, 2],
            &[1, 2],
            &[2, 2, 2],
            &[257, 257],
            &[1, 1, 0],
        ] {
            assert_eq!(fold(&parts(broken)), None, "{broken:?}");
        }
    }

    // The prefixes are the bits from left to right: every key hash lies in exactly one.
    #[test]
    fn every_key_lies_under_one_prefix() {
        let (prefixes, _) = fold(&parts(&[2, 3, 4, 4, 1])).unwrap();
        for byte in 0..=u8::MAX {
            let key = Hash32::new([byte; 32]);
            assert_eq!(
                prefixes.iter().filter(|prefix| prefix.holds(&key)).count(),
                1
            );
        }
    }

    // The deepest two parts that there can be are the two halves of the last bit.
    #[test]
    fn the_deepest_cut_folds() {
        let mut depths: Vec<u16> = (1..=256).collect();
        depths.push(256);
        let (prefixes, _) = fold(&parts(&depths)).unwrap();
        assert!(prefixes.last().unwrap().holds(&Hash32::new([0xff; 32])));
    }
}
