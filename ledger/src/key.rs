//! The keys of the state: one prefix byte a kind, then fixed-width big-endian fields, so that order is meaning.
//!
//! Invariant: prefixes are never reused; within one prefix no key is the prefix of another.
//! Kept for later: 0x20 pending, 0x21 pendings by deadline, 0x22 hash lock, 0x23 order, 0x24 policy, 0x25 velocity window,
//! 0x26 sum by identity tag, 0x27 calendar queue, 0x28 halt, 0x29 foreign chain,
//! 0x2c tombstone of a closed account, 0x2d participant's queue, 0x2e mandate, 0x2f log heads.
//! Source: `docs/spec/ledger.md`, "State keys".

use alloc::vec::Vec;
use falaj_consensus::message::EvidenceKind;
use falaj_consensus::types::{Height, ValidatorId};

use crate::account::AccountId;
use crate::authority::AuthorityId;
use crate::currency::CurrencyCode;
use crate::gate::Feature;
use crate::participant::ParticipantNumber;
use crate::proposal::ProposalId;
use crate::reference::{Reference, Uetr};
use crate::transaction::TxKey;

/// Identity and hard rails.
pub const CHAIN: &[u8] = &[0x01];
/// Height and time of the last block.
pub const TIP: &[u8] = &[0x02];
/// The right edge of the event log.
pub const EVENTS: &[u8] = &[0x03];
/// The bench.
pub const BENCH: &[u8] = &[0x04];
/// Validator sets by the first height they are in force.
pub const SETS: &[u8] = &[0x05];
/// Parameters by the first height they are in force.
pub const PARAMETERS: &[u8] = &[0x06];
/// How old the heights are, for evidence; absent before the first mark.
pub const AGES: &[u8] = &[0x07];
/// Currencies by code.
pub const CURRENCIES: &[u8] = &[0x10];
/// Participants by number.
pub const PARTICIPANTS: &[u8] = &[0x11];
/// Accounts by id.
pub const ACCOUNTS: &[u8] = &[0x12];
/// Authorities by number.
pub const AUTHORITIES: &[u8] = &[0x13];
/// Proposals by id, with their approvals.
pub const PROPOSALS: &[u8] = &[0x14];
/// Proposals by the time they expire.
pub const PROPOSAL_EXPIRIES: &[u8] = &[0x15];
/// Rolling sums of issues and redemptions.
pub const WINDOWS: &[u8] = &[0x16];
/// RTGS references that were used, for ever.
pub const RTGS_REFERENCES: &[u8] = &[0x17];
/// The dedup map by minute of the id.
pub const DEDUP: &[u8] = &[0x18];
/// UETRs in use.
pub const UETRS: &[u8] = &[0x19];
/// Pinned failures in the dedup map by participant.
pub const PINS: &[u8] = &[0x1a];
/// Offences that were recorded, by height, validator and kind.
pub const EVIDENCE: &[u8] = &[0x2a];
/// Feature gates by bit.
pub const GATES: &[u8] = &[0x2b];

const WINDOW_OF_CURRENCY: u8 = 1;
const WINDOW_OF_AUTHORITY: u8 = 2;

fn join(prefix: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut key = Vec::with_capacity(64);
    key.extend_from_slice(prefix);
    parts.iter().for_each(|part| key.extend_from_slice(part));
    key
}

/// Key of the validator set that is in force from a height on.
#[must_use]
pub fn set_from(height: Height) -> Vec<u8> {
    join(SETS, &[&height.get().to_be_bytes()])
}

/// Key of the parameters that are in force from a height on.
#[must_use]
pub fn parameters_from(height: Height) -> Vec<u8> {
    join(PARAMETERS, &[&height.get().to_be_bytes()])
}

/// Key of a currency.
#[must_use]
pub fn currency(code: CurrencyCode) -> Vec<u8> {
    join(CURRENCIES, &[&code.bytes()])
}

/// Key of a participant.
#[must_use]
pub fn participant(number: ParticipantNumber) -> Vec<u8> {
    join(PARTICIPANTS, &[&number.get().to_be_bytes()])
}

/// Key of an account.
#[must_use]
pub fn account(id: AccountId) -> Vec<u8> {
    join(ACCOUNTS, &[id.bytes()])
}

/// Key of an authority.
#[must_use]
pub fn authority(id: AuthorityId) -> Vec<u8> {
    join(AUTHORITIES, &[&id.get().to_be_bytes()])
}

/// Key of a proposal.
#[must_use]
pub fn proposal(id: ProposalId) -> Vec<u8> {
    join(PROPOSALS, &[id.hash().bytes()])
}

/// Key of a proposal's entry in the order of expiry.
#[must_use]
pub fn proposal_expiry(expires_us: u64, id: ProposalId) -> Vec<u8> {
    join(
        PROPOSAL_EXPIRIES,
        &[&expires_us.to_be_bytes(), id.hash().bytes()],
    )
}

/// Key of a currency's rolling sum of issues.
#[must_use]
pub fn window_of_currency(code: CurrencyCode) -> Vec<u8> {
    join(WINDOWS, &[&[WINDOW_OF_CURRENCY], &code.bytes()])
}

/// Key of an authority's rolling sum.
#[must_use]
pub fn window_of_authority(id: AuthorityId) -> Vec<u8> {
    join(WINDOWS, &[&[WINDOW_OF_AUTHORITY], &id.get().to_be_bytes()])
}

/// Key of an RTGS reference, padded with zero bytes so that all are of one width.
#[must_use]
pub fn rtgs_reference(code: CurrencyCode, reference: &Reference) -> Vec<u8> {
    let mut padded = [0_u8; crate::reference::REFERENCE_BYTES_MAX];
    let bytes = reference.as_str().as_bytes();
    padded[..bytes.len()].copy_from_slice(bytes);
    join(RTGS_REFERENCES, &[&code.bytes(), &padded])
}

/// Key of a transaction in the dedup map: minute of the id, participant, id.
#[must_use]
pub fn dedup(key: TxKey) -> Vec<u8> {
    let minute = crate::dedup::minute_of(key.id);
    join(
        DEDUP,
        &[
            &minute.to_be_bytes(),
            &key.participant.get().to_be_bytes(),
            key.id.bytes(),
        ],
    )
}

/// Key of a UETR in use.
#[must_use]
pub fn uetr(participant: ParticipantNumber, uetr: Uetr) -> Vec<u8> {
    join(UETRS, &[&participant.get().to_be_bytes(), uetr.bytes()])
}

/// Key of a participant's count of pinned failures.
#[must_use]
pub fn pins(participant: ParticipantNumber) -> Vec<u8> {
    join(PINS, &[&participant.get().to_be_bytes()])
}

/// Key of a recorded offence.
#[must_use]
pub fn evidence(height: Height, validator: ValidatorId, kind: EvidenceKind) -> Vec<u8> {
    join(
        EVIDENCE,
        &[
            &height.get().to_be_bytes(),
            &validator.get().to_be_bytes(),
            &[kind as u8],
        ],
    )
}

/// Key of a feature gate.
#[must_use]
pub fn gate(feature: Feature) -> Vec<u8> {
    join(GATES, &[&[feature.get()]])
}
