//! How long signatures took.
//!
//! Invariant: exact; every sample is kept, since there are at most as many as somebody waited for.
//! Units: nanoseconds in, microseconds out; a percentile is the smallest sample that so many of a thousand do not exceed.

use std::time::Duration;

/// Samples in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    sorted_ns: Vec<u64>,
}

impl Latency {
    /// Takes the samples.
    #[must_use]
    pub fn of(samples: impl IntoIterator<Item = Duration>) -> Self {
        let nanoseconds = samples
            .into_iter()
            .map(|sample| u64::try_from(sample.as_nanos()).unwrap_or(u64::MAX));
        let mut sorted_ns: Vec<u64> = nanoseconds.collect();
        sorted_ns.sort_unstable();
        Self { sorted_ns }
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.sorted_ns.len()
    }

    /// The sample that so many of a thousand do not exceed, in microseconds.
    #[must_use]
    pub fn permille_us(&self, permille: usize) -> Option<u64> {
        let rank = self.count().saturating_mul(permille).div_ceil(1000).max(1);
        self.sorted_ns.get(rank - 1).map(|sample| sample / 1000)
    }

    /// Counts by upper bound in microseconds, each the double of the one before; empty ends are left out.
    #[must_use]
    pub fn histogram(&self) -> Vec<(u64, usize)> {
        let mut rows = Vec::new();
        let mut rest = self.sorted_ns.as_slice();
        let mut bound_us = 1_u64;
        while !rest.is_empty() {
            let inside = rest.partition_point(|sample| *sample <= bound_us.saturating_mul(1000));
            if inside > 0 || !rows.is_empty() {
                rows.push((bound_us, inside));
            }
            rest = rest.get(inside..).unwrap_or_default();
            bound_us = bound_us.saturating_mul(2);
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(samples: &[u64]) -> Latency {
        Latency::of(samples.iter().map(|sample| Duration::from_micros(*sample)))
    }

    // Percentiles are samples, not interpolations.
    #[test]
    fn percentiles_are_samples() {
        let latency = micros(&[400, 100, 300, 200]);
        assert_eq!(latency.permille_us(500), Some(200));
        assert_eq!(latency.permille_us(990), Some(400));
        assert_eq!(latency.permille_us(0), Some(100));
        assert_eq!(micros(&[]).permille_us(500), None);
    }

    // Each sample is counted once, under the first bound it does not exceed.
    #[test]
    fn the_histogram_counts_each_sample_once() {
        let latency = micros(&[3, 4, 5, 9, 100]);
        assert_eq!(
            latency.histogram(),
            [(4, 2), (8, 1), (16, 1), (32, 0), (64, 0), (128, 1)]
        );
        assert!(micros(&[]).histogram().is_empty());
        assert_eq!(
            Latency::of([Duration::MAX])
                .histogram()
                .last()
                .map(|row| row.1),
            Some(1)
        );
    }
}
