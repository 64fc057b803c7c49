//! What the guard writes: one record for each thing a key is about to say, has said, or may not say any more.
//!
//! Invariant: records are numbered from 1 without a gap and each names the hash of the one before; each carries the guard's whole
//! state but for the polka, which stands in the record that made the lock.
//! Shape: version `u16` little-endian, then the fields in order in borsh; the number is the record's position in its log.
//! Errors: [`RecordError`].
//! Source: `docs/spec/guard.md`, "Records".

use borsh::{BorshDeserialize, BorshSerialize};

use falaj_consensus::bounded;
use falaj_consensus::crypto::{Algorithm, Signature};
use falaj_consensus::hash::{self, Tag};
use falaj_consensus::message::{Kind, Polka, SignBytes};
use falaj_consensus::types::{BlockId, Hash32, Height, OutcomeHash, Round};

use super::Place;

const VERSION: u16 = 1;
const RECORD_TAG: Tag = Tag::new("falaj/guard-record/1");
const CHAIN_ID_BYTES_MAX: usize = 32;

/// Why nothing is signed, across restarts.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Latch {
    /// A statement signed by our key came from outside, at a position where this guard knows another or none.
    OwnKeyElsewhere = 1,
    /// A statement signed by our key came from outside, above everything this guard has written: the guard is an old copy.
    GuardOlder = 2,
    /// A quorum certified another outcome than this node computed.
    Diverged = 3,
    /// A person asked for it.
    Operator = 4,
}

/// An outcome that two operators accepted in place of the one already signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct AcceptedOutcome {
    /// Height.
    pub height: Height,
    /// The block.
    pub id: BlockId,
    /// The outcome that may be signed for it from now on, and the only one.
    pub outcome: OutcomeHash,
}

/// What a record records.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum RecordKind {
    /// The explicit first record: nothing at or below its place is ever signed.
    Floor = 1,
    /// A proposal, prevote or precommit.
    Statement = 2,
    /// Signing was latched off.
    Latch = 3,
    /// Signing was allowed again.
    Unlatch = 4,
    /// Two operators accepted an outcome.
    Accept = 5,
}

/// How far a statement has come.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum StatementState {
    /// It may be signed from now on, and nothing else at its place.
    Intent = 1,
    /// It was signed and the signature was checked.
    Signed = 2,
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Record {
    /// Number, from 1.
    pub seq: u64,
    /// Hash of the record before; zeros in the first.
    pub prev_hash: Hash32,
    /// The chain.
    #[borsh(deserialize_with = "read_chain_id")]
    pub chain_id: String,
    /// The key.
    pub key_fingerprint: Hash32,
    /// The key's algorithm.
    pub algorithm: Algorithm,
    /// Raised by a failover, and by nothing else.
    pub fence_epoch: u64,
    /// Random bytes made with the first record: tells one guard from another of the same key.
    pub instance: [u8; 16],
    /// Hash over the three validator sets that the guard stands on.
    pub set_hash: Hash32,
    /// Why nothing is signed, if so.
    pub latch: Option<Latch>,
    /// The outcome that operators accepted last.
    pub accepted_outcome: Option<AcceptedOutcome>,
    /// Height of the statement, or of the last one.
    pub height: Height,
    /// Round of the statement, or of the last one.
    pub round: Round,
    /// Step of the statement, or of the last one.
    pub step: Kind,
    /// What is recorded.
    pub kind: RecordKind,
    /// How far the statement has come; none in other records.
    pub state: Option<StatementState>,
    /// What is signed; none in other records.
    pub sign_bytes: Option<SignBytes>,
    /// The checked signature, once there is one.
    pub signature: Option<Signature>,
    /// Round of the lock, after this record.
    pub locked_round: Option<Round>,
    /// Block of the lock.
    pub locked_value: Option<BlockId>,
    /// Outcome of the lock.
    pub locked_outcome: Option<OutcomeHash>,
    /// The polka of the lock, in the record that made it.
    pub polka: Option<Polka>,
}

/// Bytes are not a record.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A record of a version this program does not know.
    #[error("record version {0} is not known")]
    Version(u16),
    /// Not the one encoding of a record.
    #[error("not the encoding of a record")]
    Encoding(#[source] std::io::Error),
}

impl Record {
    /// The record's bytes in the log.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        hash::encode(&(VERSION, self))
    }

    /// Reads a record, which must be in its one encoding.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let cut = || bounded::invalid("shorter than a version");
        let (version, _) = bytes
            .split_first_chunk()
            .ok_or_else(|| RecordError::Encoding(cut()))?;
        let version = u16::from_le_bytes(*version);
        if version != VERSION {
            return Err(RecordError::Version(version));
        }
        let (_, record): (u16, Self) = borsh::from_slice(bytes).map_err(RecordError::Encoding)?;
        if record.encode() == bytes {
            Ok(record)
        } else {
            Err(RecordError::Encoding(bounded::invalid(
                "another encoding of the same record",
            )))
        }
    }

    /// The hash that the next record names.
    #[must_use]
    pub fn hash_of(encoded: &[u8]) -> Hash32 {
        hash::tagged(RECORD_TAG, encoded)
    }

    /// Where the statement stands, or the last one before this record.
    #[must_use]
    pub const fn place(&self) -> Place {
        Place {
            height: self.height,
            round: self.round,
            step: self.step,
        }
    }
}

fn read_chain_id<R: std::io::Read>(reader: &mut R) -> std::io::Result<String> {
    bounded::text(reader, CHAIN_ID_BYTES_MAX)
}
