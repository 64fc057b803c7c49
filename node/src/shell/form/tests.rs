//! Forms that read back, and every field that is refused by its code.

use super::*;
use falaj_ledger::rejection::Rejection;
use falaj_ledger::testing::{BANK_A, BANK_B, GENESIS_MS, Who, account, genesis};
use serde_json::{Value, json};

fn fresh() -> TxId {
    TxId::new(GENESIS_MS, [1; 10]).unwrap()
}

fn text(participant: falaj_ledger::participant::ParticipantNumber, number: u8) -> String {
    account(participant, number).to_text(&genesis().network)
}

fn payment() -> Value {
    json!({"participant": 2, "operation": {
        "kind": "transfer", "debit": text(BANK_A, 1), "credit": text(BANK_B, 1), "currency": "AED", "amount": "12.50",
    }})
}

fn body(form: &Value) -> Result<TxBody, FormError> {
    let form: TransactionForm = serde_json::from_value(form.clone()).unwrap();
    form.to_body(&genesis(), fresh())
}

/// The form with one value of its operation changed.
fn with(form: Value, path: &str, value: Value) -> Value {
    let mut form = form;
    *form.pointer_mut(path).unwrap() = value;
    form
}

#[test]
fn a_form_has_one_body_and_reads_back() {
    let hash = "ab".repeat(32);
    let key = Who::Customer(0).key().public();
    let key =
        json!({"algorithm": "ed25519", "public_key": data_encoding::HEXLOWER.encode(key.bytes())});
    let references = json!({
        "uetr": "11111111-1111-4111-9111-111111111111", "end_to_end": "E2E-1", "purpose": "SALA", "order": "0f".repeat(16),
        "risk_band": 3, "source_message": hash, "kyc": hash, "travel_rule": hash, "aml": hash,
    });
    let operations = [
        payment()["operation"].clone(),
        json!({"kind": "transfer", "debit": text(BANK_A, 1), "credit": text(BANK_B, 1), "currency": "AED", "amount": "0.01",
            "max_fee": "1.00", "code": 7, "credit_participant": 3, "expected_version": 9, "references": references}),
        json!({"kind": "open-account", "account": text(BANK_A, 77), "currency": "AED", "account_kind": "retail-1"}),
        json!({"kind": "open-account", "account": text(BANK_A, 77), "currency": "AED", "account_kind": "retail-1",
            "controllers": {"threshold": 1, "keys": [key]}, "kyc": hash}),
        json!({"kind": "propose", "authority": 1, "action": {"kind": "issue", "currency": "AED", "account": text(BANK_A, 0),
            "amount": "1000000.00", "rtgs_reference": "RTGS/1"}}),
        json!({"kind": "propose", "authority": 5, "action": {"kind": "validators", "base": hash, "leaving": [4, 2], "entries": [
            {"id": 9, "power": 3, "key": key, "operator": "Bank", "possession": "cd".repeat(64)}, {"id": 3, "power": 2, "key": key}]}}),
        json!({"kind": "propose", "authority": 4, "action": {"kind": "parameters", "base": hash, "parameters": parameters()}}),
        json!({"kind": "approve", "proposal": hash}),
        json!({"kind": "execute", "proposal": hash}),
        json!({"kind": "veto", "proposal": hash}),
    ];
    for operation in operations {
        let form = json!({"participant": 2, "operation": operation});
        let body = body(&form).unwrap();
        let written = TransactionForm::of(&body, &genesis());
        let text = serde_json::to_string(&written).unwrap();
        let read: TransactionForm = serde_json::from_str(&text).unwrap();
        assert_eq!(read.to_body(&genesis(), fresh()).unwrap(), body, "{text}");
    }
}

fn parameters() -> Value {
    serde_json::to_value(ParameterValues::of(&genesis().parameters)).unwrap()
}

// Goal: a form says what is wrong with validators and parameters before anybody signs it.
#[test]
fn wrong_validators_and_parameters_are_refused() {
    let hash = "ab".repeat(32);
    let proposing = |action: Value| {
        let operation = json!({"kind": "propose", "authority": 5, "action": action});
        body(&json!({"participant": 2, "operation": operation}))
            .unwrap_err()
            .to_string()
    };
    let nobody = proposing(json!({"kind": "validators", "base": hash}));
    assert!(nobody.contains("somebody has to enter"), "{nobody}");
    let twice = json!({"kind": "validators", "base": hash, "leaving": [1, 1]});
    assert!(proposing(twice).contains("nobody twice"));
    let base = proposing(json!({"kind": "validators", "base": "ab", "leaving": [1]}));
    assert!(base.contains("64 small hexadecimal digits"), "{base}");
    let mut values = parameters();
    values["tick_ms"] = json!(0);
    let tick = proposing(json!({"kind": "parameters", "base": hash, "parameters": values}));
    assert!(tick.contains("timeouts.tick_ms"), "{tick}");
}

#[test]
fn an_absent_window_is_the_longest_that_the_id_allows() {
    let body = body(&payment()).unwrap();
    let last = GENESIS_MS + genesis().constants.id_window_ms;
    assert_eq!(
        (body.valid_from_ms, body.valid_until_ms, body.id),
        (GENESIS_MS, last, fresh())
    );
}

#[test]
fn amounts_are_canonical_strings() {
    for (amount, code) in [
        (json!(12.5), Rejection::MalformedNumber),
        (json!(12), Rejection::MalformedNumber),
        (json!(-1), Rejection::MalformedNumber),
        (json!("012.50"), Rejection::MalformedNumber),
        (json!("+12.50"), Rejection::MalformedNumber),
        (json!(" 12.50"), Rejection::MalformedNumber),
        (json!("1e2"), Rejection::MalformedNumber),
        (json!("12,50"), Rejection::MalformedNumber),
        (json!(""), Rejection::MalformedNumber),
        (json!("12.5"), Rejection::ScaleMismatch),
        (json!("12.500"), Rejection::ScaleMismatch),
        (json!("12"), Rejection::ScaleMismatch),
        (json!("10000000000000000.00"), Rejection::AmountAboveMaximum),
        (
            json!("99999999999999999999999999999999999999999999.00"),
            Rejection::AmountAboveMaximum,
        ),
    ] {
        let error = body(&with(payment(), "/operation/amount", amount.clone())).unwrap_err();
        assert_eq!((error.code, error.field), (code, "amount"), "{amount}");
    }
}

#[test]
fn each_field_is_named() {
    let mut mainnet = payment();
    mainnet["operation"]["credit"] = json!(
        account(BANK_B, 1).to_text(&falaj_ledger::account::NetworkPrefix::new("falaj").unwrap())
    );
    assert_eq!(body(&mainnet).unwrap_err().field, "credit");
    let mut form = payment();
    form["id"] = json!("11111111-1111-4111-9111-111111111111");
    assert_eq!(body(&form).unwrap_err().code, Rejection::BadId);
    for (path, field, code) in [
        ("/operation/debit", "debit", Rejection::BadEncoding),
        (
            "/operation/currency",
            "currency",
            Rejection::CurrencyMismatch,
        ),
    ] {
        let error = body(&with(payment(), path, json!("xyz"))).unwrap_err();
        assert_eq!((error.field, error.code), (field, code));
    }
}

#[test]
fn unknown_keys_and_kinds_are_refused() {
    let mut more = payment();
    more["operation"]["memo"] = json!("for Ali");
    let mut other = payment();
    other["operation"]["kind"] = json!("burn");
    let mut top = payment();
    top["nonce"] = json!(1);
    for form in [more, other, top] {
        assert!(serde_json::from_value::<TransactionForm>(form).is_err());
    }
}
