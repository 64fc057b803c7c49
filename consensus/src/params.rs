//! Consensus parameters: agreed, in the ledger's state, named by hash in the outcome two heights before they hold.
//!
//! Invariant: every value lies within the bounds of [`Parameters::check`], so a timeout never overflows and a block never exceeds its caps.
//! Units are last in the names.
//! Source: `docs/spec/consensus.md`, "Timers", "Block time", "Batches".

use borsh::{BorshDeserialize, BorshSerialize};
use std::io;

use crate::bounded;
use crate::hash::{self, Tag};
use crate::message::{BATCH_PAYLOAD_BYTES_MAX, BODY_BATCHES_MAX, BODY_EVIDENCE_MAX};
use crate::types::{Hash32, Round};

const PARAMETERS_TAG: Tag = Tag::new("falaj/parameters/1");
const MINUTE_MS: u32 = 60_000;

/// A timeout that grows with the round up to a cap: `base + growth × min(round, cap)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Timeouts {
    /// Propose timeout of round 0.
    pub propose_ms: u32,
    /// Prevote timeout of round 0.
    pub prevote_ms: u32,
    /// Precommit timeout of round 0.
    pub precommit_ms: u32,
    /// What each further round adds to all three.
    pub growth_ms: u32,
    /// The round from which nothing is added any more.
    pub growth_rounds_max: u32,
    /// Interval of the retransmit tick: polka pushes and pulls of missing votes.
    pub tick_ms: u32,
    /// Longest wait between blocks when there is nothing to order, from the node's own decision.
    pub heartbeat_ms: u32,
}

/// What bounds a block and a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Limits {
    /// Most transactions of a block, batches and inline tail together.
    pub block_transactions_max: u32,
    /// Most bytes of transactions of a block.
    pub block_bytes_max: u32,
    /// Most batches that a body names.
    pub block_batches_max: u32,
    /// Longest transaction in bytes; one must fit into a batch and a batch of it alone into a block, or it would wait for ever.
    pub transaction_bytes_max: u32,
    /// Most pieces of evidence in a body.
    pub block_evidence_max: u32,
}

/// Everything that governs consensus and can be changed by the ledger; decoded only within the bounds of [`Parameters::check`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, BorshSerialize)]
pub struct Parameters {
    /// Version of this layout: 1.
    pub version: u16,
    /// How long the rounds' steps may take.
    pub timeouts: Timeouts,
    /// What bounds a block.
    pub limits: Limits,
    /// How far correct clocks may differ, in microseconds.
    pub precision_us: u64,
    /// How late a proposal of round 0 may be received, in microseconds.
    pub delay_us: u64,
    /// What each further round adds to that delay, in microseconds.
    pub delay_growth_us: u64,
    /// Evidence is too old when it is past this many heights and past `evidence_age_ms` too.
    pub evidence_age_heights: u64,
    /// See `evidence_age_heights`.
    pub evidence_age_ms: u64,
}

/// Which parameter is out of its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("parameter {name} is {value}, outside {min} to {max}")]
pub struct ParameterError {
    /// Name of the field.
    pub name: &'static str,
    /// Value that was given.
    pub value: u64,
    /// Least value allowed.
    pub min: u64,
    /// Greatest value allowed.
    pub max: u64,
}

impl Default for Parameters {
    /// Values for validators in one region; a testnet measures and writes its own.
    fn default() -> Self {
        Self {
            version: Self::VERSION,
            timeouts: Timeouts {
                propose_ms: 1_000,
                prevote_ms: 300,
                precommit_ms: 300,
                growth_ms: 200,
                growth_rounds_max: 50,
                tick_ms: 250,
                heartbeat_ms: MINUTE_MS,
            },
            limits: Limits {
                block_transactions_max: 10_000,
                block_bytes_max: 8 * 1024 * 1024,
                block_batches_max: 256,
                transaction_bytes_max: 64 * 1024,
                block_evidence_max: 32,
            },
            precision_us: 500_000,
            delay_us: 2_000_000,
            delay_growth_us: 500_000,
            evidence_age_heights: 100_000,
            evidence_age_ms: 7 * 24 * 3_600_000,
        }
    }
}

impl Parameters {
    /// The version that this build writes and reads.
    pub const VERSION: u16 = 1;

