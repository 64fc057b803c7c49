//! Consensus parameters: agreed, in the ledger's state, named by hash in the outcome two heights before they hold.
//!
//! Invariant: every value lies within the bounds of [`Parameters::check`], so a timeout never overflows, a block never exceeds its caps,
//! and every timer of every round leaves room for two retransmit ticks.
//! Units are last in the names.
//! Source: `docs/spec/consensus.md`, "Timers", "Block time", "Batches".

use borsh::io;
use borsh::{BorshDeserialize, BorshSerialize};

use crate::bounded;
use crate::hash::{self, Tag};
use crate::message::{BATCH_PAYLOAD_BYTES_MAX, BODY_BATCHES_MAX, BODY_EVIDENCE_MAX};
use crate::types::{Hash32, Round};

const PARAMETERS_TAG: Tag = Tag::new("falaj/parameters/1");
const MINUTE_MS: u32 = 60_000;
const DAY_US: u64 = 86_400_000_000;

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

/// The least that each round adds to how late a proposal may come, in microseconds, once the ledger changes it.
pub const DELAY_GROWTH_US_MIN: u64 = 10_000;
/// The least by which timers have grown at their cap, in milliseconds, once the ledger changes them.
pub const GROWTH_MS_MIN: u32 = 10_000;

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

/// What is wrong with parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    /// A value out of its own bounds.
    #[error("parameter {name} is {value}, outside {min} to {max}")]
    OutOfBounds {
        /// Name of the field.
        name: &'static str,
        /// Value that was given.
        value: u64,
        /// Least value allowed.
        min: u64,
        /// Greatest value allowed.
        max: u64,
    },
    /// A timer that could end before what was lost is sent again: it breaks the rule of the timers whatever the network is like.
    #[error(
        "parameter {name} is {value_ms} ms, but a tick of {tick_ms} ms asks for more than {above_ms} ms"
    )]
    TimerTooShort {
        /// Name of the timer.
        name: &'static str,
        /// How long it lasts in round 0.
        value_ms: u64,
        /// What it has to exceed.
        above_ms: u64,
        /// Interval of the retransmit tick.
        tick_ms: u64,
    },
}

impl ParameterError {
    /// Name of the field that is wrong.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::OutOfBounds { name, .. } | Self::TimerTooShort { name, .. } => name,
        }
    }
}

