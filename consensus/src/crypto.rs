//! The closed list of signature algorithms, and keys and signatures as bounded bytes.
//!
//! Invariant: a [`PublicKey`] that exists has the one canonical form of its algorithm; lengths are checked before anything is kept.
//! Shapes: Ed25519 32 bytes (RFC 8032, where the one form of a point is asked for at enrolment); ECDSA the uncompressed point, `04 ‖ x ‖ y` (SEC 1 §2.3.3), 65 or 97 bytes;
//! RSA the modulus, big-endian, exactly 256, 384 or 512 bytes, odd, top bit set, with the exponent fixed to 65537.
//! Signatures: Ed25519 64 bytes; ECDSA `r ‖ s`, fixed length, low s; RSA-PSS as long as the modulus.
//! Source: `docs/spec/encoding.md`; FIPS 186-5; RFC 8017 §8.1.

use alloc::vec::Vec;
use borsh::io;
use borsh::{BorshDeserialize, BorshSerialize};
use core::fmt;

use crate::bounded;
pub use crate::bounded::byte_string as read_bounded;
use crate::hash::{self, Tag};
use crate::types::Hash32;

/// The longest signature of any algorithm: RSA-PSS-4096.
pub const SIGNATURE_BYTES_MAX: usize = 512;
/// The longest public key of any algorithm: the modulus of RSA-4096.
pub const PUBLIC_KEY_BYTES_MAX: usize = 512;

const KEY_TAG: Tag = Tag::new("falaj/key/1");

/// How a signature is made and checked; bound into keys, validator sets and guard records.
///
/// The discriminants are part of the encoding and never reused; 7 is kept for SM2 with SM3.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Algorithm {
    /// Ed25519, accepted by the rules of ZIP 215.
    Ed25519 = 1,
    /// ECDSA on P-256 with SHA-256.
    EcdsaP256 = 2,
    /// ECDSA on P-384 with SHA-384.
    EcdsaP384 = 3,
    /// RSASSA-PSS, 2048-bit modulus, SHA-256, MGF1-SHA-256, salt 32.
    RsaPss2048 = 4,
    /// RSASSA-PSS, 3072-bit modulus, SHA-256, MGF1-SHA-256, salt 32.
    RsaPss3072 = 5,
    /// RSASSA-PSS, 4096-bit modulus, SHA-256, MGF1-SHA-256, salt 32.
    RsaPss4096 = 6,
}

impl Algorithm {
    /// Every algorithm, in order of discriminant.
    pub const ALL: [Self; 6] = [
        Self::Ed25519,
        Self::EcdsaP256,
        Self::EcdsaP384,
        Self::RsaPss2048,
        Self::RsaPss3072,
        Self::RsaPss4096,
    ];

    /// The name used in configuration, genesis files and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::EcdsaP256 => "p256",
            Self::EcdsaP384 => "p384",
            Self::RsaPss2048 => "rsa-pss-2048",
            Self::RsaPss3072 => "rsa-pss-3072",
            Self::RsaPss4096 => "rsa-pss-4096",
        }
    }

    /// The algorithm of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
    }

    /// Length of a public key in bytes.
    #[must_use]
    pub const fn public_key_bytes(self) -> usize {
        match self {
            Self::Ed25519 => 32,
            Self::EcdsaP256 => 65,
            Self::EcdsaP384 => 97,
            Self::RsaPss2048 => 256,
            Self::RsaPss3072 => 384,
            Self::RsaPss4096 => 512,
        }
    }

    /// Length of a signature in bytes.
    #[must_use]
    pub const fn signature_bytes(self) -> usize {
        match self {
            Self::Ed25519 | Self::EcdsaP256 => 64,
            Self::EcdsaP384 => 96,
            Self::RsaPss2048 => 256,
            Self::RsaPss3072 => 384,
            Self::RsaPss4096 => 512,
        }
    }

    /// Whether `fips = strict` admits it: everything but Ed25519 today.
    #[must_use]
    pub const fn fips_approved(self) -> bool {
        !matches!(self, Self::Ed25519)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why bytes are not a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The length is not the algorithm's.
    #[error("a {algorithm} key has {expected} bytes, not {found}")]
    Length {
        /// Algorithm that was stated.
        algorithm: Algorithm,
        /// Length that it asks for.
        expected: usize,
        /// Length that came.
        found: usize,
    },
    /// An elliptic-curve point that is not uncompressed, a modulus that is even or too short, an Ed25519 `y` not below the prime.
    #[error("a {0} key is not in its canonical form")]
    Form(Algorithm),
    /// A small-order Ed25519 key, under which any message verifies.
    #[error("an ed25519 key is of small order or not a point")]
    SmallOrder,
}

