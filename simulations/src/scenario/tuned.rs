//! Which parameters a scenario plans: those of genesis, and what its authority is to ask for.
//!
//! Who calls it: whoever owes something in time, which the slowest of all that can be in force decide.
//! Source: `docs/spec/ledger.md`, "Sets and parameters".

use falaj_consensus::params::Parameters;

use super::Scenario;
use crate::fault::{Fault, Timed};

impl Scenario {
    /// Whether its authority is to ask for other parameters.
    #[must_use]
    pub fn tunes(&self) -> bool {
        let tunes = |timed: &Timed| matches!(timed.fault, Fault::Tune(_));
        self.faults.iter().any(tunes)
    }

    /// The longest timers of all that are planned, with whatever else genesis has.
    #[must_use]
    pub fn slowest_parameters(&self) -> Parameters {
        let mut slowest = self.parameters;
        for timed in &self.faults {
            let Fault::Tune(tuning) = &timed.fault else {
                continue;
            };
            let (waits, tuned) = (&mut slowest.timeouts, tuning.of(self.parameters).timeouts);
            waits.propose_ms = waits.propose_ms.max(tuned.propose_ms);
            waits.prevote_ms = waits.prevote_ms.max(tuned.prevote_ms);
            waits.precommit_ms = waits.precommit_ms.max(tuned.precommit_ms);
        }
        slowest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Tuning;
    use crate::types::SimTime;

    /// Goal: a bound in time holds for every height, whichever parameters it has.
    #[test]
    fn the_slowest_timers_are_those_of_any_change() {
        let mut scenario = Scenario::calm(4);
        assert_eq!(scenario.slowest_parameters(), scenario.parameters);
        for timers_percent in [300, 80] {
            let fault = Fault::Tune(Tuning {
                timers_percent,
                block_transactions: Some(1),
            });
            let at = SimTime::default();
            scenario.add(Timed { at, fault });
        }
        let mut expected = scenario.parameters;
        expected.timeouts.propose_ms *= 3;
        expected.timeouts.prevote_ms *= 3;
        expected.timeouts.precommit_ms *= 3;
        assert_eq!(scenario.slowest_parameters(), expected);
    }
}
