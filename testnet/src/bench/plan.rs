//! How much is measured: rates, times and repetitions.

use std::time::Duration;

/// How much of everything.
#[derive(Clone, Debug)]
pub struct Plan {
    /// For the first algorithm, which the marks are for.
    first: Depth,
    /// For those beside it.
    beside: Depth,
    /// Whether it is the short one.
    pub quick: bool,
}

/// How much of one network.
#[derive(Clone, Debug)]
pub(super) struct Depth {
    /// Rates of the points, in payments a second.
    pub(super) rates: Vec<f64>,
    /// Length of a point.
    pub(super) seconds: f64,
    /// How often each point is taken; they take turns.
    pub(super) repetitions: u32,
    /// How long the idle network is watched.
    pub(super) idle: Duration,
    /// Length of a step towards saturation.
    pub(super) step_seconds: f64,
    /// Most such steps.
    pub(super) steps_max: usize,
    /// Signatures, messages and syncs of a floor.
    pub(super) samples: u32,
    /// Pairs of each kind of trouble, if the parts are measured.
    pub(super) pairs: u32,
    /// Payments a second of a participant that floods.
    pub(super) flood_rate: f64,
    /// Payments of the ledger alone.
    pub(super) ledger_payments: usize,
    /// Whether the parts that no algorithm of a validator changes are measured: ledger and store.
    pub(super) parts: bool,
}

impl Plan {
    /// Takes about ten minutes with three algorithms.
    #[must_use]
    pub fn full() -> Self {
        let first = Depth {
            rates: vec![100.0, 1_000.0],
            seconds: 10.0,
            repetitions: 3,
            idle: Duration::from_secs(10),
            step_seconds: 5.0,
            // Far above what any machine gives; the search ends before.
            steps_max: 32,
            samples: 2_000,
            pairs: 5,
            // More than any machine of two processors settles.
            flood_rate: 6_000.0,
            ledger_payments: 50_000,
            parts: true,
        };
        let beside = Depth {
            repetitions: 1,
            idle: Duration::from_secs(5),
            parts: false,
            ..first.clone()
        };
        Self {
            first,
            beside,
            quick: false,
        }
    }

    /// Takes less than a minute with one algorithm.
    #[must_use]
    pub fn quick() -> Self {
        let first = Depth {
            seconds: 3.0,
            repetitions: 1,
            idle: Duration::from_secs(3),
            step_seconds: 2.0,
            samples: 500,
            pairs: 1,
            ledger_payments: 5_000,
            ..Self::full().first
        };
        let beside = Depth {
            parts: false,
            ..first.clone()
        };
        Self {
            first,
            beside,
            quick: true,
        }
    }

    /// Takes some seconds, also with programs that are not optimised: whether everything can be measured, not what it is.
    #[must_use]
    pub fn trial() -> Self {
        let first = Depth {
            rates: vec![20.0],
            seconds: 1.0,
            idle: Duration::from_secs(1),
            step_seconds: 1.0,
            steps_max: 1,
            samples: 50,
            flood_rate: 200.0,
            ledger_payments: 1_000,
            ..Self::quick().first
        };
        Self {
            beside: first.clone(),
            first,
            quick: true,
        }
    }

    pub(super) const fn depth(&self, is_first: bool) -> &Depth {
        if is_first { &self.first } else { &self.beside }
    }
}
