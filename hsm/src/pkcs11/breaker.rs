//! How long to leave a failing token alone.
//!
//! Invariant: pure; time and chance are arguments. The backoff doubles with every failure in a row up to its bound, and a random half of
//! it is taken off, so that validators that lost one HSM together do not come back together.
//! Units: milliseconds; `chance` is any 32 bits.
//! Source: `docs/spec/hsm.md`, "Escalation".

use std::time::Duration;

use super::config::Limits;

/// Failures in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Breaker {
    failures: u32,
}

impl Breaker {
    /// One that never failed.
    pub(crate) const fn new() -> Self {
        Self { failures: 0 }
    }

    /// Counts a failure and says how long to wait.
    pub(crate) fn failed(&mut self, limits: &Limits, chance: u32) -> Duration {
        let doublings = self.failures.min(32);
        self.failures = self.failures.saturating_add(1);
        let full = limits
            .backoff_ms_min
            .saturating_mul(1_u64 << doublings)
            .min(limits.backoff_ms_max);
        let half = full / 2;
        let random = half.saturating_mul(u64::from(chance)) / u64::from(u32::MAX);
        Duration::from_millis(full.saturating_sub(random))
    }

    /// The token works.
    pub(crate) const fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// Failures since it last worked.
    pub(crate) const fn failures(self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // It doubles, stays within its bound, loses at most half to chance, and starts over after a success.
    #[test]
    fn backoff_doubles_up_to_its_bound() {
        let limits = Limits {
            backoff_ms_min: 100,
            backoff_ms_max: 1_000,
            ..Limits::default()
        };
        let mut breaker = Breaker::new();
        let full: Vec<_> = (0..6)
            .map(|_| breaker.failed(&limits, 0).as_millis())
            .collect();
        assert_eq!(full, [100, 200, 400, 800, 1_000, 1_000]);
        assert_eq!(breaker.failed(&limits, u32::MAX).as_millis(), 500);
        breaker.succeeded();
        assert_eq!(breaker.failed(&limits, u32::MAX).as_millis(), 50);
        for _ in 0..100 {
            breaker.failed(&limits, 7);
        }
        assert_eq!(breaker.failed(&limits, 0).as_millis(), 1_000);
    }
}
