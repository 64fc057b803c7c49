//! The program: one seed is one run, in every process, whatever runs beside it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub(crate) fn falaj_sim(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_falaj-sim"))
        .args(arguments)
        .output()
        .expect("the program is built")
}

pub(crate) fn last_line(output: &Output) -> serde_json::Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().last().unwrap_or_default();
    serde_json::from_str(line).expect("the last line is an object")
}

/// Goal: the same seed in two processes gives one hash, and the report says all it must.
#[test]
fn a_seed_has_one_hash_in_every_process() {
    let run = || last_line(&falaj_sim(&["run", "--seed", "1", "--json"]));
    let (first, second) = (run(), run());
    assert_eq!(first["trace_hash"], second["trace_hash"]);
    assert_eq!(
        (&first["verdict"], &first["seeds"]),
        (&"safe_live".into(), &1.into())
    );
    for number in ["events", "sim_seconds", "wall_seconds", "events_per_second"] {
        assert!(first[number].as_f64().unwrap() > 0.0, "{number}");
    }
}

/// Goal: the hash over many seeds is that of their order, not of the threads that ran them.
#[test]
fn threads_do_not_show_in_the_hash() {
    let run = |jobs| {
        let arguments = ["run", "--seeds", "14..18", "--jobs", jobs, "--json"];
        last_line(&falaj_sim(&arguments))["trace_hash"].clone()
    };
    assert_eq!(run("1"), run("3"));
}

/// A scenario file of its own for a test.
pub(crate) fn written(folder: &Path, text: &str) -> String {
    let path: PathBuf = folder.join("scenario.toml");
    fs::write(&path, text).expect("a folder of the test");
    path.to_str().expect("a plain name").to_owned()
}

/// Goal: a file that draws everything gives the hash of no file; a file without seeds runs as many as it says.
#[test]
fn a_file_runs_as_its_scenario_says() {
    let folder = tempfile::tempdir().unwrap();
    let text = "about = \"all\"\ndrawn = \"all\"\n[expect]\nseeds = 1\nmarks = [\"locked\"]\n";
    let path = written(folder.path(), text);
    let with = last_line(&falaj_sim(&["run", &path, "--json"]));
    let without = last_line(&falaj_sim(&["run", "--seeds", "0..1", "--json"]));
    assert_eq!(with["trace_hash"], without["trace_hash"]);
    assert_eq!(
        (&with["seeds"], &with["as_expected"]),
        (&1.into(), &true.into())
    );
}

/// Goal: a mark that a scenario promises and never hits makes its campaign inconclusive.
#[test]
fn a_promised_mark_that_is_never_hit_is_inconclusive() {
    let folder = tempfile::tempdir().unwrap();
    let text = "about = \"calm\"\nhorizon_ms = 300\n[expect]\nmarks = [\"torn_log\"]\n";
    let output = falaj_sim(&["run", &written(folder.path(), text), "--json"]);
    assert_eq!(output.status.code(), Some(12));
    let report = last_line(&output);
    assert_eq!(report["marks_missing"], serde_json::json!(["torn_log"]));
    assert_eq!(report["as_expected"], false);
}

/// Goal: each kind of bad file has its own code, and one line that names the file, or for a program one object.
#[test]
fn bad_files_have_their_own_codes() {
    let folder = tempfile::tempdir().unwrap();
    for (text, code) in [
        ("about = ", 21),
        ("about = \"\"\nvaildators = 4", 22),
        ("about = \"\"\nvalidators = 0", 23),
        (
            "about = \"\"\nbyzantine = [{ nodes = { any = 5 }, behaviours = [\"equivocate\"] }]",
            24,
        ),
        ("about = \"\"\nmute = [{ side = \"all\", at_ms = 1 }]", 25),
    ] {
        let output = falaj_sim(&["run", &written(folder.path(), text)]);
        let words = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{text}: {words}");
        assert!(words.contains("scenario.toml: "), "{words}");
        assert_eq!(words.lines().count(), 1, "{words}");
        let told = falaj_sim(&["run", &written(folder.path(), text), "--json"]);
        assert_eq!(last_line(&told)["exit_code"], code, "{text}");
        assert!(told.stderr.is_empty(), "{text}");
    }
    let nowhere = folder.path().join("nowhere.toml");
    let output = falaj_sim(&["run", nowhere.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(20));
}

/// Goal: what nobody can mean is a usage error, told to a program in one object.
#[test]
fn usage_errors_have_their_own_code() {
    for arguments in [
        &["run"][..],
        &["run", "--seeds", "3..3"],
        &["run", "--seeds", "3"],
        &["fly"],
    ] {
        assert_eq!(falaj_sim(arguments).status.code(), Some(2), "{arguments:?}");
        let told = falaj_sim(&[arguments, &["--json"]].concat());
        assert_eq!(told.status.code(), Some(2), "{arguments:?}");
        assert_eq!(last_line(&told)["exit_code"], 2, "{arguments:?}");
        assert!(told.stderr.is_empty(), "{arguments:?}");
    }
}

/// Goal: the bench measures every point that it names, and each run in it is what it should be.
#[test]
fn the_bench_measures_every_point() {
    let arguments = ["bench", "--seconds", "0", "--jobs", "1", "--json"];
    let output = falaj_sim(&arguments);
    assert_eq!(output.status.code(), Some(0));
    let report = last_line(&output);
    let points = report["points"].as_array().unwrap();
    assert_eq!(points.len(), 3);
    for point in points {
        assert_eq!(point["verdict"], "safe_live", "{point}");
        let speed = &point["speed"];
        for figure in [
            "events_per_second_per_core",
            "times_real_time",
            "seeds_per_second",
        ] {
            assert!(speed[figure].as_f64().unwrap() > 0.0, "{figure}: {point}");
        }
    }
}

/// Goal: a program that was built without mutations says how to get one with them.
#[cfg(not(feature = "mutations"))]
#[test]
fn a_selfcheck_needs_mutations() {
    let output = falaj_sim(&["selfcheck"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--features mutations"));
}

/// Goal: a selfcheck of one mutation ends with the sums, and a mutation that nobody knows is told with the known one most like it.
#[cfg(feature = "mutations")]
#[test]
fn a_selfcheck_ends_with_its_sums() {
    let arguments = [
        "selfcheck",
        "--mutation",
        "supply_misstated",
        "--seeds",
        "1",
        "--json",
    ];
    let output = falaj_sim(&arguments);
    let sums = last_line(&output);
    for (key, count) in [
        ("mutations", 1),
        ("caught", 1),
        ("by_named_oracle", 1),
        ("seeds", 1),
        ("false_alarms", 0),
    ] {
        assert_eq!(sums[key], count, "{key}");
    }
    assert_eq!(output.status.code(), Some(0));
    let output = falaj_sim(&["selfcheck", "--mutation", "suply_misstated"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("did you mean supply_misstated?"));
}
