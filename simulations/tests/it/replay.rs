//! Runs again by their tokens: whole, up to an event, looked at, compared, and made small.

use std::fs;
use std::path::Path;
use std::process::Output;

use falaj_simulations::scenario::file::File;
use falaj_simulations::token::build;
use serde_json::Value;

use crate::program::{falaj_sim, last_line, written};

/// Two liars of four among other trouble: they fork the chain before long.
const FORK: &str = "about = \"two liars\"\ndrawn = [\"network\", \"disk\", \"partitions\", \"clocks\", \"slow_disks\"]\n\
    horizon_ms = 4000\n[[byzantine]]\nnodes = [1, 2]\nbehaviours = [\"equivocate\", \"vote_twice\"]\n";
/// A short good day.
const CALM: &str = "about = \"calm\"\nhorizon_ms = 100\n";

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs one seed of a scenario of the test; its report.
fn report(folder: &Path, scenario: &str, seed: &str) -> Value {
    let path = written(folder, scenario);
    last_line(&falaj_sim(&["run", &path, "--seed", seed, "--json"]))
}

fn token(report: &Value) -> String {
    report["token"].as_str().unwrap_or_default().to_owned()
}

/// Goal: a token alone replays the run, in another process and without the file, to the same hash and exit code.
#[test]
fn a_token_replays_its_run() {
    let folder = tempfile::tempdir().unwrap();
    let first = report(folder.path(), FORK, "9");
    assert_eq!(first["verdict"], "unsafe");
    assert_eq!(first["failures"][0]["token"], first["token"]);
    fs::remove_file(folder.path().join("scenario.toml")).unwrap();
    let output = falaj_sim(&["replay", &token(&first), "--json"]);
    assert_eq!(output.status.code(), Some(10));
    assert_eq!(last_line(&output)["trace_hash"], first["trace_hash"]);
    assert_eq!(last_line(&output)["token"], first["token"]);
}

/// Goal: every seed of a campaign that fails prints its token, to people and to programs.
#[test]
fn every_failure_prints_its_token() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), FORK);
    let arguments = ["run", &path, "--seeds", "9..11"];
    let output = falaj_sim(&arguments);
    let told = text(&output);
    let tokens: Vec<_> = told
        .lines()
        .filter_map(|line| line.trim().strip_prefix("falaj-sim replay "))
        .collect();
    assert_eq!(tokens.len(), 2, "{told}");
    let json = last_line(&falaj_sim(&[&arguments[..], &["--json"]].concat()));
    assert_eq!(json["failures"][0]["token"], tokens[0]);
    assert!(!json["failures"][0]["oracle"].as_str().unwrap().is_empty());
}

/// Goal: what one oracle finds is told apart by its kind.
#[test]
fn a_finding_has_a_kind() {
    let json = last_line(&falaj_sim(&["run", "two-down-of-four", "--json"]));
    let failure = &json["failures"][0];
    assert_eq!(
        (&failure["oracle"], &failure["kind"]),
        (&"liveness".into(), &"unsettled".into())
    );
}

/// Goal: a failing run of a sweep keeps its token in its line.
#[test]
fn a_failing_run_of_a_sweep_keeps_its_token() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), &format!("seed = 9\n{FORK}"));
    let out = folder.path().join("out");
    let out_text = out.to_str().unwrap();
    falaj_sim(&["run", &path, "--out", out_text]);
    let lines = fs::read_to_string(out.join("runs.ndjson")).unwrap();
    let line: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    let output = falaj_sim(&["replay", &token(&line), "--json"]);
    let replayed = last_line(&output);
    assert_eq!(replayed["events"], line["events"]);
    assert_eq!(replayed["failures"][0]["finding"], line["finding"]);
}

