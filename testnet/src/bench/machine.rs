//! The machine that a run was made on, and how much else it had to do.
//!
//! Invariant: no name of a machine, no time of a day: a report can be laid beside another one.
//! Units: load averages as the system gives them; stolen time in percent of the CPU time that there was.
//! Source: proc(5): `/proc/cpuinfo`, `/proc/meminfo`, `/proc/stat`, `/proc/loadavg`.

use serde::Serialize;

use super::numbers::to_thousandths;
use super::proc::load_average;

/// Place of stolen time among the times of a CPU line.
const STEAL: usize = 7;

/// The machine, and the noise on it.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// Name of the processor.
    pub processor: String,
    /// How many of them.
    pub processors: usize,
    /// Load average before the run.
    pub load_before: Option<f64>,
    /// Load average after it; the run's own load is in it.
    pub load_after: Option<f64>,
    /// CPU time that the host gave to others while this machine wanted it.
    #[serde(serialize_with = "to_thousandths")]
    pub stolen_percent: f64,
}

/// What the machine says at one moment.
pub(super) struct Moment {
    load: Option<f64>,
    times: Vec<u64>,
}

impl Moment {
    pub(super) fn now() -> Self {
        let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
        Self {
            load: load_average(),
            times: times(&stat),
        }
    }
}

impl Machine {
    /// What it was since a moment.
    pub(super) fn since(before: &Moment) -> Self {
        let now = Moment::now();
        let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        Self {
            processor: processor(&info).unwrap_or("unknown").to_owned(),
            processors: std::thread::available_parallelism().map_or(1, Into::into),
            load_before: before.load,
            load_after: now.load,
            stolen_percent: stolen_percent(&before.times, &now.times),
        }
    }
}

/// User, nice, system, idle, iowait, irq, softirq, steal of all processors together; what follows is in them already.
fn times(stat: &str) -> Vec<u64> {
    let line = stat
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("cpu "));
    let fields = line.unwrap_or_default().split_whitespace();
    fields
        .take(STEAL + 1)
        .filter_map(|field| field.parse().ok())
        .collect()
}

fn stolen_percent(before: &[u64], after: &[u64]) -> f64 {
    let passed = |at: usize| {
        let (before, after) = (before.get(at), after.get(at));
        before
            .zip(after)
            .map_or(0, |(before, after)| after.saturating_sub(*before))
    };
    let all: u64 = (0..=STEAL).map(passed).sum();
    if all == 0 {
        return 0.0;
    }
    passed(STEAL) as f64 / all as f64 * 100.0
}

fn processor(info: &str) -> Option<&str> {
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stolen_time_is_a_share_of_all_time() {
        let before = times("cpu  100 0 50 800 10 0 0 40 7 7\ncpu0 1 2 3\n");
        let after = times("cpu  150 0 60 820 10 0 0 60 9 9\n");
        assert_eq!(before.len(), 8);
        assert!((stolen_percent(&before, &after) - 20.0).abs() < 1e-9);
    }

    #[test]
    fn a_machine_that_does_not_say_has_no_stolen_time() {
        assert!(times("").is_empty());
        assert!(stolen_percent(&[], &[]).abs() < 1e-9);
    }

    #[test]
    fn the_processor_is_named() {
        assert_eq!(
            processor("vendor_id\t: x\nmodel name\t: A B @ 2.50GHz\n"),
            Some("A B @ 2.50GHz")
        );
        assert_eq!(processor(""), None);
    }
}
