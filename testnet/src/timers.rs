//! The timers of a testnet, from what signing and syncing cost on its machine.
//!
//! Invariant: what [`timers_for`] gives passes [`Parameters::check`] for every measurement, and fits the rule of the timers for the Δ that it
//! was made from; nothing is measured here.
//! Units: microseconds for what is measured, milliseconds for timers.
//! Source: `docs/spec/consensus.md`, "Timers"; `docs/guide/testnet.md`, "Timers".

use falaj_consensus::params::{Parameters, Timeouts};
use serde::{Deserialize, Serialize};

/// How much slower a loaded machine may sign and sync than it did when it was measured.
const SAFETY: u64 = 10;
/// One message between two processes of one machine, none of which may be running when it arrives.
const DELAY_MS: u64 = 20;
/// Fetch and execution of a full block: 10,000 payments at about 15 µs, as `make bench` measures the ledger alone.
const BLOCK_MS: u64 = 150;
/// A slower signature or sync counts as one of this time: timers for more would hide a machine that is not fit for the purpose.
const MEASURED_US_MAX: u64 = 500_000;

/// What one signature and one sync took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// The slowest signature, over the algorithms of the validators' keys.
    pub sign_us: u64,
    /// The slowest sync of a short record in the testnet's folder.
    pub sync_us: u64,
}

/// What was measured and made of it, as the manifest tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimersManifest {
    /// What was measured.
    pub measured: Measured,
    /// Δ with its allowances.
    pub delta_ms: u64,
    /// Propose timer of round 0.
    pub propose_ms: u32,
    /// Prevote timer of round 0.
    pub prevote_ms: u32,
    /// Precommit timer of round 0.
    pub precommit_ms: u32,
    /// Retransmit tick.
    pub tick_ms: u32,
}

impl TimersManifest {
    /// What belongs to a measurement.
    #[must_use]
    pub fn of(measured: Measured) -> Self {
        let timeouts = timers_for(measured).timeouts;
        Self {
            measured,
            delta_ms: delta_ms(measured, &timeouts),
            propose_ms: timeouts.propose_ms,
            prevote_ms: timeouts.prevote_ms,
            precommit_ms: timeouts.precommit_ms,
            tick_ms: timeouts.tick_ms,
        }
    }
}

/// The parameters that fit a machine: never shorter than the defaults, whose tick they keep.
#[must_use]
pub fn timers_for(measured: Measured) -> Parameters {
    let mut parameters = Parameters::default();
    let usual = parameters.timeouts;
    let two_deltas_ms = delta_ms(measured, &usual).saturating_mul(2);
    let votes_ms = timer(two_deltas_ms.saturating_add(1)).max(usual.prevote_ms);
    let propose_ms = timer(two_deltas_ms.saturating_add(u64::from(votes_ms) + 1));
    parameters.timeouts = Timeouts {
        propose_ms: propose_ms.max(usual.propose_ms),
        prevote_ms: votes_ms,
        precommit_ms: votes_ms.max(usual.precommit_ms),
        // Four rounds double a timer that is too short after all.
        growth_ms: usual.growth_ms.max(votes_ms / 4),
        ..usual
    };
    parameters
}

/// Δ: one delay, one signature, one sync, fetch and execution of a full block, and one tick.
fn delta_ms(measured: Measured, timeouts: &Timeouts) -> u64 {
    let slow_ms = |us: u64| {
        us.min(MEASURED_US_MAX)
            .saturating_mul(SAFETY)
            .div_ceil(1_000)
    };
    [
        DELAY_MS,
        slow_ms(measured.sign_us),
        slow_ms(measured.sync_us),
        BLOCK_MS,
        timeouts.tick_ms.into(),
    ]
    .iter()
    .fold(0, |sum: u64, part| sum.saturating_add(*part))
}

fn timer(ms: u64) -> u32 {
    u32::try_from(ms).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use falaj_consensus::types::Round;
    use proptest::prelude::*;

    const fn measured(sign_us: u64, sync_us: u64) -> Measured {
        Measured { sign_us, sync_us }
    }

    // The rule, in the words of the specification.
    fn fits(measured: Measured) {
        let parameters = timers_for(measured);
        assert_eq!(parameters.check(), Ok(()));
        let two_deltas_ns = 2_000_000 * delta_ms(measured, &parameters.timeouts);
        for round in 0..=parameters.timeouts.growth_rounds_max + 1 {
            let before = Round::new(round.saturating_sub(1));
            let round = Round::new(round);
            assert!(parameters.prevote_ns(round) > two_deltas_ns);
            assert!(parameters.precommit_ns(round) > two_deltas_ns);
            let with_precommit = two_deltas_ns + parameters.precommit_ns(before);
            assert!(parameters.propose_ns(round) > with_precommit);
        }
    }

    proptest! {
        // Goal: whatever a machine measures, the timers pass the check and fit the Δ they were made from.
        #[test]
        fn every_measurement_gives_timers_that_fit(
            sign_us in prop_oneof![0..200_000_u64, any::<u64>()],
            sync_us in prop_oneof![0..200_000_u64, any::<u64>()],
        ) {
            fits(measured(sign_us, sync_us));
        }
    }

    // Goal: a fast machine gets the defaults, so that load which comes later finds room.
    #[test]
    fn a_fast_machine_gets_the_defaults() {
        assert_eq!(timers_for(measured(300, 200)), Parameters::default());
    }

    #[test]
    fn a_slow_machine_gets_longer_timers() {
        let slow = timers_for(measured(30_000, 8_000)).timeouts;
        // 2 (20 + 300 + 80 + 150 + 100) + 1, and that plus 2Δ again.
        assert_eq!((slow.prevote_ms, slow.precommit_ms), (1_301, 1_301));
        assert_eq!((slow.propose_ms, slow.growth_ms), (2_602, 325));
    }

    #[test]
    fn timers_have_a_ceiling() {
        let slowest = timers_for(measured(u64::MAX, u64::MAX));
        assert_eq!(
            slowest,
            timers_for(measured(MEASURED_US_MAX, MEASURED_US_MAX))
        );
        assert_eq!(slowest.timeouts.prevote_ms, 20_541);
    }

    #[test]
    fn the_manifest_tells_what_the_genesis_gets() {
        let measured = measured(30_000, 8_000);
        let told = TimersManifest::of(measured);
        let timeouts = timers_for(measured).timeouts;
        assert_eq!(told.delta_ms, 650);
        assert_eq!(
            (told.propose_ms, told.prevote_ms),
            (timeouts.propose_ms, timeouts.prevote_ms)
        );
        assert_eq!(
            (told.precommit_ms, told.tick_ms),
            (timeouts.precommit_ms, timeouts.tick_ms)
        );
    }
}
