//! What a load comes to.
//!
//! Shape: the JSON of `load --json`: `{submitted, final, rejected: {code: n}, unknown, tps, finality_ms: {p50, p99, max}, seconds}`.

use hdrhistogram::Histogram;
use serde::Serialize;
use std::collections::BTreeMap;

/// Sums of a load.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Transactions that were sent.
    pub submitted: u64,
    /// Final and executed.
    #[serde(rename = "final")]
    pub settled: u64,
    /// Refused at admission, or final and rejected, by code.
    pub rejected: BTreeMap<u16, u64>,
    /// Neither, when the load ended.
    pub unknown: u64,
    /// Final transactions a second, from the first intended sending to the last finality.
    #[serde(serialize_with = "to_tenths")]
    pub tps: f64,
    /// From the intended sending to finality.
    pub finality_ms: FinalityMs,
    /// From the first intended sending to the last finality.
    #[serde(serialize_with = "to_tenths")]
    pub seconds: f64,
}

/// Latency in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct FinalityMs {
    /// Half are faster.
    #[serde(serialize_with = "to_tenths")]
    pub p50: f64,
    /// Ninety-nine of a hundred are faster.
    #[serde(serialize_with = "to_tenths")]
    pub p99: f64,
    /// The slowest.
    #[serde(serialize_with = "to_tenths")]
    pub max: f64,
}

impl FinalityMs {
    /// Quantiles of latencies in microseconds; zeros if there are none.
    #[must_use]
    pub fn of(latency_us: &Histogram<u64>) -> Self {
        let quantile = |q| latency_us.value_at_quantile(q) as f64 / 1_000.0;
        Self {
            p50: quantile(0.5),
            p99: quantile(0.99),
            max: latency_us.max() as f64 / 1_000.0,
        }
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the form that serde asks for"
)]
pub(crate) fn to_tenths<S: serde::Serializer>(
    value: &f64,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((value * 10.0).round() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_samples() {
        let mut histogram = Histogram::new_with_max(3_600_000_000, 3).unwrap();
        (1..=1_000_u64).for_each(|ms| histogram.record(ms * 1_000).unwrap());
        let FinalityMs { p50, p99, max } = FinalityMs::of(&histogram);
        for (found, expected) in [(p50, 500.0), (p99, 990.0), (max, 1_000.0)] {
            let off: f64 = (found - expected) / expected;
            assert!(off.abs() < 0.002, "{found} for {expected}");
        }
    }

    #[test]
    fn the_last_line_has_its_keys() {
        let report = Report {
            submitted: 10,
            settled: 7,
            rejected: [(3003, 2)].into(),
            unknown: 1,
            tps: 3.456,
            finality_ms: FinalityMs {
                p50: 1.0,
                p99: 2.25,
                max: 3.0,
            },
            seconds: 2.0,
        };
        assert_eq!(
            serde_json::to_string(&report).unwrap(),
            r#"{"submitted":10,"final":7,"rejected":{"3003":2},"unknown":1,"tps":3.5,"finality_ms":{"p50":1.0,"p99":2.3,"max":3.0},"seconds":2.0}"#
        );
    }
}
