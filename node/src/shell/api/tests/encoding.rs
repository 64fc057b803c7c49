//! From JSON to the bytes to sign and back, and tries without consequence.

use axum::http::StatusCode;
use data_encoding::{BASE64, HEXLOWER};
use falaj_ledger::testing::{BANK_A, BANK_B, Who, account};
use serde_json::{Value, json};

use super::world::World;

const ENCODE: &str = "/v1/transactions:encode";
const SIMULATE: &str = "/v1/transactions:simulate";

fn payment(world: &World, amount: &Value) -> Value {
    let text = |participant| account(participant, 1).to_text(&world.genesis.network);
    json!({"participant": 2, "operation": {
        "kind": "transfer", "debit": text(BANK_A), "credit": text(BANK_B), "currency": "AED", "amount": amount,
    }})
}

async fn encode(world: &World, request: Value) -> super::world::Reply {
    world
        .post(ENCODE, "application/json", request.to_string())
        .await
}

// A client that has no borsh pays with JSON alone: encode, sign the bytes, encode with the approval, submit.
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_made_with_json_alone() {
    let world = World::start();
    let first = encode(
        &world,
        json!({"transaction": payment(&world, &json!("12.50"))}),
    )
    .await
    .json();
    assert_eq!(first["signed"], Value::Null);
    let key = Who::Participant(BANK_A).key();
    let bytes = BASE64
        .decode(first["sign_bytes"].as_str().unwrap().as_bytes())
        .unwrap();
    let approval = json!({
        "key": {"algorithm": "ed25519", "public_key": HEXLOWER.encode(key.public().bytes())},
        "signature": HEXLOWER.encode(key.sign(&bytes).bytes()),
    });
    let request = json!({"transaction": first["transaction"], "approvals": [approval]});
    let second = encode(&world, request).await.json();
    assert_eq!(
        (&second["body"], &second["sign_bytes"]),
        (&first["body"], &first["sign_bytes"])
    );
    let submission = json!({"transaction": second["signed"]}).to_string();
    let would = world
        .post(SIMULATE, "application/json", submission.clone())
        .await
        .json();
    assert_eq!(
        (&would["executed"], &would["transaction"]["id"]),
        (&json!(true), &first["transaction"]["id"])
    );
    let reply = world
        .post(
            "/v1/transactions?wait=final",
            "application/json",
            submission.clone(),
        )
        .await;
    assert_eq!(
        (reply.status, &reply.json()["body_hash"]),
        (StatusCode::OK, &first["body_hash"])
    );
    let would = world
        .post(SIMULATE, "application/json", submission)
        .await
        .json();
    assert_eq!(
        (&would["executed"], &would["code"]),
        (&json!(false), &json!(2001))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn amounts_are_strings_and_faults_name_their_field() {
    let world = World::start();
    for (amount, code) in [
        (json!(12.5), 1009),
        (json!("12.5"), 1015),
        (json!("10000000000000000.00"), 1017),
    ] {
        let reply = encode(&world, json!({"transaction": payment(&world, &amount)})).await;
        let problem = reply.json();
        assert_eq!(
            (reply.status.as_u16(), &problem["code"], &problem["field"]),
            (400, &json!(code), &json!("amount"))
        );
    }
    let mut more = payment(&world, &json!("1.00"));
    more["operation"]["memo"] = json!("for Ali");
    assert_eq!(
        encode(&world, json!({"transaction": more})).await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_try_says_what_would_become_of_it_and_changes_nothing() {
    let world = World::start();
    let poor = world.payment(999_999).to_bytes();
    let would = world.post_octets(SIMULATE, poor).await.json();
    assert_eq!(
        (&would["executed"], &would["code"], &would["height"]),
        (&json!(false), &json!(3003), &json!(0))
    );
    let mut forged = world.payment(1).to_bytes();
    *forged.last_mut().unwrap() ^= 1;
    assert_eq!(
        world.post_octets(SIMULATE, forged).await.json()["code"],
        1003
    );
    assert_eq!(
        world.post_octets(SIMULATE, vec![1, 2]).await.json()["code"],
        1002
    );
    assert_eq!(world.get("/v1/status").await.json()["height"], 0);
}
