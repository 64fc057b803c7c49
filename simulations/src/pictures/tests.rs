//! Pictures of small runs and made-up sweeps.

use std::collections::BTreeMap;

use toml::Value;

use super::window::{MESSAGES_MAX, Window};
use super::*;
use crate::history::History;
use crate::run::{Report, Verdict, run_recorded};
use crate::scenario::Scenario;
use crate::scenario::file::File;
use crate::spread::Spread;
use crate::sweep::{PointSummary, interval};

fn recorded(text: &str, seed: u64) -> (Scenario, Report, History) {
    let scenario = File::parse(text).unwrap().scenario(seed);
    let (report, history) = run_recorded(seed, &scenario);
    (scenario, report, history)
}

fn page(run: &(Scenario, Report, History), choice: &Choice) -> Result<Pages, EmptyWindow> {
    draw_run(&RunPicture {
        title: "a title",
        about: "what it <shows>",
        token: "a token",
        report: &run.1,
        history: &run.2,
        scenario: &run.0,
        choice,
        provenance: &[],
    })
}

/// Goal: of a long run the end is shown, few enough messages, from the beginning of a height; every message is shown or counted.
#[test]
fn a_long_run_stays_readable() {
    let run = recorded("about = \"long\"\nhorizon_ms = 2000\n", 1);
    let window = Window::of(&run.2, &Choice::End, 4).unwrap();
    assert!((100..=321).contains(&window.messages), "{window:?}");
    let all = window.messages + window.left_out + window.silent;
    assert_eq!(all, run.2.messages.len());
    let html = page(&run, &Choice::End).unwrap().html;
    assert_eq!(html.matches("class=\"arrow").count(), window.messages);
    assert!(html.contains("Left out: ") && html.contains("what it &lt;shows&gt;"));
}

/// Goal: many lanes have a diagram too, and never more arrows than a browser bears.
#[test]
fn many_validators_have_a_diagram() {
    let run = recorded("about = \"wide\"\nvalidators = 22\nhorizon_ms = 60\n", 1);
    let html = page(&run, &Choice::Heights(1..100)).unwrap().html;
    let arrows = html.matches("class=\"arrow").count();
    assert!(arrows > 400 && arrows <= MESSAGES_MAX, "{arrows}");
    assert_eq!(html.matches("class=\"lane\"").count(), 22);
}

/// Goal: heights or events that a run does not have are an error that says what it has.
#[test]
fn an_empty_window_is_an_error() {
    let run = recorded("about = \"short\"\nhorizon_ms = 60\n", 1);
    let events = run.1.events;
    for choice in [
        Choice::Heights(900..901),
        Choice::Events(events + 1..events + 9),
    ] {
        let error = page(&run, &choice).unwrap_err();
        assert_eq!((error.events, error.height), (events, run.1.heights.get()));
    }
}

/// Goal: every fault that lasts is a band, and lasts until it ends or the network stabilises.
#[test]
fn what_lasts_is_a_band() {
    let text = "about = \"trouble\"\nhorizon_ms = 600\n[[partition]]\nside = [0]\nat_ms = 100\nfor_ms = 100\n\
                [[crash]]\nnodes = [2]\nat_ms = 250\nfor_ms = 100\n";
    let (_, report, history) = recorded(text, 1);
    let end = crate::types::SimTime::new(report.sim_ns);
    let bands = spacetime::bands::bands(&history, end);
    let lasted: BTreeMap<&str, u64> = bands
        .iter()
        .map(|band| (band.class, (band.to.get() - band.from.get()) / 1_000_000))
        .collect();
    assert_eq!(lasted, BTreeMap::from([("cut", 100), ("down", 100)]));
}

