//! How fast runs were made.
//!
//! Units: seconds with fractions of real time; an event is one call of a replica, or of what surrounds it, that the trace hashes.
//! Source: `docs/simulation.md`, "Speed".

use std::num::NonZero;
use std::time::Duration;

use serde_json::{Value, json};

const NS_PER_SECOND: u128 = 1_000_000_000;

/// What was made in what time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Speed {
    /// How long it took.
    pub(crate) wall: Duration,
    /// How many runs there were.
    pub(crate) runs: u64,
    /// Their events.
    pub(crate) events: u64,
    /// Their virtual time.
    pub(crate) sim_ns: u128,
    /// How many runs there could be at a time.
    pub(crate) jobs: usize,
}

impl Speed {
    /// For programs.
    pub(crate) fn json(&self) -> Value {
        json!({
            "cores": self.cores(),
            "wall_seconds": self.wall.as_secs_f64(),
            "events_per_second": self.events_per_second(),
            "events_per_second_per_core": self.events_per_second() / self.cores(),
            "times_real_time": self.times_real_time(),
            "seeds_per_second": self.seeds_per_second(),
        })
    }

    /// For people.
    pub(crate) fn words(&self) -> String {
        let (rate, cores) = (self.events_per_second(), self.cores());
        let each = rate / cores;
        let (times, seeds) = (self.times_real_time(), self.seeds_per_second());
        format!(
            "{rate} events/s on {cores} cores, {each} a core; {times:.0} times real time; {seeds:.2} seeds/s"
        )
    }

    /// How many processors were at work: no more than there are, nor than there were runs.
    fn cores(&self) -> u64 {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        let jobs = self.jobs.min(processors) as u64;
        jobs.min(self.runs).max(1)
    }

    pub(crate) fn events_per_second(&self) -> u64 {
        let rate = u128::from(self.events) * NS_PER_SECOND / self.wall_ns();
        u64::try_from(rate).unwrap_or(u64::MAX)
    }

    fn times_real_time(&self) -> f64 {
        Duration::from_nanos_u128(self.sim_ns).div_duration_f64(self.wall)
    }

    fn seeds_per_second(&self) -> f64 {
        let milli = u128::from(self.runs) * 1_000 * NS_PER_SECOND / self.wall_ns();
        f64::from(u32::try_from(milli).unwrap_or(u32::MAX)) / 1_000.0
    }

    fn wall_ns(&self) -> u128 {
        self.wall.as_nanos().max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: each figure is of all runs together, and by core where it says so.
    #[test]
    fn figures_are_of_all_runs() {
        let speed = Speed {
            wall: Duration::from_millis(2_500),
            runs: 1,
            events: 1_000_000,
            sim_ns: 50 * NS_PER_SECOND,
            jobs: 8,
        };
        let told = speed.json();
        assert_eq!(told["cores"], 1);
        assert_eq!(told["events_per_second"], 400_000);
        assert_eq!(told["events_per_second_per_core"], 400_000);
        assert_eq!(told["times_real_time"], 20.0);
        assert_eq!(told["seeds_per_second"], 0.4);
    }
}
