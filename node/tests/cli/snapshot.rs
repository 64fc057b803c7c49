//! Snapshots by command: taken of a stopped node, proven, and put in the place of a data folder that is gone, while the guard stays as it is.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::bench::{Bench, Ended};
use crate::client::{get, height, pay};

/// A node that has decided two heights, and the folder of a snapshot after the second.
fn exported() -> (Bench, String) {
    let bench = Bench::settled();
    let folder = export(&bench);
    (bench, folder)
}

fn export(bench: &Bench) -> String {
    let folder = bench.path("taken").display().to_string();
    bench
        .run(&["snapshot", "export", &folder])
        .expect(0, &["after block 2"]);
    folder
}

/// Puts the data folder aside.
fn lose_data(bench: &Bench) -> PathBuf {
    let aside = bench.path("aside");
    fs::rename(bench.home().join("data"), &aside).unwrap();
    aside
}

/// Every file below a folder.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

#[track_caller]
fn is_gone(api: SocketAddr, path: &str) {
    let (status, body) = get(api, path);
    assert_eq!(status, 410, "{path}: {body}");
    assert!(body.contains("before-snapshot"), "{body}");
}

#[track_caller]
fn is_here(api: SocketAddr, path: &str) -> Value {
    let (status, body) = get(api, path);
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap()
}

#[track_caller]
fn refused(ended: &Ended, code: i32, name: &str) {
    assert_eq!(
        (ended.code, ended.json()["name"].as_str()),
        (code, Some(name)),
        "{ended:?}"
    );
}

// docs/runbook/snapshots.md, "begin a node": a home without data goes on from the snapshot, votes with the guard it has, and says what it
// has not.
#[test]
fn a_home_begins_with_a_snapshot_and_goes_on() {
    let bench = Bench::with_home();
    let node = bench.start();
    let early = pay(node.api, &bench.home(), 1);
    pay(node.api, &bench.home(), 2);
    node.stop().expect(0, &[]);
    let taken = export(&bench);
    let proven = bench.run(&["snapshot", "verify", &taken, "--json"]).json();
    assert_eq!(
        (&proven["height"], &proven["snapshot"]),
        (&2.into(), &"proven".into())
    );
    let point = proven["checkpoint"].as_str().unwrap();
    lose_data(&bench);
    let guard = files(&bench.home().join("guard"));
    let restored = bench.run(&[
        "snapshot",
        "restore",
        &taken,
        "--checkpoint",
        point,
        "--json",
    ]);
    assert_eq!(restored.json()["state_root"], proven["state_root"]);
    assert_eq!(
        files(&bench.home().join("guard")),
        guard,
        "the guard is untouched"
    );

    let node = bench.start();
    assert_eq!(height(node.api), 2, "{}", node.said);
    pay(node.api, &bench.home(), 3);
    pay(node.api, &bench.home(), 4);
    tells_what_it_has(node.api);
    let early = format!("/v1/transactions/{}/{}", early["participant"], early["id"]);
    let (status, body) = get(node.api, &early.replace('"', ""));
    assert_eq!(status, 410, "{body}");
    assert!(body.contains("final since block 1"), "{body}");
    node.stop().expect(0, &[]);
    inspect_tells_what_it_has(&bench);

    // A second node can begin with what the first goes on from.
    let again = bench.path("again").display().to_string();
    bench
        .run(&["snapshot", "export", &again])
        .expect(0, &["after block 4"]);
    bench
        .run(&["snapshot", "verify", &again])
        .expect(0, &["after block 4"]);
}

fn tells_what_it_has(api: SocketAddr) {
    for path in [
        "/v1/blocks/1",
        "/v1/blocks/2",
        "/v1/blocks/2/receipts",
        "/v1/certificates/2",
    ] {
        is_gone(api, path);
    }
    is_gone(api, "/v1/events");
    is_gone(api, "/v1/events/0");
    is_gone(api, "/v1/events/blocks?from_height=2");
    is_gone(api, "/v1/events/ledger?from_sequence=0");
    is_gone(api, "/v1/proofs/log-extension/2/4");
    is_here(api, "/v1/blocks/3");
    is_here(api, "/v1/certificates/3");
    let events = is_here(api, "/v1/events?from_height=3");
    assert!(!events["items"].as_array().unwrap().is_empty());
    assert_eq!(is_here(api, "/v1/status")["history_from"], 3);
}

fn inspect_tells_what_it_has(bench: &Bench) {
    let words = ["began with the snapshot of height 2"];
    bench.run(&["inspect", "block", "1"]).expect(1, &words);
    bench.run(&["inspect", "block", "3"]).expect(0, &[]);
    let blocks = bench.run(&["inspect", "blocks"]);
    blocks.expect(0, &words);
    bench.run(&["inspect", "evidence"]).expect(0, &words);
    bench.run(&["inspect", "log"]).expect(0, &[]);
}

