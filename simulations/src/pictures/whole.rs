//! A whole run in plots: heights over time, how long decisions and payments took, rounds each height needed.
//!
//! Units: seconds over a run.

use std::collections::BTreeMap;

use falaj_consensus::message::Kind;
use falaj_consensus::types::Height;

use super::figure::Figure;
use super::histogram::{self, Unit, counted};
use super::palette::{self, Colour};
use super::plot::{Axis, Shape, draw, short, whole};
use super::spacetime::bands::bands;
use crate::history::History;
use crate::scenario::Scenario;
use crate::types::{NodeIndex, SimTime};

/// The colours of validators, in their order, again and again.
const LINES: [&Colour; 6] = [
    &palette::PROPOSAL,
    &palette::CERTIFICATE,
    &palette::PRECOMMIT,
    &palette::PREVOTE,
    &palette::GOOD,
    &palette::WARN,
];

/// All plots of a run, those alone that have something to show.
pub(super) fn figures(history: &History, scenario: &Scenario, end: SimTime) -> Vec<Figure> {
    let latency = histogram::Words {
        name: "decision-latency",
        title: "Decision latency.",
        about: "From the first proposal of a height to each correct node's decision",
        unit: Unit::Time,
    };
    let latency = histogram::draw(&latency, &decision_ns(history, scenario));
    let finality = histogram::Words {
        name: "finality",
        title: "Finality of payments.",
        about: "From a client's first request to the first node that let its payment out as final",
        unit: Unit::Time,
    };
    let finality = histogram::draw(&finality, &history.finality_ns);
    let all = [
        Some(heights(history, scenario, end)),
        latency,
        finality,
        rounds(history),
    ];
    all.into_iter().flatten().collect()
}

fn heights(history: &History, scenario: &Scenario, end: SimTime) -> Figure {
    let top = history.decisions.iter().map(|d| d.certificate.height).max();
    let top = top.unwrap_or_default().get() as f64 + 1.0;
    let mut shapes: Vec<Shape<'_>> = Vec::new();
    for band in bands(history, end) {
        let opacity = 0.35 * band.nodes.len() as f64 / f64::from(scenario.validators.max(1));
        let corners = [(seconds(band.from), 0.0), (seconds(band.to), top)];
        shapes.push(Shape::Box(&palette::BAD, opacity.min(0.25), corners));
    }
    for place in 0..scenario.validators {
        let colour = LINES[usize::from(place) % LINES.len()];
        let line = climb(history, NodeIndex::new(place), end);
        shapes.push(Shape::Line(colour, line));
    }
    let x = Axis {
        name: "virtual time, s",
        range: 0.0..seconds(end),
        written: &short,
    };
    let y = Axis {
        name: "height",
        range: 0.0..top,
        written: &whole,
    };
    Figure {
        name: "heights".to_owned(),
        title: "Heights over the whole run.".to_owned(),
        about: format!(
            "A line for each validator, by when it decided{}; red stretches are faults, the redder the more nodes they hit.",
            coloured(scenario)
        ),
        svg: draw(&x, &y, &shapes),
    }
}

/// Which validator has which colour, if each has one of its own.
fn coloured(scenario: &Scenario) -> String {
    let names = ["blue", "orange", "violet", "green-blue", "green", "brown"];
    let count = usize::from(scenario.validators);
    if count > names.len() {
        return String::new();
    }
    let each: Vec<String> = (0..scenario.validators)
        .zip(names)
        .map(|(place, name)| format!("{} {name}", NodeIndex::new(place)))
        .collect();
    format!(" ({})", each.join(", "))
}

/// The steps of a validator from height to height.
fn climb(history: &History, node: NodeIndex, end: SimTime) -> Vec<(f64, f64)> {
    let mut line = vec![(0.0, 0.0)];
    let mut height = 0.0;
    for decision in history.decisions.iter().filter(|d| d.node == node) {
        let at = seconds(decision.when.at);
        line.push((at, height));
        height = decision.certificate.height.get() as f64;
        line.push((at, height));
    }
    line.push((seconds(end), height));
    line
}

/// From the first proposal of a height to each decision of it.
fn decision_ns(history: &History, scenario: &Scenario) -> Vec<u64> {
    let mut proposed: BTreeMap<Height, SimTime> = BTreeMap::new();
    for message in &history.messages {
        let said = message.content.said.iter();
        for said in said.filter(|said| said.kind == Kind::Proposal) {
            proposed.entry(said.height).or_insert(message.sent.at);
        }
    }
    let decisions = history.decisions.iter();
    let correct = decisions.filter(|decision| !scenario.byzantine.contains_key(&decision.node));
    let took = correct.filter_map(|decision| {
        let since = proposed.get(&decision.certificate.height)?;
        Some(decision.when.at.get().saturating_sub(since.get()))
    });
    took.collect()
}

fn rounds(history: &History) -> Option<Figure> {
    let mut last: BTreeMap<Height, u32> = BTreeMap::new();
    for decision in &history.decisions {
        let certificate = &decision.certificate;
        let round = last.entry(certificate.height).or_default();
        *round = certificate.round.get().max(*round);
    }
    let most = *last.values().max()?;
    let mut counts: BTreeMap<u32, u32> = BTreeMap::new();
    last.values()
        .for_each(|round| *counts.entry(*round).or_default() += 1);
    let bars = counts.iter().map(|(round, count)| {
        let middle = f64::from(*round) + 1.0;
        let corners = [(middle - 0.38, 0.0), (middle + 0.38, f64::from(*count))];
        Shape::Box(&palette::PRECOMMIT, 1.0, corners)
    });
    let x = Axis {
        name: "rounds",
        range: 0.0..f64::from(most) + 2.0,
        written: &whole,
    };
    let y = counted(counts.values().copied().max().unwrap_or_default());
    let svg = draw(&x, &y, &bars.collect::<Vec<_>>());
    let first = counts.get(&0).copied().unwrap_or_default();
    Some(Figure {
        name: "rounds".to_owned(),
        title: "Rounds that heights needed.".to_owned(),
        about: format!(
            "{first} of {} heights were decided in their first round.",
            last.len()
        ),
        svg,
    })
}

fn seconds(at: SimTime) -> f64 {
    at.get() as f64 / 1e9
}
