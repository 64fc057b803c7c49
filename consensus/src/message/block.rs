//! Header, body and batches: what a block is, and the digests that name its parts.
//!
//! Invariant: a header fixes its body byte for byte; a re-proposal carries the same header, so the same [`BlockId`].
//! Shapes and units: times are microseconds since the Unix epoch; an inline tail is at most [`INLINE_BYTES_MAX`];
//! a batch is closed before its encoding exceeds [`BATCH_BYTES_MAX`].
//! Source: `docs/spec/encoding.md`, "Block".

use alloc::vec::Vec;
use borsh::io;
use borsh::{BorshDeserialize, BorshSerialize};

use super::Evidence;
use crate::bounded;
use crate::hash::{self, Tag};
use crate::types::{
    BatchDigest, BlockId, Hash32, Height, OutcomeHash, Round, ValidatorId, ValidatorIndex,
};

/// The most bytes that the inline tail of a body may hold, transactions summed.
pub const INLINE_BYTES_MAX: usize = 4 * 1024;
/// The most bytes that an encoded batch may have.
pub const BATCH_BYTES_MAX: usize = 512 * 1024;
/// The most bytes of transactions that an author puts into a batch; what is left is for its other fields and the transactions' lengths.
pub const BATCH_PAYLOAD_BYTES_MAX: usize = BATCH_BYTES_MAX - 64 * 1024;
/// The most batches that a body may name, whatever the parameters say.
pub const BODY_BATCHES_MAX: usize = 1024;
/// The most pieces of evidence that a body may hold, whatever the parameters say.
pub const BODY_EVIDENCE_MAX: usize = 1024;

/// The most transactions that a batch of that length could hold, if all were empty.
const BATCH_TRANSACTIONS_MAX: usize = BATCH_BYTES_MAX / size_of::<u32>();

const HEADER_TAG: Tag = Tag::new("falaj/header/1");
const BODY_TAG: Tag = Tag::new("falaj/body/1");
const EVIDENCE_LIST_TAG: Tag = Tag::new("falaj/evidence-list/1");
const BATCH_TAG: Tag = Tag::new("falaj/batch/1");

/// What is agreed on at a height; its tagged hash is the block's id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Header {
    /// Version of this layout: 1.
    #[borsh(deserialize_with = "read_version")]
    pub version: u16,
    /// Feature gates that the block's rules stand under, one bit each: the word that the state of two heights before fixes.
    pub features: u64,
    /// Hash of the canonical genesis.
    pub genesis_hash: Hash32,
    /// Height of the block, from 1.
    pub height: Height,
    /// Round of the first proposal of this header.
    pub round: Round,
    /// Proposer of (height, round), in the set of the height.
    pub proposer: ValidatorIndex,
    /// The block before; 32 zero bytes under the first.
    pub parent_id: BlockId,
    /// The certified outcome of the block before; genesis' under the first.
    pub parent_outcome: OutcomeHash,
    /// Block time in microseconds since the Unix epoch, later than the parent's.
    pub time_us: u64,
    /// Hash of the validator set of this height.
    pub set_hash: Hash32,
    /// Digest of the ordered batch references and the inline tail.
    pub body_root: Hash32,
    /// Digest of the evidence.
    pub evidence_root: Hash32,
    /// Transactions of the block, batches and inline tail together.
    pub transactions: u32,
    /// Bytes of those transactions.
    pub transaction_bytes: u64,
}

impl Header {
    /// The version that this build writes and reads.
    pub const VERSION: u16 = 1;
    /// The feature gates that this build supports; it passes no height under another one.
    pub const FEATURES_KNOWN: u64 = 0;

    /// The block's name.
    #[must_use]
    pub fn id(&self) -> BlockId {
        BlockId::new(hash::tagged_borsh(HEADER_TAG, self))
    }

    /// Whether digests and counts are those of `body`.
    #[must_use]
    pub fn names(&self, body: &Body) -> bool {
        let (transactions, bytes) = body.totals();
        self.body_root == body.root()
            && self.evidence_root == body.evidence_root()
            && u64::from(self.transactions) == transactions
            && self.transaction_bytes == bytes
    }
}

/// Which share of a block a batch draws on.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Lane {
    /// Enforcement, halt and governance.
    Governance = 1,
    /// Payments between participants' own accounts.
    Interbank = 2,
    /// Everything else.
    Retail = 3,
}

impl Lane {
    /// Every lane, in order of execution.
    pub const ALL: [Self; 3] = [Self::Governance, Self::Interbank, Self::Retail];
}

/// Transactions that one validator received and disseminates together.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Batch {
    /// Who closed it.
    pub author: ValidatorId,
    /// Its number among the author's batches, from 1 without a gap.
    pub seq: u64,
    /// The lane of all its transactions.
    pub lane: Lane,
    /// Encoded signed transactions.
    #[borsh(deserialize_with = "read_transactions")]
    pub transactions: Vec<Vec<u8>>,
}

