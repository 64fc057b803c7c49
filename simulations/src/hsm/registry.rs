//! Everything that was ever signed, by whom, what for, and whether it left the signer.
//!
//! Invariant: entries are only added; a crash, a restored disk or a new process takes nothing back.

use std::collections::BTreeMap;
use std::sync::Arc;

use falaj_consensus::crypto::Signature;
use falaj_hsm::purpose::Purpose;

use super::{KeyIndex, Keys};
use crate::types::{NodeIndex, SimTime};

/// What a token is asked to sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The process that asks: two processes may share a key.
    pub node: NodeIndex,
    /// With which key.
    pub key: KeyIndex,
    /// What for.
    pub purpose: Purpose,
    /// The bytes to sign.
    pub message: Vec<u8>,
}

/// One signature that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// When the token made it.
    pub at: SimTime,
    /// What it was asked.
    pub order: Order,
    /// The signature.
    pub signature: Signature,
    /// When the signer first let it out, if it did.
    pub released_at: Option<SimTime>,
}

/// The register of a run.
#[derive(Debug)]
pub struct Registry {
    keys: Arc<Keys>,
    signed: Vec<Signed>,
    by_signature: BTreeMap<Signature, usize>,
}

impl Registry {
    /// An empty register for these keys.
    #[must_use]
    pub const fn new(keys: Arc<Keys>) -> Self {
        Self {
            keys,
            signed: Vec::new(),
            by_signature: BTreeMap::new(),
        }
    }

    /// Signs whatever is asked, as a token does, and remembers it. Each call gives another signature.
    pub fn sign(&mut self, at: SimTime, order: Order) -> Signature {
        let position = self.signed.len();
        let signature = self.keys.sign(order.key, position as u64, &order.message);
        self.by_signature.insert(signature.clone(), position);
        self.signed.push(Signed {
            at,
            order,
            signature: signature.clone(),
            released_at: None,
        });
        signature
    }

    /// Notes that a signer let a signature out; says whether a token had made it.
    pub fn release(&mut self, at: SimTime, signature: &Signature) -> bool {
        let position = self.by_signature.get(signature);
        let entry = position.and_then(|position| self.signed.get_mut(*position));
        entry
            .map(|entry| entry.released_at.get_or_insert(at))
            .is_some()
    }

    /// The entry of a signature.
    #[must_use]
    pub fn find(&self, signature: &Signature) -> Option<&Signed> {
        self.by_signature
            .get(signature)
            .and_then(|position| self.signed.get(*position))
    }

    /// Everything that was signed, in order.
    #[must_use]
    pub fn all(&self) -> &[Signed] {
        &self.signed
    }

    /// What was let out, in order of signing.
    pub fn released(&self) -> impl Iterator<Item = &Signed> {
        self.signed
            .iter()
            .filter(|entry| entry.released_at.is_some())
    }

    /// The keys.
    #[must_use]
    pub const fn keys(&self) -> &Arc<Keys> {
        &self.keys
    }
}
