//! `falaj doctor hsm`: what it says of a good token and of each bad one, and what that costs.

use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::bench::Bench;

const DOCTOR: [&str; 5] = ["doctor", "hsm", "--json", "--signatures", "4"];

fn codes(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap();
    let codes = findings
        .iter()
        .filter_map(|finding| finding["code"].as_str());
    codes.map(str::to_owned).collect()
}

fn states(report: &Value) -> Vec<String> {
    let checks = report["checks"].as_array().unwrap();
    let states = checks.iter().map(|check| check["state"].as_str().unwrap());
    states.map(str::to_owned).collect()
}

// A good key on a software token: every check is ok, the banner stands above all, and the four lists are there.
#[test]
fn a_good_token_passes_with_its_banner() {
    let bench = Bench::with_home();
    let logins = bench.shim.calls("C_Login");
    let ended = bench.run(&DOCTOR);
    ended.expect(0, &[]);
    let report = ended.json();
    assert_eq!(report["ok"], true);
    assert!(report["banner"].as_str().unwrap().starts_with("TEST: "));
    assert!(states(&report).iter().all(|state| state == "ok"));
    assert_eq!(report["latency"]["signatures"], 4);
    assert!(report["latency"]["p50_us"].as_u64() <= report["latency"]["p99_us"].as_u64());
    assert!(report["statement"]["verified_by_this_node"].is_array());
    assert_eq!(bench.shim.calls("C_Login"), logins + 1);
    let text = bench.run(&["doctor", "hsm", "--signatures", "4"]);
    text.expect(
        0,
        &[
            "TEST: ",
            "ok     signatures",
            "to do: ",
            "cannot be verified here",
        ],
    );
}

// Before a genesis the key is examined too, and nothing is claimed of an enrolled one.
#[test]
fn a_key_before_its_genesis_is_examined_without_a_statement() {
    let bench = Bench::new();
    bench.init(&[]).expect(0, &[]);
    let report = bench.run(&DOCTOR);
    report.expect(0, &["no genesis names the key"]);
    assert!(report.json()["statement"].is_null());
}

// A wrong PIN is sent once; afterwards none is sent, not even the right one, until the operator allows one try.
#[test]
fn a_wrong_pin_is_tried_once() {
    let bench = Bench::with_home();
    let logins = bench.shim.calls("C_Login");
    fs::write(bench.pin_file(), "wrong-horse").unwrap();
    let refused = bench.run(&DOCTOR);
    refused.expect(77, &["tried once", "do not restart with the same PIN"]);
    assert_eq!(codes(&refused.json()), ["pin_refused"]);
    assert_eq!(states(&refused.json())[2..4], ["fault", "not_reached"]);
    assert_eq!(bench.shim.calls("C_Login"), logins + 1);
    fs::write(bench.pin_file(), crate::bench::PIN).unwrap();
    let at_risk = bench.run(&DOCTOR);
    at_risk.expect(77, &[]);
    assert_eq!(codes(&at_risk.json()), ["pin_at_risk"]);
    assert_eq!(at_risk.json()["device"]["token"]["pin"]["count_low"], true);
    assert_eq!(bench.shim.calls("C_Login"), logins + 1);
    let allowed = bench.run(&[&DOCTOR[..], &["--try-pin-at-risk"]].concat());
    allowed.expect(0, &[]);
    assert_eq!(bench.shim.calls("C_Login"), logins + 2);
    let again = bench.run(&DOCTOR);
    again.expect(0, &[]);
    assert_eq!(again.json()["device"]["token"]["pin"]["count_low"], false);
}

#[test]
fn a_pin_file_that_others_can_read_is_no_attempt() {
    let bench = Bench::with_home();
    let logins = bench.shim.calls("C_Login");
    fs::set_permissions(bench.pin_file(), fs::Permissions::from_mode(0o644)).unwrap();
    let ended = bench.run(&DOCTOR);
    ended.expect(77, &["644", "mode 0600"]);
    assert_eq!(codes(&ended.json()), ["pin_unreadable"]);
    assert_eq!(bench.shim.calls("C_Login"), logins);
}

#[test]
fn what_the_configuration_names_wrongly_is_told_apart() {
    for (from, to, code, words) in [
        (
            "token_label = \"falaj-cli\"",
            "token_label = \"other\"",
            "token_missing",
            "present: falaj-cli",
        ),
        (
            "key_label = \"consensus\"",
            "key_label = \"other\"",
            "key_missing",
            "label other",
        ),
        (
            "shim.so\"",
            "missing.so\"",
            "library_unusable",
            "missing.so",
        ),
    ] {
        let bench = Bench::with_home();
        bench.edit_config(from, to);
        let ended = bench.run(&DOCTOR);
        ended.expect(78, &[words]);
        assert_eq!(codes(&ended.json()), [code]);
    }
}

// docs/runbook/hsm.md, "token_gone": the library loads, and what is behind it is away.
#[test]
fn a_token_whose_folder_is_gone_is_gone() {
    let bench = Bench::with_home();
    let (folder, aside) = (bench.hsm.tokens_folder(), bench.path("aside"));
    fs::rename(&folder, &aside).unwrap();
    let ended = bench.run(&DOCTOR);
    ended.expect(1, &["the token is gone", "check that the HSM"]);
    assert_eq!(codes(&ended.json()), ["token_gone"]);
    fs::rename(&aside, &folder).unwrap();
    bench.run(&DOCTOR).expect(0, &[]);
}

// A device that signs wrongly fails the check, and it is not the configuration's fault.
#[test]
fn a_wrong_signature_is_a_failed_check() {
    let bench = Bench::with_home();
    bench.shim.order("C_Sign", "flip");
    let ended = bench.run(&DOCTOR);
    ended.expect(1, &[]);
    assert_eq!(codes(&ended.json()), ["wrong_signature"]);
    assert_eq!(states(&ended.json()).last().unwrap(), "fault");
}

#[test]
fn a_key_in_a_file_has_no_hsm() {
    let bench = Bench::new();
    let init = bench.run(&[
        "init",
        "--validator",
        "1",
        "--signer",
        "software",
        "--development",
    ]);
    init.expect(0, &[]);
    bench.run(&DOCTOR).expect(78, &["TEST", "in a file"]);
}
