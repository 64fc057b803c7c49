//! Records of the block log.
//!
//! Invariant: a record decodes from exactly one byte string.
//! Source: `docs/spec/durable.md`, "Decided heights", "What a fork leaves" and "Frames".

use borsh::{BorshDeserialize, BorshSerialize};
use falaj_consensus::durable::{Position, RECORD_BYTES_MAX};
use falaj_consensus::hash;
use falaj_consensus::message::{Body, CommitCertificate, Header, Polka, decode};
use falaj_consensus::types::Height;
use falaj_ledger::bundle::CertifiedOutcome;

/// A record of the block log.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum BlockRecord {
    /// Header and body of a block that was judged valid here, or decided.
    Proposed {
        /// Its header.
        header: Header,
        /// Its body.
        body: Body,
    } = 1,
    /// The certificate of a decided height.
    Decided(Decided) = DECIDED,
    /// A polka that this node acted on: it locked on its block, or answered a proposal that names its round.
    Polka(Polka) = 3,
    /// One of two commit certificates of a height that contradict each other.
    Conflicting(CommitCertificate) = 4,
    /// That the node began with a snapshot in place of genesis, and what proves the block that left it: the first record, or none.
    Restored(Box<CertifiedOutcome>) = 5,
}

/// What the record of a certificate begins with; the height that is decided comes next.
const DECIDED: u8 = 2;

/// A decided height: its certificate, and where the rest of it stands.
///
/// The place in this log is always right, because a crash takes records from its end alone. The batch log loses its end by itself,
/// and then gives the places to other records: whoever reads a batch by its place compares its digest.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Decided {
    /// The certificate.
    pub certificate: CommitCertificate,
    /// Where header and body stand in this log, as a count of records.
    pub body: u64,
    /// Where each batch that the body names stands in the batch log, in the body's order.
    pub batches: Vec<u64>,
}

impl BlockRecord {
    /// The bytes of a block's record.
    #[must_use]
    pub fn proposed(header: &Header, body: &Body) -> Vec<u8> {
        hash::encode(&Self::Proposed {
            header: header.clone(),
            body: body.clone(),
        })
    }

    /// The bytes of a decided height's record.
    #[must_use]
    pub fn decided(
        certificate: &CommitCertificate,
        body: Position,
        batches: &[Position],
    ) -> Vec<u8> {
        hash::encode(&Self::Decided(Decided {
            certificate: certificate.clone(),
            body: body.get(),
            batches: batches.iter().map(|position| position.get()).collect(),
        }))
    }

    /// The bytes of a polka's record.
    #[must_use]
    pub fn polka(polka: &Polka) -> Vec<u8> {
        hash::encode(&Self::Polka(polka.clone()))
    }

    /// The bytes of a contradicting certificate's record.
    #[must_use]
    pub fn conflicting(certificate: &CommitCertificate) -> Vec<u8> {
        hash::encode(&Self::Conflicting(certificate.clone()))
    }

    /// The bytes of the record that a log begins with after a snapshot.
    #[must_use]
    pub fn restored(proof: &CertifiedOutcome) -> Vec<u8> {
        hash::encode(&Self::Restored(Box::new(proof.clone())))
    }

    /// The height that a record decides, read without the rest of it; `None` if it is of no certificate.
    #[must_use]
    pub(super) fn height_decided(bytes: &[u8]) -> Option<Height> {
        let (kind, mut rest) = bytes.split_first()?;
        let is_decided = *kind == DECIDED;
        is_decided.then(|| Height::deserialize(&mut rest).ok())?
    }

    /// Reads a record; `None` if the bytes are none.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        decode("block record", bytes, RECORD_BYTES_MAX).ok()
    }
}
