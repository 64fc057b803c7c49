//! What is hashed, signed and sent: header, body, batch, outcome, statement, proposal, vote, polka, certificate, evidence.
//!
//! Invariant: each type decodes from exactly one byte string, and each kind of content is hashed or signed under its own domain tag.
//! Errors: a byte string that is not canonical, too long or has a tail is [`DecodeError`]; nothing is allocated beyond its bounds.
//! Source: `docs/spec/encoding.md`.

mod block;
mod certificate;
mod evidence;
mod limits;
mod outcome;
mod possession;
mod statement;
mod vote;

pub use block::{
    BATCH_BYTES_MAX, BATCH_PAYLOAD_BYTES_MAX, BODY_BATCHES_MAX, BODY_EVIDENCE_MAX, Batch, BatchRef,
    Body, Header, INLINE_BYTES_MAX, Lane,
};
pub use certificate::{CommitCertificate, Polka};
pub use evidence::{Evidence, EvidenceKey, EvidenceKind};
pub use limits::{
    BODY_BYTES_MAX, CERTIFICATE_BYTES_MAX, EVIDENCE_BYTES_MAX, HEADER_BYTES, OUTCOME_BYTES_MAX,
    POLKA_BYTES_MAX, PROPOSAL_BYTES_MAX, VOTE_BYTES_MAX,
};
pub use outcome::{Outcome, SUPPLY_ENTRIES_MAX, Supply};
pub use possession::possession_bytes;
pub use statement::{Kind, PrecommitValue, PrevoteValue, SignBytes, Statement};
pub use vote::{Proposal, Vote, VoteValue};

use borsh::BorshDeserialize;

/// Why bytes are not the message they should be.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// More bytes than the kind of message may have.
    #[error("a {what} of {found} bytes exceeds the bound of {max}")]
    TooLong {
        /// Kind of message.
        what: &'static str,
        /// Length that came.
        found: usize,
        /// Longest allowed.
        max: usize,
    },
    /// Not the encoding of a value, or bytes left over.
    #[error("a {what} is malformed")]
    Malformed {
        /// Kind of message.
        what: &'static str,
        /// What the decoder met; without `std` it is no error of its own.
        #[cfg(feature = "std")]
        #[source]
        source: borsh::io::Error,
    },
}

impl DecodeError {
    #[cfg_attr(
        not(feature = "std"),
        expect(unused_variables, reason = "without `std` the words alone are kept")
    )]
    fn malformed(what: &'static str, source: borsh::io::Error) -> Self {
        Self::Malformed {
            what,
            #[cfg(feature = "std")]
            source,
        }
    }
}

/// Decodes a value from all of `bytes`, after checking their number.
///
/// # Errors
/// [`DecodeError`] when the bytes are too many, malformed, or more than the value needs.
pub fn decode<T: BorshDeserialize>(
    what: &'static str,
    bytes: &[u8],
    max: usize,
) -> Result<T, DecodeError> {
    if bytes.len() > max {
        return Err(DecodeError::TooLong {
            what,
            found: bytes.len(),
            max,
        });
    }
    borsh::from_slice(bytes).map_err(|error| DecodeError::malformed(what, error))
}

#[cfg(test)]
mod tests;