/// A public key in the canonical form of its algorithm.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize)]
pub struct PublicKey {
    algorithm: Algorithm,
    bytes: Vec<u8>,
}

impl PublicKey {
    /// Takes the bytes of a key.
    ///
    /// # Errors
    /// [`KeyError`] when length or form is not the algorithm's. Whether a curve point lies on its curve is left to the verifier.
    pub fn new(algorithm: Algorithm, bytes: Vec<u8>) -> Result<Self, KeyError> {
        let expected = algorithm.public_key_bytes();
        if bytes.len() != expected {
            return Err(KeyError::Length {
                algorithm,
                expected,
                found: bytes.len(),
            });
        }
        let first = bytes.first().copied().unwrap_or_default();
        let last = bytes.last().copied().unwrap_or_default();
        let canonical = match algorithm {
            Algorithm::Ed25519 => true,
            Algorithm::EcdsaP256 | Algorithm::EcdsaP384 => first == 4,
            Algorithm::RsaPss2048 | Algorithm::RsaPss3072 | Algorithm::RsaPss4096 => {
                first >= 0x80 && last & 1 == 1
            }
        };
        if canonical {
            Ok(Self { algorithm, bytes })
        } else {
            Err(KeyError::Form(algorithm))
        }
    }

    /// The algorithm the key is bound to.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key's bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The tagged hash of algorithm and bytes: the name of the key in guard records, logs and reports.
    #[must_use]
    pub fn fingerprint(&self) -> Hash32 {
        hash::tagged_parts(KEY_TAG, &[&[self.algorithm as u8], &self.bytes])
    }

    /// Refuses what must never be enrolled as somebody's key: Ed25519 points of small order, undecodable, or not in their one form.
    ///
    /// # Errors
    /// [`KeyError::SmallOrder`] or [`KeyError::Form`].
    pub fn check_enrolment(&self) -> Result<(), KeyError> {
        match self.algorithm {
            Algorithm::Ed25519 => crate::verify::refuse_small_order(&self.bytes),
            Algorithm::EcdsaP256
            | Algorithm::EcdsaP384
            | Algorithm::RsaPss2048
            | Algorithm::RsaPss3072
            | Algorithm::RsaPss4096 => Ok(()),
        }
    }
}

impl BorshDeserialize for PublicKey {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let algorithm = Algorithm::deserialize_reader(reader)?;
        let bytes = read_bounded(reader, PUBLIC_KEY_BYTES_MAX)?;
        Self::new(algorithm, bytes).map_err(bounded::refused)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm, self.fingerprint().short())
    }
}

/// The bytes of a signature, at most [`SIGNATURE_BYTES_MAX`]; whether they are right is the verifier's to say.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize)]
pub struct Signature(Vec<u8>);

impl Signature {
    /// Takes the bytes of a signature; `None` if they are longer than any algorithm's.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        (bytes.len() <= SIGNATURE_BYTES_MAX).then_some(Self(bytes))
    }

    /// The signature's bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl BorshDeserialize for Signature {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        read_bounded(reader, SIGNATURE_BYTES_MAX).map(Self)
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "signature of {} bytes", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Each algorithm's key has one length and one form; everything else is refused.
    #[test]
    fn keys_have_one_form() {
        for algorithm in Algorithm::ALL {
            let mut bytes = vec![0x81_u8; algorithm.public_key_bytes()];
            if matches!(algorithm, Algorithm::EcdsaP256 | Algorithm::EcdsaP384) {
                bytes[0] = 4;
            }
            let key = PublicKey::new(algorithm, bytes.clone()).unwrap();
            let encoded = hash::encode(&key);
            assert_eq!(borsh::from_slice::<PublicKey>(&encoded).unwrap(), key);
            assert!(PublicKey::new(algorithm, bytes[1..].to_vec()).is_err());
            assert_eq!(Algorithm::from_name(algorithm.name()), Some(algorithm));
        }
        assert_eq!(
            PublicKey::new(Algorithm::EcdsaP256, vec![2; 65]),
            Err(KeyError::Form(Algorithm::EcdsaP256))
        );
        assert_eq!(
            PublicKey::new(Algorithm::RsaPss3072, vec![0x80; 384]),
            Err(KeyError::Form(Algorithm::RsaPss3072))
        );
    }

    // A length prefix beyond the bound is refused before memory is taken.
    #[test]
    fn long_signatures_are_refused_before_allocation() {
        let bytes = u32::MAX.to_le_bytes();
        assert!(borsh::from_slice::<Signature>(&bytes).is_err());
        assert!(Signature::new(vec![0; SIGNATURE_BYTES_MAX + 1]).is_none());
    }
}
