//! `falaj keys`: what is listed and made in a token.

use falaj_consensus::verify::{Checker as _, RealChecker, SignedItem};
use falaj_ledger::genesis::Genesis;
use falaj_node::shell::form::ValidatorsForm;
use serde_json::json;

use crate::bench::Bench;
use crate::client::pay;

#[test]
fn the_keys_of_the_token_are_listed() {
    let bench = Bench::new();
    let made = bench.init(&[]).json();
    let listed = bench.run(&["keys", "list", "--json"]);
    listed.expect(0, &[]);
    let listed = listed.json();
    let keys = listed["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 1);
    assert_eq!(
        (&keys[0]["label"], &keys[0]["id"]),
        (&"consensus".into(), &"01".into())
    );
    assert_eq!(keys[0]["public_key"]["public_key"], made["public_key"]);
    assert_eq!(keys[0]["fit"], true);
    let fingerprint = made["fingerprint"].as_str().unwrap();
    bench
        .run(&["keys", "list"])
        .expect(0, &["consensus  id 01  p256", fingerprint]);
}

// A new key stands beside the old one; the configuration goes on naming the old one.
#[test]
fn a_key_for_rotation_is_made_beside_the_old_one() {
    let bench = Bench::new();
    let old = bench.init(&[]).json();
    let new = bench.run(&[
        "keys",
        "generate",
        "--json",
        "--key-label",
        "next",
        "--key-id",
        "02",
        "--algorithm",
        "ed25519",
    ]);
    new.expect(0, &[]);
    let new = new.json();
    assert_eq!(new["restricted"], true);
    assert_eq!(new["public_key"]["algorithm"], "ed25519");
    let listed = bench.run(&["keys", "list", "--json"]).json();
    assert_eq!(listed["keys"].as_array().unwrap().len(), 2);
    assert_eq!(listed["keys"][1]["public_key"], new["public_key"]);
    assert_eq!(
        bench.run(&["keys", "show", "--json"]).json()["public_key"],
        old["public_key"]
    );
}

#[test]
fn a_taken_name_is_refused_and_nothing_is_overwritten() {
    let bench = Bench::new();
    let old = bench.init(&[]).json();
    bench
        .run(&["keys", "generate"])
        .expect(78, &["already holds", "nothing is overwritten"]);
    bench
        .run(&["keys", "generate", "--key-label", "next"])
        .expect(78, &["id 01"]);
    assert_eq!(bench.run(&["keys", "show", "--json"]).json(), old);
}

// A wrong word costs no PIN try.
#[test]
fn an_unknown_algorithm_is_refused_before_the_login() {
    let bench = Bench::new();
    bench.init(&[]).expect(0, &[]);
    let logins = bench.shim.calls("C_Login");
    bench
        .run(&[
            "keys",
            "generate",
            "--key-label",
            "next",
            "--key-id",
            "02",
            "--algorithm",
            "rot13",
        ])
        .expect(78, &["validator.signer.algorithm"]);
    assert_eq!(bench.shim.calls("C_Login"), logins);
}

/// A change that gives validator 1 a key, in the form of the API.
fn change(bench: &Bench, public: &serde_json::Value) -> String {
    let key = json!({"algorithm": public["algorithm"], "public_key": public["public_key"]});
    let base = "00".repeat(32);
    let change = json!({"base": base, "entries": [{"id": 1, "power": 1, "key": key}]});
    let file = bench.path("change.json");
    std::fs::write(&file, change.to_string()).unwrap();
    file.display().to_string()
}

// docs/spec/guard.md, "Purposes": a new key of the token proves that it is held, by the signer, which enters it in its audit log; the home
// goes on with the old key as before.
#[test]
fn a_new_key_proves_that_it_is_held() {
    let bench = Bench::settled();
    let new = [
        "--key-label",
        "next",
        "--key-id",
        "02",
        "--algorithm",
        "p256",
    ];
    let made = bench.run(&[&["keys", "generate", "--json"][..], &new].concat());
    let file = change(&bench, &made.json()["public_key"]);
    let audited = || bench.run(&["inspect", "log", "audit", "--json"]).json();
    let before = audited()["last"].as_u64().unwrap();
    let proven = bench.run(&[&["keys", "possession", &file][..], &new].concat());
    proven.expect(0, &[]);
    let form: ValidatorsForm = serde_json::from_value(proven.json()).unwrap();
    let change = form.change().unwrap();
    let genesis = std::fs::read_to_string(bench.path("genesis.json")).unwrap();
    let chain_id = Genesis::from_json(&genesis).unwrap().chain_id;
    let [(key, message, signature)] = &change.possessions(&chain_id)[..] else {
        panic!("one proof: {change:?}");
    };
    assert!(RealChecker.check(SignedItem {
        key,
        message,
        signature
    }));
    assert!(audited()["last"].as_u64().unwrap() > before);
    let node = bench.start();
    pay(node.api, &bench.home(), 3);
    node.stop().expect(0, &[]);
}

// The proof is about a key of this validator in this change, and a node that runs has its signer to itself.
#[test]
fn a_proof_is_refused_where_it_would_prove_nothing() {
    let bench = Bench::settled();
    let own = bench.run(&["keys", "show", "--json"]).json();
    let file = change(&bench, &own);
    let node = bench.start();
    bench.run(&["keys", "possession", &file]).expect(73, &[]);
    node.stop().expect(0, &[]);
    bench.run(&["keys", "possession", &file]).expect(0, &[]);
    let other = json!({"algorithm": "ed25519", "public_key": "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"});
    let file = change(&bench, &other);
    bench
        .run(&["keys", "possession", &file])
        .expect(1, &["does not give validator 1 the key"]);
}
