//! The kill table, for people and for programs.
//!
//! Shape: the JSON form has an object a line, the last one with the sums; keys are never given another meaning.

use std::fmt::Write as _;

use falaj_simulations::run::Report;
use falaj_simulations::selfcheck::{Hunt, Suit, case};
use serde_json::{Value, json};

use super::hunts::Outcome;

/// Lines of JSON.
pub(super) fn json(outcome: &Outcome) -> String {
    let hunts = outcome.hunts.iter().map(hunt_json);
    let alarms = outcome.false_alarms.iter().map(alarm_json);
    let mut text = String::new();
    for line in hunts.chain(alarms) {
        let _ = writeln!(text, "{line}");
    }
    let sums = json!({
        "mutations": outcome.hunts.len(),
        "caught": outcome.caught(),
        "by_named_oracle": outcome.by_named_oracle(),
        "seeds": outcome.seeds,
        "false_alarms": outcome.false_alarms.len(),
    });
    text + &sums.to_string()
}

/// A table.
pub(super) fn text(outcome: &Outcome) -> String {
    let (mutation, oracle) = ("mutation", "caught by");
    let mut text = format!(
        "{mutation:<32} {oracle:<26} {:>5} {:>8}  scenario\n",
        "seeds", "events"
    );
    for hunt in &outcome.hunts {
        let _ = writeln!(text, "{}", row(hunt));
    }
    for report in &outcome.false_alarms {
        let _ = writeln!(text, "{}", alarm(report));
    }
    let (all, caught, named) = (
        outcome.hunts.len(),
        outcome.caught(),
        outcome.by_named_oracle(),
    );
    let (seeds, alarms) = (outcome.seeds, outcome.false_alarms.len());
    let _ = write!(
        text,
        "{all} mutations, {caught} caught, {named} by the oracle named for them; {alarms} false alarms in {seeds} seeds of the real code"
    );
    text
}

fn row(hunt: &Hunt) -> String {
    let name = hunt.mutation.name();
    match (&hunt.named, &hunt.shortest) {
        (Some(named), Some(shortest)) => {
            let (oracle, seeds, events) = (named.oracle, named.seeds, shortest.events);
            let suit = shortest.suit.name();
            format!("{name:<32} {oracle:<26} {seeds:>5} {events:>8}  {suit}")
        }
        _ => {
            let wanted = case(hunt.mutation).oracle;
            let seen = seen_by(hunt);
            format!("{name:<32} NOT by {wanted}; seen by: {seen}")
        }
    }
}

fn seen_by(hunt: &Hunt) -> String {
    let words: Vec<_> = hunt
        .seen_by
        .iter()
        .map(|(oracle, times)| format!("{oracle} ({times})"))
        .collect();
    if words.is_empty() {
        "nobody".to_owned()
    } else {
        words.join(", ")
    }
}

fn alarm(report: &Report) -> String {
    let (seed, suit) = (report.seed, Suit::of_seed(report.seed).name());
    let (verdict, finding) = (report.verdict.name(), &report.finding);
    format!("FALSE ALARM under {suit}, seed {seed}: {verdict}: {finding}")
}

fn hunt_json(hunt: &Hunt) -> Value {
    let case = case(hunt.mutation);
    let (first, named, shortest) = (&hunt.first, &hunt.named, &hunt.shortest);
    json!({
        "mutation": hunt.mutation.name(),
        "area": case.area.name(),
        "breaks": hunt.mutation.breaks(),
        "oracle": case.oracle,
        "caught_by": first.as_ref().map(|caught| caught.oracle),
        "by_named_oracle": named.is_some(),
        "seeds_to_catch": named.as_ref().map(|caught| caught.seeds),
        "shortest_events": shortest.as_ref().map(|caught| caught.events),
        "scenario": shortest.as_ref().map(|caught| caught.suit.name()),
        "seed": shortest.as_ref().map(|caught| caught.seed),
        "finding": shortest.as_ref().map(|caught| caught.finding.as_str()),
    })
}

fn alarm_json(report: &Report) -> Value {
    json!({
        "false_alarm": report.oracle,
        "scenario": Suit::of_seed(report.seed).name(),
        "seed": report.seed,
        "verdict": report.verdict.name(),
        "finding": report.finding,
    })
}
