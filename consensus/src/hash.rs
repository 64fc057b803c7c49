//! SHA-256 with a domain tag, the only hash of everything that is signed, certified or chained.
//!
//! Invariant: two kinds of content never share a preimage, because the tag and its length come first.
//! Shapes and units: a tag is 1 to 255 bytes of ASCII; a digest is 32 bytes.
//! Source: FIPS 180-4 (SHA-256); `docs/spec/encoding.md`.

use alloc::vec::Vec;
use borsh::BorshSerialize;
use ring::digest;

use crate::types::Hash32;

/// A domain tag: a constant name of one kind of hashed content, such as `falaj/header/1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag(&'static str);

impl Tag {
    /// Names a domain.
    ///
    /// # Panics
    /// At compile time, if used in a `const`, when the name is empty, longer than 255 bytes or not ASCII.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        assert!(!name.is_empty() && name.len() <= 255 && name.is_ascii());
        Self(name)
    }

    /// The name itself.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0
    }

    /// `len(tag) as u8 ‖ tag`, the prefix of every preimage of this domain.
    #[must_use]
    pub fn prefix(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len().saturating_add(1));
        bytes.push(self.length());
        bytes.extend_from_slice(self.0.as_bytes());
        bytes
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "`new` bounds the length by 255"
    )]
    const fn length(self) -> u8 {
        self.0.len() as u8
    }
}

/// SHA-256 of `len(tag) ‖ tag ‖ bytes`.
#[must_use]
pub fn tagged(tag: Tag, bytes: &[u8]) -> Hash32 {
    tagged_parts(tag, &[bytes])
}

/// SHA-256 of `len(tag) ‖ tag ‖ parts…`, without joining the parts first.
#[must_use]
pub fn tagged_parts(tag: Tag, parts: &[&[u8]]) -> Hash32 {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(&[tag.length()]);
    context.update(tag.0.as_bytes());
    for part in parts {
        context.update(part);
    }
    finish(context)
}

/// The tagged hash of a value's borsh encoding.
///
/// # Panics
/// Never for the types of this project: writing borsh to memory fails only when a length exceeds `u32`.
#[must_use]
pub fn tagged_borsh<T: BorshSerialize>(tag: Tag, value: &T) -> Hash32 {
    tagged(tag, &encode(value))
}

/// The borsh encoding of a value held in memory.
///
/// # Panics
/// Never for the types of this project: writing borsh to memory fails only when a length exceeds `u32`.
#[must_use]
pub fn encode<T: BorshSerialize>(value: &T) -> Vec<u8> {
    borsh::to_vec(value).expect("every length in our types is bounded far below u32::MAX")
}

/// SHA-256 without a tag, for content whose form is fixed by someone else (RFC 9162 nodes, 64-byte inner nodes, files).
#[must_use]
pub fn sha256(bytes: &[u8]) -> Hash32 {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(bytes);
    finish(context)
}

fn finish(context: digest::Context) -> Hash32 {
    let mut out = [0_u8; 32];
    out.copy_from_slice(context.finish().as_ref());
    Hash32::new(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    // The preimage is fixed for ever: length byte, tag, content.
    #[test]
    fn tagged_is_sha256_of_prefix_and_content() {
        let tag = Tag::new("falaj/test/1");
        let mut preimage = vec![12_u8];
        preimage.extend_from_slice(b"falaj/test/1abc");
        assert_eq!(tagged(tag, b"abc"), sha256(&preimage));
        assert_eq!(tagged_parts(tag, &[b"a", b"bc"]), sha256(&preimage));
        assert_eq!(tag.prefix(), preimage[..13]);
    }

    // FIPS 180-4, example "abc".
    #[test]
    fn sha256_matches_the_published_example() {
        assert_eq!(
            sha256(b"abc").to_hex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
