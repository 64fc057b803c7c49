//! `falaj keys`: what is listed and made in a token.

use crate::bench::Bench;

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
