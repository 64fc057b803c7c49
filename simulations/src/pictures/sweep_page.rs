//! The page of a sweep: what each point came to, how sure that is, and which runs failed.
//!
//! Shape: one parameter is a plot, two are heat maps, more are a heat map for each of their other values.

use std::collections::BTreeMap;

use maud::{Markup, html};
use toml::Value;

use super::figure::Figure;
use super::frame::{facts, page, part};
use super::{Pages, heat, verdict, words};
use crate::run::Verdict;
use crate::scenario::file;
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
    let figures = heat::figures(picture.points);
    let body = body(picture, &figures);
    Pages {
        html: page("A sweep of falaj-sim", &body),
        plots: figures
            .into_iter()
            .map(|figure| (figure.name, figure.svg))
            .collect(),
    }
}

fn body(picture: &SweepPicture<'_>, figures: &[Figure]) -> Markup {
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
            div.plots { @for figure in figures { (figure.on_page()) } }
        }))
        (part("points", "Points", &points(picture.points)))
        (part("failures", "Runs that failed", &failures(picture.records)))
        (part("made-of", "What the sweep is made of", &made_of(picture)))
    }
}

fn points(points: &[PointSummary]) -> Markup {
    html! {
        div.scroll { table.points {
            tr { th { "point" } th { "verdicts" } th.number { "runs" } th.number { "fails at least" } th.number { "at most" } th.number { "time a height" } th { "not reached" } }
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
    html! {
        tr {
            td { (named(&point.values)) }
            td { (verdicts.join(", ")) }
            td.number { (point.runs) }
            td.number { (words::percent(point.failure.low)) }
            td.number { (words::percent(point.failure.high)) }
            td.number { (a_height.map_or_else(|| "no height".to_owned(), words::duration)) }
            td { (missing.join(", ")) }
        }
    }
}

fn named(values: &BTreeMap<String, Value>) -> String {
    if values.is_empty() {
        "the scenario as it is".to_owned()
    } else {
        file::words(values)
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
                    p { (verdict::badge(record.verdict)) " " (named(&record.values)) ", seed " (record.seed) }
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
