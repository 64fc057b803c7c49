//! The result of a campaign for people and for programs.
//!
//! Shape: the JSON form is one line with one object; its keys are never given another meaning.
//! Units: seconds with fractions, here alone.
//! Source: `docs/simulation.md`, "The report".

use std::fmt::Write as _;
use std::time::Duration;

use falaj_simulations::campaign::Campaign;
use falaj_simulations::marks::Mark;
use falaj_simulations::run::Report;
use falaj_simulations::scenario::Plan;
use falaj_simulations::token::Token;
use serde_json::{Map, Value, json};

use crate::speed::Speed;

const NS_PER_SECOND: u128 = 1_000_000_000;

/// What there is to tell.
pub(crate) struct Told<'a> {
    /// What a campaign came to.
    pub(crate) campaign: &'a Campaign,
    /// Where its scenarios came from.
    pub(crate) source: &'a Source,
    /// How long it took.
    pub(crate) wall: Duration,
    /// How many seeds there could be at a time.
    pub(crate) jobs: usize,
    /// The seed, if there was one alone.
    pub(crate) seed: Option<u64>,
}

impl Told<'_> {
    fn speed(&self) -> Speed {
        Speed {
            wall: self.wall,
            runs: self.campaign.seeds,
            events: self.campaign.events,
            sim_ns: self.campaign.sim_ns,
            jobs: self.jobs,
        }
    }

    /// Whether the plan's promise was kept: its verdict, and every mark that it owes.
    fn as_expected(&self) -> bool {
        let Campaign {
            verdict, missing, ..
        } = self.campaign;
        *verdict == self.source.plan.expected() && missing.is_empty()
    }
}

/// Where scenarios come from, as a report needs it.
pub(crate) struct Source {
    /// The plan.
    pub(crate) plan: Plan,
}

impl Source {
    /// What names the run of a seed.
    pub(crate) fn token(&self, seed: u64) -> Token {
        Token::new(&self.plan, seed)
    }
}

/// One line of JSON.
pub(crate) fn json(told: &Told<'_>) -> String {
    let (campaign, wall) = (told.campaign, told.wall);
    let marks: Map<String, Value> = Mark::ALL
        .iter()
        .map(|mark| (mark.name().to_owned(), campaign.marks.count(*mark).into()))
        .collect();
    let failures: Vec<Value> = campaign
        .failures
        .iter()
        .map(|report| failure_json(report, told.source))
        .collect();
    let missing: Vec<&str> = campaign.missing.iter().map(|mark| mark.name()).collect();
    let token = told.seed.map(|seed| told.source.token(seed).to_string());
    json!({
        "verdict": campaign.verdict.name(),
        "expected": told.source.plan.expected().name(),
        "as_expected": told.as_expected(),
        "seeds": campaign.seeds,
        "token": token,
        "trace_hash": campaign.trace_hash.to_string(),
        "events": campaign.events,
        "sim_seconds": sim_seconds(campaign),
        "wall_seconds": wall.as_secs_f64(),
        "events_per_second": told.speed().events_per_second(),
        "speed": told.speed().json(),
        "heights": campaign.heights,
        "receipts": campaign.receipts,
        "marks": marks,
        "marks_missing": missing,
        "failures": failures,
    })
    .to_string()
}

/// A few lines for people.
pub(crate) fn text(told: &Told<'_>) -> String {
    let (campaign, wall) = (told.campaign, told.wall);
    let mut text = String::new();
    for report in &campaign.failures {
        let _ = writeln!(text, "{}", failure(report, told.source));
    }
    let missing: Vec<&str> = campaign.missing.iter().map(|mark| mark.name()).collect();
    if !missing.is_empty() {
        let _ = writeln!(text, "not reached: {}", missing.join(", "));
    }
    let Campaign {
        verdict,
        seeds,
        trace_hash,
        events,
        heights,
        receipts,
        ..
    } = campaign;
    let (simulated, took) = (sim_seconds(campaign), wall.as_secs_f64());
    let _ = write!(
        text,
        "{}: {seeds} seeds, {heights} heights, {receipts} receipts, {events} events, {simulated:.1} s simulated in {took:.1} s \
\n{}\ntrace {trace_hash}",
        verdict.name(),
        told.speed().words()
    );
    if let Some(seed) = told.seed {
        let _ = write!(text, "\ntoken {}", told.source.token(seed));
    }
    text
}

/// What a failed run comes to, and how to see it again.
pub(crate) fn failure(report: &Report, source: &Source) -> String {
    let (seed, verdict, finding) = (report.seed, report.verdict.name(), &report.finding);
    let token = source.token(seed);
    format!("seed {seed} is {verdict}: {finding}\n  falaj-sim replay {token}")
}

fn failure_json(report: &Report, source: &Source) -> Value {
    json!({
        "seed": report.seed,
        "verdict": report.verdict.name(),
        "oracle": report.oracle,
        "kind": report.kind,
        "finding": report.finding,
        "token": source.token(report.seed).to_string(),
    })
}

/// Milliseconds first, so that the conversion is exact for every campaign that anybody can wait for.
fn sim_seconds(campaign: &Campaign) -> f64 {
    let seconds = u64::try_from(campaign.sim_ns / NS_PER_SECOND).unwrap_or(u64::MAX);
    let rest_ns = u32::try_from(campaign.sim_ns % NS_PER_SECOND).unwrap_or(0);
    Duration::new(seconds, rest_ns).as_secs_f64()
}
