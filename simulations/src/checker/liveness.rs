//! Liveness: once the network has stabilised, what clients ask for is decided within a bound, not "eventually".
//!
//! Shape: the bound is computed from the timeouts, from the round that the worst correct node is in when the network stabilises,
//! and from the number of validators: after one that is in step with the others, a round is led by every validator within n rounds,
//! and at most f of them are faulty. To it comes what a client needs to find a correct node.
//! Units: nanoseconds.
//! Source: `docs/spec/consensus.md`, "Timers".

use falaj_consensus::params::Parameters;
use falaj_consensus::types::Round;

use super::waits::Waits;

/// Work that is not in any timeout: fetching, executing, syncing, one retransmit tick of each.
const SLACK_NS: u64 = 2_000_000_000;
/// Blocks that are fetched in one request.
const BLOCKS_A_REQUEST: u64 = 32;
/// Ticks until a request for blocks is given to somebody else.
const REQUEST_TICKS: u64 = 9;

/// How long correct nodes may take.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    /// Timeouts, the longest of all that can be in force.
    pub parameters: Parameters,
    /// How many validators there are.
    pub validators: u16,
    /// How long a client waits before it asks another node.
    pub patience_ns: u64,
}

impl Bound {
    /// From stabilisation to the first decision that everybody has, when the worst correct node is in `round` and `behind` heights
    /// behind the best.
    #[must_use]
    pub fn settled_ns(&self, round: Round, behind: u64) -> u64 {
        self.rounds_ns(round.get()) + self.catch_up_ns(behind) + SLACK_NS
    }

    /// From a client's request to its receipt, when all correct nodes are in step: the next height has to end before the one that
    /// holds it, and a client may ask every validator once before it meets a correct one.
    #[must_use]
    pub fn receipt_ns(&self) -> u64 {
        2 * self.rounds_ns(0) + u64::from(self.validators) * self.patience_ns + SLACK_NS
    }

    /// From one decision to the next while clients pay or the network idles.
    #[must_use]
    pub fn height_ns(&self) -> u64 {
        self.waits().heartbeat_ns() + self.rounds_ns(0) + SLACK_NS
    }

    /// Rounds until every validator had a turn, and one more for those who arrive late in the first.
    fn rounds_ns(&self, first: u32) -> u64 {
        let last = first + u32::from(self.validators) + 1;
        (first..=last)
            .map(|round| self.waits().round_ns(Round::new(round)))
            .sum()
    }

    const fn waits(&self) -> Waits {
        Waits::new(self.parameters.timeouts)
    }

    fn catch_up_ns(&self, behind: u64) -> u64 {
        let requests = behind.div_ceil(BLOCKS_A_REQUEST) + u64::from(self.validators);
        requests * REQUEST_TICKS * self.waits().tick_ns()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: a later round and a longer way cost more, and nothing overflows at the cap.
    #[test]
    fn bounds_grow_with_what_has_to_be_done() {
        let parameters = Parameters::default();
        let bound = Bound {
            parameters,
            validators: 4,
            patience_ns: 3_000_000_000,
        };
        let near = bound.settled_ns(Round::new(0), 0);
        assert!(bound.settled_ns(Round::new(9), 0) > near);
        assert!(bound.settled_ns(Round::new(0), 100) > near);
        assert!(bound.settled_ns(Round::new(1_000_000), 1_000_000) > near);
    }
}
