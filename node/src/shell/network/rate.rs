//! How fast somebody may send: an average rate, and how much of it at once.
//!
//! Invariant: over any time t, no more than burst + rate · t + one item passes. An item larger than the burst passes
//! too, and the next waits for it.
//! Units: amounts are the caller's; time is nanoseconds of any clock that does not run backwards.
//! Source: the generic cell rate algorithm, ITU-T I.371, annex A (virtual scheduling).

const NS_PER_S: u128 = 1_000_000_000;

#[derive(Debug, Clone)]
pub(super) struct Rate {
    per_s: u64,
    burst_ns: u64,
    /// When everything taken so far would have passed at the average rate.
    due_ns: u64,
}

impl Rate {
    pub(super) fn new(per_s: u64, burst: u64) -> Self {
        Self {
            per_s,
            burst_ns: duration_ns(burst, per_s),
            due_ns: 0,
        }
    }

    /// Takes an amount; gives how long to wait before it may pass.
    pub(super) fn take(&mut self, now_ns: u64, amount: u64) -> u64 {
        let due_ns = self.due_ns.max(now_ns);
        self.due_ns = due_ns.saturating_add(duration_ns(amount, self.per_s));
        (due_ns - now_ns).saturating_sub(self.burst_ns)
    }

    /// Takes one if it may pass at once.
    pub(super) fn try_take(&mut self, now_ns: u64) -> bool {
        let ahead_ns = self
            .due_ns
            .saturating_sub(now_ns)
            .saturating_add(duration_ns(1, self.per_s));
        let passes = ahead_ns <= self.burst_ns;
        if passes {
            self.take(now_ns, 1);
        }
        passes
    }

    /// Whether nothing taken before matters any more.
    pub(super) const fn is_idle(&self, now_ns: u64) -> bool {
        self.due_ns <= now_ns
    }
}

fn duration_ns(amount: u64, per_s: u64) -> u64 {
    u64::try_from(u128::from(amount) * NS_PER_S / u128::from(per_s.max(1))).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_burst_passes_at_once_and_the_rest_at_the_rate() {
        let mut rate = Rate::new(10, 3);
        let waits: Vec<u64> = (0..6).map(|_| rate.take(0, 1)).collect();
        assert_eq!(waits, [0, 0, 0, 0, SECOND / 10, 2 * SECOND / 10]);
    }

    #[test]
    fn one_large_item_passes_and_the_next_waits_for_it() {
        let mut rate = Rate::new(10, 1);
        assert_eq!(rate.take(0, 100), 0);
        assert_eq!(rate.take(0, 1), 10 * SECOND - SECOND / 10);
    }

    #[test]
    fn what_is_refused_takes_nothing() {
        let mut rate = Rate::new(1, 2);
        assert!(rate.try_take(0) && rate.try_take(0));
        assert!((0..100).all(|_| !rate.try_take(0)));
        assert!(rate.try_take(SECOND));
        assert!(!rate.try_take(SECOND));
        assert!(!rate.is_idle(SECOND) && rate.is_idle(3 * SECOND));
    }

    proptest! {
        /// Whatever is asked when, what passes at once stays within burst and rate.
        #[test]
        fn no_more_than_burst_and_rate_passes(
            per_s in 1..1_000_u64,
            burst in 1..100_u64,
            gaps_ns in prop::collection::vec(0..SECOND / 10, 1..300),
        ) {
            let mut rate = Rate::new(per_s, burst);
            let (mut now_ns, mut passed) = (0, 0_u128);
            for gap_ns in gaps_ns {
                now_ns += gap_ns;
                passed += u128::from(rate.try_take(now_ns));
            }
            prop_assert!(passed <= u128::from(burst) + u128::from(per_s) * u128::from(now_ns) / NS_PER_S + 1);
        }

        #[test]
        fn extreme_amounts_do_not_overflow(per_s: u64, burst: u64, now_ns: u64, amount: u64) {
            let mut rate = Rate::new(per_s, burst);
            rate.take(now_ns, amount);
            rate.take(now_ns, amount);
            rate.try_take(now_ns);
        }
    }
}
