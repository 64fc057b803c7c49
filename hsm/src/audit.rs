//! The audit log: every signature and every refusal of a key, chained by hash.
//!
//! Invariant: records are numbered from 1 without a gap and each names the hash of the one before, so a record that is changed, dropped
//! or added inside is found; a tail that is cut off is found by whoever noted a later head.
//! Shape and units: version `u16`, then the fields in borsh; times in microseconds since the Unix epoch by the host's clock.
//! A signature appears by its hash: auditors need to know that it was made, not to be able to use it.
//! Errors: [`AuditFault`] names the first bad record.
//! Source: `docs/spec/guard.md`, "Audit log".

use borsh::{BorshDeserialize, BorshSerialize};

use falaj_consensus::bounded;
use falaj_consensus::durable::Position;
use falaj_consensus::hash::{self, Tag};
use falaj_consensus::types::Hash32;

use crate::guard::Place;
use crate::purpose::Purpose;

const VERSION: u16 = 1;
const AUDIT_TAG: Tag = Tag::new("falaj/audit-record/1");
const BYTES_TAG: Tag = Tag::new("falaj/audit-bytes/1");
const CODE_BYTES_MAX: usize = 64;
const RECORD_BYTES_MAX: usize = 1024;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum AuditEvent {
    /// The signer started. An intent without a signature is a gap: the token may have signed it without anybody having seen it.
    Started {
        /// Whether the highest record is such an intent.
        gap: bool,
    } = 1,
    /// A signature was made, checked and recorded.
    Signed {
        /// Hash of the signature.
        signature_hash: Hash32,
    } = 2,
    /// A stored signature was given again.
    Repeated {
        /// Hash of the signature.
        signature_hash: Hash32,
    } = 3,
    /// A request was refused, or the backend failed.
    Refused {
        /// The refusal's stable code.
        #[borsh(deserialize_with = "read_code")]
        code: String,
    } = 4,
    /// Signing was latched off or allowed again, or an outcome was accepted.
    Decided {
        /// What.
        #[borsh(deserialize_with = "read_code")]
        what: String,
        /// Who answers for it: two names, or none when the signer decided itself.
        #[borsh(deserialize_with = "read_names")]
        operators: Vec<String>,
    } = 5,
}

/// What a record says, apart from its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct AuditEntry {
    /// The host's wall clock.
    pub time_us: u64,
    /// The key.
    pub key_fingerprint: Hash32,
    /// What the signature was for.
    pub purpose: Option<Purpose>,
    /// Where the statement stands; none for attestations.
    pub place: Option<Place>,
    /// Tagged hash of the bytes.
    pub bytes_hash: Option<Hash32>,
    /// What happened.
    pub event: AuditEvent,
    /// Calls that the backend answered since the signer started.
    pub backend_calls: u64,
    /// The guard's last record.
    pub guard_seq: u64,
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct AuditRecord {
    /// Number, from 1.
    pub seq: u64,
    /// Hash of the record before; zeros in the first.
    pub prev_hash: Hash32,
    /// Entries before this one that found no space since the signer started.
    pub lost: u64,
    /// What happened.
    pub entry: AuditEntry,
}

/// What is the same in a record for whoever writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct AuditSubject {
    pub(crate) purpose: Option<Purpose>,
    pub(crate) place: Option<Place>,
    pub(crate) bytes_hash: Option<Hash32>,
}

/// The name of signed bytes in audit records.
#[must_use]
pub fn bytes_hash(bytes: &[u8]) -> Hash32 {
    hash::tagged(BYTES_TAG, bytes)
}

impl AuditRecord {
    /// The record's bytes in the log.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        hash::encode(&(VERSION, self))
    }

    /// Reads a record; none when the bytes are not the one encoding of one.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > RECORD_BYTES_MAX {
            return None;
        }
        let (version, record): (u16, Self) = borsh::from_slice(bytes).ok()?;
        (version == VERSION && record.encode() == bytes).then_some(record)
    }
}

/// Where the chain of audit records stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct AuditChain {
    seq: u64,
    head: Hash32,
}

/// The first bad record of an audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum AuditFault {
    /// Not the encoding of a record.
    #[error("audit record {0} is not the encoding of a record")]
    Encoding(u64),
    /// A number that does not follow.
    #[error("audit record {0} has another number")]
    Number(u64),
    /// It does not name the record before.
    #[error("audit record {0} does not follow the one before")]
    Chain(u64),
}

impl AuditChain {
    /// Checks records in order of position, from the first that the log holds, and stands behind the last.
    ///
    /// # Errors
    /// [`AuditFault`] for the first one that is not right.
    pub fn verify(
        records: impl IntoIterator<Item = (Position, Vec<u8>)>,
    ) -> Result<Self, AuditFault> {
        let mut chain: Option<Self> = None;
        for (position, bytes) in records {
            let number = position.get();
            let record = AuditRecord::decode(&bytes).ok_or(AuditFault::Encoding(number))?;
            let pruned = Self {
                seq: record.seq.saturating_sub(1),
                head: record.prev_hash,
            };
            let first = if number == 1 { Self::default() } else { pruned };
            let before = chain.unwrap_or(first);
            if record.seq != number || record.seq != before.seq.saturating_add(1) {
                return Err(AuditFault::Number(number));
            }
            if record.prev_hash != before.head {
                return Err(AuditFault::Chain(number));
            }
            chain = Some(Self {
                seq: record.seq,
                head: hash::tagged(AUDIT_TAG, &bytes),
            });
        }
        Ok(chain.unwrap_or_default())
    }

    /// Number of the last record.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// Hash of the last record, to be noted elsewhere.
    #[must_use]
    pub const fn head(&self) -> Hash32 {
        self.head
    }

    /// The bytes of the next record, and the chain behind it.
    pub(crate) fn next(&self, lost: u64, entry: AuditEntry) -> (Self, Vec<u8>) {
        let seq = self.seq.saturating_add(1);
        let bytes = AuditRecord {
            seq,
            prev_hash: self.head,
            lost,
            entry,
        }
        .encode();
        (
            Self {
                seq,
                head: hash::tagged(AUDIT_TAG, &bytes),
            },
            bytes,
        )
    }
}

fn read_code<R: std::io::Read>(reader: &mut R) -> std::io::Result<String> {
    bounded::text(reader, CODE_BYTES_MAX)
}

fn read_names<R: std::io::Read>(reader: &mut R) -> std::io::Result<Vec<String>> {
    let count = bounded::count(reader, 2)?;
    (0..count)
        .map(|_| bounded::text(reader, CODE_BYTES_MAX))
        .collect()
}
