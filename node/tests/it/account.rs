//! `falaj account`.

use falaj_ledger::account::NetworkPrefix;
use falaj_ledger::testing::{BANK_A, account};
use serde_json::{Value, json};

use crate::node::{Node, of};

#[test]
fn an_account_is_shown_and_its_balance() {
    let node = Node::start();
    node.pay("12.50");
    let id = of(BANK_A, 1);
    let shown = node.falaj(["account", "show", &id, "--json"]).json(0);
    assert_eq!(
        (&shown["height"], &shown["account"]["posted"]),
        (&json!(1), &json!("987.50"))
    );
    let text = node.falaj(["account", "show", &id]).text();
    assert!(
        text.contains("987.50 AED") && text.contains("any key of participant 2"),
        "{text}"
    );
    let other = of(BANK_A, 2);
    let lines = node
        .falaj(["account", "balance", &id, &other, "--json"])
        .text();
    let held: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        (&held[0]["posted"], &held[1]["posted"]),
        (&json!("987.50"), &json!("1000.00"))
    );
}

#[test]
fn accounts_are_listed_a_line_each() {
    let node = Node::start();
    let lines = |more: &[&str]| {
        let arguments = ["account", "list"].into_iter().chain(more.iter().copied());
        node.falaj(arguments).text().lines().count()
    };
    assert_eq!(lines(&[]), 10);
    assert_eq!(lines(&["--json"]), 10);
    assert_eq!(lines(&["--limit", "3"]), 3);
    assert_eq!(lines(&["--participant", "2", "--after", &of(BANK_A, 1)]), 2);
}

#[test]
fn an_account_that_is_not_there_or_of_another_network_is_exit_code_1() {
    let node = Node::start();
    let absent = of(BANK_A, 77);
    assert_eq!(
        node.falaj(["account", "show", &absent, "--json"]).json(1)["name"],
        "not-found"
    );
    let mainnet = account(BANK_A, 1).to_text(&NetworkPrefix::new("falaj").unwrap());
    let said = node
        .falaj(["account", "balance", &mainnet, "--json"])
        .json(1);
    assert_eq!(
        (&said["name"], &said["field"]),
        (&json!("bad-parameter"), &json!("account"))
    );
    assert_eq!(node.falaj(["account", "show", "../status"]).code(), 2);
    assert_eq!(node.falaj(["account", "list", "--after", "a b"]).code(), 2);
}

#[test]
fn an_id_is_made_and_read_without_a_node() {
    let node = Node::start();
    let made = node.falaj([
        "account",
        "id",
        "--participant",
        "2",
        "--chosen",
        &format!("{}01", "0".repeat(22)),
        "--json",
    ]);
    let made = made.json(0);
    assert_eq!(made["account"].as_str(), Some(of(BANK_A, 1).as_str()));
    let read = node
        .falaj(["account", "id", &of(BANK_A, 1), "--json"])
        .json(0);
    assert_eq!(read, made);
    let drawn = || {
        node.falaj(["account", "id", "--participant", "2", "--json"])
            .json(0)["account"]
            .clone()
    };
    assert_ne!(drawn(), drawn());
    let mistyped = of(BANK_A, 1).replace('q', "p");
    assert_eq!(
        node.falaj(["account", "id", &mistyped, "--json"]).json(1)["name"],
        "account-id"
    );
    assert_eq!(node.falaj(["account", "id"]).code(), 2);
}
