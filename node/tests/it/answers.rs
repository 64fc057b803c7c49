//! What the ledger, the node and the command line refuse, with their codes.

use falaj_ledger::testing::{BANK_A, Who};
use serde_json::json;
use std::io::Read as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use crate::node::{Node, of};
use crate::program::{Said, falaj};

/// Runs a payment with more flags.
fn pay<'a>(node: &Node, amount: &str, more: impl IntoIterator<Item = &'a str>) -> Said {
    let flags = node.payment(amount);
    let more: Vec<_> = more.into_iter().collect();
    node.falaj(flags.iter().map(String::as_str).chain(more))
}

#[test]
fn a_rejection_is_exit_code_1_with_its_number() {
    let node = Node::start();
    let said = pay(&node, "999999.00", ["--wait", "--json"]).json(1);
    assert_eq!(
        (&said["code"], &said["name"], &said["exit_code"]),
        (&json!(3003), &json!("insufficient-funds"), &json!(1))
    );
    assert!(said["transaction"].as_str().unwrap().starts_with("2/"));
    let said = pay(&node, "999999.00", ["--wait"]);
    assert!(
        said.err().contains("3003 insufficient-funds") && said.err().contains("to do:"),
        "{}",
        said.err()
    );
    // Executed under this id, then another request under it.
    let first = node.pay("1.00");
    let id = first["id"].as_str().unwrap();
    assert_eq!(
        pay(&node, "2.00", ["--id", id, "--wait", "--json"]).json(1)["code"],
        2002
    );
    // A window that ended with the time of the genesis; the same end under an id of two hours before, whose window is one hour.
    let until = ["--valid-until-ms", "1782907200000", "--wait", "--json"];
    let old = ["--id", "019f1d2a-5000-7000-8000-000000000001"];
    for (begins, code) in [(["--valid-from-ms", "0"], 1006), (old, 1016)] {
        let refused = pay(&node, "1.00", begins.into_iter().chain(until));
        assert_eq!(refused.json(1)["code"], code);
    }
    assert_eq!(
        pay(&node, "0.00", ["--wait", "--json"]).json(1)["code"],
        1008
    );
}

#[test]
fn a_transaction_that_nobody_knows_is_exit_code_1() {
    let node = Node::start();
    let unknown = "2/0190d7a1-0000-7000-8000-000000000001";
    assert_eq!(
        node.falaj(["tx", "show", unknown, "--json"]).json(1)["name"],
        "not-found"
    );
    assert_eq!(
        node.falaj(["receipt", "get", unknown, "--json"]).json(1)["name"],
        "not-found"
    );
    assert_eq!(node.falaj(["tx", "show", "2-x"]).code(), 2);
}

#[test]
fn wrong_usage_is_exit_code_2_and_says_the_ledgers_code() {
    let node = Node::start();
    let said = pay(&node, "1.5", ["--json"]).json(2);
    assert_eq!(
        (&said["code"], &said["field"]),
        (&json!(1015), &json!("amount"))
    );
    let key = node.key(BANK_A, Who::Participant(BANK_A));
    let (debit, credit) = (of(BANK_A, 1), of(BANK_A, 2));
    let transfer = [
        "tx", "transfer", "--debit", &debit, "--credit", &credit, "--amount", "1.00", "--json",
    ];
    // Two currencies, and no key that says in whose name.
    assert_eq!(
        node.falaj(transfer.into_iter().chain(["--key", &key]))
            .code(),
        2
    );
    assert_eq!(
        node.falaj(transfer.into_iter().chain(["--currency", "AED"]))
            .code(),
        2
    );
    assert_eq!(
        node.falaj(["tx", "submit", &node.text("none.json")]).code(),
        2
    );
    assert_eq!(pay(&node, "1.00", ["--timeout-ms", "60001"]).code(), 2);
}

// docs/guide/cli.md, "Errors": a command line that cannot be read is told as every other error is.
#[test]
fn a_command_line_that_cannot_be_read_is_one_object() {
    for arguments in [
        &["--json"][..],
        &["fly", "--json"],
        &["status", "--json", "--api", "https://127.0.0.1:1"],
        &["tx", "transfer", "--json"],
        &["--json", "init", "--validator", "x"],
        &["verify", "--json", "--jsno"],
    ] {
        let said = falaj(arguments);
        let object = said.json(2);
        assert_eq!(said.err(), "", "{arguments:?}");
        assert_eq!(object["exit_code"], 2, "{object}");
        assert_eq!(object["causes"], json!([]), "{object}");
        for key in ["error", "fix"] {
            assert!(object[key].is_string(), "{object}");
        }
    }
    let tip = falaj(["verify", "--json", "--genesi", "x"]).json(2);
    assert!(tip["fix"].as_str().unwrap().contains("--genesis"), "{tip}");
    assert!(falaj(["--help", "--json"]).text().contains("Usage:"));
    let plain = falaj(["fly"]);
    assert_eq!((plain.code(), plain.out()), (2, String::new()));
    assert!(plain.err().contains("fly"), "{}", plain.err());
}

#[test]
fn a_key_that_others_can_read_is_exit_code_77_and_one_that_is_none_78() {
    let node = Node::start();
    let flags = node.payment("1.00");
    let key = flags.last().unwrap();
    let run = || node.falaj(flags.iter().map(String::as_str)).code();
    std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(run(), 77);
    std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(run(), 0);
    std::fs::write(key, "{}").unwrap();
    assert_eq!(run(), 78);
}

#[test]
fn without_a_genesis_nothing_is_signed_and_that_is_exit_code_78() {
    let node = Node::start();
    let flags = node.payment("1.00");
    let elsewhere = node.text("nowhere");
    let run = |more: &[&str]| {
        let flags = flags
            .iter()
            .map(String::as_str)
            .chain(["--home", &elsewhere, "--json"]);
        falaj(flags.chain(more.iter().copied())).code()
    };
    assert_eq!(run(&[]), 78);
    let genesis = node.text("genesis.json");
    assert_eq!(run(&["--genesis", &genesis]), 0);
    let hash = node.genesis().hash().to_hex();
    assert_eq!(run(&["--genesis", &genesis, "--genesis-hash", &hash]), 0);
    assert_eq!(
        run(&["--genesis", &genesis, "--genesis-hash", &"0".repeat(64)]),
        1
    );
    assert_eq!(run(&["--genesis", &elsewhere]), 78);
}

// The node takes the whole request and hangs up: whether it was taken is unknown, and the name to look for is told.
#[test]
fn a_request_without_an_answer_is_unknown_never_failed() {
    let node = Node::start();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let hanging_up = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0; 64]).unwrap();
    });
    let said = pay(&node, "1.00", ["--submit", "--api", &address, "--json"]).json(69);
    assert_eq!(
        (&said["code"], &said["name"]),
        (&json!(6006), &json!("outcome-unknown"))
    );
    let name = said["transaction"].as_str().unwrap();
    assert!(
        said["fix"]
            .as_str()
            .unwrap()
            .contains(&format!("falaj tx show {name} --wait"))
    );
    hanging_up.join().unwrap();
}
