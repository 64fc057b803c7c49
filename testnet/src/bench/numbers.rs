//! The arithmetic of a report: percentiles of samples, a median with its spread, ratios.
//!
//! Invariant: an empty set has no percentile and no median, and a ratio to nothing is none; no figure is made up for it.

use hdrhistogram::Histogram;
use serde::{Serialize, Serializer};

/// Digits to which samples are kept.
const DIGITS: u8 = 3;

/// What several repetitions gave.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The middle one, or the mean of the two in the middle.
    #[serde(serialize_with = "to_thousandths")]
    pub median: f64,
    /// The least.
    #[serde(serialize_with = "to_thousandths")]
    pub min: f64,
    /// The greatest.
    #[serde(serialize_with = "to_thousandths")]
    pub max: f64,
    /// How many there were.
    pub repetitions: usize,
}

impl Spread {
    /// Of values that are numbers; none of none.
    pub(super) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values
            .into_iter()
            .filter(|value| value.is_finite())
            .collect();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let upper = *sorted.get(sorted.len() / 2)?;
        let lower = *sorted.get((sorted.len() - 1) / 2)?;
        Some(Self {
            median: f64::midpoint(lower, upper),
            min,
            max,
            repetitions: sorted.len(),
        })
    }
}

/// Percentiles of samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Percentiles {
    /// Half are not above it.
    #[serde(serialize_with = "to_thousandths")]
    pub p50: f64,
    /// Ninety-nine of a hundred are not above it.
    #[serde(serialize_with = "to_thousandths")]
    pub p99: f64,
}

impl Percentiles {
    /// Of nanoseconds, in microseconds; none of none.
    pub(super) fn of_ns(samples: &[u64]) -> Option<Self> {
        let mut histogram = Histogram::<u64>::new(DIGITS).ok()?;
        for sample in samples {
            histogram.record(*sample).ok()?;
        }
        let at = |quantile| histogram.value_at_quantile(quantile) as f64 / 1_000.0;
        (!samples.is_empty()).then(|| Self {
            p50: at(0.5),
            p99: at(0.99),
        })
    }
}

/// One by another; none if the other is nothing.
pub(super) fn ratio(value: f64, floor: f64) -> Option<f64> {
    let ratio = value / floor;
    (floor > 0.0 && ratio.is_finite()).then_some(ratio)
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the form that serde asks for"
)]
pub(super) fn to_thousandths<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((value * 1_000.0).round() / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_count_is_between_the_two_in_the_middle() {
        let spread = Spread::of([4.0, 1.0, 3.0, 2.0]).unwrap();
        assert_eq!(
            (spread.median, spread.min, spread.max, spread.repetitions),
            (2.5, 1.0, 4.0, 4)
        );
        assert_eq!(Spread::of([7.0]).unwrap().median, 7.0);
    }

    // Goal: what was not measured shows as nothing, not as a number.
    #[test]
    fn nothing_has_no_median_and_no_percentile() {
        assert_eq!(Spread::of([]), None);
        assert_eq!(Spread::of([f64::NAN]), None);
        assert_eq!(Percentiles::of_ns(&[]), None);
        assert_eq!(ratio(1.0, 0.0), None);
        assert_eq!(ratio(f64::NAN, 1.0), None);
    }

    #[test]
    fn percentiles_are_those_of_the_samples() {
        let samples: Vec<u64> = (1..=1_000).map(|us| us * 1_000).collect();
        let Percentiles { p50, p99 } = Percentiles::of_ns(&samples).unwrap();
        for (found, expected) in [(p50, 500.0), (p99, 990.0)] {
            let off: f64 = (found - expected) / expected;
            assert!(off.abs() < 0.002, "{found} for {expected}");
        }
    }

    #[test]
    fn a_ratio_is_a_quotient() {
        assert_eq!(ratio(6.0, 4.0), Some(1.5));
    }
}
