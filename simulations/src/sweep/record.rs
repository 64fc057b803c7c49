//! What is kept of a run of a sweep, and what the runs of a point come to.
//!
//! Shape: a record is one line of JSON; its keys are never given another meaning.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use toml::Value;

use super::{Interval, Task, interval};
use crate::marks::Mark;
use crate::run::{Report, Verdict};
use crate::scenario::file::Point;
use crate::spread::Spread;
use crate::token::Token;

/// One line of a sweep's `runs.ndjson`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// What names build, point and seed.
    pub id: String,
    /// The place of the point.
    pub point: u64,
    /// What is the point's own.
    pub values: BTreeMap<String, Value>,
    /// The seed.
    pub seed: u64,
    /// What it came to.
    pub verdict: Verdict,
    /// What was wrong, in words.
    pub finding: String,
    /// What names the run to `falaj-sim replay`, if something was wrong.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub token: String,
    /// The hash over every event.
    pub trace_hash: String,
    /// Events.
    pub events: u64,
    /// Virtual time.
    pub sim_ns: u64,
    /// Heights decided.
    pub heights: u64,
    /// Payments with a receipt.
    pub receipts: u64,
    /// How long payments waited for their receipt, in virtual nanoseconds; not there if none had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finality_ns: Option<Spread>,
    /// Bytes that nodes gave to the network.
    #[serde(default)]
    pub sent_bytes: u64,
    /// What was reached, and how often.
    pub marks: BTreeMap<Mark, u64>,
}

impl Record {
    pub(super) fn of(task: &Task, point: &Point, report: Report) -> Self {
        let token =
            (report.verdict != Verdict::SafeLive).then(|| Token::new(&point.plan, task.seed));
        let hits = Mark::ALL
            .iter()
            .map(|mark| (*mark, report.marks.count(*mark)));
        Self {
            id: task.id.clone(),
            point: task.point,
            values: point.values.clone(),
            seed: task.seed,
            verdict: report.verdict,
            finding: report.finding,
            token: token.map_or_else(String::new, |token| token.to_string()),
            trace_hash: report.trace_hash.to_string(),
            events: report.events,
            sim_ns: report.sim_ns,
            heights: report.heights.get(),
            receipts: report.receipts,
            finality_ns: report.finality_ns,
            sent_bytes: report.sent_bytes,
            marks: hits.filter(|(_, hits)| *hits > 0).collect(),
        }
    }
}

/// What the runs of a point come to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PointSummary {
    /// The place of the point.
    pub point: u64,
    /// What is its own.
    pub values: BTreeMap<String, Value>,
    /// How many runs there were.
    pub runs: u32,
    /// How many of them came to which verdict.
    pub verdicts: BTreeMap<Verdict, u32>,
    /// Between which two probabilities a run is not `safe_live`, at 95 %.
    pub failure: Interval,
    /// Heights decided, of all runs.
    pub heights: u64,
    /// Virtual time of all runs.
    pub sim_ns: u64,
    /// How long payments waited for their receipt, in virtual nanoseconds: of the runs' medians, of their 99th percentiles and of their
    /// greatest each the one in the middle; none if no run had a receipt.
    pub finality_ns: Option<Spread>,
    /// Bytes that nodes gave to the network, of all runs.
    pub sent_bytes: u64,
    /// Those of the marks that were promised which no run has hit.
    pub marks_missing: Vec<Mark>,
}

/// What the records of each point come to, in order of points; `owed` is what each point has to hit.
#[must_use]
pub fn summary(records: &[Record], owed: &[Mark]) -> Vec<PointSummary> {
    let mut points: BTreeMap<u64, Vec<&Record>> = BTreeMap::new();
    for record in records {
        points.entry(record.point).or_default().push(record);
    }
    points
        .into_iter()
        .map(|(point, records)| of_point(point, &records, owed))
        .collect()
}

fn of_point(point: u64, records: &[&Record], owed: &[Mark]) -> PointSummary {
    let mut verdicts = BTreeMap::new();
    for record in records {
        *verdicts.entry(record.verdict).or_default() += 1;
    }
    let runs = verdicts.values().sum();
    let good = verdicts.get(&Verdict::SafeLive).copied().unwrap_or(0);
    let hit = |mark: &Mark| records.iter().any(|record| record.marks.contains_key(mark));
    PointSummary {
        point,
        values: records
            .first()
            .map(|record| record.values.clone())
            .unwrap_or_default(),
        runs,
        verdicts,
        failure: interval(runs - good, runs),
        heights: records.iter().map(|record| record.heights).sum(),
        sim_ns: records.iter().map(|record| record.sim_ns).sum(),
        finality_ns: usual(records),
        sent_bytes: records.iter().map(|record| record.sent_bytes).sum(),
        marks_missing: owed.iter().copied().filter(|mark| !hit(mark)).collect(),
    }
}

/// What is usual among runs.
fn usual(records: &[&Record]) -> Option<Spread> {
    let middle = |of: fn(&Spread) -> u64| {
        let spreads = records
            .iter()
            .filter_map(|record| record.finality_ns.as_ref());
        let values: Vec<u64> = spreads.map(of).collect();
        Spread::of(&values).map(|spread| spread.p50)
    };
    Some(Spread {
        p50: middle(|spread| spread.p50)?,
        p99: middle(|spread| spread.p99)?,
        most: middle(|spread| spread.most)?,
    })
}
