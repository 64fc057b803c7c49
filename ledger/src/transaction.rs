//! Signed transactions: the closed set of operations, and the bytes that are signed and hashed.
//!
//! Invariant: a transaction decodes from exactly one byte string; discriminants are never reused; approvals ascend by key.
//! Shapes and units: ids are `UUIDv7` with Unix milliseconds in front; windows are milliseconds, both ends included.
//! Numbers of later operations are kept: 3 pending, 4 post, 5 void, 6 hash lock, 7 claim, 8 refund, 9 linked chain, 10 cancel,
//! 11 close account, 12 change controllers, 13 preburn, 36 withdraw, 37 revoke own key, 38 file order, 39 release order,
//! 40 seize, 41 claw back, 42 halt, 43 resume, 44 publish log heads.
//! Errors: decoding fails with a [`DecodeFault`]; what a well-formed transaction still must satisfy is in [`crate::validate`].
//! Source: `docs/spec/ledger.md`, "Transactions".

mod body;
mod difference;
mod id;
mod signing;

use alloc::vec::Vec;
pub use body::{Flags, Op, OpenAccount, Propose, Transfer, TxBody};
pub use id::{TxId, TxKey};
pub use signing::{BodyHash, ContentHash, sign_bytes};
#[cfg(feature = "std")]
pub(crate) use signing::{body_hash_of, content_hash_of, sign_bytes_of};

use borsh::io;
use borsh::{BorshDeserialize, BorshSerialize};
use falaj_consensus::bounded::list;
use falaj_consensus::crypto::{PublicKey, Signature};

use crate::decode::DecodeFault;

/// The most signatures under one transaction.
pub const APPROVALS_MAX: usize = 16;

/// A key's signature over the sign-bytes of a body.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Approval {
    /// The key, with its algorithm.
    pub public_key: PublicKey,
    /// Its signature.
    pub signature: Signature,
}

/// A body with the approvals it came with.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize)]
pub struct SignedTx {
    /// What is asked.
    pub body: TxBody,
    /// Who asks, strictly ascending by key: 1 to [`APPROVALS_MAX`].
    pub approvals: Vec<Approval>,
}

impl SignedTx {
    /// Puts approvals in their order under a body.
    ///
    /// `None` if there are none, too many, or two of one key.
    #[must_use]
    pub fn new(body: TxBody, mut approvals: Vec<Approval>) -> Option<Self> {
        approvals.sort_by(|a, b| a.public_key.cmp(&b.public_key));
        approvals_fit(&approvals).then_some(Self { body, approvals })
    }

    /// The one encoding.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        falaj_consensus::hash::encode(self)
    }

    /// Whether a key approved; its signature is right if the transaction was checked.
    #[must_use]
    pub fn is_approved_by(&self, key: &PublicKey) -> bool {
        self.approvals
            .iter()
            .any(|approval| approval.public_key == *key)
    }

    /// The keys that approved, ascending.
    pub fn signers(&self) -> impl Iterator<Item = &PublicKey> {
        self.approvals.iter().map(|approval| &approval.public_key)
    }
}

fn approvals_fit(approvals: &[Approval]) -> bool {
    (1..=APPROVALS_MAX).contains(&approvals.len())
        && approvals.is_sorted_by(|a, b| a.public_key < b.public_key)
}

impl BorshDeserialize for SignedTx {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let body = TxBody::deserialize_reader(reader)?;
        let approvals: Vec<Approval> = list(reader, APPROVALS_MAX)?;
        if approvals_fit(&approvals) {
            return Ok(Self { body, approvals });
        }
        Err(DecodeFault::Encoding("approvals are 1 to 16, strictly ascending by key").into())
    }
}

#[cfg(test)]
mod tests;
