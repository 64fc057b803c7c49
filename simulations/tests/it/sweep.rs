//! Sweeps as the program runs them: interrupted, in shards, and put together again.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::program::{falaj_sim, last_line, written};

const SWEEP: &str = "about = \"a sweep\"\nhorizon_ms = 100\n[sweep]\nvalidators = [1, 4]\ndelay_ms = [1, 5]\n\
                     [expect]\nmarks = [\"locked\"]\nseeds = 2\n";

fn text_of(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).expect("the program wrote it")
}

/// Runs a sweep into a folder of the test; the exit code and the words of an error.
fn sweep(folder: &Path, out: &str, more: &[&str]) -> (Option<i32>, String) {
    let scenario = written(folder, SWEEP);
    let out = folder.join(out);
    let out = out.to_str().expect("a plain name");
    let output = falaj_sim(&[&["run", &scenario, "--out", out], more].concat());
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), words)
}

fn merge(folder: &Path, shards: &[&str]) -> (Option<i32>, String) {
    let out = folder.join("merged").display().to_string();
    let shards: Vec<String> = shards
        .iter()
        .map(|shard| folder.join(shard).display().to_string())
        .collect();
    let mut arguments = vec!["merge", "--out", &out];
    arguments.extend(shards.iter().map(String::as_str));
    let output = falaj_sim(&arguments);
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), words)
}

/// Goal: a sweep that was interrupted in the middle of a line goes on where it was, runs nothing twice, and ends as if it had not been;
/// its record says what made it, with every default.
#[test]
fn an_interrupted_sweep_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (code, words) = sweep(folder.path(), "out", &["--jobs", "2"]);
    assert_eq!(code, Some(0), "{words}");
    let out = folder.path().join("out");
    let whole = text_of(&out, "runs.ndjson");
    assert_eq!(whole.lines().count(), 8);

    let lines: Vec<&str> = whole.lines().collect();
    let marked = lines[4].replace("\"finding\":\"\"", "\"finding\":\"not run again\"");
    let cut = format!("{marked}\n{}\n{}", lines[1], &lines[6][..40]);
    fs::write(out.join("runs.ndjson"), cut).unwrap();
    let (code, words) = sweep(folder.path(), "out", &["--jobs", "1"]);
    assert_eq!(code, Some(0), "{words}");
    assert_eq!(
        text_of(&out, "runs.ndjson"),
        whole.replace(lines[4], &marked)
    );

    let manifest: Value = serde_json::from_str(&text_of(&out, "run.json")).unwrap();
    assert_eq!(
        manifest["points"][1]["scenario"]["clients"]["patience_ms"],
        3_000
    );
    for key in ["build", "lock", "rustc", "target", "version"] {
        let said = manifest["provenance"][key].as_str().unwrap_or_default();
        assert!(!said.is_empty(), "{key}");
    }
    let summary: Value = serde_json::from_str(&text_of(&out, "summary.json")).unwrap();
    assert_eq!(
        summary[3]["values"],
        serde_json::json!({"delay_ms": 5, "validators": 4})
    );
    assert_eq!(summary[3]["verdicts"]["safe_live"], 2);
    assert_eq!(
        summary[3]["failure"],
        serde_json::json!({"low": 0.0, "high": 1.0})
    );
}

/// Goal: shards put together are the whole; one that is missing, unfinished or of another sweep is refused by name.
#[test]
fn shards_put_together_are_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    assert_eq!(sweep(place, "whole", &[]).0, Some(0));
    for index in ["0", "1", "2"] {
        let shard = format!("{index}/3");
        assert_eq!(sweep(place, index, &["--shard", &shard]).0, Some(0));
    }
    let (code, words) = merge(place, &["2", "0"]);
    assert_eq!(
        (code, words.trim()),
        (Some(27), "falaj-sim: shard 1/3 is missing")
    );

    let (code, words) = merge(place, &["2", "0", "1"]);
    assert_eq!(code, Some(0), "{words}");
    let merged = place.join("merged");
    for name in ["runs.ndjson", "summary.json"] {
        assert_eq!(text_of(&merged, name), text_of(&place.join("whole"), name));
    }

    let half = text_of(&place.join("1"), "runs.ndjson");
    let first = half.lines().next().unwrap_or_default();
    fs::write(place.join("1").join("runs.ndjson"), format!("{first}\n")).unwrap();
    let (code, words) = merge(place, &["0", "1", "2"]);
    assert_eq!(code, Some(27));
    assert!(
        words.contains("shard 1/3 in ") && words.contains("lacks 2 of its 3 runs"),
        "{words}"
    );
    assert_eq!(merge(place, &["0", "0"]).0, Some(28));
    assert_eq!(merge(place, &["0", "whole"]).0, Some(28));
}