    /// Hash of the parameters, as outcomes name it.
    #[must_use]
    pub fn hash(&self) -> Hash32 {
        hash::tagged_borsh(PARAMETERS_TAG, self)
    }

    /// Refuses values that could stall, overflow or starve.
    ///
    /// # Errors
    /// [`ParameterError`] for the first field out of bounds.
    pub fn check(&self) -> Result<(), ParameterError> {
        let t = &self.timeouts;
        let l = &self.limits;
        let minute = u64::from(MINUTE_MS);
        let day_us = 86_400_000_000;
        let version = u64::from(Self::VERSION);
        within("version", u64::from(self.version), version, version)?;
        within("timeouts.prevote_ms", t.prevote_ms.into(), 1, minute)?;
        within("timeouts.precommit_ms", t.precommit_ms.into(), 1, minute)?;
        within(
            "timeouts.propose_ms",
            t.propose_ms.into(),
            u64::from(t.precommit_ms).saturating_add(1),
            10 * minute,
        )?;
        within("timeouts.growth_ms", t.growth_ms.into(), 1, minute)?;
        within(
            "timeouts.growth_rounds_max",
            t.growth_rounds_max.into(),
            1,
            10_000,
        )?;
        within("timeouts.tick_ms", t.tick_ms.into(), 1, minute)?;
        within(
            "timeouts.heartbeat_ms",
            t.heartbeat_ms.into(),
            1,
            5 * minute,
        )?;
        within(
            "limits.block_transactions_max",
            l.block_transactions_max.into(),
            1,
            1_000_000,
        )?;
        within(
            "limits.block_bytes_max",
            l.block_bytes_max.into(),
            1,
            1 << 30,
        )?;
        within(
            "limits.block_batches_max",
            l.block_batches_max.into(),
            1,
            BODY_BATCHES_MAX as u64,
        )?;
        within(
            "limits.transaction_bytes_max",
            l.transaction_bytes_max.into(),
            1,
            u64::from(l.block_bytes_max).min(BATCH_PAYLOAD_BYTES_MAX as u64),
        )?;
        within(
            "limits.block_evidence_max",
            l.block_evidence_max.into(),
            0,
            BODY_EVIDENCE_MAX as u64,
        )?;
        within("precision_us", self.precision_us, 1, day_us)?;
        within("delay_us", self.delay_us, 1, day_us)?;
        within("delay_growth_us", self.delay_growth_us, 0, day_us)?;
        within(
            "evidence_age_heights",
            self.evidence_age_heights,
            1,
            u64::MAX,
        )?;
        within("evidence_age_ms", self.evidence_age_ms, 1, u64::MAX / 1_000)
    }

    /// Propose timeout of a round, in nanoseconds (paper: timeoutPropose).
    #[must_use]
    pub fn propose_ns(&self, round: Round) -> u64 {
        self.grown_ns(self.timeouts.propose_ms, round)
    }

    /// Prevote timeout of a round, in nanoseconds (paper: timeoutPrevote).
    #[must_use]
    pub fn prevote_ns(&self, round: Round) -> u64 {
        self.grown_ns(self.timeouts.prevote_ms, round)
    }

    /// Precommit timeout of a round, in nanoseconds (paper: timeoutPrecommit).
    #[must_use]
    pub fn precommit_ns(&self, round: Round) -> u64 {
        self.grown_ns(self.timeouts.precommit_ms, round)
    }

    /// Interval of the retransmit tick, in nanoseconds.
    #[must_use]
    pub fn tick_ns(&self) -> u64 {
        milliseconds(self.timeouts.tick_ms.into())
    }

    /// Longest wait without a block, in nanoseconds.
    #[must_use]
    pub fn heartbeat_ns(&self) -> u64 {
        milliseconds(self.timeouts.heartbeat_ms.into())
    }

    /// How late a proposal of a round may be received, in microseconds, precision not counted.
    #[must_use]
    pub fn delay_of_round_us(&self, round: Round) -> u64 {
        self.delay_us
            .saturating_add(self.delay_growth_us.saturating_mul(u64::from(round.get())))
    }

    fn grown_ns(&self, base_ms: u32, round: Round) -> u64 {
        let steps = u64::from(round.get().min(self.timeouts.growth_rounds_max));
        let growth = u64::from(self.timeouts.growth_ms).saturating_mul(steps);
        milliseconds(u64::from(base_ms).saturating_add(growth))
    }
}

