//! What keeps a token from signing, as a start meets it: the PIN, the token, the key. Each has its exit code and its words, no PIN try is
//! wasted, and afterwards the node starts and votes.

use data_encoding::BASE64;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::bench::{Bench, Ended, PIN, TOKEN, copy};
use crate::client::{get, height, pay};

#[track_caller]
fn refused(bench: &Bench) -> Ended {
    bench.try_start(&[]).err().unwrap()
}

#[track_caller]
fn starts_and_votes(bench: &Bench) {
    let node = bench.start();
    pay(node.api, &bench.home(), 1);
    assert_eq!(height(node.api), 1);
    node.stop().expect(0, &[]);
}

// However often a service manager starts the node with a wrong PIN, one try is spent; the token's own flag says so.
#[test]
fn a_wrong_pin_costs_one_try_over_all_starts() {
    let bench = Bench::with_home();
    let logins = bench.shim.calls("C_Login");
    fs::write(bench.pin_file(), "wrong-horse").unwrap();
    refused(&bench).expect(77, &["PIN"]);
    assert_eq!(bench.shim.calls("C_Login"), logins + 1);
    for _ in 0..3 {
        refused(&bench).expect(77, &["PIN", "to do: ", "--try-pin-at-risk"]);
    }
    fs::write(bench.pin_file(), PIN).unwrap();
    refused(&bench).expect(77, &["no try was spent"]);
    assert_eq!(bench.shim.calls("C_Login"), logins + 1);
    let doctor = [
        "doctor",
        "hsm",
        "--json",
        "--signatures",
        "1",
        "--try-pin-at-risk",
    ];
    let cured = bench.run(&doctor);
    cured.expect(0, &[]);
    assert_eq!(cured.json()["device"]["token"]["pin"]["count_low"], true);
    starts_and_votes(&bench);
}

#[test]
fn an_unreadable_pin_file_is_refused_before_any_login() {
    let bench = Bench::with_home();
    let logins = bench.shim.calls("C_Login");
    let mode = |mode| fs::set_permissions(bench.pin_file(), fs::Permissions::from_mode(mode));
    mode(0o640).unwrap();
    refused(&bench).expect(
        77,
        &["mode 640", "to do: put the PIN into a file with mode 0600"],
    );
    mode(0o600).unwrap();
    let aside = bench.path("aside");
    fs::rename(bench.pin_file(), &aside).unwrap();
    refused(&bench).expect(77, &["cannot read", "pin"]);
    fs::write(bench.pin_file(), "").unwrap();
    mode(0o600).unwrap();
    refused(&bench).expect(77, &["the pin is empty"]);
    assert_eq!(bench.shim.calls("C_Login"), logins);
    fs::rename(&aside, bench.pin_file()).unwrap();
    starts_and_votes(&bench);
}

// A token that is away is waited for: the node starts, follows, and says from the first moment why it does not vote.
#[test]
fn a_node_whose_token_is_missing_follows() {
    let bench = Bench::with_home();
    bench.edit_config("token_label = \"falaj-cli\"", "token_label = \"other\"");
    let node = bench.start();
    assert!(node.said.contains("the HSM is away"), "{}", node.said);
    assert!(node.said.contains("present: falaj-cli"), "{}", node.said);
    assert_eq!(get(node.api, "/livez").0, 200);
    let (status, text) = get(node.api, "/votez?verbose");
    assert_eq!(status, 503, "{text}");
    assert!(text.contains("[-]hsm failed"), "{text}");
    node.stop().expect(0, &[]);
    bench.edit_config("token_label = \"other\"", "token_label = \"falaj-cli\"");
    starts_and_votes(&bench);
}

