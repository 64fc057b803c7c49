//! How long a signature may take, from the timers of the round that waits for it.
//!
//! Invariant: two signatures of the greatest deadline, one that is missed and one in time, leave a fifth of the shortest step for everything else.
//! Units: milliseconds.
//! Source: `docs/spec/hsm.md`, "Sessions".

use falaj_consensus::params::Parameters;

/// The longest deadline of a signature: 40 % of the shortest step of round 0, in milliseconds; at least 1.
///
/// No shorter step comes later in a height, because timers grow with the round.
#[must_use]
pub fn sign_deadline_ms_max(parameters: &Parameters) -> u64 {
    let t = &parameters.timeouts;
    let shortest_ms = t.propose_ms.min(t.prevote_ms).min(t.precommit_ms);
    (u64::from(shortest_ms) * 2 / 5).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: the shortest of the three decides, whichever it is, and a part of a millisecond is not given.
    #[test]
    fn forty_percent_of_the_shortest_step() {
        let mut parameters = Parameters::default();
        assert_eq!(sign_deadline_ms_max(&parameters), 244);
        parameters.timeouts.precommit_ms = 204;
        assert_eq!(sign_deadline_ms_max(&parameters), 81);
        parameters.timeouts.prevote_ms = 203;
        assert_eq!(sign_deadline_ms_max(&parameters), 81);
        parameters.timeouts.prevote_ms = 202;
        assert_eq!(sign_deadline_ms_max(&parameters), 80);
        parameters.timeouts.propose_ms = 100;
        assert_eq!(sign_deadline_ms_max(&parameters), 40);
    }

    #[test]
    fn there_is_always_some_time() {
        let mut parameters = Parameters::default();
        parameters.timeouts.prevote_ms = 1;
        assert_eq!(sign_deadline_ms_max(&parameters), 1);
    }
}
