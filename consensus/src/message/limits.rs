//! The longest encoding of each message, for the bound that [`super::decode`] and a transport ask for.
//!
//! Invariant: each is reached by a message that exists and exceeded by none; the tests of this folder build the longest.
//! Units: bytes.
//! Source: `docs/spec/encoding.md`, "Bounds".

use super::{BODY_BATCHES_MAX, BODY_EVIDENCE_MAX, INLINE_BYTES_MAX, SUPPLY_ENTRIES_MAX};
use crate::crypto::SIGNATURE_BYTES_MAX;
use crate::validator_set::VALIDATORS_MAX;

/// A `u32` that counts what follows.
const LENGTH: usize = 4;
const HASH: usize = 32;
/// Height and round.
const PLACE: usize = 8 + 4;
/// A valid round that is there.
const VALID_ROUND: usize = 1 + 4;
const INDEX: usize = 2;
const SIGNATURE: usize = LENGTH + SIGNATURE_BYTES_MAX;
const SIGNERS: usize = LENGTH + VALIDATORS_MAX.div_ceil(8) + LENGTH + VALIDATORS_MAX * SIGNATURE;
const BATCH_REF: usize = HASH + 4 + 8 + 4 + 8;

/// Every header.
pub const HEADER_BYTES: usize = 2 + 8 + PLACE + INDEX + 8 + 6 * HASH + 4 + 8;
/// A vote: a precommit of a value with the longest signature.
pub const VOTE_BYTES_MAX: usize = INDEX + PLACE + 1 + 1 + 2 * HASH + SIGNATURE;
/// A proposal with a valid round and the longest signature.
pub const PROPOSAL_BYTES_MAX: usize = HEADER_BYTES + 4 + VALID_ROUND + INDEX + SIGNATURE;
/// A polka signed by the largest set.
pub const POLKA_BYTES_MAX: usize = PLACE + HASH + VALID_ROUND + SIGNERS;
/// A commit certificate signed by the largest set.
pub const CERTIFICATE_BYTES_MAX: usize = PLACE + 2 * HASH + SIGNERS;
/// Evidence of two proposals.
pub const EVIDENCE_BYTES_MAX: usize = 1 + 2 * PROPOSAL_BYTES_MAX;
/// A full body.
pub const BODY_BYTES_MAX: usize = LENGTH
    + BODY_BATCHES_MAX * BATCH_REF
    + LENGTH
    + INLINE_BYTES_MAX * (LENGTH + 1)
    + LENGTH
    + BODY_EVIDENCE_MAX * EVIDENCE_BYTES_MAX;
/// An outcome with every currency that a chain can have.
pub const OUTCOME_BYTES_MAX: usize = 2 + 5 * HASH + 8 + LENGTH + SUPPLY_ENTRIES_MAX * (3 + 16);
