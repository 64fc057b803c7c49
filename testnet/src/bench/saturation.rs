//! The highest rate that the network keeps up with.
//!
//! Rates grow step by step; one is sustained if what becomes final in a second is at least [`KEPT_UP`] of what is sent and nothing is lost.
//! If not even the first is, they shrink until one is, as on a machine that is busy with something else.
//! The highest sustained rate is then taken again as often as any point. The load is made on the same machine, so this says what the machine
//! can do with everything on it, not what four machines could.

use anyhow::{Context as _, Result};
use serde::Serialize;

use super::Tell;
use super::drive;
use super::floor::Runner;
use super::numbers::to_thousandths;
use super::plan::Depth;
use super::point::{Point, Repeated, Taken};
use super::stage::Stage;
use crate::load::Report as LoadReport;

/// Share of the rate that must become final.
const KEPT_UP: f64 = 0.95;
/// From one step to the next.
const GROWTH: f64 = 1.25;

/// The search and its end.
#[derive(Clone, Debug, Serialize)]
pub struct Saturation {
    /// The steps, in order.
    pub steps: Vec<StepReport>,
    /// The highest sustained rate; nothing if none was.
    pub point: Option<Point>,
}

/// One step of the search.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct StepReport {
    /// Payments a second that were sent.
    #[serde(serialize_with = "to_thousandths")]
    pub rate: f64,
    /// Final payments a second.
    #[serde(serialize_with = "to_thousandths")]
    pub tps: f64,
    /// Whether it was sustained.
    pub sustained: bool,
}

/// Searches upwards from the highest rate of the plan.
pub(super) async fn measure(
    stage: &Stage,
    depth: &Depth,
    runner: &Runner,
    tell: Tell<'_>,
) -> Result<Saturation> {
    let mut rate = depth.rates.last().copied().context("a rate")?;
    let (mut steps, mut best) = (Vec::new(), None);
    for _ in 0..depth.steps_max {
        tell(&format!("  towards saturation: {rate:.0} a second"));
        let floors = runner.measure().await?;
        let driven = drive::run(stage, rate, depth.step_seconds).await?;
        let sustained = is_sustained(&driven.report, rate);
        steps.push(StepReport {
            rate,
            tps: driven.report.tps,
            sustained,
        });
        if sustained {
            best = Some((rate, Taken::of(driven, &floors)));
        }
        match next(&steps) {
            Some(next) => rate = next,
            None => break,
        }
    }
    let point = match best {
        Some((rate, first)) => Some(repeat(stage, depth, runner, rate, first).await?),
        None => None,
    };
    Ok(Saturation { steps, point })
}

/// The next rate: up from one that was sustained, down until there is one, and then no more.
fn next(steps: &[StepReport]) -> Option<f64> {
    let last = steps.last()?;
    let failed_before = steps.iter().any(|step| !step.sustained);
    let sustained_before = steps.iter().any(|step| step.sustained);
    match (last.sustained, failed_before, sustained_before) {
        (true, false, _) => Some(last.rate * GROWTH),
        (false, _, false) => Some(last.rate / GROWTH),
        (true, true, _) | (false, _, true) => None,
    }
}

async fn repeat(
    stage: &Stage,
    depth: &Depth,
    runner: &Runner,
    rate: f64,
    first: Taken,
) -> Result<Point> {
    let mut taken = vec![first];
    for _ in 1..depth.repetitions {
        let floors = runner.measure().await?;
        let driven = drive::run(stage, rate, depth.step_seconds).await?;
        taken.push(Taken::of(driven, &floors));
    }
    Ok(Repeated::new(rate, taken).report())
}

fn is_sustained(report: &LoadReport, rate: f64) -> bool {
    report.unknown == 0 && report.rejected.is_empty() && report.tps >= KEPT_UP * rate
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::point::tests::driven;

    fn report() -> LoadReport {
        driven(100, 1).report
    }

    fn steps(sustained: &[bool]) -> Vec<StepReport> {
        let step = |sustained: &bool| StepReport {
            rate: 100.0,
            tps: 0.0,
            sustained: *sustained,
        };
        sustained.iter().map(step).collect()
    }

    #[test]
    fn the_search_goes_up_until_a_rate_is_too_high() {
        assert_eq!(next(&steps(&[true, true])), Some(125.0));
        assert_eq!(next(&steps(&[true, false])), None);
    }

    // Goal: a busy machine has a highest rate too.
    #[test]
    fn the_search_goes_down_until_a_rate_is_sustained() {
        assert_eq!(next(&steps(&[false, false])), Some(80.0));
        assert_eq!(next(&steps(&[false, true])), None);
    }

    #[test]
    fn a_rate_is_sustained_if_it_keeps_up_and_loses_nothing() {
        assert!(is_sustained(&report(), 50.0));
        assert!(is_sustained(&report(), 52.0));
        assert!(!is_sustained(&report(), 53.0));
        assert!(!is_sustained(
            &LoadReport {
                unknown: 1,
                ..report()
            },
            50.0
        ));
        assert!(!is_sustained(
            &LoadReport {
                rejected: [(3003, 1)].into(),
                ..report()
            },
            50.0
        ));
    }
}
