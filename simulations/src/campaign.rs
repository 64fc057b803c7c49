//! Many seeds, on many threads, as one result that does not depend on how many.
//!
//! Invariant: the result is that of the seeds in order: hashes are chained by seed, marks are summed, the first failure is the one
//! of the least seed.
//! Shape: seeds are a half-open range; worker `k` takes whichever seed is next.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};

use crate::marks::{Mark, Marks};
use crate::run::{Report, Verdict, run};
use crate::scenario::Plan;
use crate::trace::TraceHash;

/// What a campaign came to.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// The worst of all verdicts.
    pub verdict: Verdict,
    /// How many seeds were run.
    pub seeds: u64,
    /// The hash over (seed, hash) in order of seed.
    pub trace_hash: TraceHash,
    /// Events of all runs.
    pub events: u64,
    /// Virtual nanoseconds of all runs.
    pub sim_ns: u128,
    /// Heights of all runs.
    pub heights: u64,
    /// Receipts of all runs.
    pub receipts: u64,
    /// Marks of all runs.
    pub marks: Marks,
    /// What should have been reached and was not.
    pub missing: Vec<Mark>,
    /// Runs that were not [`Verdict::SafeLive`], in order of seed.
    pub failures: Vec<Report>,
}

/// Runs the scenario of each seed on `jobs` threads; `progress` is told of each run that ended.
#[must_use]
pub fn campaign(
    plan: &Plan,
    seeds: Range<u64>,
    jobs: usize,
    mut progress: impl FnMut(&Report),
) -> Campaign {
    let next = AtomicU64::new(seeds.start);
    let mut reports = BTreeMap::new();
    std::thread::scope(|scope| {
        let (sender, ended) = channel();
        for _ in 0..jobs.max(1) {
            let (sender, next, end) = (sender.clone(), &next, seeds.end);
            scope.spawn(move || {
                while let Some(seed) = take(next, end) {
                    let report = run(seed, &plan.scenario(seed), None);
                    if sender.send(report).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        gather(&ended, &mut reports, &mut progress);
    });
    sum(plan, reports)
}

/// One run as a campaign.
#[must_use]
pub fn of_one(plan: &Plan, report: Report) -> Campaign {
    sum(plan, BTreeMap::from([(report.seed, report)]))
}

fn take(next: &AtomicU64, end: u64) -> Option<u64> {
    let seed = next.fetch_add(1, Ordering::Relaxed);
    (seed < end).then_some(seed)
}

fn gather(
    ended: &Receiver<Report>,
    reports: &mut BTreeMap<u64, Report>,
    progress: &mut impl FnMut(&Report),
) {
    for report in ended {
        progress(&report);
        reports.insert(report.seed, report);
    }
}

fn sum(plan: &Plan, reports: BTreeMap<u64, Report>) -> Campaign {
    let hashes = reports
        .iter()
        .map(|(seed, report)| (*seed, report.trace_hash));
    let mut campaign = Campaign {
        verdict: Verdict::SafeLive,
        seeds: reports.len() as u64,
        trace_hash: TraceHash::over(hashes),
        events: 0,
        sim_ns: 0,
        heights: 0,
        receipts: 0,
        marks: Marks::default(),
        missing: Vec::new(),
        failures: Vec::new(),
    };
    for report in reports.into_values() {
        campaign.add(report);
    }
    campaign.missing = campaign.marks.missing(&plan.owed(campaign.seeds));
    if !campaign.missing.is_empty() {
        campaign.verdict = campaign.verdict.max(Verdict::Inconclusive);
    }
    campaign
}

impl Campaign {
    fn add(&mut self, report: Report) {
        self.verdict = self.verdict.max(report.verdict);
        self.events += report.events;
        self.sim_ns += u128::from(report.sim_ns);
        self.heights += report.heights.get();
        self.receipts += report.receipts;
        self.marks.add(&report.marks);
        if report.verdict != Verdict::SafeLive {
            self.failures.push(report);
        }
    }
}
