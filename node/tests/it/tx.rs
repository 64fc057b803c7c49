//! `falaj tx`: made, signed, passed on, submitted, shown, decoded.

use data_encoding::{BASE64, HEXLOWER};
use falaj_ledger::testing::{BANK_A, BANK_B, Who};
use serde_json::{Value, json};

use crate::node::{Node, of};
use crate::program::falaj;

#[test]
fn a_payment_is_final_by_a_receipt_that_was_checked() {
    let node = Node::start();
    let said = node.pay("12.50");
    assert_eq!(
        (
            &said["state"],
            &said["final"],
            &said["checked"],
            &said["height"]
        ),
        (&json!("executed"), &json!(true), &json!(true), &json!(1))
    );
    let name = said["transaction"].as_str().unwrap();
    let shown = node.falaj(["tx", "show", name, "--json"]).json(0);
    assert_eq!(
        (&shown["checked"], &shown["proof"]),
        (&json!(true), &said["proof"])
    );
    let text = node.falaj(["tx", "show", name]).text();
    assert!(
        text.contains(&format!("transaction {name} was executed")),
        "{text}"
    );
    assert!(text.contains("by 1 of 1 validators"), "{text}");
}

// Without a genesis the node's word is told as the node's word.
#[test]
fn without_a_genesis_nothing_is_said_to_be_checked() {
    let node = Node::start();
    let said = node.pay("1.00");
    let status = node.falaj(["status", "--json"]).json(0);
    let (name, api) = (
        said["transaction"].as_str().unwrap(),
        status["api"].as_str().unwrap(),
    );
    let elsewhere = node.text("nowhere");
    let show = ["tx", "show", name, "--api", api, "--home", &elsewhere];
    let shown = falaj(show.into_iter().chain(["--json"])).json(0);
    assert_eq!(
        (&shown["state"], &shown["checked"]),
        (&json!("executed"), &json!(false))
    );
    assert!(falaj(show).text().contains("not checked"));
}

#[test]
fn a_request_sent_again_is_the_same_request() {
    let node = Node::start();
    let file = node.text("payment.json");
    let flags = node.payment("1.00");
    node.falaj(flags.iter().map(String::as_str).chain(["--out", &file]))
        .text();
    let first = node
        .falaj(["tx", "submit", &file, "--wait", "--json"])
        .json(0);
    let again = node.falaj(["tx", "submit", &file, "--json"]).json(0);
    assert_eq!(
        (&again["replay"], &again["proof"]),
        (&json!(true), &first["proof"])
    );
    // The file was not overwritten, so nothing was signed anew.
    let flags = flags.iter().map(String::as_str).chain(["--out", &file]);
    assert_eq!(node.falaj(flags).code(), 2);
}

#[test]
fn a_draft_passes_from_signer_to_signer() {
    let node = Node::start();
    let (debit, credit) = (of(BANK_A, 3), of(BANK_B, 1));
    let [first, second, third] = [0, 1, 2].map(|n| node.key(BANK_A, Who::Customer(n)));
    let [draft, half, whole] =
        ["draft.json", "half.json", "whole.json"].map(|name| node.text(name));
    let transfer = [
        "tx",
        "transfer",
        "--participant",
        "2",
        "--debit",
        &debit,
        "--credit",
        &credit,
        "--currency",
        "AED",
        "--amount",
        "1.00",
        "--out",
        &draft,
        "--json",
    ];
    let made = node.falaj(transfer).json(0);
    assert_eq!(made["approvals"], 0);
    assert_eq!(
        node.falaj(["tx", "submit", &draft, "--json"]).json(1)["code"],
        1001
    );
    node.falaj(["tx", "sign", &draft, "--key", &first, "--out", &half])
        .text();
    // Two of three must sign.
    assert_eq!(
        node.falaj(["tx", "submit", &half, "--json"]).json(1)["code"],
        5002
    );
    // A key in an HSM signs the sign-bytes there.
    let decoded = node.falaj(["tx", "decode", &half, "--json"]).json(0);
    assert_eq!(decoded["bytes"], "sound");
    let message = BASE64
        .decode(decoded["sign_bytes"].as_str().unwrap().as_bytes())
        .unwrap();
    let key = Who::Customer(1).key();
    let approval = format!(
        "ed25519:{}:{}",
        HEXLOWER.encode(key.public().bytes()),
        HEXLOWER.encode(key.sign(&message).bytes())
    );
    let sign = [
        "tx",
        "sign",
        &half,
        "--approval",
        &approval,
        "--out",
        &whole,
    ];
    node.falaj(sign).text();
    let wrong = approval.replace("ed25519:", "p256:");
    assert_eq!(
        node.falaj(["tx", "sign", &half, "--approval", &wrong])
            .code(),
        2
    );
    let said = node
        .falaj(["tx", "submit", &whole, "--wait", "--json"])
        .json(0);
    assert_eq!(
        (&said["state"], &said["transaction"]),
        (&json!("executed"), &made["transaction"])
    );
    // Another signer of the same draft asks the same, so nothing is paid twice.
    let (more, signed) = (
        node.text("more.json"),
        ["--key", second.as_str(), "--key", third.as_str()],
    );
    node.falaj(
        ["tx", "sign", &draft, "--out", &more]
            .into_iter()
            .chain(signed),
    )
    .text();
    assert_eq!(
        node.falaj(["tx", "submit", &more, "--json"]).json(0)["replay"],
        true
    );
}

