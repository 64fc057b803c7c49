//! Strategies for property tests of this crate and of its users: every word and message within the bounds of its type.
//!
//! Invariant: what they make decodes from its own encoding; signatures are bytes of a right length, not right signatures.
//! Shapes: sizes stay small (sets of 1 to 12 members, bodies of a few batches), because shrinking and reading matter more than bulk.
//! Source: `docs/spec/encoding.md`.

mod key;
mod message;

pub use key::{bitmap, declared, public_key, signature, validator, validator_set};
pub use message::{
    batch, batch_ref, body, commit_certificate, evidence, header, lane, outcome, polka, proposal,
    sign_bytes, statement, supply, vote, vote_value,
};

use proptest::collection::btree_map;
use proptest::prelude::*;

use crate::hash;
use crate::params::{Limits, Parameters, Timeouts};
use crate::proposer::{BENCH_HEIGHTS_FIRST, BENCH_HEIGHTS_MAX, Bench, BenchEntry};
use crate::types::{
    BatchDigest, BlockId, ChainContext, Hash32, Height, OutcomeHash, Round, ValidatorId,
    ValidatorIndex, VotingPower,
};

/// Any digest.
pub fn hash32() -> impl Strategy<Value = Hash32> {
    any::<[u8; 32]>().prop_map(Hash32::new)
}

/// Any block id.
pub fn block_id() -> impl Strategy<Value = BlockId> {
    hash32().prop_map(BlockId::new)
}

/// Any outcome hash.
pub fn outcome_hash() -> impl Strategy<Value = OutcomeHash> {
    hash32().prop_map(OutcomeHash::new)
}

/// Any batch digest.
pub fn batch_digest() -> impl Strategy<Value = BatchDigest> {
    hash32().prop_map(BatchDigest::new)
}

/// A height that a message may have: neither 0 nor the last.
pub fn height() -> impl Strategy<Value = Height> {
    (1..u64::MAX).prop_map(Height::new)
}

/// A round that a message may have: low ones often, never the last.
pub fn round() -> impl Strategy<Value = Round> {
    prop_oneof![0..8_u32, 0..u32::MAX].prop_map(Round::new)
}

/// Any index, low ones often.
pub fn validator_index() -> impl Strategy<Value = ValidatorIndex> {
    prop_oneof![0..8_u16, any::<u16>()].prop_map(ValidatorIndex::new)
}

/// Any validator's name.
pub fn validator_id() -> impl Strategy<Value = ValidatorId> {
    any::<u32>().prop_map(ValidatorId::new)
}

/// Any power that a member may have.
pub fn voting_power() -> impl Strategy<Value = VotingPower> {
    prop_oneof![1..10_u64, 1..=u64::MAX].prop_map(VotingPower::new)
}

/// A chain with an id of the allowed letters.
pub fn chain_context() -> impl Strategy<Value = ChainContext> {
    ("[a-z0-9-]{1,32}", hash32()).prop_map(|(chain_id, genesis_hash)| ChainContext {
        chain_id,
        genesis_hash,
    })
}

/// Parameters within their bounds.
pub fn parameters() -> impl Strategy<Value = Parameters> {
    let times = (
        1..=86_400_000_000_u64,
        1..=86_400_000_000_u64,
        0..=86_400_000_000_u64,
    );
    let ages = (1..=u64::MAX, 1..=u64::MAX / 1_000);
    (timeouts(), limits(), times, ages).prop_map(|(timeouts, limits, times, ages)| Parameters {
        version: Parameters::VERSION,
        timeouts,
        limits,
        precision_us: times.0,
        delay_us: times.1,
        delay_growth_us: times.2,
        evidence_age_heights: ages.0,
        evidence_age_ms: ages.1,
    })
}

/// Timers with room for two ticks, from the shortest to the longest.
fn timeouts() -> impl Strategy<Value = Timeouts> {
    let timers = (1..30_000_u32).prop_flat_map(|tick_ms| {
        let two_ticks = tick_ms.saturating_mul(2);
        let votes = two_ticks.saturating_add(1)..=60_000_u32;
        (Just(tick_ms), votes.clone(), votes).prop_flat_map(
            move |(tick_ms, prevote_ms, precommit_ms)| {
                let least = two_ticks.saturating_add(precommit_ms).saturating_add(1);
                let propose = least..=600_000_u32;
                (Just(tick_ms), Just(prevote_ms), Just(precommit_ms), propose)
            },
        )
    });
    let rest = (1..=60_000_u32, 1..=10_000_u32, 1..=300_000_u32);
    (timers, rest).prop_map(|(timers, rest)| Timeouts {
        tick_ms: timers.0,
        prevote_ms: timers.1,
        precommit_ms: timers.2,
        propose_ms: timers.3,
        growth_ms: rest.0,
        growth_rounds_max: rest.1,
        heartbeat_ms: rest.2,
    })
}

fn limits() -> impl Strategy<Value = Limits> {
    let block = (1..=1_000_000_u32, 1..=1_u32 << 30, 1..=1_024_u32);
    (block, 1..=458_752_u32, 0..=1_024_u32).prop_map(|(block, transaction, evidence)| Limits {
        block_transactions_max: block.0,
        block_bytes_max: block.1,
        block_batches_max: block.2,
        transaction_bytes_max: transaction.min(block.1),
        block_evidence_max: evidence,
    })
}

/// A bench of up to 8 entries, in order.
///
/// # Panics
/// Never: entries in order are what a bench decodes from.
pub fn bench() -> impl Strategy<Value = Bench> {
    let heights = BENCH_HEIGHTS_FIRST..=BENCH_HEIGHTS_MAX;
    btree_map(validator_id(), (height(), heights, any::<bool>()), 0..8).prop_map(|entries| {
        let entries: Vec<_> = entries
            .into_iter()
            .map(|(validator, (since, heights, sitting))| BenchEntry {
                validator,
                since,
                heights,
                sitting,
            })
            .collect();
        borsh::from_slice(&hash::encode(&entries)).expect("a map is in order")
    })
}
