//! A node's clocks, as functions of virtual time.
//!
//! Invariant: the monotonic clock never goes back, whatever the wall clock does; both are given to the machines as [`Now`].
//! Units: nanoseconds of virtual time in; nanoseconds (monotonic) and microseconds since the Unix epoch (wall) out; rates in
//! parts per million. Wall time before the epoch reads as the epoch.
//! Errors: none.

use falaj_consensus::types::Now;

use crate::types::SimTime;

/// Wall time at the start of a run on a clock that is right: 2026-01-01T00:00:00Z.
pub const EPOCH_US: u64 = 1_767_225_600_000_000;

/// The clocks of one node since its latest start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// When the process started; its monotonic clock counts from here.
    pub started: SimTime,
    /// How far the wall clock is ahead at the start of the run; negative when behind.
    pub offset_us: i64,
    /// How much faster than right both clocks run, within ±500,000.
    pub drift_ppm: i32,
}

impl Clock {
    /// What the clocks show.
    ///
    /// # Panics
    /// When asked about a time before the process started.
    #[must_use]
    pub fn now(&self, time: SimTime) -> Now {
        assert!(
            time >= self.started,
            "a clock is not read before its process started"
        );
        let mono_ns = self.drifted(time.get() - self.started.get());
        let run_us = i128::from(self.drifted(time.get()) / 1_000);
        let wall_us = i128::from(EPOCH_US) + run_us + i128::from(self.offset_us);
        Now {
            mono_ns,
            wall_us: u64::try_from(wall_us.max(0)).unwrap_or(u64::MAX),
        }
    }

    /// When, in virtual time, a timer of `duration_ns` on this clock runs out.
    #[must_use]
    pub fn after(&self, time: SimTime, duration_ns: u64) -> SimTime {
        let right_ns = i128::from(duration_ns) * 1_000_000 / i128::from(1_000_000 + self.rate());
        time.after_ns(
            u64::try_from(right_ns)
                .unwrap_or(u64::MAX / 2)
                .min(u64::MAX / 2),
        )
    }

    fn drifted(&self, ns: u64) -> u64 {
        let drift_ns = i128::from(ns) * i128::from(self.rate()) / 1_000_000;
        u64::try_from(i128::from(ns) + drift_ns).unwrap_or(u64::MAX)
    }

    fn rate(&self) -> i32 {
        self.drift_ppm.clamp(-500_000, 500_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_NS: u64 = 1_000_000_000;

    /// Goal: a right clock counts virtual time, and the monotonic one starts with its process.
    #[test]
    fn a_right_clock_shows_virtual_time() {
        let clock = Clock {
            started: SimTime::new(SECOND_NS),
            ..Clock::default()
        };
        let now = clock.now(SimTime::new(3 * SECOND_NS));
        assert_eq!(
            now,
            Now {
                mono_ns: 2 * SECOND_NS,
                wall_us: EPOCH_US + 3_000_000
            }
        );
    }

    /// Goal: offset moves wall time alone; drift moves both, and timers with them.
    #[test]
    fn offset_and_drift_move_what_they_should() {
        let clock = Clock {
            offset_us: -5,
            drift_ppm: 100_000,
            ..Clock::default()
        };
        let now = clock.now(SimTime::new(10 * SECOND_NS));
        assert_eq!(
            now,
            Now {
                mono_ns: 11 * SECOND_NS,
                wall_us: EPOCH_US + 11_000_000 - 5
            }
        );
        assert_eq!(
            clock.after(SimTime::START, 11 * SECOND_NS),
            SimTime::new(10 * SECOND_NS)
        );
    }

    /// Goal: a clock set before the epoch reads as the epoch.
    #[test]
    fn wall_time_has_a_floor() {
        let clock = Clock {
            offset_us: i64::MIN,
            ..Clock::default()
        };
        assert_eq!(clock.now(SimTime::START).wall_us, 0);
    }
}
