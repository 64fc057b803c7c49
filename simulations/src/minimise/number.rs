//! Making a number small: the least first, then by halves; and round numbers.

use super::Search;
use crate::scenario::Scenario;
use crate::types::SimTime;
use crate::workload::WorkloadDials;

const MS_NS: u64 = 1_000_000;
const SECOND_NS: u64 = 1_000 * MS_NS;
/// Down to this part of a number it is searched.
const PRECISION: u64 = 32;
/// From one payment to the next, the rarest first.
const GAPS_NS: [u64; 3] = [10 * SECOND_NS, SECOND_NS, 100 * MS_NS];
/// What people find round, from the coarsest.
const ROUND_NS: [u64; 4] = [SECOND_NS, 100 * MS_NS, 10 * MS_NS, MS_NS];

impl Search<'_> {
    /// Makes a number as small as it can be.
    pub(super) fn shrink(&mut self, least: u64, now: u64, set: impl Fn(&mut Scenario, u64)) {
        if now <= least || self.with(|scenario| set(scenario, least)) {
            return;
        }
        let (mut fails, mut holds) = (now, least);
        while fails - holds > (fails / PRECISION).max(1) {
            let middle = holds + (fails - holds) / 2;
            if self.with(|scenario| set(scenario, middle)) {
                fails = middle;
            } else {
                holds = middle;
            }
        }
    }

    /// Ends all trouble as early as possible; what comes after the finding goes first.
    pub(super) fn horizon(&mut self) {
        let set = |scenario: &mut Scenario, at: SimTime| scenario.stabilise_at = Some(at);
        let horizon = |scenario: &Scenario| scenario.stabilise_at.unwrap_or_default();
        let found = self.tripped.at;
        if found < horizon(&self.best) {
            let round = ROUND_NS.map(|unit| SimTime::new((found.get() / unit + 1) * unit));
            let after = round.into_iter().chain([found.after_ns(1)]);
            let now = horizon(&self.best);
            after.filter(|at| *at < now).take(1).for_each(|at| {
                self.with(|scenario| set(scenario, at));
            });
        }
        let now_ms = horizon(&self.best).get() / MS_NS;
        self.shrink(1, now_ms, |scenario, ms| {
            set(scenario, SimTime::new(ms * MS_NS))
        });
    }

    /// As few payments as possible, and no more heights than needed.
    pub(super) fn clients(&mut self) {
        if let Some(heights) = self.best.heights {
            let set = |scenario: &mut Scenario, height: Option<u64>| {
                scenario.heights = height.map(falaj_consensus::types::Height::new);
            };
            if !self.with(|scenario| set(scenario, None)) {
                self.shrink(1, heights.get(), |scenario, height| {
                    set(scenario, Some(height));
                });
            }
        }
        let rare = GAPS_NS.into_iter().map(|gap_ns| WorkloadDials {
            gap_min_ns: gap_ns,
            gap_cap_ns: gap_ns,
            ..self.best.workload
        });
        let now = self.best.workload.gap_min_ns;
        let rarer: Vec<_> = rare
            .chain([WorkloadDials::CALM])
            .filter(|work| work.gap_min_ns > now)
            .collect();
        for workload in rarer {
            if self.with(|scenario| scenario.workload = workload) {
                return;
            }
        }
    }
}

/// Round numbers below one, the coarsest first.
pub(super) fn rounder(ns: u64) -> impl Iterator<Item = u64> {
    let units = ROUND_NS.into_iter();
    units
        .map(move |unit| ns / unit * unit)
        .filter(move |round| *round != ns)
}
