//! The one place of the node where time is read.
//!
//! Units: monotonic nanoseconds since the process started, wall microseconds since the Unix epoch.

use falaj_consensus::types::Now;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Reads both clocks of the machine.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
}

impl Clock {
    /// Starts the monotonic clock at zero.
    #[must_use]
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
        }
    }

    /// The time of both clocks.
    #[must_use]
    pub fn now(&self) -> Now {
        let mono_ns = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        Now {
            mono_ns,
            wall_us: u64::try_from(wall.as_micros()).unwrap_or(u64::MAX),
        }
    }
}
