//! Whether the timers of consensus still fit what this node sees of Δ.
//!
//! Δ here is one network delay, one signature, one sync, one execution and one tick; fetching a block is not timed.
//! Invariant: a part counts as the time that a few in a hundred of its last samples exceed, and not at all before it has a few; so one
//! hiccup says nothing, and a part that became slow says it within a few blocks. What does not fit is told at most every ten minutes.
//! Units: nanoseconds.
//! Source: `docs/spec/consensus.md`, "Timers"; `docs/guide/metrics.md`.

use falaj_consensus::params::Parameters;
use std::collections::VecDeque;

/// Samples that are remembered of a part.
const SAMPLES_MAX: usize = 64;
/// Samples without which a part is not judged.
const SAMPLES_MIN: usize = 8;
/// One in so many samples may be slower than what counts.
const SLOWER_ONE_IN: usize = 16;
/// Time between two tellings.
const QUIET_NS: u64 = 600_000_000_000;

/// The parts of Δ that are timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A message to the slowest peer.
    Delay,
    /// A signature.
    Sign,
    /// A sync of a log.
    Sync,
    /// The execution of a block.
    Execute,
}

/// What was seen of each part.
#[derive(Debug, Default)]
pub(super) struct TimersFit {
    delay: Samples,
    sign: Samples,
    sync: Samples,
    execute: Samples,
    told_ns: Option<u64>,
}

/// Δ as it was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) delay_ns: u64,
    pub(super) sign_ns: u64,
    pub(super) sync_ns: u64,
    pub(super) execute_ns: u64,
    pub(super) delta_ns: u64,
}

/// What is to be said of the timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// They are long enough.
    Fits,
    /// They are not, which was told not long ago.
    Known,
    /// They are not, and it is time to tell.
    News(Seen),
}

impl TimersFit {
    /// Something took so long.
    pub(super) fn took(&mut self, part: Part, ns: u64) {
        match part {
            Part::Delay => &mut self.delay,
            Part::Sign => &mut self.sign,
            Part::Sync => &mut self.sync,
            Part::Execute => &mut self.execute,
        }
        .add(ns);
    }

    /// Judges the parameters that hold from now on.
    pub(super) fn judge(&mut self, parameters: &Parameters, now_ns: u64) -> Fit {
        let seen = self.seen(parameters.tick_ns());
        if parameters.timers_fit(seen.delta_ns) {
            return Fit::Fits;
        }
        let quiet = |told_ns| now_ns.saturating_sub(told_ns) < QUIET_NS;
        if self.told_ns.is_some_and(quiet) {
            return Fit::Known;
        }
        self.told_ns = Some(now_ns);
        Fit::News(seen)
    }

    fn seen(&self, tick_ns: u64) -> Seen {
        let (delay_ns, sign_ns) = (self.delay.slow_ns(), self.sign.slow_ns());
        let (sync_ns, execute_ns) = (self.sync.slow_ns(), self.execute.slow_ns());
        let parts = [delay_ns, sign_ns, sync_ns, execute_ns, tick_ns];
        Seen {
            delay_ns,
            sign_ns,
            sync_ns,
            execute_ns,
            delta_ns: parts.into_iter().fold(0, u64::saturating_add),
        }
    }
}

/// The last samples of a part, oldest first.
#[derive(Debug, Default)]
struct Samples(VecDeque<u64>);

impl Samples {
    fn add(&mut self, ns: u64) {
        if self.0.len() == SAMPLES_MAX {
            self.0.pop_front();
        }
        self.0.push_back(ns);
    }

    /// What one in sixteen is slower than; 0 as long as there are too few to say.
    fn slow_ns(&self) -> u64 {
        let count = self.0.len();
        if count < SAMPLES_MIN {
            return 0;
        }
        let mut sorted: Vec<_> = self.0.iter().copied().collect();
        sorted.sort_unstable();
        let slower = count / SLOWER_ONE_IN;
        sorted.iter().rev().nth(slower).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    /// Every part takes so many milliseconds, often enough to count.
    fn seen(ms: [u64; 4]) -> TimersFit {
        let mut fit = TimersFit::default();
        let parts = [Part::Delay, Part::Sign, Part::Sync, Part::Execute];
        for (part, ms) in parts.into_iter().zip(ms) {
            (0..SAMPLES_MIN).for_each(|_| fit.took(part, ms * MS));
        }
        fit
    }

    // Goal: every part and the tick count, and the bound is that of the rule: twice 305 ms is not below the prevote timer of 610 ms.
    #[test]
    fn two_deltas_at_the_timer_do_not_fit() {
        let parameters = Parameters::default();
        assert_eq!(seen([50, 60, 40, 54]).judge(&parameters, 0), Fit::Fits);
        let told = Seen {
            delay_ns: 50 * MS,
            sign_ns: 60 * MS,
            sync_ns: 40 * MS,
            execute_ns: 55 * MS,
            delta_ns: 305 * MS,
        };
        let judged = seen([50, 60, 40, 55]).judge(&parameters, 0);
        assert_eq!(judged, Fit::News(told));
    }

    // Goal: a node that has seen little says nothing.
    #[test]
    fn too_few_samples_are_not_judged() {
        let mut fit = TimersFit::default();
        (1..SAMPLES_MIN).for_each(|_| fit.took(Part::Sign, 10_000 * MS));
        assert_eq!(fit.judge(&Parameters::default(), 0), Fit::Fits);
        fit.took(Part::Sign, 10_000 * MS);
        let judged = fit.judge(&Parameters::default(), 0);
        assert!(matches!(judged, Fit::News(_)), "{judged:?}");
    }

    // Goal: four slow of the last sixty-four are borne, five are not, and they are forgotten again.
    #[test]
    fn a_few_slow_ones_are_borne() {
        let parameters = Parameters::default();
        let mut fit = TimersFit::default();
        (0..SAMPLES_MAX).for_each(|_| fit.took(Part::Sync, MS));
        (0..4).for_each(|_| fit.took(Part::Sync, 900 * MS));
        assert_eq!(fit.judge(&parameters, 0), Fit::Fits);
        fit.took(Part::Sync, 900 * MS);
        assert!(matches!(fit.judge(&parameters, 0), Fit::News(_)));
        (0..SAMPLES_MAX).for_each(|_| fit.took(Part::Sync, MS));
        assert_eq!(fit.judge(&parameters, 0), Fit::Fits);
    }

    // Goal: a warning that lasts is told every ten minutes, and one that comes and goes no more often.
    #[test]
    fn it_is_told_at_most_every_ten_minutes() {
        let parameters = Parameters::default();
        let mut fit = seen([0, 900, 0, 0]);
        assert!(matches!(fit.judge(&parameters, 5), Fit::News(_)));
        assert_eq!(fit.judge(&parameters, 6), Fit::Known);
        (0..SAMPLES_MAX).for_each(|_| fit.took(Part::Sign, MS));
        assert_eq!(fit.judge(&parameters, 7), Fit::Fits);
        (0..SAMPLES_MAX).for_each(|_| fit.took(Part::Sign, 900 * MS));
        assert_eq!(fit.judge(&parameters, 4 + QUIET_NS), Fit::Known);
        let judged = fit.judge(&parameters, 5 + QUIET_NS);
        assert!(matches!(judged, Fit::News(_)), "{judged:?}");
    }
}
