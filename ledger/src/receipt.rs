//! Receipts: what became of each transaction of a block, as a leaf of the block's receipts tree.
//!
//! Invariant: a block has one receipt a transaction, in block order; leaf i is that of transaction i.
//! Shapes: the leaf is the layout version (1), then the receipt in borsh; the tree is that of RFC 9162.
//! A receipt is an answer only under a certificate; it names the body by its hash, so it fits one request and no other.
//! Source: `docs/spec/ledger.md`, "Receipts"; RFC 9162 §2.1.

use alloc::vec::Vec;
use borsh::{BorshDeserialize, BorshSerialize};
use falaj_consensus::hash;
use falaj_consensus::types::Hash32;

use crate::account::Place;
use crate::log_tree;
use crate::rejection::Rejection;
use crate::transaction::{BodyHash, TxKey};

const LAYOUT: u8 = 1;

/// What became of a transaction.
///
/// The discriminants are part of the encoding and never reused; 4 is kept for queued until open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Verdict {
    /// It was executed, whole.
    Executed = 1,
    /// It was entitled to be tried or nearly, and changed nothing.
    Failed {
        /// Why.
        code: Rejection,
        /// Whether the answer is final for the id: kept in the dedup map, given again as 2003.
        pinned: bool,
    } = 2,
    /// It was passed over for its window, a duplicate, a key that does not speak here, or a quota.
    Skipped {
        /// Why.
        code: Rejection,
        /// Where the first transaction of this key is, for 2001, 2002 and 2003.
        original: Option<Original>,
    } = 3,
}

/// The first transaction of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Original {
    /// Where it is.
    pub place: Place,
    /// Why it failed, if it did.
    pub code: Option<Rejection>,
}

impl Verdict {
    /// Whether it was executed.
    #[must_use]
    pub const fn is_executed(&self) -> bool {
        matches!(self, Self::Executed)
    }

    /// Whether it is the final answer for its key; after any other the key may be tried again, or has its answer elsewhere.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Executed | Self::Failed { pinned: true, .. })
    }

    /// Why not, if it was not.
    #[must_use]
    pub const fn rejection(&self) -> Option<Rejection> {
        match self {
            Self::Executed => None,
            Self::Failed { code, .. } | Self::Skipped { code, .. } => Some(*code),
        }
    }
}

/// What became of one transaction, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Receipt {
    /// Submitter and id.
    pub key: TxKey,
    /// Hash of the body.
    pub body_hash: BodyHash,
    /// Where in the chain.
    pub place: Place,
    /// Block time in microseconds since the Unix epoch.
    pub time_us: u64,
    /// What became of it.
    pub verdict: Verdict,
}

impl Receipt {
    /// The bytes of its leaf.
    #[must_use]
    pub fn to_leaf(&self) -> Vec<u8> {
        hash::encode(&(LAYOUT, self))
    }

    /// Reads the bytes of a leaf.
    #[must_use]
    pub fn from_leaf(bytes: &[u8]) -> Option<Self> {
        let (layout, receipt): (u8, Self) = borsh::from_slice(bytes).ok()?;
        (layout == LAYOUT).then_some(receipt)
    }

    /// The hash of its leaf.
    #[must_use]
    pub fn leaf_hash(&self) -> Hash32 {
        log_tree::leaf_hash(&self.to_leaf())
    }
}

/// The root over a block's receipts, in block order.
#[must_use]
pub fn receipts_root(receipts: &[Receipt]) -> Hash32 {
    let leaves: Vec<Hash32> = receipts.iter().map(Receipt::leaf_hash).collect();
    log_tree::root(&leaves)
}

/// Proves that a receipt is the one at its index among a block's receipts.
#[must_use]
pub fn prove_receipt(receipts: &[Receipt], index: u32) -> Option<log_tree::InclusionProof> {
    let leaves: Vec<Hash32> = receipts.iter().map(Receipt::leaf_hash).collect();
    log_tree::prove_inclusion(&leaves, u64::from(index))
}