impl Default for Parameters {
    /// Values for validators in one region, with 200 ms beside the tick for one step; a testnet measures and writes its own.
    fn default() -> Self {
        Self {
            version: Self::VERSION,
            timeouts: Timeouts {
                propose_ms: 1_300,
                prevote_ms: 610,
                precommit_ms: 610,
                growth_ms: 200,
                growth_rounds_max: 50,
                tick_ms: 100,
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

impl Timeouts {
    fn check(&self) -> Result<(), ParameterError> {
        let minute = u64::from(MINUTE_MS);
        let bounds = [
            ("timeouts.prevote_ms", self.prevote_ms, minute),
            ("timeouts.precommit_ms", self.precommit_ms, minute),
            ("timeouts.propose_ms", self.propose_ms, 10 * minute),
            ("timeouts.growth_ms", self.growth_ms, minute),
            ("timeouts.growth_rounds_max", self.growth_rounds_max, 10_000),
            ("timeouts.tick_ms", self.tick_ms, minute),
            ("timeouts.heartbeat_ms", self.heartbeat_ms, 5 * minute),
        ];
        for (name, value, max) in bounds {
            within(name, value.into(), 1, max)?;
        }
        self.check_rule()
    }

    /// What the rule of the timers asks of the parameters alone: Δ is at least a tick. All three grow alike, so round 0 speaks for every
    /// round, and for those past the cap, where propose and the precommit of the round before have grown by the same.
    fn check_rule(&self) -> Result<(), ParameterError> {
        let two_ticks = u64::from(self.tick_ms).saturating_mul(2);
        self.exceeds("timeouts.prevote_ms", self.prevote_ms, two_ticks)?;
        self.exceeds("timeouts.precommit_ms", self.precommit_ms, two_ticks)?;
        let with_precommit = two_ticks.saturating_add(self.precommit_ms.into());
        self.exceeds("timeouts.propose_ms", self.propose_ms, with_precommit)
    }

    fn exceeds(
        &self,
        name: &'static str,
        value_ms: u32,
        above_ms: u64,
    ) -> Result<(), ParameterError> {
        if u64::from(value_ms) > above_ms {
            return Ok(());
        }
        Err(ParameterError::TimerTooShort {
            name,
            value_ms: value_ms.into(),
            above_ms,
            tick_ms: self.tick_ms.into(),
        })
    }
}

impl Limits {
    fn check(&self) -> Result<(), ParameterError> {
        within(
            "limits.block_transactions_max",
            self.block_transactions_max.into(),
            1,
            1_000_000,
        )?;
        within(
            "limits.block_bytes_max",
            self.block_bytes_max.into(),
            1,
            1 << 30,
        )?;
        within(
            "limits.block_batches_max",
            self.block_batches_max.into(),
            1,
            BODY_BATCHES_MAX as u64,
        )?;
        within(
            "limits.transaction_bytes_max",
            self.transaction_bytes_max.into(),
            1,
            u64::from(self.block_bytes_max).min(BATCH_PAYLOAD_BYTES_MAX as u64),
        )?;
        within(
            "limits.block_evidence_max",
            self.block_evidence_max.into(),
            0,
            BODY_EVIDENCE_MAX as u64,
        )
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

    /// Whether rounds grow until a network of any speed decides: what a change on the ledger has to keep, because a chain that stands
    /// still cannot change it back.
    #[must_use]
    pub const fn outgrow(&self) -> bool {
        let Timeouts {
            growth_ms,
            growth_rounds_max,
            ..
        } = self.timeouts;
        self.delay_growth_us >= DELAY_GROWTH_US_MIN
            && growth_ms.saturating_mul(growth_rounds_max) >= GROWTH_MS_MIN
    }

    /// Refuses values that overflow, starve, or break the rule of the timers whatever the network is like; see [`Parameters::outgrow`].
    ///
    /// # Errors
    /// [`ParameterError`] for the first field that is wrong.
    pub fn check(&self) -> Result<(), ParameterError> {
        let version = u64::from(Self::VERSION);
        within("version", u64::from(self.version), version, version)?;
        self.timeouts.check()?;
        self.limits.check()?;
        within("precision_us", self.precision_us, 1, DAY_US)?;
        within("delay_us", self.delay_us, 1, DAY_US)?;
        within("delay_growth_us", self.delay_growth_us, 0, DAY_US)?;
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

    /// Whether the timers keep their rule for a Δ in nanoseconds: all grow alike, so round 0 speaks for every round.
    #[must_use]
    pub fn timers_fit(&self, delta_ns: u64) -> bool {
        let (first, two_deltas_ns) = (Round::new(0), delta_ns.saturating_mul(2));
        let precommit_ns = self.precommit_ns(first);
        self.prevote_ns(first) > two_deltas_ns
            && precommit_ns > two_deltas_ns
            && self.propose_ns(first) > two_deltas_ns.saturating_add(precommit_ns)
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
            Err(error) => Err(bounded::refused(error)),
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
        Err(ParameterError::OutOfBounds {
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
            ("timeouts.propose_ms", |p| p.timeouts.propose_ms = 0),
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
            let error = parameters.check().unwrap_err();
            assert!(matches!(error, ParameterError::OutOfBounds { .. }));
            assert_eq!(error.name(), name);
            assert!(borsh::from_slice::<Parameters>(&hash::encode(&parameters)).is_err());
        }
    }

    /// The shortest timers that a tick of 100 ms leaves room for.
    fn shortest() -> Parameters {
        let mut parameters = Parameters::default();
        let t = &mut parameters.timeouts;
        (t.tick_ms, t.prevote_ms, t.precommit_ms, t.propose_ms) = (100, 201, 201, 402);
        parameters
    }

    // The shortest timers that pass exceed two ticks, and propose the precommit of the round before besides, at every round up to the cap
    // and past it, with the least growth as with much.
    #[test]
    fn every_round_leaves_room_for_two_ticks() {
        for growth_ms in [1, 200, 60_000] {
            let mut parameters = shortest();
            parameters.timeouts.growth_ms = growth_ms;
            assert_eq!(parameters.check(), Ok(()));
            let two_ticks = 2 * parameters.tick_ns();
            for round in 0..parameters.timeouts.growth_rounds_max + 5 {
                let before = Round::new(round.saturating_sub(1));
                let round = Round::new(round);
                assert!(parameters.prevote_ns(round) > two_ticks);
                assert!(parameters.precommit_ns(round) > two_ticks);
                let precommit = parameters.precommit_ns(before);
                assert!(parameters.propose_ns(round) > two_ticks + precommit);
            }
        }
    }

    // Each of the three timers decides alone.
    #[test]
    fn timers_fit_a_delta_below_half_of_them() {
        let parameters = shortest();
        assert!(parameters.timers_fit(100_000_000));
        assert!(!parameters.timers_fit(100_500_000));
        assert!(!parameters.timers_fit(u64::MAX));
        let longer: [Spoil; 3] = [
            |p| p.timeouts.prevote_ms += 2,
            |p| p.timeouts.precommit_ms += 2,
            |p| p.timeouts.propose_ms += 4,
        ];
        for left_out in 0..longer.len() {
            let mut parameters = shortest();
            let others = (0..longer.len()).filter(|index| *index != left_out);
            others.for_each(|index| longer[index](&mut parameters));
            assert!(!parameters.timers_fit(100_500_000), "{left_out}");
        }
        let mut parameters = shortest();
        longer.iter().for_each(|spoil| spoil(&mut parameters));
        assert!(parameters.timers_fit(100_500_000));
    }

    // One millisecond less of any timer, or more of the tick, breaks the rule; the timer is named, when checked and when decoded.
    #[test]
    fn a_timer_without_room_for_two_ticks_is_refused() {
        let cases: [(&str, u64, u64, Spoil); 5] = [
            ("timeouts.prevote_ms", 200, 200, |p| {
                p.timeouts.prevote_ms -= 1
            }),
            ("timeouts.precommit_ms", 200, 200, |p| {
                p.timeouts.precommit_ms -= 1
            }),
            ("timeouts.propose_ms", 401, 401, |p| {
                p.timeouts.propose_ms -= 1
            }),
            ("timeouts.propose_ms", 402, 402, |p| {
                p.timeouts.precommit_ms += 1
            }),
            ("timeouts.prevote_ms", 201, 202, |p| p.timeouts.tick_ms += 1),
        ];
        for (name, value_ms, above_ms, spoil) in cases {
            let mut parameters = shortest();
            spoil(&mut parameters);
            let expected = ParameterError::TimerTooShort {
                name,
                value_ms,
                above_ms,
                tick_ms: parameters.timeouts.tick_ms.into(),
            };
            assert_eq!(parameters.check(), Err(expected));
            assert!(borsh::from_slice::<Parameters>(&hash::encode(&parameters)).is_err());
        }
    }
}
