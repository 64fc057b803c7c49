//! An issue from proposal to supply, by the program alone.

use falaj_ledger::testing::{BANK_A, CENTRAL_BANK, Who};
use serde_json::{Value, json};

use crate::node::{Node, of};
use crate::program::Said;

/// Runs a governance command signed by a member of the authorities, and waits.
fn by(node: &Node, member: u64, arguments: &[&str]) -> Said {
    signed(
        node,
        &node.key(CENTRAL_BANK, Who::Member(member)),
        arguments,
    )
}

fn signed(node: &Node, key: &str, arguments: &[&str]) -> Said {
    let more = ["--key", key, "--wait", "--json"];
    node.falaj(arguments.iter().copied().chain(more))
}

fn propose(node: &Node, key: &str, action: &str, authority: &str) -> String {
    let account = of(BANK_A, 0);
    let made = signed(
        node,
        key,
        &[
            "tx",
            "propose",
            action,
            "--authority",
            authority,
            "--account",
            &account,
            "--amount",
            "50.00",
            "--currency",
            "AED",
            "--rtgs-reference",
            &format!("RTGS/{action}/{authority}"),
        ],
    );
    let made: Value = made.json(0);
    assert_eq!(made["state"], "executed");
    made["proposal"].as_str().unwrap().to_owned()
}

#[test]
fn an_issue_is_proposed_approved_and_executed_once() {
    let node = Node::start();
    let proposal = propose(&node, &node.key(CENTRAL_BANK, Who::Member(0)), "issue", "1");
    let on = |word, member| by(&node, member, &["tx", word, "--proposal", &proposal]);
    on("approve", 1).json(0);
    assert_eq!(on("execute", 1).json(1)["code"], 5002);
    on("approve", 2).json(0);
    on("execute", 2).json(0);
    assert_eq!(on("execute", 2).json(1)["code"], 5008);
    let held = node
        .falaj(["account", "balance", &of(BANK_A, 0), "--json"])
        .json(0);
    assert_eq!(held["posted"], json!("1000050.00"));
}

// A redemption is proposed by whose money it is; a vetoer stops what waits for its delay.
#[test]
fn a_redemption_and_a_veto() {
    let node = Node::start();
    let proposal = propose(
        &node,
        &node.key(BANK_A, Who::Participant(BANK_A)),
        "redeem",
        "2",
    );
    by(&node, 1, &["tx", "approve", "--proposal", &proposal]).json(0);
    let delayed = propose(&node, &node.key(CENTRAL_BANK, Who::Member(0)), "issue", "3");
    let key = node.key(CENTRAL_BANK, Who::Vetoer);
    let veto = [
        "tx",
        "veto",
        "--proposal",
        &delayed,
        "--key",
        &key,
        "--wait",
        "--json",
    ];
    node.falaj(veto).json(0);
    let late = by(&node, 1, &["tx", "approve", "--proposal", &delayed]);
    assert_eq!(late.json(1)["code"], 5007);
}
