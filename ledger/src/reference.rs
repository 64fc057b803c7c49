//! References kept with a transfer: ids of other systems, hashes of their messages, and commitments to screening.
//!
//! Invariant: nothing here is personal data in clear; a commitment is a hash over a salt that stays with the intermediary,
//! and destroying the salt is the erasure.
//! Shapes: text references are 1 to 35 characters of the SWIFT x set without blanks; a UETR is a version 4 UUID.
//! Source: `docs/spec/ledger.md`, "References"; ISO 20022 `Max35Text` and `UUIDv4Identifier`.

use alloc::borrow::ToOwned;
use alloc::string::String;
use borsh::io;
use borsh::{BorshDeserialize, BorshSerialize};
use core::fmt;
use falaj_consensus::bounded::byte_string;
use falaj_consensus::hash::{self, Tag};
use falaj_consensus::types::Hash32;

use crate::decode::DecodeFault;

/// The longest text reference.
pub const REFERENCE_BYTES_MAX: usize = 35;

const COMMITMENT_TAG: Tag = Tag::new("falaj/commitment/1");

/// A reference of another system, such as an end-to-end id or the reference of an RTGS payment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize)]
pub struct Reference(String);

impl Reference {
    /// Takes 1 to 35 characters of `A-Z a-z 0-9 / - ? : ( ) . , ' +`.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let fits = (1..=REFERENCE_BYTES_MAX).contains(&text.len());
        (fits && text.bytes().all(is_reference_byte)).then(|| Self(text.to_owned()))
    }

    /// The characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

const fn is_reference_byte(byte: u8) -> bool {
    matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9')
        || matches!(
            byte,
            b'/' | b'-' | b'?' | b':' | b'(' | b')' | b'.' | b',' | b'\'' | b'+'
        )
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl BorshDeserialize for Reference {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let bytes = byte_string(reader, REFERENCE_BYTES_MAX)?;
        let reference = core::str::from_utf8(&bytes).ok().and_then(Self::new);
        reference.ok_or_else(|| {
            DecodeFault::Encoding("a reference is 1 to 35 characters of its set").into()
        })
    }
}

/// A unique end-to-end transaction reference: a version 4 UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize)]
pub struct Uetr([u8; 16]);

impl Uetr {
    /// Takes the bytes of a version 4 UUID.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Option<Self> {
        if bytes[6] >> 4 == 4 && bytes[8] >> 6 == 0b10 {
            Some(Self(bytes))
        } else {
            None
        }
    }

    /// The sixteen bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl BorshDeserialize for Uetr {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let bytes = <[u8; 16]>::deserialize_reader(reader)?;
        Self::new(bytes).ok_or_else(|| DecodeFault::Encoding("a UETR is a version 4 uuid").into())
    }
}

/// A purpose code of ISO 20022: 1 to 4 capital letters or digits, padded with zero bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize)]
pub struct Purpose([u8; 4]);

impl Purpose {
    /// Takes 1 to 4 capital letters or digits.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let mut bytes = [0_u8; 4];
        bytes
            .get_mut(..text.len())?
            .copy_from_slice(text.as_bytes());
        Self::from_bytes(bytes)
    }

    fn from_bytes(bytes: [u8; 4]) -> Option<Self> {
        let length = bytes
            .iter()
            .position(|byte| *byte == 0)
            .unwrap_or(bytes.len());
        let (text, padding) = bytes.split_at(length);
        let code = text
            .iter()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        (length > 0 && code && padding.iter().all(|byte| *byte == 0)).then_some(Self(bytes))
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .filter(|byte| **byte != 0)
            .try_for_each(|byte| write!(f, "{}", char::from(*byte)))
    }
}

impl BorshDeserialize for Purpose {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let bytes = <[u8; 4]>::deserialize_reader(reader)?;
        Self::from_bytes(bytes)
            .ok_or_else(|| DecodeFault::Encoding("a purpose is 1 to 4 capitals or digits").into())
    }
}

/// A commitment to a value that stays outside: H(tag, salt, value).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct Commitment(Hash32);

impl Commitment {
    /// Commits to a value under a salt of 32 random bytes.
    #[must_use]
    pub fn to(salt: &[u8; 32], value: &[u8]) -> Self {
        Self(hash::tagged_parts(COMMITMENT_TAG, &[salt, value]))
    }

    /// Takes a commitment that was made elsewhere.
    #[must_use]
    pub const fn from_hash(hash: Hash32) -> Self {
        Self(hash)
    }

    /// The hash.
    #[must_use]
    pub const fn hash(&self) -> Hash32 {
        self.0
    }
}

/// What a transfer carries for other systems; all of it optional, none of it read by the ledger but for the UETR.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct References {
    /// Unique end-to-end transaction reference; unique per participant for the id's life.
    pub uetr: Option<Uetr>,
    /// End-to-end id.
    pub end_to_end: Option<Reference>,
    /// Purpose code.
    pub purpose: Option<Purpose>,
    /// Id of the order that the transfer acts under.
    pub order: Option<[u8; 16]>,
    /// Band of the submitter's own risk score.
    pub risk_band: Option<u8>,
    /// SHA-256 of the message that caused the transfer.
    pub source_message: Option<Hash32>,
    /// Commitment to the KYC screening.
    pub kyc: Option<Commitment>,
    /// Commitment to the travel-rule data.
    pub travel_rule: Option<Commitment>,
    /// Commitment to the AML screening.
    pub aml: Option<Commitment>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_bounded_and_from_their_set() {
        assert_eq!(
            Reference::new("RTGS/2026-07/000001").unwrap().as_str(),
            "RTGS/2026-07/000001"
        );
        for text in [
            "",
            "two words",
            "näme",
            "semi;colon",
            &"x".repeat(36),
            "tab\t",
        ] {
            assert_eq!(Reference::new(text), None, "{text}");
        }
        let long = borsh::to_vec(&"x".repeat(36)).unwrap();
        assert!(borsh::from_slice::<Reference>(&long).is_err());
    }

    #[test]
    fn a_uetr_is_a_version_4_uuid() {
        let mut bytes = [0x11; 16];
        assert_eq!(Uetr::new(bytes), None);
        bytes[6] = 0x41;
        bytes[8] = 0x91;
        assert!(Uetr::new(bytes).is_some());
    }

    #[test]
    fn purposes_have_one_form() {
        assert_eq!(Purpose::new("SALA").unwrap().to_string(), "SALA");
        assert_eq!(Purpose::new("BEX").unwrap().to_string(), "BEX");
        for text in ["", "salary", "SA A", "sala", "TOOLONG"] {
            assert_eq!(Purpose::new(text), None, "{text}");
        }
        assert!(borsh::from_slice::<Purpose>(b"A\0A\0").is_err());
    }

    // The salt hides the value: other salts, other commitments.
    #[test]
    fn commitments_depend_on_salt_and_value() {
        let a = Commitment::to(&[1; 32], b"passport");
        assert_ne!(a, Commitment::to(&[2; 32], b"passport"));
        assert_ne!(a, Commitment::to(&[1; 32], b"Passport"));
    }
}