/// Goal: what is no token, is damaged, or is of another build has a code of its own and says which.
#[test]
fn bad_tokens_have_their_own_codes() {
    let folder = tempfile::tempdir().unwrap();
    let good = token(&report(folder.path(), CALM, "1"));
    let code = |token: &str| {
        let output = falaj_sim(&["replay", token]);
        (output.status.code(), words(&output))
    };
    assert_eq!(code("partition-heals").0, Some(30));
    assert_eq!(code(&good.replace(".1.", ".2.")).0, Some(30));
    let (exit, told) = code(&of_another_build(&good));
    assert_eq!(exit, Some(31), "{told}");
    assert!(
        told.contains("of build 0123456789ab, this is build "),
        "{told}"
    );
    assert_eq!(told.lines().count(), 1, "{told}");
    let output = falaj_sim(&["replay", &of_another_build(&good), "--any-build"]);
    assert_eq!(output.status.code(), Some(0));
}

/// The same token as a program of other sources would print it.
fn of_another_build(token: &str) -> String {
    let (text, _) = token.rsplit_once('.').expect("a token");
    let text = text.replace(build(), "0123456789ab");
    let check = blake3::hash(text.as_bytes()).to_hex();
    format!("{text}.{}", &check[..8])
}

/// Goal: a replay up to an event prints the trace up to it and no further; beyond the end of the run it is refused.
#[test]
fn a_replay_stops_at_an_event() {
    let folder = tempfile::tempdir().unwrap();
    let report = report(folder.path(), CALM, "1");
    let token = token(&report);
    let whole = text(&falaj_sim(&["replay", &token, "--trace"]));
    let part = text(&falaj_sim(&["replay", &token, "--until", "40"]));
    let (lines, stopped) = part.trim_end().rsplit_once('\n').unwrap();
    assert!(
        stopped.starts_with("stopped after event 40, at 0."),
        "{stopped}"
    );
    assert!(whole.starts_with(lines), "{lines}");
    assert!(lines.lines().last().unwrap().starts_with("40 "), "{lines}");
    let events = report["events"].as_u64().unwrap();
    let output = falaj_sim(&["replay", &token, "--until", &(events + 1).to_string()]);
    assert_eq!(output.status.code(), Some(32));
    assert!(words(&output).contains(&format!("the run has {events}")));
}

