//! How sure so many failures in so many runs make us of how often a run fails.
//!
//! Units: probabilities between 0 and 1, at 95 %.
//! Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference" (1927); J. A. Hanley and
//! A. Lippman-Hand, "If nothing goes wrong, is everything all right?" (1983) for the rule of three.

use serde::Serialize;

/// The two-sided 95 % quantile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// Between which two probabilities the truth lies, at 95 %.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// At least.
    pub low: f64,
    /// At most.
    pub high: f64,
}

/// The interval of `failures` in `runs`: the rule of three when there was none, Wilson's otherwise.
#[must_use]
pub fn interval(failures: u32, runs: u32) -> Interval {
    let n = f64::from(runs);
    if runs == 0 {
        return Interval {
            low: 0.0,
            high: 1.0,
        };
    }
    if failures == 0 {
        return Interval {
            low: 0.0,
            high: (3.0 / n).min(1.0),
        };
    }
    let (share, z2) = (f64::from(failures) / n, Z * Z);
    let centre = share + z2 / (2.0 * n);
    let spread = Z * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z2 / n;
    Interval {
        low: ((centre - spread) / scale).max(0.0),
        high: ((centre + spread) / scale).min(1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, wanted: f64) {
        assert!((found - wanted).abs() < 5e-4, "{found} is not {wanted}");
    }

    /// Goal: without failures at most three in so many runs.
    #[test]
    fn no_failures_follow_the_rule_of_three() {
        for (runs, high) in [(1, 1.0), (3, 1.0), (300, 0.01), (3_000_000, 1e-6)] {
            let found = interval(0, runs);
            assert_eq!(found.low, 0.0);
            near(found.high, high);
        }
    }

    /// Goal: with failures the interval is Wilson's, by values that others have printed.
    #[test]
    fn failures_follow_wilson() {
        for (failures, runs, low, high) in [
            (1, 10, 0.0179, 0.4042),
            (5, 10, 0.2366, 0.7634),
            (10, 10, 0.7225, 1.0),
            (15, 148, 0.0624, 0.1605),
        ] {
            let found = interval(failures, runs);
            near(found.low, low);
            near(found.high, high);
        }
    }
}