/// Goal: a folder of another part, a damaged line and an output that cannot be written have codes of their own.
#[test]
fn bad_folders_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    assert_eq!(sweep(place, "out", &["--shard", "0/8"]).0, Some(0));
    assert_eq!(sweep(place, "out", &["--shard", "1/8"]).0, Some(28));
    assert_eq!(sweep(place, "out", &["--seeds", "0..1"]).0, Some(28));
    fs::write(place.join("out").join("runs.ndjson"), "{\n").unwrap();
    let (code, words) = sweep(place, "out", &["--shard", "0/8"]);
    assert_eq!(code, Some(29));
    assert!(words.contains("runs.ndjson: line 1: "), "{words}");
    fs::write(place.join("file"), "").unwrap();
    assert_eq!(sweep(place, "file", &[]).0, Some(26));
    let scenario = written(place, SWEEP);
    assert_eq!(falaj_sim(&["run", &scenario]).status.code(), Some(2));
    for shard in ["3/3", "1", "0/0"] {
        assert_eq!(
            sweep(place, "other", &["--shard", shard]).0,
            Some(2),
            "{shard}"
        );
    }
}

/// Goal: the program says the same in JSON.
#[test]
fn a_sweep_ends_with_its_points() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = written(folder.path(), SWEEP);
    let out = folder.path().join("out").display().to_string();
    let report = last_line(&falaj_sim(&["run", &scenario, "--out", &out, "--json"]));
    assert_eq!(
        (&report["verdict"], &report["runs"]),
        (&"safe_live".into(), &8.into())
    );
    assert_eq!(report["points"].as_array().map(Vec::len), Some(4));
}

/// Goal: a program with the feature keeps the runs in columns too, and they say what the lines say.
#[cfg(feature = "parquet")]
#[test]
fn columns_say_what_lines_say() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::RowAccessor;
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(sweep(folder.path(), "out", &[]).0, Some(0));
    let out = folder.path().join("out");
    let file = fs::File::open(out.join("runs.parquet")).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    let rows: Vec<_> = reader
        .get_row_iter(None)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let lines = text_of(&out, "runs.ndjson");
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rows.len(), lines.len());
    for (row, line) in rows.iter().zip(&lines) {
        for (place, key) in [(0, "id"), (4, "verdict"), (5, "finding"), (7, "trace_hash")] {
            assert_eq!(row.get_string(place).unwrap(), line[key].as_str().unwrap());
        }
        for (place, key) in [
            (1, "point"),
            (3, "seed"),
            (8, "events"),
            (9, "sim_ns"),
            (10, "heights"),
            (11, "receipts"),
            (13, "sent_bytes"),
        ] {
            assert_eq!(row.get_ulong(place).unwrap(), line[key].as_u64().unwrap());
        }
        for (place, key) in [(2, "values"), (12, "finality_ns"), (14, "marks")] {
            let held: Value = serde_json::from_str(row.get_string(place).unwrap()).unwrap();
            assert_eq!(held, line[key]);
        }
    }
}

/// Goal: random scenarios are kept, shared out and put together like a sweep's; their page says what was reached, and how runs differ.
#[test]
fn a_campaign_of_random_scenarios_is_kept_too() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let random = |out: &str, more: &[&str]| {
        let out = place.join(out).display().to_string();
        let words = [&["run", "--seeds", "2..5", "--out", &out, "--json"], more].concat();
        let output = falaj_sim(&words);
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{words}");
        last_line(&output)
    };
    let told = random("whole", &[]);
    assert_eq!(
        (&told["verdict"], &told["runs"]),
        (&"safe_live".into(), &3.into())
    );
    let whole = text_of(&place.join("whole"), "runs.ndjson");
    let seeds: Vec<Value> = whole
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["seed"].clone())
        .collect();
    assert_eq!(seeds, [2, 3, 4]);
    let alone = last_line(&falaj_sim(&["run", "--seed", "3", "--json"]));
    let line: Value = serde_json::from_str(whole.lines().nth(1).unwrap()).unwrap();
    assert_eq!(
        [&line["events"], &line["heights"]],
        [&alone["events"], &alone["heights"]]
    );

    random("0", &["--shard", "0/2"]);
    random("1", &["--shard", "1/2"]);
    let (code, words) = merge(place, &["0", "1"]);
    assert_eq!(code, Some(0), "{words}");
    assert_eq!(text_of(&place.join("merged"), "runs.ndjson"), whole);

    let manifest: Value = serde_json::from_str(&text_of(&place.join("whole"), "run.json")).unwrap();
    assert_eq!(manifest["points"][0]["scenario"], "random scenario");
    let page = text_of(&place.join("whole"), "report.html");
    for part in [
        "3 of 3 runs",
        "all seeds",
        "id=\"runs-heights\"",
        "<td>locked</td>",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let out = place.join("other").display().to_string();
    let output = falaj_sim(&["run", "--out", &out]);
    assert_eq!(output.status.code(), Some(2), "no seeds are no campaign");
}
