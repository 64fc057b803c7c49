//! The two hashes of the state tree, one at a time, and the bits by which paths run: all that a verifier needs.
//!
//! Shapes and units: depth is the number of bits of the key hash that were followed, 0 at the top.
//! Source: `docs/spec/state-root.md`, "The state root".

use falaj_consensus::hash::{Tag, sha256, tagged_parts};
use falaj_consensus::types::Hash32;

const LEAF: Tag = Tag::new("falaj/state-leaf/1");

/// The hash of a leaf; its preimage is longer than 64 bytes, so it is never that of an inner node.
pub(super) fn leaf_hash(key: &Hash32, value: &Hash32) -> Hash32 {
    tagged_parts(LEAF, &[key.bytes(), value.bytes()])
}

/// Bit `depth` of a key hash, from the most significant of the first byte; `true` goes right.
///
/// # Panics
/// At depth 256: two hashes that agree in all bits are one.
pub(crate) fn bit(key: &Hash32, depth: usize) -> bool {
    let byte = key
        .bytes()
        .get(depth >> 3)
        .expect("two different hashes differ within 256 bits");
    byte & (0x80_u8 >> (depth & 7)) != 0
}

const PAIR_BYTES: usize = 64;

/// Two hashes side by side, the preimage of an inner node.
pub(super) type Pair = [u8; PAIR_BYTES];

/// The preimage of the node above two subtrees.
pub(super) fn pair(left: &Hash32, right: &Hash32) -> Pair {
    let mut bytes = [0_u8; PAIR_BYTES];
    let (first, second) = bytes.split_at_mut(32);
    first.copy_from_slice(left.bytes());
    second.copy_from_slice(right.bytes());
    bytes
}

/// The hash of one inner node.
pub(crate) fn one(left: &Hash32, right: &Hash32) -> Hash32 {
    sha256(&pair(left, right))
}
