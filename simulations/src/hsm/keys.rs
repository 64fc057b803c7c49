//! Keys that sign by a keyed hash, and the checker that knows them.
//!
//! Invariant: only a holder of [`Keys`] can make a signature that [`RegistryChecker`] accepts; machines under test get the
//! checker alone.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use ed25519_dalek::{Signer as _, SigningKey};
use falaj_consensus::crypto::{Algorithm, PublicKey, Signature};
use falaj_consensus::verify::{Checker, SignedItem};

use crate::chance::{Chance, Site};

const SECRET: Site = Site::new("hsm/secret");
const NONCE_BYTES: usize = 8;

/// Which key of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyIndex(u16);

impl KeyIndex {
    /// The key of that number.
    #[must_use]
    pub const fn new(index: u16) -> Self {
        Self(index)
    }

    /// Its number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

/// All keys of a run, made from its seed.
pub struct Keys {
    keys: Vec<Key>,
    by_public: BTreeMap<PublicKey, usize>,
}

struct Key {
    public: PublicKey,
    secret: Secret,
}

/// What a key signs with.
enum Secret {
    /// The keyed hash of the simulated HSM.
    Hash([u8; 32]),
    /// Ed25519, for runs under the real checker.
    Real(Box<SigningKey>),
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.keys.iter().map(|key| &key.public))
            .finish()
    }
}

impl Keys {
    /// One key for each algorithm named, in that order.
    #[must_use]
    pub fn generate(chance: &Chance, algorithms: &[Algorithm]) -> Arc<Self> {
        let places = (0..).zip(algorithms);
        let keys: Vec<Key> = places
            .map(|(place, algorithm)| Key::generate(chance, place, *algorithm))
            .collect();
        Arc::new(Self::of(keys))
    }

    /// So many real Ed25519 keys.
    #[must_use]
    pub fn generate_real(chance: &Chance, count: u16) -> Arc<Self> {
        let keys = (0..u64::from(count)).map(|place| Key::generate_real(chance, place));
        Arc::new(Self::of(keys.collect()))
    }

    fn of(keys: Vec<Key>) -> Self {
        let places = keys.iter().enumerate();
        let by_public = places.map(|(at, key)| (key.public.clone(), at)).collect();
        Self { keys, by_public }
    }

    /// The public half.
    ///
    /// # Panics
    /// When there is no such key.
    #[must_use]
    pub fn public(&self, key: KeyIndex) -> &PublicKey {
        &self.keys[usize::from(key.0)].public
    }

    /// Which key it is, if it is one of these.
    #[must_use]
    pub fn index_of(&self, public: &PublicKey) -> Option<KeyIndex> {
        let at = self.by_public.get(public)?;
        u16::try_from(*at).ok().map(KeyIndex::new)
    }

    pub(crate) fn sign(&self, key: KeyIndex, nonce: u64, message: &[u8]) -> Signature {
        self.keys[usize::from(key.0)].sign(nonce.to_le_bytes(), message)
    }

    fn find(&self, public: &PublicKey) -> Option<&Key> {
        self.by_public.get(public).and_then(|at| self.keys.get(*at))
    }
}

impl Key {
    fn generate(chance: &Chance, place: u64, algorithm: Algorithm) -> Self {
        let secret = chance.key(SECRET, place);
        let public = (0_u64..).find_map(|attempt| public_key(&secret, attempt, algorithm));
        Self {
            public: public.expect("half of all attempts succeed"),
            secret: Secret::Hash(secret),
        }
    }

    fn generate_real(chance: &Chance, place: u64) -> Self {
        let key = SigningKey::from_bytes(&chance.key(SECRET, place));
        let bytes = key.verifying_key().to_bytes().to_vec();
        let public = PublicKey::new(Algorithm::Ed25519, bytes);
        Self {
            public: public.expect("an Ed25519 key has 32 bytes"),
            secret: Secret::Real(Box::new(key)),
        }
    }

    fn sign(&self, nonce: [u8; NONCE_BYTES], message: &[u8]) -> Signature {
        let bytes = match &self.secret {
            Secret::Hash(secret) => self.keyed_hash(secret, nonce, message),
            Secret::Real(key) => key.sign(message).to_bytes().to_vec(),
        };
        Signature::new(bytes).expect("no algorithm's signature is longer than the longest")
    }

    fn keyed_hash(&self, secret: &[u8; 32], nonce: [u8; NONCE_BYTES], message: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0_u8; self.public.algorithm().signature_bytes()];
        let (front, rest) = bytes.split_at_mut(NONCE_BYTES);
        front.copy_from_slice(&nonce);
        let mut hasher = blake3::Hasher::new_keyed(secret);
        hasher
            .update(&nonce)
            .update(message)
            .finalize_xof()
            .fill(rest);
        bytes
    }

    fn has_signed(&self, message: &[u8], signature: &Signature) -> bool {
        let nonce = signature.bytes().first_chunk::<NONCE_BYTES>();
        nonce.is_some_and(|nonce| self.sign(*nonce, message) == *signature)
    }
}

/// Bytes in the form of the algorithm's keys; for Ed25519 about half of all attempts are points that may be enrolled.
fn public_key(secret: &[u8; 32], attempt: u64, algorithm: Algorithm) -> Option<PublicKey> {
    let mut bytes = vec![0_u8; algorithm.public_key_bytes()];
    let mut hasher = blake3::Hasher::new_keyed(secret);
    hasher
        .update(b"public")
        .update(&attempt.to_le_bytes())
        .finalize_xof()
        .fill(&mut bytes);
    let last = bytes.len() - 1;
    match algorithm {
        Algorithm::Ed25519 => {}
        Algorithm::EcdsaP256 | Algorithm::EcdsaP384 => bytes[0] = 4,
        Algorithm::RsaPss2048 | Algorithm::RsaPss3072 | Algorithm::RsaPss4096 => {
            bytes[0] |= 0x80;
            bytes[last] |= 1;
        }
    }
    PublicKey::new(algorithm, bytes)
        .ok()
        .filter(|key| key.check_enrolment().is_ok())
}

/// The checker of a simulated network: a signature is right when the key's own keyed hash says so.
#[derive(Clone, Debug)]
pub struct RegistryChecker {
    keys: Arc<Keys>,
}

impl RegistryChecker {
    /// The checker that knows these keys and no others.
    #[must_use]
    pub const fn new(keys: Arc<Keys>) -> Self {
        Self { keys }
    }
}

impl Checker for RegistryChecker {
    fn check(&self, item: SignedItem<'_>) -> bool {
        let key = self.keys.find(item.key);
        key.is_some_and(|key| key.has_signed(item.message, item.signature))
    }
}
