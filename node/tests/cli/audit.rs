//! `falaj audit fork`: two nodes that decided differently, and who made them.

use serde_json::{Value, json};
use std::fs;
use std::path::Path;

use crate::bench::Bench;
use crate::client::pay;

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, to) = {
            let entry = entry.unwrap();
            (entry.path(), to.join(entry.file_name()))
        };
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}

/// Lets the node of the home decide one height, and puts the home away.
fn decide(bench: &Bench, payment: u8, away: &str) -> String {
    let node = bench.start();
    pay(node.api, &bench.home(), payment);
    node.stop().expect(0, &[]);
    let away = bench.path(away);
    fs::rename(bench.home(), &away).unwrap();
    away.display().to_string()
}

/// A home with its guard is copied, as nobody may, and both copies decide height 3 with one key.
fn forked() -> (Bench, String, String) {
    let bench = Bench::settled();
    let clone = bench.path("clone");
    copy(&bench.home(), &clone);
    let first = decide(&bench, 3, "first");
    fs::rename(&clone, bench.home()).unwrap();
    let second = decide(&bench, 4, "second");
    (bench, first, second)
}

fn audit(bench: &Bench, homes: &[&str], code: i32) -> Value {
    let ended = bench.run(&[&["audit", "fork", "--json"], homes].concat());
    ended.expect(code, &[]);
    ended.json()
}

// The fork is found where it begins; whoever signed both sides is named with a proof of its own, by block logs alone too.
#[test]
fn a_fork_names_who_made_it() {
    let (bench, first, second) = forked();
    let homes = [first.as_str(), second.as_str()];
    let told = audit(&bench, &homes, 1);
    assert_eq!(told["forked"], true);
    assert_eq!(told["height"], 3);
    assert_eq!(told["accounts_for_it"], true);
    let power = json!({"total": "1", "bearable": "0", "named": "1"});
    assert_eq!(told["power"], power);
    let certificates = told["certificates"].as_array().unwrap();
    assert_eq!(certificates.len(), 2);
    assert_ne!(certificates[0]["id"], certificates[1]["id"]);
    assert_eq!(certificates[0]["signers"], json!([1]));
    let culprits = told["culprits"].as_array().unwrap();
    assert_eq!(culprits.len(), 1);
    assert_eq!(culprits[0]["validator"], 1);
    assert_eq!(culprits[0]["kind"], "double-prevote");
    assert!(!culprits[0]["proof"].as_str().unwrap().is_empty());
    bench
        .run(&[&["audit", "fork"], &homes[..]].concat())
        .expect(
            1,
            &["height: 3", "kind: double-prevote", "accounts_for_it: true"],
        );
    for home in homes {
        fs::remove_dir_all(Path::new(home).join("guard/guard")).unwrap();
    }
    assert_eq!(audit(&bench, &homes, 1), told);
}

// Nodes that agree, though one is behind, and a node alone.
#[test]
fn agreement_is_told() {
    let bench = Bench::settled();
    let behind = bench.path("behind");
    copy(&bench.home(), &behind);
    let ahead = decide(&bench, 3, "ahead");
    let behind = behind.display().to_string();
    let told = audit(&bench, &[&ahead, &behind], 0);
    assert_eq!(told["forked"], false);
    let heights: Vec<_> = told["stores"].as_array().unwrap().iter().collect();
    assert_eq!(heights[0]["height"], 3);
    assert_eq!(heights[1]["height"], 2);
    audit(&bench, &[&ahead], 0);
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let (bench, other) = (Bench::settled(), Bench::settled());
    let [one, another] = [&bench, &other].map(|bench| bench.home().display().to_string());
    bench
        .run(&["audit", "fork", &one, &another])
        .expect(78, &["are of different chains"]);
    let nowhere = bench.path("nowhere").display().to_string();
    bench
        .run(&["audit", "fork", &one, &nowhere])
        .expect(78, &["nowhere"]);
    bench.run(&["audit", "fork"]).expect(2, &["HOMES"]);
}
