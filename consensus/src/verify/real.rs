//! Signature arithmetic: Ed25519 by ZIP 215 (ed25519-zebra), ECDSA and RSA-PSS by ring, each with one strict rule.
//!
//! Invariant: a batch gives each signature the verdict it gets alone, because ZIP 215 multiplies by the cofactor in both.
//! The batch's coefficients come from a hash over the whole batch, so that nothing here draws a random number;
//! with the cofactor, an attacker who grinds batches against it wins one time in 2^128.
//! Source: ZIP 215; FIPS 186-5 §6 (ECDSA); RFC 8017 §8.1.2 (PSS, salt of 32 bytes, MGF1-SHA-256, e = 65537); `docs/spec/encoding.md`.

use alloc::vec;
use alloc::vec::Vec;
use core::convert::Infallible;
use curve25519_dalek::edwards::CompressedEdwardsY;
use ed25519_zebra::{Signature as ZebraSignature, VerificationKey, VerificationKeyBytes, batch};
use ring::signature;

use super::{Checker, SignedItem};
use crate::crypto::{Algorithm, KeyError};
use crate::hash::{self, Tag};
use crate::types::Hash32;

/// Signatures that are checked together: the knee of the gain lies between 256 and 1,024.
const SLICE: usize = 512;
/// Fewer than this many are checked one by one.
const BATCH_MIN: usize = 4;

const BATCH_TAG: Tag = Tag::new("falaj/batch-verify/1");
const RSA_EXPONENT: [u8; 3] = [1, 0, 1];

/// ⌊n/2⌋ of P-256: the greatest low s.
const P256_HALF: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b, 0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8,
];
/// ⌊n/2⌋ of P-384: the greatest low s.
const P384_HALF: [u8; 48] = [
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xe3, 0xb1, 0xa6, 0xc0, 0xfa, 0x1b, 0x96, 0xef,
    0xac, 0x0d, 0x06, 0xd9, 0x24, 0x58, 0x53, 0xbd, 0x76, 0x76, 0x0c, 0xb5, 0x66, 0x62, 0x94, 0xb9,
];

/// The checker of every real network.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealChecker;

impl Checker for RealChecker {
    fn check(&self, item: SignedItem<'_>) -> bool {
        let algorithm = item.key.algorithm();
        if item.signature.bytes().len() != algorithm.signature_bytes() {
            return false;
        }
        match algorithm {
            Algorithm::Ed25519 => check_ed25519(item),
            Algorithm::EcdsaP256 => {
                is_low(item, &P256_HALF) && check_ring(item, &signature::ECDSA_P256_SHA256_FIXED)
            }
            Algorithm::EcdsaP384 => {
                is_low(item, &P384_HALF) && check_ring(item, &signature::ECDSA_P384_SHA384_FIXED)
            }
            Algorithm::RsaPss2048 | Algorithm::RsaPss3072 | Algorithm::RsaPss4096 => {
                check_rsa(item)
            }
        }
    }

    fn check_batch(&self, items: &[SignedItem<'_>]) -> Vec<bool> {
        let mut verdicts = vec![false; items.len()];
        let (ed25519, others): (Vec<_>, Vec<_>) =
            (0..items.len()).partition(|at| items[*at].key.algorithm() == Algorithm::Ed25519);
        for at in others {
            verdicts[at] = self.check(items[at]);
        }
        for slice in ed25519.chunks(SLICE) {
            self.check_slice(items, slice, &mut verdicts);
        }
        verdicts
    }
}

impl RealChecker {
    fn check_slice(&self, items: &[SignedItem<'_>], slice: &[usize], verdicts: &mut [bool]) {
        let whole = slice.len() >= BATCH_MIN && batch_holds(slice.iter().map(|at| items[*at]));
        for at in slice {
            verdicts[*at] = whole || self.check(items[*at]);
        }
    }
}

fn check_ed25519(item: SignedItem<'_>) -> bool {
    let Ok(key) = VerificationKey::try_from(item.key.bytes()) else {
        return false;
    };
    let Ok(signature) = ZebraSignature::from_slice(item.signature.bytes()) else {
        return false;
    };
    key.verify(&signature, item.message).is_ok()
}

fn batch_holds<'a>(items: impl Iterator<Item = SignedItem<'a>>) -> bool {
    let mut verifier = batch::Verifier::new();
    let mut transcript = Vec::new();
    for item in items {
        let Ok(key) = VerificationKeyBytes::try_from(item.key.bytes()) else {
            return false;
        };
        let Ok(signature) = ZebraSignature::from_slice(item.signature.bytes()) else {
            return false;
        };
        transcript.extend_from_slice(item.key.bytes());
        transcript.extend_from_slice(item.signature.bytes());
        transcript.extend_from_slice(hash::sha256(item.message).bytes());
        verifier.queue((key, signature, item.message));
    }
    verifier
        .verify(Coefficients::new(hash::tagged(BATCH_TAG, &transcript)))
        .is_ok()
}

/// SHA-256 in counter mode over the batch's transcript.
struct Coefficients {
    seed: Hash32,
    counter: u64,
    block: [u8; 32],
    used: usize,
}

impl Coefficients {
    const fn new(seed: Hash32) -> Self {
        Self {
            seed,
            counter: 0,
            block: [0; 32],
            used: 32,
        }
    }

    fn next_byte(&mut self) -> u8 {
        if self.used == self.block.len() {
            let parts: [&[u8]; 2] = [self.seed.bytes(), &self.counter.to_le_bytes()];
            self.block = *hash::tagged_parts(BATCH_TAG, &parts).bytes();
            self.counter = self.counter.wrapping_add(1);
            self.used = 0;
        }
        let byte = self.block[self.used];
        self.used = self.used.wrapping_add(1);
        byte
    }
}

impl rand_core::TryRng for Coefficients {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, destination: &mut [u8]) -> Result<(), Infallible> {
        destination.fill_with(|| self.next_byte());
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Coefficients {}

fn check_ring(
    item: SignedItem<'_>,
    algorithm: &'static dyn signature::VerificationAlgorithm,
) -> bool {
    signature::UnparsedPublicKey::new(algorithm, item.key.bytes())
        .verify(item.message, item.signature.bytes())
        .is_ok()
}

fn check_rsa(item: SignedItem<'_>) -> bool {
    let key = signature::RsaPublicKeyComponents {
        n: item.key.bytes(),
        e: &RSA_EXPONENT[..],
    };
    key.verify(
        &signature::RSA_PSS_2048_8192_SHA256,
        item.message,
        item.signature.bytes(),
    )
    .is_ok()
}

fn is_low(item: SignedItem<'_>, half: &[u8]) -> bool {
    let (_, s) = item.signature.bytes().split_at(half.len());
    s <= half
}

/// Refuses an Ed25519 key of small order, under which any message verifies, bytes that are no point,
/// and the second encodings of a point that ZIP 215 decodes, so that one point is one key.
pub(crate) fn refuse_small_order(bytes: &[u8]) -> Result<(), KeyError> {
    let point = CompressedEdwardsY::from_slice(bytes)
        .ok()
        .and_then(|compressed| compressed.decompress());
    match point {
        Some(point) if point.is_small_order() => Err(KeyError::SmallOrder),
        Some(point) if point.compress().as_bytes() == bytes => Ok(()),
        Some(_) => Err(KeyError::Form(Algorithm::Ed25519)),
        None => Err(KeyError::SmallOrder),
    }
}
