//! One rate: payments sent at it, what they cost, how long they took, and both by the floors that were measured just before.
//!
//! Invariant: each repetition is divided by its own floors; the median is taken of the ratios, not a ratio of medians.

use anyhow::{Result, ensure};
use serde::Serialize;

use super::drive;
use super::floor::Floors;
use super::numbers::{Spread, ratio, to_thousandths};
use super::stage::Stage;
use crate::load::Report as LoadReport;

/// One repetition.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    pub(super) load: LoadReport,
    cpu_us: f64,
    cpu_ratio: Option<f64>,
    p50_ratio: Option<f64>,
    p99_ratio: Option<f64>,
    payments_per_block: Option<f64>,
}

/// A point and its repetitions so far.
#[derive(Clone, Debug)]
pub(super) struct Repeated {
    rate: f64,
    taken: Vec<Taken>,
}

/// What a rate gave.
#[derive(Clone, Debug, Serialize)]
pub struct Point {
    /// Payments a second that were sent.
    #[serde(serialize_with = "to_thousandths")]
    pub rate: f64,
    /// Payments that became final, of all repetitions.
    #[serde(rename = "final")]
    pub settled: u64,
    /// Final payments a second.
    pub tps: Option<Spread>,
    /// Payments of a block.
    pub payments_per_block: Option<Spread>,
    /// CPU of all validators for a final payment, in microseconds.
    pub cpu_us: Option<Spread>,
    /// The same by the CPU of four batched checks.
    pub cpu_to_four_checks: Option<Spread>,
    /// From the intended sending to finality, p50 in milliseconds.
    pub finality_p50_ms: Option<Spread>,
    /// The same, p99.
    pub finality_p99_ms: Option<Spread>,
    /// p50 by the critical path.
    pub p50_to_critical_path: Option<Spread>,
    /// p99 by the critical path.
    pub p99_to_critical_path: Option<Spread>,
}

/// Takes a point once.
///
/// # Errors
/// When a payment was lost or refused.
pub(super) async fn measure(
    stage: &Stage,
    rate: f64,
    seconds: f64,
    floors: &Floors,
) -> Result<Taken> {
    let driven = drive::run(stage, rate, seconds).await?;
    let report = &driven.report;
    ensure!(
        report.settled == report.submitted,
        "of {} payments at {rate} a second {} became final, {} are unknown, rejected by code: {:?}",
        report.submitted,
        report.settled,
        report.unknown,
        report.rejected
    );
    Ok(Taken::of(driven, floors))
}

/// Adds a repetition to its point.
pub(super) fn add(points: &mut Vec<Repeated>, index: usize, rate: f64, taken: Taken) {
    match points.get_mut(index) {
        Some(point) => point.taken.push(taken),
        None => points.push(Repeated {
            rate,
            taken: vec![taken],
        }),
    }
}

impl Taken {
    pub(super) fn of(driven: drive::Driven, floors: &Floors) -> Self {
        let drive::Driven {
            report,
            cpu_us,
            blocks,
        } = driven;
        let cpu_us = ratio(cpu_us as f64, report.settled as f64).unwrap_or(f64::NAN);
        let finality = report.finality_ms;
        Self {
            cpu_us,
            cpu_ratio: ratio(cpu_us, floors.four_checks_us()),
            p50_ratio: ratio(finality.p50, floors.critical_path_ms()),
            p99_ratio: ratio(finality.p99, floors.critical_path_ms()),
            payments_per_block: ratio(report.settled as f64, blocks as f64),
            load: report,
        }
    }
}

impl Repeated {
    pub(super) fn new(rate: f64, taken: Vec<Taken>) -> Self {
        Self { rate, taken }
    }

    pub(super) fn report(self) -> Point {
        let of = |get: fn(&Taken) -> f64| Spread::of(self.taken.iter().map(get));
        let some = |get: fn(&Taken) -> Option<f64>| Spread::of(self.taken.iter().filter_map(get));
        Point {
            rate: self.rate,
            settled: self.taken.iter().map(|taken| taken.load.settled).sum(),
            tps: of(|taken| taken.load.tps),
            payments_per_block: some(|taken| taken.payments_per_block),
            cpu_us: of(|taken| taken.cpu_us),
            cpu_to_four_checks: some(|taken| taken.cpu_ratio),
            finality_p50_ms: of(|taken| taken.load.finality_ms.p50),
            finality_p99_ms: of(|taken| taken.load.finality_ms.p99),
            p50_to_critical_path: some(|taken| taken.p50_ratio),
            p99_to_critical_path: some(|taken| taken.p99_ratio),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::bench::numbers::Percentiles;
    use crate::load::FinalityMs;

    const fn both(us: f64) -> Percentiles {
        Percentiles { p50: us, p99: us }
    }

    pub(in crate::bench) fn floors(verify_us: f64) -> Floors {
        Floors {
            verify_us,
            message: both(100.0),
            sign: both(500.0),
            sync: both(300.0),
        }
    }

    pub(in crate::bench) fn driven(settled: u64, cpu_us: u64) -> drive::Driven {
        drive::Driven {
            report: LoadReport {
                submitted: settled,
                settled,
                rejected: [].into(),
                unknown: 0,
                tps: 50.0,
                finality_ms: FinalityMs {
                    p50: 3.6,
                    p99: 9.0,
                    max: 10.0,
                },
                seconds: 2.0,
            },
            cpu_us,
            blocks: 10,
        }
    }

    #[test]
    fn cost_and_latency_are_divided_by_their_own_floors() {
        let taken = Taken::of(driven(100, 32_000), &floors(20.0));
        assert_eq!(taken.cpu_ratio, Some(4.0));
        assert!((taken.p50_ratio.unwrap() - 2.0).abs() < 1e-9);
        assert!((taken.p99_ratio.unwrap() - 5.0).abs() < 1e-9);
        assert_eq!(taken.payments_per_block, Some(10.0));
    }

    // Goal: a slow moment that slows both node and floor leaves the ratio as it is.
    #[test]
    fn the_median_is_of_ratios() {
        let fast = Taken::of(driven(100, 32_000), &floors(20.0));
        let slow = Taken::of(driven(100, 64_000), &floors(40.0));
        let point = Repeated::new(50.0, vec![fast, slow]).report();
        let ratio = point.cpu_to_four_checks.unwrap();
        assert_eq!((ratio.min, ratio.max), (4.0, 4.0));
        assert_eq!(point.cpu_us.unwrap().median, 480.0);
        assert_eq!(point.settled, 200);
    }

    #[test]
    fn a_point_without_a_final_payment_has_no_cost() {
        let point = Repeated::new(1.0, vec![Taken::of(driven(0, 5), &floors(1.0))]).report();
        assert!(point.cpu_us.is_none() && point.cpu_to_four_checks.is_none());
    }

    #[test]
    fn repetitions_go_to_their_point() {
        let mut points = Vec::new();
        for (index, rate) in [(0, 1.0), (1, 2.0), (0, 1.0)] {
            add(
                &mut points,
                index,
                rate,
                Taken::of(driven(1, 1), &floors(1.0)),
            );
        }
        assert_eq!((points[0].taken.len(), points[1].taken.len()), (2, 1));
    }
}