// docs/spec/api.md, "Health": nothing is signed on an idle chain, so the backend's canary shows that the token is back.
#[test]
fn a_token_that_comes_back_on_an_idle_chain_is_ready_without_a_vote() {
    let bench = Bench::with_home();
    let gone = bench.path("gone");
    fs::rename(bench.hsm.tokens_folder(), &gone).unwrap();
    let node = bench.start();
    assert!(node.said.contains("the HSM is away"), "{}", node.said);
    assert_eq!(get(node.api, "/votez").0, 503);
    fs::rename(&gone, bench.hsm.tokens_folder()).unwrap();
    let patience = Instant::now() + Duration::from_secs(120);
    while get(node.api, "/votez").0 != 200 {
        assert!(Instant::now() < patience, "{}", get(node.api, "/votez").1);
    }
    assert_eq!(get(node.api, "/readyz").0, 200);
    assert_eq!(height(node.api), 0);
    pay(node.api, &bench.home(), 1);
    node.stop().expect(0, &[]);
}

// What makes a home needs the token at once.
#[test]
fn a_home_is_not_made_without_its_token() {
    let bench = Bench::new();
    let made = bench.init(&["--token-label", "other"]);
    assert_eq!(made.code, 2, "clap refuses the second label: {made:?}");
    let gone = bench.path("gone");
    fs::rename(bench.hsm.tokens_folder(), &gone).unwrap();
    fs::create_dir(bench.hsm.tokens_folder()).unwrap();
    bench
        .init(&[])
        .expect(78, &["no token named", "present: none"]);
    assert!(!bench.home().join("config.toml").exists());
}

#[test]
fn a_missing_key_is_refused() {
    let bench = Bench::with_home();
    bench.edit_config("key_label = \"consensus\"", "key_label = \"other\"");
    refused(&bench).expect(
        78,
        &["no private key with label other and id 01", "to do: "],
    );
    bench.edit_config("key_label = \"other\"", "key_label = \"consensus\"");
    starts_and_votes(&bench);
}

/// Puts a second key of the same label into the token, by the token's own tool.
fn import_twin(bench: &Bench) {
    let random = SystemRandom::new();
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let text = BASE64.encode(key.as_ref());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
    let file = bench.path("twin.pem");
    fs::write(&file, pem).unwrap();
    let (variable, config) = bench.hsm.environment();
    let output = Command::new("softhsm2-util")
        .env(variable, config)
        .arg("--import")
        .arg(&file)
        .args([
            "--token",
            TOKEN,
            "--label",
            "consensus",
            "--id",
            "07",
            "--pin",
            PIN,
        ])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn two_keys_of_one_name_are_refused() {
    let bench = Bench::with_home();
    let before = bench.path("before");
    copy(&bench.hsm.tokens_folder(), &before);
    import_twin(&bench);
    refused(&bench).expect(78, &["2 private keys with label consensus", "to do: "]);
    fs::remove_dir_all(bench.hsm.tokens_folder()).unwrap();
    fs::rename(&before, bench.hsm.tokens_folder()).unwrap();
    starts_and_votes(&bench);
}

// Two tokens of one label are told apart by the serial number that the error lists.
#[test]
fn two_tokens_of_one_label_are_told_apart_by_serial_number() {
    let bench = Bench::with_home();
    let doctor = ["doctor", "hsm", "--json", "--signatures", "1"];
    let serial = bench.run(&doctor).json()["device"]["token"]["serial"].clone();
    let serial = serial.as_str().unwrap().to_owned();
    let (variable, config) = bench.hsm.environment();
    let output = Command::new("softhsm2-util")
        .env(variable, config)
        .args([
            "--init-token",
            "--free",
            "--label",
            TOKEN,
            "--so-pin",
            "12345678",
            "--pin",
            "4321",
        ])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let words = ["2 tokens are named", serial.as_str(), "token_serial"];
    refused(&bench).expect(78, &words);
    let named = format!("token_label = \"falaj-cli\"\ntoken_serial = \"{serial}\"");
    bench.edit_config("token_label = \"falaj-cli\"", &named);
    starts_and_votes(&bench);
}

#[test]
fn a_library_that_is_not_there_is_refused() {
    let bench = Bench::with_home();
    bench.edit_config("shim.so\"", "gone.so\"");
    refused(&bench).expect(
        78,
        &["cannot load the pkcs#11 library", "gone.so", "to do: "],
    );
    bench.edit_config("gone.so\"", "shim.so\"");
    starts_and_votes(&bench);
}