#[test]
fn a_form_in_json_is_built_and_submitted_at_once() {
    let node = Node::start();
    let form = json!({"participant": 2, "operation": {
        "kind": "transfer", "debit": of(BANK_A, 1), "credit": of(BANK_B, 1), "currency": "AED", "amount": "2.00", "code": 0,
        "references": {"end_to_end": "E2E-1"},
    }});
    std::fs::write(node.path("form.json"), form.to_string()).unwrap();
    let (file, key) = (
        node.text("form.json"),
        node.key(BANK_A, Who::Participant(BANK_A)),
    );
    let built: Value =
        serde_json::from_str(&node.falaj(["tx", "build", &file, "--key", &key]).text()).unwrap();
    assert_eq!(built["transaction"]["operation"], form["operation"]);
    assert_eq!(built["approvals"].as_array().unwrap().len(), 1);
    let said = node
        .falaj(["tx", "build", &file, "--key", &key, "--wait", "--json"])
        .json(0);
    assert_eq!(said["state"], "executed");
}

#[test]
fn an_account_is_opened_and_paid() {
    let node = Node::start();
    let made = node
        .falaj(["account", "id", "--participant", "2", "--json"])
        .json(0);
    let (id, key) = (
        made["account"].as_str().unwrap(),
        node.key(BANK_A, Who::Participant(BANK_A)),
    );
    let open = [
        "tx",
        "open-account",
        "--account",
        id,
        "--currency",
        "AED",
        "--account-kind",
        "retail-0",
        "--key",
        &key,
        "--wait",
        "--json",
    ];
    assert_eq!(node.falaj(open).json(0)["state"], "executed");
    let debit = of(BANK_A, 1);
    let pay = [
        "tx",
        "transfer",
        "--debit",
        &debit,
        "--credit",
        id,
        "--currency",
        "AED",
        "--amount",
        "0.05",
        "--key",
        &key,
        "--wait",
    ];
    node.falaj(pay).text();
    let held = node.falaj(["account", "balance", id, "--json"]).json(0);
    assert_eq!(
        (&held["posted"], &held["currency"]),
        (&json!("0.05"), &json!("AED"))
    );
}

#[test]
fn an_edited_file_is_told_by_decode() {
    let node = Node::start();
    let file = node.text("payment.json");
    let flags = node.payment("1.00");
    node.falaj(flags.iter().map(String::as_str).chain(["--out", &file]))
        .text();
    assert!(node.falaj(["tx", "decode", &file]).text().contains("sound"));
    let edited = std::fs::read_to_string(&file)
        .unwrap()
        .replace("\"1.00\"", "\"9.00\"");
    std::fs::write(&file, edited).unwrap();
    assert_eq!(
        node.falaj(["tx", "decode", &file, "--json"]).json(1)["bytes"],
        "refused"
    );
    let said = node.falaj(["tx", "submit", &file, "--json"]).json(1);
    assert_eq!(
        (&said["code"], &said["name"]),
        (&json!(1003), &json!("bad-signature"))
    );
}
