//! The page of a sweep, or of a campaign of random scenarios: what each point came to, how sure that is, which runs failed, what was
//! reached, and how runs differ.
//!
//! Shape: one parameter is a plot, two are heat maps, more are a heat map for each of their other values.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::figure::Figure;
use super::frame::{facts, page, part};
use super::histogram::{self, Unit, Words};
use super::{Pages, heat, verdict, words};
use crate::marks::Mark;
use crate::run::Verdict;
use crate::scenario::file;
use crate::spread::Spread;
use crate::sweep::{PointSummary, Record};

/// How many failing runs are listed.
const FAILURES: usize = 40;

/// What the page of a sweep is drawn from.
#[derive(Clone, Copy, Debug)]
pub struct SweepPicture<'a> {
    /// What it shows, in a sentence.
    pub about: &'a str,
    /// What names it.
    pub sweep: &'a str,
    /// How many runs it has when it is done.
    pub runs: u64,
    /// What each point came to.
    pub points: &'a [PointSummary],
    /// Its runs so far.
    pub records: &'a [Record],
    /// What made it, as names and values.
    pub provenance: &'a [(String, String)],
}

/// Draws the page of a sweep.
#[must_use]
pub fn draw_sweep(picture: &SweepPicture<'_>) -> Pages {
    let (maps, spread) = (heat::figures(picture.points), spread(picture.records));
    let body = body(picture, &maps, &spread);
    Pages {
        html: page("A sweep of falaj-sim", &body),
        plots: maps
            .into_iter()
            .chain(spread)
            .map(|figure| (figure.name, figure.svg))
            .collect(),
    }
}

fn body(picture: &SweepPicture<'_>, maps: &[Figure], spread: &[Figure]) -> Markup {
    let (done, runs) = (picture.records.len() as u64, picture.runs);
    let worst = picture.records.iter().map(|record| record.verdict).max();
    html! {
        h1 { (picture.about) }
        p {
            @if let Some(worst) = worst { (verdict::badge(worst)) " is the worst of " }
            (done) " of " (runs) " runs."
            @if done < runs { strong { " The sweep has not come to its end: run it again and it goes on." } }
        }
        (part("maps", "How often a run fails", &html! {
            p { "A run fails when it is anything but safe_live. Between which two probabilities that lies is said at 95 %: Wilson's interval, or where nothing failed in n runs at most 3/n." }
            div.plots { @for figure in maps { (figure.on_page()) } }
        }))
        (part("points", "Points", &points(picture.points)))
        (part("failures", "Runs that failed", &failures(picture.records)))
        (part("spread", "How runs differ", &html! {
            div.plots { @for figure in spread { (figure.on_page()) } }
        }))
        (part("reached", "What was reached", &reached(picture)))
        (part("made-of", "What the sweep is made of", &made_of(picture)))
    }
}

fn points(points: &[PointSummary]) -> Markup {
    html! {
        div.scroll { table.points {
            tr { th { "point" } th { "verdicts" } th.number { "runs" } th.number { "fails at least" } th.number { "at most" } th.number { "time a height" } th.number { "finality" } th.number { "99 of 100" } th.number { "bytes a height" } th { "not reached" } }
            @for point in points { (row(point)) }
        } }
    }
}

fn row(point: &PointSummary) -> Markup {
    let verdicts: Vec<String> = point
        .verdicts
        .iter()
        .map(|(verdict, runs)| format!("{runs} {}", verdict.name()))
        .collect();
    let missing: Vec<&str> = point.marks_missing.iter().map(|mark| mark.name()).collect();
    let a_height = point.sim_ns.checked_div(point.heights);
    let sent = point.sent_bytes.checked_div(point.heights);
    let finality = |of: fn(&Spread) -> u64| {
        let spread = point.finality_ns.as_ref();
        spread.map_or_else(String::new, |spread| words::duration(of(spread)))
    };
    html! {
        tr {
            td { (file::words(&point.values)) }
            td { (verdicts.join(", ")) }
            td.number { (point.runs) }
            td.number { (words::percent(point.failure.low)) }
            td.number { (words::percent(point.failure.high)) }
            td.number { (a_height.map_or_else(|| "no height".to_owned(), words::duration)) }
            td.number { (finality(|spread| spread.p50)) }
            td.number { (finality(|spread| spread.p99)) }
            td.number { (sent.map_or_else(String::new, words::bytes)) }
            td { (missing.join(", ")) }
        }
    }
}