/// Goal: any node can be looked at after any event, with what happens around it.
#[test]
fn a_node_can_be_looked_at_after_any_event() {
    let folder = tempfile::tempdir().unwrap();
    let token = token(&report(folder.path(), CALM, "1"));
    let json = |at: &str, more: &[&str]| {
        let arguments = ["step", &token, "--at", at, "--json"];
        last_line(&falaj_sim(&[&arguments[..], more].concat()))
    };
    let early = json("1", &[]);
    assert_eq!(early["nodes"].as_array().unwrap().len(), 4);
    assert_eq!(early["nodes"][3]["mode"], "down");
    let late = json("400", &["--node", "2", "--around", "2"]);
    let node = &late["nodes"][0];
    assert_eq!((&node["node"], &node["mode"]), (&2.into(), &"up".into()));
    assert!(node["consensus"]["height"].as_u64().unwrap() > 0);
    assert!(node["guard"]["height"].as_u64().unwrap() > 0);
    assert!(node["logs"]["block"].as_u64().unwrap() > 0);
    let events = late["events"].as_array().unwrap();
    let numbers: Vec<_> = events
        .iter()
        .map(|line| line["event"].as_u64().unwrap())
        .collect();
    assert_eq!((numbers.first(), numbers.last()), (Some(&398), Some(&402)));

    let told = text(&falaj_sim(&["step", &token, "--at", "400", "--node", "2"]));
    for part in [
        "after event 400, at ",
        "\n> 400 ",
        "\nn2 up",
        "  guard     ",
        "  mempool   ",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let code = |arguments: &[&str]| {
        falaj_sim(&[&["step", &token], arguments].concat())
            .status
            .code()
    };
    assert_eq!(code(&["--at", "99999999"]), Some(32));
    assert_eq!(code(&["--at", "1", "--node", "4"]), Some(32));
    assert_eq!(code(&["--at", "0"]), Some(2));
}

/// Goal: two traces of one run are the same; a change is named by its first event; traces of two runs and other files are refused.
#[test]
fn the_first_event_that_differs_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let trace = |seed: &str| {
        let path = written(place, CALM);
        text(&falaj_sim(&["run", &path, "--seed", seed, "--trace"]))
    };
    let kept = |name: &str, text: &str| {
        let path = place.join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (one, again) = (kept("one", &trace("1")), kept("again", &trace("1")));
    let output = falaj_sim(&["compare", &one, &again]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(text(&output).starts_with("the same: "));

    let changed: String = trace("1")
        .lines()
        .map(|line| match line.strip_prefix("57 ") {
            Some(_) => "57 0000000000000000 0.1 s n1 hears a ghost\n".to_owned(),
            None => format!("{line}\n"),
        })
        .collect();
    let changed = kept("changed", &changed);
    let output = falaj_sim(&["compare", &one, &changed]);
    assert_eq!(output.status.code(), Some(34));
    assert!(
        text(&output).starts_with("event 57 is the first that differs\n"),
        "{}",
        text(&output)
    );
    let json = last_line(&falaj_sim(&["compare", &one, &changed, "--json"]));
    assert_eq!(
        (&json["same"], &json["first_different"]),
        (&false.into(), &57.into())
    );

    let shorter: Vec<String> = trace("1").lines().take(50).map(str::to_owned).collect();
    let output = falaj_sim(&["compare", &one, &kept("shorter", &shorter.join("\n"))]);
    assert_eq!(output.status.code(), Some(34));
    assert!(text(&output).contains("(ends here)"), "{}", text(&output));

    let other = kept("other", &trace("2"));
    assert_eq!(
        falaj_sim(&["compare", &one, &other]).status.code(),
        Some(33)
    );
    let nothing = kept("nothing", "safe_live: 1 seeds\n");
    assert_eq!(
        falaj_sim(&["compare", &one, &nothing]).status.code(),
        Some(33)
    );
    let nowhere = place.join("nowhere");
    assert_eq!(
        falaj_sim(&["compare", &one, nowhere.to_str().unwrap()])
            .status
            .code(),
        Some(20)
    );
}

/// Goal: a fork among all other trouble is made small, in a file that a person can read, that forks by itself, and that nothing else
/// is needed for.
#[test]
fn a_failing_run_is_made_small() {
    let folder = tempfile::tempdir().unwrap();
    let before = report(folder.path(), FORK, "8");
    let out = folder.path().join("fork.toml");
    let out = out.to_str().unwrap();
    let about = "two liars of four fork the chain";
    let arguments = [
        "minimise",
        &token(&before),
        "--out",
        out,
        "--about",
        about,
        "--runs",
        "300",
    ];
    let output = falaj_sim(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}", words(&output));
    let written = fs::read_to_string(out).unwrap();
    let file = File::parse(&written).unwrap();
    assert_eq!(file.seeds(), 8..9);
    assert!(file.fault.is_empty() && file.clock.is_empty(), "{written}");
    assert!(written.lines().count() < 30, "{written}");
    let after = last_line(&falaj_sim(&["run", out, "--json"]));
    assert_eq!(
        (&after["verdict"], &after["as_expected"]),
        (&"unsafe".into(), &true.into())
    );
    for key in ["oracle", "kind"] {
        assert_eq!(after["failures"][0][key], before["failures"][0][key]);
    }
    // What is left out may have slowed it down, so it may have more events; it lasts less long.
    assert!(file.scenario(8).stabilise_at < File::parse(FORK).unwrap().scenario(8).stabilise_at);

    let calm = token(&report(folder.path(), CALM, "1"));
    assert_eq!(falaj_sim(&["minimise", &calm]).status.code(), Some(35));
}
