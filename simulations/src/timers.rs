//! A timer service that cannot be trusted: timers run out before or after their time, beyond any drift of the clock.
//!
//! Invariant: a timer runs out at most so much too early, and never in the first half of its time; the n-th timer of a node depends on
//! (seed, node, n) and the dials alone.
//! Shape and units: nanoseconds on the node's own clock. A third of the timers each is as early as it may be, as late as it may be, or
//! anywhere in between.
//! Source: `docs/spec/consensus.md`, "Timers".

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::chance::{Chance, Draws, Site};
use crate::types::NodeIndex;

const TIMER: Site = Site::new("node/timer");

/// How bad a timer service is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimerDials {
    /// By how much a timer may be early, at most.
    pub early_ns: u64,
    /// By how much it may be late, at most.
    pub late_ns: u64,
}

impl TimerDials {
    /// Timers that run out when they should.
    pub const RIGHT: Self = Self {
        early_ns: 0,
        late_ns: 0,
    };
}

/// When a timer runs out, beside when it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Punctuality {
    /// Before its time.
    Early,
    /// At its time.
    Right,
    /// After its time.
    Late,
}

/// The timers of one node.
#[derive(Debug)]
pub struct Timers {
    draws: Draws,
    dials: TimerDials,
}

impl Timers {
    /// Timers that run out when they should, until somebody turns their dials.
    #[must_use]
    pub fn new(chance: &Chance, node: NodeIndex) -> Self {
        Self {
            draws: chance.draws(TIMER, u64::from(node.get())),
            dials: TimerDials::RIGHT,
        }
    }

    /// Turns the dials.
    pub const fn set_dials(&mut self, dials: TimerDials) {
        self.dials = dials;
    }

    /// How long a timer really takes that should take so long.
    pub fn runs_ns(&mut self, right_ns: u64) -> (u64, Punctuality) {
        if self.dials == TimerDials::RIGHT {
            return (right_ns, Punctuality::Right);
        }
        let draw = self.draws.next();
        let least = right_ns - self.dials.early_ns.min(right_ns / 2);
        let most = right_ns.saturating_add(self.dials.late_ns);
        let runs_ns = match draw.word(0).below(3) {
            0 => least,
            1 => most,
            _ => draw.word(1).within(least, most),
        };
        (runs_ns, punctuality(runs_ns, right_ns))
    }
}

const fn punctuality(runs_ns: u64, right_ns: u64) -> Punctuality {
    if runs_ns < right_ns {
        Punctuality::Early
    } else if runs_ns == right_ns {
        Punctuality::Right
    } else {
        Punctuality::Late
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS_NS: u64 = 1_000_000;

    fn timers(dials: TimerDials) -> Timers {
        let mut timers = Timers::new(&Chance::new(1), NodeIndex::new(0));
        timers.set_dials(dials);
        timers
    }

    /// Goal: timers come as early and as late as the dials let them, and in between, and nothing is earlier than half its time.
    #[test]
    fn timers_are_early_and_late_within_their_bounds() {
        let dials = TimerDials {
            early_ns: 30 * MS_NS,
            late_ns: 200 * MS_NS,
        };
        for (right_ns, least) in [(100 * MS_NS, 70 * MS_NS), (40 * MS_NS, 20 * MS_NS)] {
            let mut timers = timers(dials);
            let runs: Vec<u64> = (0..60).map(|_| timers.runs_ns(right_ns).0).collect();
            let most = right_ns + 200 * MS_NS;
            assert_eq!(runs.iter().min(), Some(&least));
            assert_eq!(runs.iter().max(), Some(&most));
            assert!(runs.iter().any(|ns| (least + 1..most).contains(ns)));
        }
    }

    /// Goal: a right service draws nothing.
    #[test]
    fn right_timers_are_right() {
        let mut timers = timers(TimerDials::RIGHT);
        assert_eq!(timers.runs_ns(MS_NS), (MS_NS, Punctuality::Right));
        assert_eq!(timers.draws.count(), 0);
    }
}
