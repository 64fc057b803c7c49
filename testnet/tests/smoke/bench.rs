//! `falaj-testnet bench` from end to end, in its shortest run: that everything is measured and reported, not what it is.

use serde_json::Value;

use crate::programs::{run, text};

/// Goal: the report of a run is where it was asked for, is what is printed, and has a figure wherever the guide promises one.
#[tokio::test]
async fn a_trial_measures_everything() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("bench/report.json");
    let report = ["--report", text(&file)];
    let words = ["bench", "--json", "--trial", "--signer", "software"];
    let ended = run(&[&words[..], &report].concat()).await;
    assert_eq!(ended.code, Some(0), "{} {}", ended.printed, ended.said);
    assert_eq!(ended.printed.lines().count(), 1, "{}", ended.printed);
    let written = std::fs::read(&file).expect("a report");
    let written: Value = serde_json::from_slice(&written).expect("JSON");
    assert_eq!(&written, ended.last());
    assert_eq!(written["networks"].as_array().map(Vec::len), Some(1));
    for figure in FIGURES {
        let found = written.pointer(figure);
        let is_figure = found
            .and_then(Value::as_f64)
            .is_some_and(|found| found > 0.0);
        assert!(is_figure, "{figure} is {found:?} in {written:#}");
    }
}

/// Numbers above nothing, whatever the machine.
const FIGURES: [&str; 27] = [
    "/version",
    "/machine/processors",
    "/networks/0/validators",
    "/networks/0/floors/verify_us/median",
    "/networks/0/floors/message_us/median",
    "/networks/0/floors/sign_us/median",
    "/networks/0/floors/sync_us/median",
    "/networks/0/floors/four_checks_us/median",
    "/networks/0/floors/critical_path_ms/median",
    "/networks/0/idle/seconds",
    "/networks/0/points/0/final",
    "/networks/0/points/0/cpu_us/median",
    "/networks/0/points/0/cpu_to_four_checks/median",
    "/networks/0/points/0/finality_p50_ms/median",
    "/networks/0/points/0/p50_to_critical_path/median",
    "/networks/0/points/0/p99_to_critical_path/median",
    "/networks/0/saturation/steps/0/tps",
    "/networks/0/pairs/0/p50/median",
    "/networks/0/pairs/0/p99/median",
    "/networks/0/pairs/1/p50/median",
    "/networks/0/pairs/1/p99/median",
    "/networks/0/peak_memory/max_mib",
    "/ledger/execute_to_check",
    "/ledger/execute_to_hashes",
    "/store/blocks",
    "/store/commit_to_append",
    "/store/cpu_to_append",
];