// docs/spec/storage.md: the store is rebuilt from the snapshot and the logs, like from genesis and the logs.
#[test]
fn the_store_of_a_restored_node_is_rebuilt_from_the_snapshot() {
    let (bench, taken) = exported();
    lose_data(&bench);
    bench.run(&["snapshot", "restore", &taken]).expect(0, &[]);
    let node = bench.start();
    pay(node.api, &bench.home(), 3);
    node.stop().expect(0, &[]);
    let (ledger, kept) = (
        bench.home().join("data/ledger"),
        bench.home().join("data/snapshot"),
    );
    fs::remove_dir_all(&ledger).unwrap();
    let aside = bench.path("kept");
    fs::rename(&kept, &aside).unwrap();
    let words = ["snapshot that this node began with", "snapshot lost"];
    bench.try_start(&[]).err().unwrap().expect(65, &words);
    fs::rename(&aside, &kept).unwrap();
    for number in 4..6 {
        let node = bench.start();
        assert_eq!(height(node.api), u64::from(number) - 1);
        pay(node.api, &bench.home(), number);
        node.stop().expect(0, &[]);
        fs::remove_dir_all(&ledger).unwrap();
    }
}

// Whatever is wrong with a snapshot has a name, and a home is only changed by one that is right.
#[test]
fn a_wrong_snapshot_is_refused_by_its_name() {
    let (bench, taken) = exported();
    let folder = PathBuf::from(&taken);
    let verify = || bench.run(&["snapshot", "verify", &taken, "--json"]);
    let chunk = folder.join("00000.chunk");
    let whole = fs::read(&chunk).unwrap();
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    fs::write(&chunk, flipped).unwrap();
    refused(&verify(), 1, "snapshot-chunk");
    fs::remove_file(&chunk).unwrap();
    refused(&verify(), 1, "snapshot-chunk-missing");
    fs::write(&chunk, vec![0; 2 << 20]).unwrap();
    refused(&verify(), 1, "snapshot-too-long");
    fs::write(&chunk, &whole).unwrap();
    let surplus = folder.join("00001.chunk");
    fs::write(&surplus, &whole).unwrap();
    refused(&verify(), 1, "snapshot-surplus");

    let data = lose_data(&bench);
    let restore =
        |more: &[&str]| bench.run(&[&["snapshot", "restore", &taken, "--json"], more].concat());
    refused(&restore(&[]), 1, "snapshot-surplus");
    fs::remove_file(&surplus).unwrap();
    let zeros = "0".repeat(64);
    let other = format!("2:{zeros}:{zeros}");
    refused(
        &restore(&["--checkpoint", &other]),
        1,
        "snapshot-checkpoint",
    );
    let configured = format!("[snapshot]\ncheckpoint = \"{other}\"");
    bench.edit_config("[snapshot]", &configured);
    refused(&restore(&[]), 1, "snapshot-checkpoint");
    bench.edit_config(&configured, "[snapshot]");
    assert!(!bench.home().join("data/snapshot").exists());
    fs::remove_dir_all(bench.home().join("data")).unwrap();
    fs::rename(&data, bench.home().join("data")).unwrap();
    refused(&restore(&[]), 78, "snapshot-home-has-blocks");
    bench
        .run(&["snapshot", "export", &taken])
        .expect(2, &["is there already"]);
    let node = bench.start();
    let another = bench.path("another").display().to_string();
    bench
        .run(&["snapshot", "export", &another])
        .expect(73, &["in use"]);
    assert!(!Path::new(&another).exists());
    assert_eq!(height(node.api), 2);
    node.stop().expect(0, &[]);
}

// A stop in the middle leaves a copy that no log names, or a log without a record: the same command goes on.
#[test]
fn a_restoring_that_was_stopped_is_done_by_the_same_command() {
    let (bench, taken) = exported();
    let kept = bench.home().join("data/snapshot");
    for left in ["snapshot.draft", "snapshot"] {
        lose_data(&bench);
        let left = bench.home().join("data").join(left);
        fs::create_dir_all(&left).unwrap();
        fs::write(left.join("00000.chunk"), b"torn").unwrap();
        bench
            .run(&["snapshot", "restore", &taken])
            .expect(0, &["after block 2"]);
        assert!(kept.join("manifest").exists());
        let node = bench.start();
        assert_eq!(height(node.api), 2);
        node.stop().expect(0, &[]);
        fs::remove_dir_all(bench.path("aside")).unwrap();
    }
}

// The word of the key that the home keeps lets a start ask its peers, so the token is logged in to by the node itself alone. A start with
// blocks asks nobody.
#[test]
fn a_start_that_is_given_no_snapshot_begins_with_genesis_and_logs_in_as_often_as_any() {
    let bench = Bench::with_home();
    let joins = [("FALAJ_SNAPSHOT__JOIN", "true")];
    let starts = |environment: &[(&str, &str)]| {
        let before = bench.shim.calls("C_Login");
        let node = bench.try_start(environment).unwrap();
        (node, bench.shim.calls("C_Login") - before)
    };
    let (node, first) = starts(&joins);
    assert!(
        node.said.contains("no peer can be reached"),
        "{}",
        node.said
    );
    pay(node.api, &bench.home(), 1);
    node.stop().expect(0, &[]);
    let (node, with_blocks) = starts(&joins);
    assert!(!node.said.contains("no snapshot"), "{}", node.said);
    assert_eq!(height(node.api), 1);
    node.stop().expect(0, &[]);
    let (node, without) = starts(&[]);
    node.stop().expect(0, &[]);
    assert_eq!((first, with_blocks), (without, without));
}
