//! Drafts in every form of a file, and what is refused with its code.

use super::*;
use falaj_ledger::testing::{BANK_A, BANK_B, GENESIS_MS, Who, account, genesis};
use serde_json::json;

fn form() -> Value {
    let text = |participant, number| account(participant, number).to_text(&genesis().network);
    json!({
        "participant": 2, "id": TxId::new(GENESIS_MS, [1; 10]).unwrap().to_string(),
        "operation": {
            "kind": "transfer", "debit": text(BANK_A, 1), "credit": text(BANK_B, 1), "currency": "AED", "amount": "12.50",
        },
    })
}

fn read(bytes: impl AsRef<[u8]>) -> Result<Draft, Failure> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tx");
    std::fs::write(&path, bytes).unwrap();
    Draft::read(&path, &genesis())
}

fn approve(draft: &Draft, who: Who) -> Approval {
    let key = who.key();
    Approval {
        public_key: key.public(),
        signature: key.sign(&draft.sign_bytes(&genesis())),
    }
}

#[test]
fn every_form_of_a_file_is_the_same_transaction() {
    let mut draft = read(form().to_string()).unwrap();
    let approval = approve(&draft, Who::Participant(BANK_A));
    draft.add(approval.clone(), &genesis()).unwrap();
    draft.add(approval, &genesis()).unwrap();
    let signed = draft.signed(&genesis()).unwrap();
    let text = BASE64.encode(&signed.to_bytes());
    for file in [
        serde_json::to_vec(&draft.to_form(&genesis())).unwrap(),
        json!({"transaction": text}).to_string().into_bytes(),
        format!("{text}\n").into_bytes(),
        signed.to_bytes(),
    ] {
        assert_eq!(read(file).unwrap(), draft);
    }
}

#[test]
fn a_signature_of_another_body_is_not_added() {
    let mut draft = read(form().to_string()).unwrap();
    let mut other = form();
    other["operation"]["amount"] = json!("12.51");
    let other = read(other.to_string()).unwrap();
    let failure = draft.add(approve(&other, Who::Participant(BANK_A)), &genesis());
    assert_eq!(failure.unwrap_err().code(), Failure::CHECK);
    assert_eq!(draft.approvals(), []);
}

#[test]
fn an_edited_transaction_is_refused_before_it_is_sent() {
    let mut draft = read(form().to_string()).unwrap();
    assert_eq!(draft.signed(&genesis()).unwrap_err().code(), Failure::CHECK);
    draft
        .add(approve(&draft, Who::Participant(BANK_A)), &genesis())
        .unwrap();
    let mut edited = serde_json::to_value(draft.to_form(&genesis())).unwrap();
    edited["transaction"]["operation"]["amount"] = json!("99.00");
    let edited = read(edited.to_string()).unwrap();
    let failure = edited.signed(&genesis()).unwrap_err();
    assert!(format!("{failure:?}").contains("1003"), "{failure:?}");
}

#[test]
fn what_is_no_transaction_is_refused() {
    let mut number = form();
    number["operation"]["amount"] = json!(12.5);
    let mut nameless = json!({"transaction": form(), "approvals": []});
    nameless["transaction"]
        .as_object_mut()
        .unwrap()
        .remove("id");
    assert!(read(nameless.to_string()).is_ok());
    for (file, code) in [
        (number.to_string(), Failure::USAGE),
        ("{".into(), Failure::CHECK),
        ("{}".into(), Failure::CHECK),
        ("AAAA".into(), Failure::CHECK),
        (String::new(), Failure::CHECK),
    ] {
        assert_eq!(read(&file).unwrap_err().code(), code, "{file}");
    }
}
