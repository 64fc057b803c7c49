//! The bytes that approvals sign, and the two hashes that name a body.
//!
//! Layout of the sign-bytes: tag (16 bytes), chain id, body; the body begins with its version and genesis hash.
//! The body hash covers every field. The content hash leaves out the validity window, so a re-signed retry has the same one.
//! Signatures enter neither: they can be made anew, so nothing is ever identified by them.
//! Source: `docs/spec/ledger.md`, "Sign-bytes" and "Sameness".

use alloc::vec::Vec;
use borsh::{BorshDeserialize, BorshSerialize};
use core::fmt;
use falaj_consensus::hash::{self, Tag};
use falaj_consensus::types::{ChainContext, Hash32};

use super::TxBody;

/// First bytes of everything that a client's key signs for a transaction.
const SIGN_TAG: [u8; 16] = *b"falaj/client-tx\0";
const BODY_TAG: Tag = Tag::new("falaj/transaction/1");
const CONTENT_TAG: Tag = Tag::new("falaj/transaction-content/1");

/// Bytes of an encoded body before its window: version, genesis hash, participant, id.
const WINDOW_START: usize = 2 + 32 + 4 + 16;
/// Bytes of an encoded body up to the end of its window.
const WINDOW_END: usize = WINDOW_START + 8 + 8;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
        pub struct $name(Hash32);

        impl $name {
            /// Gives a digest this meaning.
            #[must_use]
            pub const fn new(hash: Hash32) -> Self {
                Self(hash)
            }

            /// The digest.
            #[must_use]
            pub const fn hash(&self) -> Hash32 {
                self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0.short())
            }
        }
    };
}

name!(
    /// Name of a body with its window: what a receipt states.
    BodyHash
);
name!(
    /// Name of what a body asks, without its window: what makes two transactions the same.
    ContentHash
);

/// The bytes that an approval of this body signs on that chain.
#[must_use]
pub fn sign_bytes(chain: &ChainContext, body: &TxBody) -> Vec<u8> {
    sign_bytes_of(&chain.chain_id, &hash::encode(body))
}

/// The sign-bytes of a body given in its encoding.
pub(crate) fn sign_bytes_of(chain_id: &str, encoded_body: &[u8]) -> Vec<u8> {
    let chain_id = hash::encode(&chain_id);
    [&SIGN_TAG[..], &chain_id, encoded_body].concat()
}

impl TxBody {
    /// Name of the body with its window.
    #[must_use]
    pub fn body_hash(&self) -> BodyHash {
        body_hash_of(&hash::encode(self))
    }

    /// Name of the body without its window.
    #[must_use]
    pub fn content_hash(&self) -> ContentHash {
        content_hash_of(&hash::encode(self))
    }
}

pub(crate) fn body_hash_of(encoded_body: &[u8]) -> BodyHash {
    BodyHash(hash::tagged(BODY_TAG, encoded_body))
}

pub(crate) fn content_hash_of(encoded_body: &[u8]) -> ContentHash {
    let (front, rest) = encoded_body.split_at(WINDOW_START);
    let op = &rest[WINDOW_END - WINDOW_START..];
    ContentHash(hash::tagged_parts(CONTENT_TAG, &[front, op]))
}