impl BorshDeserialize for Parameters {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let parameters = Self {
            version: bounded::version(reader, Self::VERSION)?,
            timeouts: Timeouts::deserialize_reader(reader)?,
            limits: Limits::deserialize_reader(reader)?,
            precision_us: u64::deserialize_reader(reader)?,
            delay_us: u64::deserialize_reader(reader)?,
            delay_growth_us: u64::deserialize_reader(reader)?,
            evidence_age_heights: u64::deserialize_reader(reader)?,
            evidence_age_ms: u64::deserialize_reader(reader)?,
        };
        match parameters.check() {
            Ok(()) => Ok(parameters),
            Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error)),
        }
    }
}

const fn milliseconds(value: u64) -> u64 {
    value.saturating_mul(1_000_000)
}

fn within(name: &'static str, value: u64, min: u64, max: u64) -> Result<(), ParameterError> {
    if (min..=max).contains(&value) {
        Ok(())
    } else {
        Err(ParameterError {
            name,
            value,
            min,
            max,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_within_bounds() {
        assert_eq!(Parameters::default().check(), Ok(()));
    }

    // Timeouts grow by the round and stop at the cap; propose always exceeds the precommit of the round before.
    #[test]
    fn timeouts_grow_to_their_cap() {
        let parameters = Parameters::default();
        let cap = parameters.timeouts.growth_rounds_max;
        for round in 1..cap + 5 {
            let (now, before) = (Round::new(round), Round::new(round - 1));
            assert!(parameters.propose_ns(now) > parameters.precommit_ns(before));
            assert_eq!(
                parameters.propose_ns(now) > parameters.propose_ns(before),
                round <= cap
            );
        }
        assert_eq!(
            parameters.propose_ns(Round::new(u32::MAX)),
            parameters.propose_ns(Round::new(cap))
        );
    }

    type Spoil = fn(&mut Parameters);

    // Each field just outside its bounds is refused by name, when checked and when decoded.
    #[test]
    fn out_of_bounds_is_named() {
        let cases: [(&str, Spoil); 20] = [
            ("version", |p| p.version = 2),
            ("timeouts.propose_ms", |p| {
                p.timeouts.propose_ms = p.timeouts.precommit_ms
            }),
            ("timeouts.propose_ms", |p| p.timeouts.propose_ms = 600_001),
            ("timeouts.prevote_ms", |p| p.timeouts.prevote_ms = 0),
            ("timeouts.precommit_ms", |p| {
                p.timeouts.precommit_ms = 60_001
            }),
            ("timeouts.growth_ms", |p| p.timeouts.growth_ms = 0),
            ("timeouts.growth_rounds_max", |p| {
                p.timeouts.growth_rounds_max = 10_001
            }),
            ("timeouts.tick_ms", |p| p.timeouts.tick_ms = 0),
            ("timeouts.heartbeat_ms", |p| {
                p.timeouts.heartbeat_ms = 300_001
            }),
            ("limits.block_transactions_max", |p| {
                p.limits.block_transactions_max = 0
            }),
            ("limits.block_bytes_max", |p| {
                p.limits.block_bytes_max = (1 << 30) + 1
            }),
            ("limits.block_batches_max", |p| {
                p.limits.block_batches_max = 1_025
            }),
            ("limits.transaction_bytes_max", |p| {
                p.limits.transaction_bytes_max = 458_753
            }),
            ("limits.transaction_bytes_max", |p| {
                p.limits.block_bytes_max = p.limits.transaction_bytes_max - 1
            }),
            ("limits.block_evidence_max", |p| {
                p.limits.block_evidence_max = 1_025
            }),
            ("precision_us", |p| p.precision_us = 0),
            ("delay_us", |p| p.delay_us = 0),
            ("delay_growth_us", |p| p.delay_growth_us = 86_400_000_001),
            ("evidence_age_heights", |p| p.evidence_age_heights = 0),
            ("evidence_age_ms", |p| p.evidence_age_ms = u64::MAX),
        ];
        for (name, spoil) in cases {
            let mut parameters = Parameters::default();
            spoil(&mut parameters);
            assert_eq!(parameters.check().unwrap_err().name, name);
            assert!(borsh::from_slice::<Parameters>(&hash::encode(&parameters)).is_err());
        }
    }
}
