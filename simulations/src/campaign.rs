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
use crate::scenario::Scenario;
use crate::trace::TraceHash;

/// From how many seeds on every mark has to be hit.
pub const MARKS_FROM_SEEDS: u64 = 200;

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
    /// Runs that were not [`Verdict::SafeLive`], in order of seed.
    pub failures: Vec<Report>,
}

/// Runs the swarm of each seed on `jobs` threads; `progress` is told of each run that ended.
#[must_use]
pub fn campaign(seeds: Range<u64>, jobs: usize, mut progress: impl FnMut(&Report)) -> Campaign {
    let next = AtomicU64::new(seeds.start);
    let mut reports = BTreeMap::new();
    std::thread::scope(|scope| {
        let (sender, ended) = channel();
        for _ in 0..jobs.max(1) {
            let (sender, next, end) = (sender.clone(), &next, seeds.end);
            scope.spawn(move || {
                while let Some(seed) = take(next, end) {
                    let report = run(seed, &Scenario::swarm(seed), None);
                    if sender.send(report).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        gather(&ended, &mut reports, &mut progress);
    });
    sum(reports)
}

/// One run as a campaign.
#[must_use]
pub fn of_one(report: Report) -> Campaign {
    sum(BTreeMap::from([(report.seed, report)]))
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

fn sum(reports: BTreeMap<u64, Report>) -> Campaign {
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
        failures: Vec::new(),
    };
    for report in reports.into_values() {
        campaign.add(report);
    }
    if !campaign.missing().is_empty() {
        campaign.verdict = campaign.verdict.max(Verdict::Inconclusive);
    }
    campaign
}

impl Campaign {
    /// What it should have reached and has not; small campaigns owe nothing.
    #[must_use]
    pub fn missing(&self) -> Vec<Mark> {
        if self.seeds < MARKS_FROM_SEEDS {
            return Vec::new();
        }
        self.marks.missing()
    }

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