/// A point of a sweep with so many failures of ten runs.
fn point(place: u64, failures: u32, values: &[(&str, i64)]) -> PointSummary {
    let verdicts = [
        (Verdict::SafeLive, 10 - failures),
        (Verdict::Unsafe, failures),
    ];
    PointSummary {
        point: place,
        values: values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Value::Integer(*value)))
            .collect(),
        runs: 10,
        verdicts: verdicts.into_iter().filter(|(_, runs)| *runs > 0).collect(),
        failure: interval(failures, 10),
        heights: 40,
        sim_ns: 80_000_000_000,
        finality_ns: Some(Spread {
            p50: 40_000_000,
            p99: 90_000_000,
            most: 95_000_000,
        }),
        sent_bytes: 40 * 3 * 1_024,
        marks_missing: Vec::new(),
    }
}

fn sweep(points: &[PointSummary]) -> Pages {
    draw_sweep(&SweepPicture {
        about: "a sweep",
        sweep: "its name",
        runs: 99,
        points,
        records: &[],
        provenance: &[],
    })
}

/// Goal: two parameters are a map whose cells say failures and interval, 3/n where there was none; a sweep that goes on says so.
#[test]
fn two_parameters_are_a_map() {
    let points: Vec<PointSummary> = [(4, 1), (4, 20), (7, 1), (7, 20)]
        .into_iter()
        .zip([0, 1, 0, 10])
        .zip(0..)
        .map(|(((validators, delay), failures), place)| {
            point(
                place,
                failures,
                &[("validators", validators), ("delay_ms", delay)],
            )
        })
        .collect();
    let pages = sweep(&points);
    let names: Vec<&str> = pages.plots.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["failures", "pace", "finality", "traffic"]);
    let map = &pages.plots[0].1;
    for words in [
        "0 of 10",
        "up to 30 %",
        "1 of 10",
        "1.8 % to 40 %",
        "10 of 10",
        "72 % to 100 %",
    ] {
        assert!(map.contains(words), "{words}: {map}");
    }
    for (place, words) in [
        (1, "2.00 s"),
        (2, "40.0 ms"),
        (2, "90.0 ms"),
        (3, "3.0 KiB"),
    ] {
        assert!(pages.plots[place].1.contains(words), "{words}");
    }
    assert!(pages.html.contains("has not come to its end"));
}

/// Goal: one parameter has its intervals, three have a map for each value of the third, and none needs no picture.
#[test]
fn any_number_of_parameters_has_its_picture() {
    let one: Vec<PointSummary> = (0..3)
        .map(|n| point(n, 1, &[("delay_ms", 1 + n as i64)]))
        .collect();
    let pages = sweep(&one);
    assert_eq!(pages.plots.len(), 3);
    for title in [
        "Failing runs",
        "Finality of payments",
        "Bytes sent for a height",
    ] {
        assert!(pages.html.contains(&format!("{title} over delay_ms.")));
    }
    // The axis has the values, not their places; what lies far apart is drawn by its logarithm.
    let apart: Vec<PointSummary> = (0..)
        .zip([4, 7, 21])
        .map(|(n, validators)| PointSummary {
            sent_bytes: (40 * 10_240) << (4 * n),
            ..point(n, 0, &[("validators", validators)])
        })
        .collect();
    let traffic = &sweep(&apart).plots[2].1;
    for label in ["4", "7", "21", "10", "1000"] {
        assert!(
            traffic.contains(&format!(">\n{label}\n</text>")),
            "{label}: {traffic}"
        );
    }
    let three: Vec<PointSummary> = (0..8)
        .map(|n| {
            point(
                n,
                0,
                &[
                    ("a", n as i64 & 1),
                    ("b", n as i64 >> 1 & 1),
                    ("c", n as i64 >> 2),
                ],
            )
        })
        .collect();
    let pages = sweep(&three);
    assert_eq!(pages.plots.len(), 8);
    assert!(pages.html.contains("At c = 1."));
    assert!(sweep(&[point(0, 0, &[])]).plots.is_empty());
}

/// Goal: every oracle that finds something in a run has its sentence.
#[test]
fn every_oracle_has_its_sentence() {
    for oracle in ["agreement", "liveness", "panic", "recovery", "double sign"] {
        assert!(verdict::property(oracle).is_some(), "{oracle}");
    }
    assert_eq!(verdict::property("another"), None);
}
