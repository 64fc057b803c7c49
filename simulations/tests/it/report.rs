//! Reports as the program writes them: of runs and of sweeps, and what is refused.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::program::{falaj_sim, last_line, written};

/// Two liars of four, and nothing else: they fork the chain at once.
pub(crate) const FORK: &str =
    include_str!("../../scenarios/regressions/two-liars-fork-at-once.toml");
/// A short good day.
pub(crate) const CALM: &str = "about = \"a short <good> day\"\nhorizon_ms = 200\n";

/// The token of one seed of a scenario.
pub(crate) fn token(folder: &Path, scenario: &str, seed: &str) -> String {
    let path = written(folder, scenario);
    let report = last_line(&falaj_sim(&["run", &path, "--seed", seed, "--json"]));
    report["token"].as_str().unwrap_or_default().to_owned()
}

/// Writes a report into a folder of the test; its text.
pub(crate) fn report(out: &Path, of: &str, more: &[&str]) -> String {
    let out_text = out.to_str().expect("a plain name");
    let output = falaj_sim(&[&["report", of, "--out", out_text], more].concat());
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{words}");
    fs::read_to_string(out.join("report.html")).expect("the program wrote it")
}

/// The exit code and the words of a report that is refused.
fn refused(arguments: &[&str]) -> (Option<i32>, String) {
    let output = falaj_sim(&[&["report"], arguments].concat());
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), words)
}

/// Goal: the report of a run has its page, its plots and its record; it needs nothing else; texts of the scenario are escaped.
#[test]
fn a_report_needs_nothing_but_itself() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let token = token(folder.path(), CALM, "1");
    let page = report(&out, &token, &[]);
    assert!(page.contains("a short &lt;good&gt; day") && !page.contains("<good>"));
    for from_elsewhere in ["<script", "<link", "<img", "@import", "src=\"", "href=\""] {
        assert!(!page.contains(from_elsewhere), "{from_elsewhere}");
    }
    let addresses = page.matches("http").count();
    let harmless =
        page.matches("http://www.w3.org/2000/svg").count() + page.matches("http-equiv").count();
    assert_eq!(addresses, harmless);
    let record: Value =
        serde_json::from_str(&fs::read_to_string(out.join("run.json")).unwrap()).unwrap();
    assert_eq!(
        (&record["token"], &record["verdict"]),
        (&token.as_str().into(), &"safe_live".into())
    );
    assert_eq!(record["scenario"]["clients"]["patience_ms"], 3_000);
    for name in [
        "space-time",
        "heights",
        "decision-latency",
        "finality",
        "rounds",
    ] {
        let plot = fs::read_to_string(out.join("plots").join(format!("{name}.svg"))).unwrap();
        assert!(
            plot.starts_with("<svg ") && !plot.contains("var(--"),
            "{name}"
        );
        assert!(page.contains(&format!("id=\"{name}\"")) || name == "space-time");
    }
}

/// Goal: the diagram shows the heights or events that it is asked for, and says what it leaves out; what is not there is refused.
#[test]
fn a_report_shows_what_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let token = token(folder.path(), CALM, "1");
    let page = report(&out, &token, &["--heights", "2..4"]);
    assert!(page.contains("<th>2/0</th><th>3/0</th></tr>"), "heights");
    assert!(page.contains("Left out: "));
    let page = report(&out, &token, &["--events", "100..140"]);
    assert!(
        page.contains("(event 10") && page.contains("(event 13"),
        "events"
    );
    let out = out.to_str().unwrap();
    let (code, words) = refused(&[&token, "--out", out, "--heights", "90000..90001"]);
    assert_eq!(code, Some(32));
    assert!(words.contains("ends at height "), "{words}");
    let both = ["--heights", "1..2", "--events", "1..2"];
    assert_eq!(refused(&[&[token.as_str()][..], &both].concat()).0, Some(2));
    assert_eq!(refused(&[&token, "--heights", "2..2"]).0, Some(2));
}

/// Goal: a folder takes the report of one run, again and again, and nothing over something else.
#[test]
fn a_report_overwrites_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let (one, other) = (
        token(folder.path(), CALM, "1"),
        token(folder.path(), CALM, "2"),
    );
    let page = report(&out, &one, &[]);
    let out_text = out.to_str().unwrap();
    assert_eq!(report(&out, out_text, &[]), page);
    let (code, words) = refused(&[&other, "--out", out_text]);
    assert_eq!(code, Some(28));
    assert!(words.contains("the report of another run"), "{words}");
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    assert_eq!(
        refused(&[&one, "--out", file.to_str().unwrap()]).0,
        Some(26)
    );
}

/// Goal: what is neither token nor folder, is damaged, or holds nothing of ours has a code and a word of its own.
#[test]
fn bad_reports_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("nowhere");
    let (code, words) = refused(&[nowhere.to_str().unwrap()]);
    assert_eq!(code, Some(30));
    assert!(
        words.contains("there is no such folder, and it is no token"),
        "{words}"
    );
    assert_eq!(words.lines().count(), 1, "{words}");
    let damaged = token(folder.path(), CALM, "1").replace(".1.", ".2.");
    assert_eq!(refused(&[&damaged]).0, Some(30));
    let empty = tempfile::tempdir().unwrap();
    let empty = empty.path().to_str().unwrap();
    assert_eq!(refused(&[empty]).0, Some(20));
    fs::write(Path::new(empty).join("run.json"), "{").unwrap();
    assert_eq!(refused(&[empty]).0, Some(29));
}

/// Goal: a sweep writes its page when it ends; the page can be drawn again, has no window, and names each point with its interval.
#[test]
fn a_sweep_has_its_report() {
    let folder = tempfile::tempdir().unwrap();
    let text = "about = \"a sweep\"\nhorizon_ms = 50\n[sweep]\nvalidators = [1, 4]\ndelay_ms = [1, 5]\n[expect]\nseeds = 1\n";
    let (path, out) = (written(folder.path(), text), folder.path().join("out"));
    let out_text = out.to_str().unwrap();
    assert_eq!(
        falaj_sim(&["run", &path, "--out", out_text]).status.code(),
        Some(0)
    );
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    for part in [
        "data-verdict=\"safe_live\"",
        "4 of 4 runs",
        "0 of 1",
        "up to 100 %",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let map = fs::read_to_string(out.join("plots").join("failures.svg")).unwrap();
    assert_eq!(map.matches("0 of 1").count(), 4);
    fs::remove_file(out.join("report.html")).unwrap();
    assert_eq!(report(&out, out_text, &[]), page);
    assert_eq!(refused(&[out_text, "--heights", "1..2"]).0, Some(2));
    let token = token(folder.path(), CALM, "1");
    assert_eq!(refused(&[&token, "--out", out_text]).0, Some(28));
}