/// How long runs were, and what happened in them.
fn spread(records: &[Record]) -> Vec<Figure> {
    type Value = fn(&Record) -> u64;
    let of = |name, title, about, unit, value: Value| {
        let words = Words {
            name,
            title,
            about,
            unit,
        };
        let values: Vec<u64> = records.iter().map(value).collect();
        histogram::draw(&words, &values)
    };
    let number = |name| Unit::Number(name);
    let all = [
        of(
            "runs-heights",
            "Heights a run.",
            "What each run decided",
            number("heights"),
            |record| record.heights,
        ),
        of(
            "runs-receipts",
            "Payments a run.",
            "Payments with a receipt",
            number("payments"),
            |record| record.receipts,
        ),
        of(
            "runs-events",
            "Events a run.",
            "Calls of a replica and faults",
            number("events"),
            |record| record.events,
        ),
        of(
            "runs-time",
            "Virtual time a run.",
            "From the first event to the last",
            Unit::Time,
            |record| record.sim_ns,
        ),
    ];
    all.into_iter().flatten().collect()
}

/// Every mark, with how often it was hit and in how many runs.
fn reached(picture: &SweepPicture<'_>) -> Markup {
    let owed: BTreeSet<Mark> = picture
        .points
        .iter()
        .flat_map(|point| point.marks_missing.iter().copied())
        .collect();
    let row = |mark: &Mark| {
        let hits = picture
            .records
            .iter()
            .filter_map(|record| record.marks.get(mark));
        (*mark, hits.clone().count(), hits.sum::<u64>())
    };
    html! {
        p { "A mark is something that a run can get to. A campaign that claims to test it, and in which no run got there, is inconclusive." }
        div.scroll { table.points {
            tr { th { "mark" } th.number { "runs" } th.number { "times" } th { "" } }
            @for (mark, runs, times) in Mark::ALL.iter().map(row) {
                tr.muted[runs == 0] {
                    td { (mark.name()) }
                    td.number { (runs) }
                    td.number { (times) }
                    td { @if owed.contains(&mark) { "owed, and missed by a point" } }
                }
            }
        } }
    }
}

fn failures(records: &[Record]) -> Markup {
    let failed = || {
        records
            .iter()
            .filter(|record| record.verdict != Verdict::SafeLive)
    };
    let more = failed().count().saturating_sub(FAILURES);
    html! {
        @if failed().next().is_none() {
            p { "None." }
        } @else {
            p { "Each has a page of its own by the command below it." }
            @for record in failed().take(FAILURES) {
                div.card {
                    p { (verdict::badge(record.verdict)) " " @if !record.values.is_empty() { (file::words(&record.values)) ", " } "seed " (record.seed) }
                    p { code { (record.finding) } }
                    pre { "falaj-sim report " (record.token) }
                }
            }
            @if more > 0 { p.muted { "Not listed: " (more) " more, in runs.ndjson." } }
        }
    }
}

fn made_of(picture: &SweepPicture<'_>) -> Markup {
    let rows = [
        ("sweep".to_owned(), picture.sweep.to_owned()),
        ("points".to_owned(), picture.points.len().to_string()),
    ];
    let rows: Vec<(String, String)> = rows
        .into_iter()
        .chain(picture.provenance.iter().cloned())
        .collect();
    facts(&rows)
}