impl Batch {
    /// The batch's name, over its encoding.
    #[must_use]
    pub fn digest(&self) -> BatchDigest {
        Self::digest_of(&hash::encode(self))
    }

    /// The name of a batch given in its encoding.
    #[must_use]
    pub fn digest_of(encoded: &[u8]) -> BatchDigest {
        BatchDigest::new(hash::tagged(BATCH_TAG, encoded))
    }

    /// The reference by which a body names it.
    ///
    /// # Panics
    /// As [`Batch::named`].
    #[must_use]
    pub fn reference(&self) -> BatchRef {
        self.named(self.digest())
    }

    /// The same for who has its digest already: encoding and hashing half a megabyte again is most of the work.
    ///
    /// # Panics
    /// If there are more than `u32::MAX` transactions, which the bound on an encoded batch excludes.
    #[must_use]
    pub fn named(&self, digest: BatchDigest) -> BatchRef {
        BatchRef {
            digest,
            author: self.author,
            seq: self.seq,
            transactions: u32::try_from(self.transactions.len())
                .expect("a batch is at most 512 KiB"),
            bytes: self
                .transactions
                .iter()
                .fold(0, |sum, tx| add_length(sum, tx.len())),
        }
    }
}

/// A batch as a body names it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct BatchRef {
    /// Name of the batch.
    pub digest: BatchDigest,
    /// Who closed it.
    pub author: ValidatorId,
    /// Its number among the author's.
    pub seq: u64,
    /// Its transactions.
    pub transactions: u32,
    /// Bytes of those transactions.
    pub bytes: u64,
}

/// What a block orders: references, the inline tail and evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Body {
    /// Batches, in order, at most [`BODY_BATCHES_MAX`].
    #[borsh(deserialize_with = "read_batches")]
    pub batches: Vec<BatchRef>,
    /// Encoded signed transactions that travel in the body itself, after the batches;
    /// at most [`INLINE_BYTES_MAX`] bytes together, and no more transactions than that.
    #[borsh(deserialize_with = "read_inline")]
    pub inline: Vec<Vec<u8>>,
    /// Proof of misbehaviour, at most [`BODY_EVIDENCE_MAX`].
    #[borsh(deserialize_with = "read_evidence")]
    pub evidence: Vec<Evidence>,
}

impl Body {
    /// Digest of the ordered references and the inline tail.
    #[must_use]
    pub fn root(&self) -> Hash32 {
        hash::tagged_borsh(BODY_TAG, &(&self.batches, &self.inline))
    }

    /// Digest of the evidence.
    #[must_use]
    pub fn evidence_root(&self) -> Hash32 {
        hash::tagged_borsh(EVIDENCE_LIST_TAG, &self.evidence)
    }

    /// Transactions and their bytes, batches as their references state them.
    #[must_use]
    pub fn totals(&self) -> (u64, u64) {
        let batches = self
            .batches
            .iter()
            .fold((0_u64, 0_u64), |(count, bytes), batch| {
                (
                    count.saturating_add(batch.transactions.into()),
                    bytes.saturating_add(batch.bytes),
                )
            });
        self.inline.iter().fold(batches, |(count, bytes), tx| {
            (add_length(count, 1), add_length(bytes, tx.len()))
        })
    }

    /// Bytes of the inline tail.
    #[must_use]
    pub fn inline_bytes(&self) -> u64 {
        self.inline
            .iter()
            .fold(0, |sum, tx| add_length(sum, tx.len()))
    }
}

// Saturation is safe: a sum that saturates can equal no header's total that passed the limits.
fn add_length(sum: u64, length: usize) -> u64 {
    sum.saturating_add(u64::try_from(length).unwrap_or(u64::MAX))
}

fn read_version<R: io::Read>(reader: &mut R) -> io::Result<u16> {
    bounded::version(reader, Header::VERSION)
}

fn read_transactions<R: io::Read>(reader: &mut R) -> io::Result<Vec<Vec<u8>>> {
    bounded::byte_strings(reader, BATCH_TRANSACTIONS_MAX, BATCH_BYTES_MAX)
}

fn read_inline<R: io::Read>(reader: &mut R) -> io::Result<Vec<Vec<u8>>> {
    bounded::byte_strings(reader, INLINE_BYTES_MAX, INLINE_BYTES_MAX)
}

fn read_batches<R: io::Read>(reader: &mut R) -> io::Result<Vec<BatchRef>> {
    bounded::list(reader, BODY_BATCHES_MAX)
}

fn read_evidence<R: io::Read>(reader: &mut R) -> io::Result<Vec<Evidence>> {
    bounded::list(reader, BODY_EVIDENCE_MAX)
}
