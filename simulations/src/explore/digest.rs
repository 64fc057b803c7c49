//! The hash of a state: BLAKE3 over the canonical form that the shipped machines give of themselves.
//!
//! Invariant: lengths and discriminants are hashed as the standard library's `Hash` feeds them, so two forms that differ are fed
//! differently. A hash is compared with others of the same process only.

use std::hash::{Hash, Hasher};

/// Two states with one of these are taken for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Digest([u8; 16]);

/// Feeds BLAKE3.
#[derive(Default)]
pub(super) struct Feed(Vec<u8>);

impl Feed {
    pub(super) fn digest(&self) -> Digest {
        let (front, _) = blake3::hash(&self.0)
            .as_bytes()
            .split_first_chunk()
            .map(|(front, rest)| (*front, rest))
            .expect("a hash has 32 bytes");
        Digest(front)
    }
}

impl Hasher for Feed {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Nobody reads 64 bits of it.
    fn finish(&self) -> u64 {
        0
    }
}

/// The digest of anything that hashes itself.
pub(super) fn digest_of(value: &impl Hash) -> Digest {
    let mut feed = Feed::default();
    value.hash(&mut feed);
    feed.digest()
}
