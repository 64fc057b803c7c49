//! Records of the block log.
//!
//! Invariant: a record decodes from exactly one byte string.
//! Source: `docs/spec/durable.md`, "Records".

use borsh::{BorshDeserialize, BorshSerialize};
use falaj_consensus::durable::RECORD_BYTES_MAX;
use falaj_consensus::hash;
use falaj_consensus::message::{Body, CommitCertificate, Header, decode};

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
    Decided(CommitCertificate) = 2,
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

    /// The bytes of a certificate's record.
    #[must_use]
    pub fn decided(certificate: &CommitCertificate) -> Vec<u8> {
        hash::encode(&Self::Decided(certificate.clone()))
    }

    /// Reads a record; `None` if the bytes are none.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        decode("block record", bytes, RECORD_BYTES_MAX).ok()
    }
}
