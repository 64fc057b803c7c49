//! The other program as a person uses it: a genesis file and files of bundles.

use data_encoding::HEXLOWER;
use falaj_ledger::bundle::Bundle;
use serde_json::Value;
use std::fs;
use std::path::Path;

use crate::python::verifier;

const GENESIS: &str = include_str!(
    "../../src/genesis/snapshots/falaj_ledger__genesis__tests__the_file_reads_back.snap"
);
const VECTORS: &str = include_str!("../../../docs/spec/vectors/light-client.json");

/// Writes the genesis of the vectors, and one of them as a file.
fn write(folder: &Path, vector: &str) {
    let genesis = GENESIS
        .splitn(3, "---\n")
        .last()
        .expect("a snapshot has a head");
    fs::write(folder.join("genesis.json"), genesis).unwrap();
    let file: Value = serde_json::from_str(VECTORS).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    let found = vectors.iter().find(|one| one["name"] == vector).unwrap();
    assert_eq!(found["trust"], "genesis");
    let bytes = HEXLOWER
        .decode(found["bundle"].as_str().unwrap().as_bytes())
        .unwrap();
    let text = Bundle::from_bytes(&bytes).unwrap().to_text();
    fs::write(folder.join(vector), text).unwrap();
}

/// What it says of a vector's file, and how it ends.
fn says(vector: &str, spoil: impl FnOnce(&Path)) -> (String, Option<i32>) {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), vector);
    spoil(folder.path());
    let output = verifier(&[
        folder.path().join("genesis.json"),
        folder.path().join(vector),
    ]);
    let said = String::from_utf8(output.stdout).unwrap();
    let verdict = said.split_whitespace().last().unwrap_or_default();
    (verdict.to_owned(), output.status.code())
}

/// Goal: the hash that the other program computes of a genesis file is the chain's, since a certificate signs it.
#[test]
fn a_receipt_holds_under_the_genesis_file() {
    assert_eq!(says("receipt-executed", |_| ()), ("ok".to_owned(), Some(0)));
}

/// Goal: what does not hold is named, and the exit code says so.
#[test]
fn a_wrong_receipt_is_named() {
    let found = says("receipt-other-index", |_| ());
    assert_eq!(found, ("receipt-place".to_owned(), Some(1)));
}

/// Goal: another genesis is another chain, and a broken one is no chain.
#[test]
fn another_genesis_is_another_chain() {
    let change = |from: &'static str, to: &'static str| {
        move |folder: &Path| {
            let path = folder.join("genesis.json");
            let changed = fs::read_to_string(&path).unwrap().replacen(from, to, 1);
            fs::write(path, changed).unwrap();
        }
    };
    let other = says("receipt-executed", change("2006000.00", "2006000.01"));
    assert_eq!(other, ("other-chain".to_owned(), Some(1)));
    let broken = says("receipt-executed", change("\"scale\": 2", "\"scale\": 3"));
    assert_eq!(broken, (String::new(), Some(78)));
}
