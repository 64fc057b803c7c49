//! `falaj receipt` and `falaj account proof`: bundles that stand for themselves.

use falaj_ledger::testing::BANK_A;
use serde_json::json;

use crate::node::{Node, of};
use crate::program::falaj;

#[test]
fn a_receipt_is_kept_and_verified_with_the_genesis_alone() {
    let node = Node::start();
    let said = node.pay("3.00");
    let (name, file, genesis) = (
        said["transaction"].as_str().unwrap(),
        node.text("receipt.json"),
        node.text("genesis.json"),
    );
    let kept = node
        .falaj(["receipt", "get", name, "--out", &file, "--json"])
        .json(0);
    assert_eq!(
        (&kept["verified"], &kept["transaction"], &kept["file"]),
        (&json!(true), &json!(name), &json!(file))
    );
    let printed = node.falaj(["receipt", "get", name]).text();
    assert_eq!(printed, std::fs::read_to_string(&file).unwrap());
    // Nothing that exists is overwritten.
    assert_eq!(
        node.falaj(["receipt", "get", name, "--out", &file]).code(),
        2
    );
    drop(node.falaj(["receipt", "get", name, "--wait"]).text());
    let verified = falaj(["verify", &file, "--genesis", &genesis, "--json"]).json(0);
    assert_eq!(
        (
            &verified["state"],
            &verified["height"],
            &verified["signers"]
        ),
        (&json!("executed"), &json!(1), &json!(1))
    );
    let text = falaj(["verify", &file, "--genesis", &genesis]).text();
    assert!(
        text.contains(&format!("transaction {name} was executed")),
        "{text}"
    );
}

#[test]
fn an_account_is_proven_and_so_is_that_there_is_none() {
    let node = Node::start();
    node.pay("3.00");
    let genesis = node.text("genesis.json");
    for (number, held) in [(1, true), (77, false)] {
        let file = node.text(&format!("account-{number}.json"));
        let id = of(BANK_A, number);
        node.falaj(["account", "proof", &id, "--out", &file]).text();
        let said = falaj(["verify", &file, "--genesis", &genesis, "--json"]).json(0);
        assert_eq!(
            (said["account"].as_str(), said["held"].is_object()),
            (Some(id.as_str()), held)
        );
        let text = falaj(["verify", &file, "--genesis", &genesis]).text();
        let words = if held {
            "held 997.00 AED after this block"
        } else {
            "there was no account"
        };
        assert!(text.contains(words), "{text}");
    }
}

// A request whose window ended before the next block: that block shows that it never was executed.
#[test]
fn no_execution_is_proven_once_the_window_is_over() {
    let node = Node::start();
    let file = node.text("never.json");
    let flags = node.payment("3.00");
    let made = node
        .falaj(
            flags
                .iter()
                .map(String::as_str)
                .chain(["--out", &file, "--json"]),
        )
        .json(0);
    let name = made["transaction"].as_str().unwrap();
    let paid = node.pay("1.00");
    let get = ["receipt", "get", name, "--no-execution"];
    // By its id alone it could still come.
    assert_eq!(
        node.falaj(get.into_iter().chain(["--json"])).json(1)["name"],
        "too-early"
    );
    let until = (paid["time_us"].as_u64().unwrap() / 1_000 - 1).to_string();
    let proof = node.text("never.proof");
    node.falaj(
        get.into_iter()
            .chain(["--valid-until-ms", &until, "--out", &proof]),
    )
    .text();
    let genesis = node.text("genesis.json");
    let verify = ["verify", &proof, "--genesis", &genesis];
    let said = falaj(verify.into_iter().chain(["--json"])).json(0);
    assert_eq!(
        (&said["state"], &said["transaction"]),
        (&json!("never-executed"), &json!(name))
    );
    // The file's window ends later than what was proven, and the check against it says so.
    let said = falaj(verify.into_iter().chain(["--transaction", &file, "--json"])).json(1);
    assert_eq!(said["name"], "other-transaction");
    let paid = paid["transaction"].as_str().unwrap();
    let executed = node.falaj(["receipt", "get", paid, "--no-execution", "--json"]);
    assert_eq!(executed.json(1)["code"], 2001);
}
