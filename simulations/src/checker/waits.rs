//! How long the timers of a round last, as the specification says it, written a second time.
//!
//! Units: nanoseconds out of the milliseconds of the parameters.
//! Source: `docs/spec/consensus.md`, "Timers".

use falaj_consensus::params::Timeouts;
use falaj_consensus::types::Round;

const MS_NS: u64 = 1_000_000;

/// The timers of a height.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waits(Timeouts);

impl Waits {
    pub(super) const fn new(timeouts: Timeouts) -> Self {
        Self(timeouts)
    }

    pub(super) fn propose_ns(&self, round: Round) -> u64 {
        self.grown_ns(self.0.propose_ms, round)
    }

    /// All three, one after the other.
    pub(super) fn round_ns(&self, round: Round) -> u64 {
        let Timeouts {
            propose_ms,
            prevote_ms,
            precommit_ms,
            ..
        } = self.0;
        let bases = [propose_ms, prevote_ms, precommit_ms];
        bases
            .into_iter()
            .map(|base_ms| self.grown_ns(base_ms, round))
            .sum()
    }

    pub(super) fn tick_ns(&self) -> u64 {
        u64::from(self.0.tick_ms) * MS_NS
    }

    pub(super) fn heartbeat_ns(&self) -> u64 {
        u64::from(self.0.heartbeat_ms) * MS_NS
    }

    /// base + g · min(r, c).
    fn grown_ns(&self, base_ms: u32, round: Round) -> u64 {
        let steps = u64::from(round.get().min(self.0.growth_rounds_max));
        (u64::from(base_ms) + u64::from(self.0.growth_ms) * steps) * MS_NS
    }
}

#[cfg(test)]
mod tests {
    use falaj_consensus::params::Parameters;

    use super::*;

    /// Goal: timers grow by the round up to the cap and no further.
    #[test]
    fn timers_grow_up_to_their_cap() {
        let timeouts = Timeouts {
            propose_ms: 400,
            growth_ms: 100,
            growth_rounds_max: 3,
            ..Parameters::default().timeouts
        };
        let waits = Waits::new(timeouts);
        for (round, ms) in [(0, 400), (1, 500), (3, 700), (9, 700)] {
            assert_eq!(waits.propose_ns(Round::new(round)), ms * MS_NS);
        }
    }
}
