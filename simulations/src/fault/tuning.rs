//! Other parameters, as the authority is asked for them.
//!
//! Invariant: they are said by what differs from genesis, so that the next change leaves nothing of this one behind.
//! Units: hundredths.

use falaj_consensus::params::Parameters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is to differ from genesis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tuning {
    /// How long the timers of a round are in hundredths of those of genesis.
    pub timers_percent: u64,
    /// Most transactions of a block, if not those of genesis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block_transactions: Option<u64>,
}

impl Tuning {
    /// As genesis has it.
    pub const GENESIS: Self = Self {
        timers_percent: 100,
        block_transactions: None,
    };

    /// These parameters of genesis, with the difference.
    #[must_use]
    pub fn of(self, genesis: Parameters) -> Parameters {
        let mut tuned = genesis;
        let timers = &mut tuned.timeouts;
        let bases = [
            &mut timers.propose_ms,
            &mut timers.prevote_ms,
            &mut timers.precommit_ms,
        ];
        for base_ms in bases {
            let scaled_ms = u64::from(*base_ms).saturating_mul(self.timers_percent) / 100;
            *base_ms = u32::try_from(scaled_ms).unwrap_or(u32::MAX);
        }
        if let Some(most) = self.block_transactions {
            tuned.limits.block_transactions_max = u32::try_from(most).unwrap_or(u32::MAX);
        }
        tuned
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::local_parameters;

    /// Goal: what is not said stays as it was, and the difference to genesis is no more than what is said.
    #[test]
    fn parameters_differ_from_genesis_by_what_is_said() {
        let genesis = local_parameters();
        assert_eq!(Tuning::GENESIS.of(genesis), genesis);
        let tuning = Tuning {
            timers_percent: 200,
            block_transactions: Some(3),
        };
        let mut expected = genesis;
        expected.timeouts.propose_ms *= 2;
        expected.timeouts.prevote_ms *= 2;
        expected.timeouts.precommit_ms *= 2;
        expected.limits.block_transactions_max = 3;
        assert_eq!(tuning.of(genesis), expected);
    }
}
