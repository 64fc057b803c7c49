//! What a block drops before anything else: ids that can never be valid again, proposals that have expired, and records of offences that
//! are over.
//!
//! Invariant: the oldest leave first, within a budget, the rest in the next block; what is late to leave is refused by its time all the same.
//! Budgets: twice the block's transactions for ids, so that the map shrinks even under full blocks; [`PROPOSALS_MAX`] for proposals;
//! [`OFFENCES_MAX`] for offences, at least as many as a block can carry.
//! Source: `docs/spec/ledger.md`, "Replay", "Proposals" and "Evidence".

use falaj_consensus::message::BODY_EVIDENCE_MAX;
use falaj_consensus::types::{Hash32, Height, ValidatorId};

use super::overlay::Overlay;
use crate::dedup;
use crate::evidence::SeenKey;
use crate::participant::ParticipantNumber;
use crate::proposal::ProposalId;
use crate::state::{State, decode_record, key};
use crate::transaction::{TxId, TxKey};

/// Expired proposals that one block drops.
const PROPOSALS_MAX: usize = 1_024;
/// Records of offences that one block drops.
const OFFENCES_MAX: usize = BODY_EVIDENCE_MAX;

pub(super) fn sweep(overlay: &mut Overlay<'_>) {
    let (state, time_us) = (overlay.state(), overlay.time_us());
    let limits = state.parameters_at(overlay.height()).limits;
    let ids_max = usize::try_from(limits.block_transactions_max)
        .unwrap_or(usize::MAX)
        .saturating_mul(2);
    for (key, entry) in ids_over(state, time_us).take(ids_max) {
        overlay.forget(key, &entry);
    }
    for (expires_us, id) in proposals_over(state, time_us).take(PROPOSALS_MAX) {
        overlay.delete_proposal(expires_us, id);
    }
    for key in offences_over(state).take(OFFENCES_MAX) {
        overlay.delete_evidence(key);
    }
}

fn ids_over(state: &State, time_us: u64) -> impl Iterator<Item = (TxKey, dedup::Entry)> {
    let constants = state.chain().constants;
    state
        .map()
        .iter_prefix(key::DEDUP)
        .map_while(move |(key, value)| {
            let (minute, key) = parse_dedup(key)
                .expect("a key of the dedup map is a minute, a participant and an id");
            let entry = decode_record(value).expect("the state holds what execution wrote");
            dedup::is_over(&constants, minute, time_us).then_some((key, entry))
        })
}

fn parse_dedup(key: &[u8]) -> Option<(u64, TxKey)> {
    let rest = key.strip_prefix(key::DEDUP)?;
    let (minute, rest) = rest.split_first_chunk::<8>()?;
    let (participant, id) = rest.split_first_chunk::<4>()?;
    let participant = ParticipantNumber::new(u32::from_be_bytes(*participant));
    let id = TxId::from_bytes(<[u8; 16]>::try_from(id).ok()?)?;
    Some((u64::from_be_bytes(*minute), TxKey { participant, id }))
}

fn proposals_over(state: &State, time_us: u64) -> impl Iterator<Item = (u64, ProposalId)> {
    let parsed = state
        .map()
        .iter_prefix(key::PROPOSAL_EXPIRIES)
        .map(|(key, _)| {
            parse_expiry(key).expect("a key in the order of expiry is a time and a proposal")
        });
    parsed.take_while(move |(expires_us, _)| *expires_us <= time_us)
}

fn parse_expiry(key: &[u8]) -> Option<(u64, ProposalId)> {
    let rest = key.strip_prefix(key::PROPOSAL_EXPIRIES)?;
    let (expires_us, id) = rest.split_first_chunk::<8>()?;
    let id = <[u8; 32]>::try_from(id).ok()?;
    Some((
        u64::from_be_bytes(*expires_us),
        ProposalId::new(Hash32::new(id)),
    ))
}

fn offences_over(state: &State) -> impl Iterator<Item = SeenKey> {
    let over = state.ages().over();
    let parsed = state.map().iter_prefix(key::EVIDENCE).map(|(key, _)| {
        parse_offence(key).expect("a key of an offence is a height, a validator and a kind")
    });
    parsed.take_while(move |(height, ..)| *height <= over)
}

fn parse_offence(key: &[u8]) -> Option<SeenKey> {
    let rest = key.strip_prefix(key::EVIDENCE)?;
    let (height, rest) = rest.split_first_chunk::<8>()?;
    let (validator, kind) = rest.split_first_chunk::<4>()?;
    Some((
        Height::new(u64::from_be_bytes(*height)),
        ValidatorId::new(u32::from_be_bytes(*validator)),
        borsh::from_slice(kind).ok()?,
    ))
}
