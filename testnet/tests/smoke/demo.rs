//! `falaj-testnet demo` without a terminal: its one object, its checks and its exit code.

use serde_json::Value;

use crate::programs::{run, small};

/// Goal: what `make demo` promises: four validators on tokens settle every payment through a kill and a lost HSM, every check holds, and the
/// last line has every key. The lines for people are beside the object.
#[tokio::test]
async fn the_demo_holds_every_check() {
    let shape = ["--validators", "4", "--signer", "softhsm"];
    let economy = ["--algorithm", "p256", "--customers", "5"];
    let length = ["--rate", "20", "--seconds", "4"];
    let ended = run(&[&["demo", "--json"][..], &shape, &economy, &length].concat()).await;
    assert_eq!(ended.code, Some(0), "{} {}", ended.printed, ended.said);
    assert_eq!(ended.printed.lines().count(), 1, "{}", ended.printed);
    let last = ended.last();
    for check in ["ok", "supply_ok", "faults_ok", "stopped_ok", "verify_ok"] {
        assert_eq!(last[check], true, "{check} of {last}");
    }
    for (key, value) in [
        ("validators", Value::from(4)),
        ("signer", "softhsm".into()),
        ("rejected", Value::Object(serde_json::Map::new())),
        ("unknown", 0.into()),
        ("final", last["submitted"].clone()),
    ] {
        assert_eq!(last[key], value, "{key} of {last}");
    }
    for number in [
        "/height",
        "/submitted",
        "/tps",
        "/finality_ms/p50",
        "/finality_ms/p99",
        "/validator_back_ms",
        "/hsm_back_ms",
    ] {
        let found = last.pointer(number).and_then(Value::as_f64);
        assert!(found.is_some_and(|found| found > 0.0), "{number} of {last}");
    }
    for told in [
        "kill -9 of validator-4",
        "the HSM of validator-2 is gone",
        "every check held",
    ] {
        assert!(ended.said.contains(told), "{}", ended.said);
    }
}

/// Goal: a check that does not hold is said, and is no success: one validator alone stands still while it is down.
#[tokio::test]
async fn a_demo_that_stands_still_is_no_success() {
    let length = ["--rate", "5", "--seconds", "1"];
    let ended = run(&[&["demo", "--json"][..], &small("1"), &length].concat()).await;
    assert_eq!(ended.code, Some(1), "{} {}", ended.printed, ended.said);
    assert_eq!(ended.printed.lines().count(), 1, "{}", ended.printed);
    let last = ended.last();
    assert_eq!(
        (&last["ok"], &last["faults_ok"]),
        (&false.into(), &false.into())
    );
    assert!(last["hsm_back_ms"].is_null(), "{last}");
    assert!(ended.said.contains("STANDS STILL"), "{}", ended.said);
}
