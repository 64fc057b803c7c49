//! What a key signs to prove that whoever enrols it holds it.
//!
//! Invariant: the tag is no statement's, so no such signature is a vote; the change covers everything that the key is enrolled with.
//! Source: `docs/spec/guard.md`, "Purposes".

use alloc::vec::Vec;

use crate::crypto::PublicKey;
use crate::hash;
use crate::types::{Hash32, ValidatorId};

const TAG: [u8; 16] = *b"falaj/possession";
const VERSION: u16 = 1;

/// The bytes that `key` signs before it votes for `validator`; `change` is the hash of what enrols it.
#[must_use]
pub fn possession_bytes(
    chain_id: &str,
    change: Hash32,
    validator: ValidatorId,
    key: &PublicKey,
) -> Vec<u8> {
    hash::encode(&(TAG, VERSION, (chain_id, change, validator, key)))
}
