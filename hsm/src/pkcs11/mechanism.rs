//! How each algorithm is asked of a token, and what its answer has to become.
//!
//! Invariant: one mechanism and one set of parameters per algorithm; nothing falls back to another.
//! Shapes: Ed25519 signs the bytes themselves, ECDSA their SHA-256 or SHA-384 made on the host, RSA-PSS the bytes (the token hashes).
//! Errors: [`TokenError::WrongSignature`] for an answer of the wrong length.
//! Source: PKCS #11 v3.0 §2.1.9 (PSS), §2.3.6 (ECDSA), §2.3.15 (EdDSA); `docs/spec/hsm.md`, "Algorithms".

use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::types::Ulong;
use falaj_consensus::crypto::{Algorithm, PublicKey, Signature};
use falaj_consensus::verify::{Checker, RealChecker, SignedItem};
use ring::digest;

use super::error::TokenError;
use crate::low_s::low_s;

/// Salt of RSA-PSS: as long as the hash.
const PSS_SALT_BYTES: u64 = 32;

/// The one mechanism by which a key of this algorithm signs.
pub(crate) fn mechanism(algorithm: Algorithm) -> Mechanism<'static> {
    match algorithm {
        // The other schemes of this version of cryptoki point at parameters that no longer live.
        Algorithm::Ed25519 => Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Pure)),
        Algorithm::EcdsaP256 | Algorithm::EcdsaP384 => Mechanism::Ecdsa,
        Algorithm::RsaPss2048 | Algorithm::RsaPss3072 | Algorithm::RsaPss4096 => {
            Mechanism::Sha256RsaPkcsPss(PkcsPssParams {
                hash_alg: MechanismType::SHA256,
                mgf: PkcsMgfType::MGF1_SHA256,
                s_len: Ulong::new(PSS_SALT_BYTES),
            })
        }
    }
}

/// The mechanism that makes a key of this algorithm.
pub(crate) const fn generation(algorithm: Algorithm) -> Mechanism<'static> {
    match algorithm {
        Algorithm::Ed25519 => Mechanism::EccEdwardsKeyPairGen,
        Algorithm::EcdsaP256 | Algorithm::EcdsaP384 => Mechanism::EccKeyPairGen,
        Algorithm::RsaPss2048 | Algorithm::RsaPss3072 | Algorithm::RsaPss4096 => {
            Mechanism::RsaPkcsKeyPairGen
        }
    }
}

/// The names by which the standard calls the mechanisms used here.
pub(crate) const NAMES: [(MechanismType, &str); 6] = [
    (MechanismType::EDDSA, "CKM_EDDSA"),
    (MechanismType::ECDSA, "CKM_ECDSA"),
    (
        MechanismType::SHA256_RSA_PKCS_PSS,
        "CKM_SHA256_RSA_PKCS_PSS",
    ),
    (
        MechanismType::ECC_EDWARDS_KEY_PAIR_GEN,
        "CKM_EC_EDWARDS_KEY_PAIR_GEN",
    ),
    (MechanismType::ECC_KEY_PAIR_GEN, "CKM_EC_KEY_PAIR_GEN"),
    (
        MechanismType::RSA_PKCS_KEY_PAIR_GEN,
        "CKM_RSA_PKCS_KEY_PAIR_GEN",
    ),
];

/// Name of a mechanism of [`NAMES`].
pub(crate) fn name(mechanism: MechanismType) -> &'static str {
    let found = NAMES.iter().find(|(known, _)| *known == mechanism);
    found.map_or("another mechanism", |(_, name)| name)
}

/// What is handed to the token for these sign bytes.
pub(crate) fn input(algorithm: Algorithm, bytes: &[u8]) -> Vec<u8> {
    match algorithm {
        Algorithm::EcdsaP256 => digest::digest(&digest::SHA256, bytes).as_ref().to_vec(),
        Algorithm::EcdsaP384 => digest::digest(&digest::SHA384, bytes).as_ref().to_vec(),
        Algorithm::Ed25519
        | Algorithm::RsaPss2048
        | Algorithm::RsaPss3072
        | Algorithm::RsaPss4096 => bytes.to_vec(),
    }
}

/// Turns a token's answer into a signature, and checks it on the host against the enrolled key.
///
/// # Errors
/// [`TokenError::WrongSignature`] unless it is a signature of `key` over `bytes`.
pub(crate) fn accept(key: &PublicKey, bytes: &[u8], raw: Vec<u8>) -> Result<Signature, TokenError> {
    let algorithm = key.algorithm();
    let wrong = TokenError::WrongSignature {
        algorithm,
        bytes: raw.len(),
    };
    let signature = Signature::new(low_s(algorithm, raw)).ok_or_else(|| wrong.clone())?;
    let item = SignedItem {
        key,
        message: bytes,
        signature: &signature,
    };
    if RealChecker.check(item) {
        Ok(signature)
    } else {
        Err(wrong)
    }
}
