//! Time downwards, not to scale: what happens close together is drawn apart, and where nothing happens for long it is cut short and said.
//!
//! Invariant: a later time is never above an earlier one.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use super::lanes::Lanes;
use crate::pictures::words;
use crate::types::SimTime;

/// Nothing happened for so long: it is said how long.
const QUIET_NS: u64 = 20_000_000;
/// The least distance between two times that are written.
const APART: f64 = 54.0;

/// Where each time is.
pub(super) struct Axis {
    places: BTreeMap<SimTime, f64>,
    quiet: Vec<(f64, u64)>,
    end: f64,
}

impl Axis {
    pub(super) fn new(times: &BTreeSet<SimTime>, top: f64) -> Self {
        let (mut places, mut quiet) = (BTreeMap::new(), Vec::new());
        let (mut end, mut before): (f64, Option<SimTime>) = (top, None);
        for time in times {
            let gap_ns = before.map_or(0, |before| time.get() - before.get());
            let step = stretch(gap_ns);
            if gap_ns >= QUIET_NS {
                quiet.push((end + step / 2.0, gap_ns));
            }
            end += step;
            places.insert(*time, end);
            before = Some(*time);
        }
        Self { places, quiet, end }
    }

    /// How far down a time is; of one that nothing is drawn at, the next that something is.
    pub(super) fn y(&self, at: SimTime) -> f64 {
        let next = self.places.range(at..).next();
        next.map_or(self.end, |(_, y)| *y)
    }

    pub(super) const fn end(&self) -> f64 {
        self.end
    }

    /// Where nothing happens.
    pub(super) fn quiet(&self) -> impl Iterator<Item = f64> + '_ {
        self.quiet.iter().map(|(y, _)| *y)
    }

    /// Times at the left, and the quiet stretches.
    pub(super) fn draw(&self, lanes: &Lanes) -> Markup {
        let (left, right) = (lanes.left(), lanes.right());
        html! {
            @for (y, ns) in &self.quiet {
                line.quiet x1=(px(left)) x2=(px(right)) y1=(px(*y)) y2=(px(*y)) {}
                text.quiet x=(px(left - 26.0)) y=(px(*y + 4.0)) text-anchor="end" {
                    "⋯ " (words::duration(*ns))
                }
            }
            @for (at, y) in self.written() {
                text.time x=(px(left - 26.0)) y=(px(y + 4.0)) text-anchor="end" { (words::time(at)) }
            }
        }
    }

    /// The times that are written: far enough from each other and from what is said of quiet stretches.
    fn written(&self) -> Vec<(SimTime, f64)> {
        let mut written: Vec<(SimTime, f64)> = Vec::new();
        for (at, y) in &self.places {
            let clear = |other: f64, apart: f64| (other - y).abs() >= apart;
            let from_last = written.last().is_none_or(|(_, last)| clear(*last, APART));
            if from_last && self.quiet.iter().all(|(quiet, _)| clear(*quiet, 13.0)) {
                written.push((*at, *y));
            }
        }
        written
    }
}

/// How many pixels a gap takes.
fn stretch(ns: u64) -> f64 {
    if ns == 0 {
        return 0.0;
    }
    let parts = ns as f64 / 50_000.0;
    (1.5 + 6.0 * (1.0 + parts).ln()).min(48.0)
}

/// A coordinate.
pub(super) fn px(value: f64) -> String {
    format!("{value:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: time runs downwards, a long quiet stretch is cut short and said, and a time between two is not above the first.
    #[test]
    fn time_runs_downwards() {
        let ms = |ms: u64| SimTime::new(ms * 1_000_000);
        let times = [ms(0), ms(1), ms(2), ms(5_000)].into_iter().collect();
        let axis = Axis::new(&times, 10.0);
        let ys: Vec<f64> = [ms(0), ms(1), ms(2), ms(5_000)]
            .map(|at| axis.y(at))
            .to_vec();
        assert!(ys.is_sorted() && ys[0] == 10.0 && ys[3] == axis.end());
        assert!(ys[3] - ys[2] < 60.0);
        assert_eq!(axis.quiet.len(), 1);
        assert_eq!(axis.y(ms(3)), ys[3]);
    }
}
