//! When to dial a peer again.
//!
//! Invariant: the wait doubles with each failure up to a cap, and at least half of it is kept; the rest is chance, so
//! that peers which lost one another together do not come back in step.
//! Units: milliseconds. Chance is the caller's.

#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after another failure.
    pub(super) fn failed_ms(&mut self, base_ms: u64, cap_ms: u64, chance: u64) -> u64 {
        let doubled = base_ms.checked_shl(self.failures.min(32)).unwrap_or(cap_ms);
        self.failures = self.failures.saturating_add(1);
        let half = doubled.min(cap_ms) / 2;
        half + chance % (half + 1)
    }

    /// A success: the next failure is the first again.
    pub(super) const fn succeeded(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_the_cap() {
        let mut backoff = Backoff::default();
        let waits: Vec<u64> = (0..5).map(|_| backoff.failed_ms(100, 500, 0)).collect();
        assert_eq!(waits, [50, 100, 200, 250, 250]);
    }

    #[test]
    fn chance_fills_the_upper_half_of_the_wait() {
        let wait = |chance| Backoff::default().failed_ms(100, 500, chance);
        assert_eq!([wait(0), wait(1), wait(50), wait(51)], [50, 51, 100, 50]);
    }

    #[test]
    fn many_failures_do_not_overflow_and_a_success_starts_over() {
        let mut backoff = Backoff::default();
        assert!((0..100).all(|_| backoff.failed_ms(3_600_000, 3_600_000, 7) <= 3_600_000));
        backoff.succeeded();
        assert_eq!(backoff.failed_ms(10, 500, 0), 5);
    }
}
