//! Submitting, repeating, asking, waiting, following; and every kind of bytes that is no transaction.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use data_encoding::BASE64;
use falaj_consensus::verify::RealChecker;
use falaj_ledger::account::AccountKind;
use falaj_ledger::bundle::Bundle;
use falaj_ledger::testing::{BANK_A, BANK_B, Who, account, open, transfer};
use falaj_ledger::transaction::Op;
use falaj_ledger::trust::Trust;
use futures::StreamExt as _;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::world::{Reply, World, path_of};
use crate::shell::api::look::including;

fn code(reply: &Reply) -> (u16, u64) {
    (
        reply.status.as_u16(),
        reply.json()["code"].as_u64().unwrap_or_default(),
    )
}

/// The receipt of an answer, checked with the genesis alone.
fn check(world: &World, answer: &Value) {
    let bytes = BASE64
        .decode(answer["proof"]["bundle"].as_str().unwrap().as_bytes())
        .unwrap();
    let bundle = Bundle::from_bytes(&bytes).unwrap();
    assert_eq!(answer["proof"]["kind"], bundle.kind());
    bundle
        .verify(&Trust::of_genesis(&world.genesis), &RealChecker)
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_final_with_a_receipt_that_verifies() {
    let world = World::start();
    let answer = world.pay(125).await;
    assert_eq!(
        (&answer["state"], &answer["final"]),
        (&json!("executed"), &json!(true))
    );
    assert_eq!(
        (&answer["height"], &answer["index"]),
        (&json!(1), &json!(0))
    );
    check(&world, &answer);
    let status = world.get("/v1/status").await.json();
    assert_eq!(status["height"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_waiting_the_answer_is_where_to_look() {
    let world = World::start();
    let tx = world.payment(1);
    let reply = world.post_octets("/v1/transactions", tx.to_bytes()).await;
    assert_eq!(reply.status, StatusCode::ACCEPTED);
    assert_eq!(reply.headers[header::LOCATION], path_of(&tx).as_str());
    assert_eq!(
        (&reply.json()["state"], &reply.json()["final"]),
        (&json!("admitted"), &json!(false))
    );
    let reply = world.get(&format!("{}?wait=final", path_of(&tx))).await;
    assert_eq!(
        (reply.status, &reply.json()["state"]),
        (StatusCode::OK, &json!("executed"))
    );
    check(&world, &reply.json());
    let again = world
        .get(&path_of(&tx).replace("transactions", "transfers"))
        .await;
    assert_eq!(again.json(), reply.json());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_again_gives_the_first_result_and_says_so() {
    let world = World::start();
    let tx = world.payment(1);
    let first = world
        .post_octets("/v1/transactions?wait=final", tx.to_bytes())
        .await
        .json();
    // A retry is signed anew and has a new window; it asks the same.
    let mut body = tx.body.clone();
    body.valid_until_ms += 1;
    let retry = world.sign(body, &[Who::Participant(BANK_A)]).to_bytes();
    let again = world.post_octets("/v1/transactions", retry).await;
    assert_eq!(
        (again.status, &again.json()["replay"]),
        (StatusCode::OK, &json!(true))
    );
    assert_eq!(again.json()["proof"], first["proof"]);
    check(&world, &again.json());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_request_under_the_same_id_is_refused() {
    let world = World::start();
    let tx = world.payment(1);
    world
        .post_octets("/v1/transactions?wait=final", tx.to_bytes())
        .await;
    let mut body = world.payment(2).body;
    body.id = tx.body.id;
    let other = world.sign(body, &[Who::Participant(BANK_A)]).to_bytes();
    let reply = world.post_octets("/v1/transactions", other).await;
    assert_eq!(code(&reply), (422, 2002));
    assert_eq!(
        reply.headers[header::CONTENT_TYPE],
        "application/problem+json"
    );
    assert_eq!(reply.json()["field"], "amount");
}

// docs/spec/ledger.md, "Sameness": what differs is named for each transaction of a batch, and for an opening that differs from the account.
#[tokio::test(flavor = "multi_thread")]
async fn what_differs_is_named() {
    let world = World::start();
    let first = world.payment(1);
    world
        .post_octets("/v1/transactions?wait=final", first.to_bytes())
        .await;
    let bank = [Who::Participant(BANK_A)];
    let with_id_of_first = |op| {
        let mut body = world.body(BANK_A, op);
        body.id = first.body.id;
        world.sign(body, &bank).to_bytes()
    };
    let (payer, payee) = (account(BANK_A, 1), account(BANK_B, 2));
    let other_payee = with_id_of_first(Op::Transfer(transfer(payer, payee, 1)));
    let no_transfer = with_id_of_first(Op::OpenAccount(open(account(BANK_A, 60))));
    let mut other_kind = open(account(BANK_A, 1));
    other_kind.kind = AccountKind::Retail3;
    let taken = world.body(BANK_A, Op::OpenAccount(other_kind));
    let taken = world.sign(taken, &bank).to_bytes();
    let batch = borsh::to_vec(&vec![other_payee, no_transfer, taken]).unwrap();
    let reply = world.post_octets("/v1/transactions:batch", batch).await;
    let results = reply.json()["results"].clone();
    for (index, field) in ["credit", "op", "kind"].into_iter().enumerate() {
        let told = (&results[index]["code"], &results[index]["field"]);
        assert_eq!(told, (&json!(2002), &json!(field)), "{results}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_under_way_is_in_flight() {
    let world = World::start();
    let (tx, other) = (world.payment(1), world.payment(2));
    let table = world.node.view.in_flight();
    let bytes = tx.to_bytes().into();
    table.begin(tx.body.key(), &bytes, world.node.clock.now());
    table.admitted(tx.body.key(), &bytes);
    let reply = world.post_octets("/v1/transactions", tx.to_bytes()).await;
    assert_eq!(code(&reply), (409, 2004));
    assert_eq!(reply.headers[header::RETRY_AFTER], "1");
    let mut body = other.body;
    body.id = tx.body.id;
    let mut retry = tx.body.clone();
    retry.valid_until_ms += 1;
    let retry = world.sign(retry, &[Who::Participant(BANK_A)]).to_bytes();
    let reply = world.post_octets("/v1/transactions", retry).await;
    assert_eq!(code(&reply), (409, 2004));
    let conflict = world.sign(body, &[Who::Participant(BANK_A)]).to_bytes();
    let cut = conflict[..conflict.len() - 1].to_vec();
    let reply = world.post_octets("/v1/transactions", conflict).await;
    assert_eq!(code(&reply), (422, 2002));
    assert_eq!(reply.json()["field"], "amount");
    let reply = world.post_octets("/v1/transactions", cut).await;
    assert_eq!(code(&reply), (400, 1001));
    let known = world.get(&path_of(&tx)).await;
    assert_eq!(
        (known.status, &known.json()["state"]),
        (StatusCode::ACCEPTED, &json!("admitted"))
    );
}

// docs/spec/api.md, "What an answer is": of four validators one runs, so its block is proposed and never decided.
#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_in_a_block_that_is_not_final_is_included() {
    let world = World::start_proposer_among(4);
    let tx = world.payment(1);
    let never = world.payment(2);
    let taken = world.post_octets("/v1/transactions", tx.to_bytes()).await;
    assert_eq!(taken.status, StatusCode::ACCEPTED, "{}", taken.json());
    let mut heights = world.node.view.heights();
    let proposed = async {
        while including(&world.node.core, tx.body.key()).await.is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = proposed => {}
        _ = heights.changed() => panic!("one of four decides nothing"),
    }
    for path in [
        path_of(&tx),
        path_of(&tx).replace("transactions", "transfers"),
    ] {
        let reply = world.get(&path).await;
        assert_eq!(reply.status, StatusCode::ACCEPTED);
        let told = reply.json();
        assert_eq!(
            (&told["state"], &told["final"]),
            (&json!("included"), &json!(false))
        );
        let states = [&told["history"][0], &told["history"][1]].map(|step| &step["state"]);
        assert_eq!(states, [&json!("admitted"), &json!("included")]);
        assert_eq!(told["history"][1]["height"], 1);
        assert_eq!(told["proof"], Value::Null);
    }
    assert_eq!(
        world.get(&path_of(&never)).await.status,
        StatusCode::NOT_FOUND
    );
    let again = world.post_octets("/v1/transactions", tx.to_bytes()).await;
    assert_eq!(code(&again), (409, 2004));
}

/// A body that sends its first bytes, says when they were taken, and ends when it may.
fn in_two_parts(first: Vec<u8>, taken: oneshot::Sender<()>, end: oneshot::Receiver<()>) -> Body {
    let first = futures::stream::iter([Ok::<_, std::convert::Infallible>(first)]);
    let rest = futures::stream::once(async move {
        taken.send(()).unwrap();
        end.await.unwrap();
        Ok(Vec::new())
    });
    Body::from_stream(first.chain(rest))
}

// Goal: bodies that are still coming are bounded in sum, whoever sends them, and a client is told when to come back.
#[tokio::test(flavor = "multi_thread")]
async fn without_room_for_bodies_a_submission_is_refused_and_may_come_again() {
    let world = World::start().with_room_for_bodies(1_000);
    let bytes = world.payment(1).to_bytes();
    let ((taken, is_taken), (end, ended)) = (oneshot::channel(), oneshot::channel());
    let slow = world.post_octets("/v1/transactions", in_two_parts(vec![0; 900], taken, ended));
    let quick = async {
        is_taken.await.unwrap();
        let full = world.post_octets("/v1/transactions", bytes.clone()).await;
        end.send(()).unwrap();
        full
    };
    let (slow, full) = tokio::join!(slow, quick);
    assert_eq!(code(&full), (429, 6001));
    assert_eq!(full.headers["retry-after"], "1");
    assert_eq!(code(&slow), (400, 1002));
    let again = world
        .post_octets("/v1/transactions?wait=final", bytes)
        .await;
    assert_eq!(again.status, StatusCode::OK, "{}", again.json());
}

// Goal: what the replica has not answered is bounded before a signature is looked at, and a client is told when to come back.
#[tokio::test(flavor = "multi_thread")]
async fn without_room_a_submission_is_refused_and_may_come_again() {
    let world = World::start();
    let bytes = world.payment(1).to_bytes();
    let unanswered = world.node.answers.room().take_all().unwrap();
    let reply = world.post_octets("/v1/transactions", bytes.clone()).await;
    assert_eq!(code(&reply), (429, 6001));
    assert!(reply.headers.contains_key(header::RETRY_AFTER));
    let list = borsh::to_vec(&vec![bytes.clone()]).unwrap();
    let many = world.post_octets("/v1/transactions:batch", list).await;
    assert_eq!(many.json()["results"][0]["code"], 6001);
    assert!(world.node.answers.is_empty());
    drop(unanswered);
    let reply = world
        .post_octets("/v1/transactions?wait=final", bytes)
        .await;
    assert_eq!(reply.json()["state"], "executed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_fail_is_not_admitted_and_not_recorded() {
    let world = World::start();
    let poor = world.payment(999_999);
    let reply = world.post_octets("/v1/transactions", poor.to_bytes()).await;
    assert_eq!(code(&reply), (422, 3003));
    assert_eq!(
        world.get(&path_of(&poor)).await.status,
        StatusCode::NOT_FOUND
    );
    let mut forged = world.payment(1).to_bytes();
    *forged.last_mut().unwrap() ^= 1;
    assert_eq!(
        code(&world.post_octets("/v1/transactions", forged).await),
        (400, 1003)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_runs_out_says_where_to_look() {
    let world = World::start();
    let tx = world.payment(1);
    let table = world.node.view.in_flight();
    let bytes = tx.to_bytes().into();
    table.begin(tx.body.key(), &bytes, world.node.clock.now());
    table.admitted(tx.body.key(), &bytes);
    let reply = world
        .get(&format!("{}?wait=final&timeout_ms=1", path_of(&tx)))
        .await;
    assert_eq!(
        (reply.status, &reply.json()["final"]),
        (StatusCode::ACCEPTED, &json!(false))
    );
    assert_eq!(reply.headers[header::LOCATION], path_of(&tx).as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_transaction_are_refused_by_code() {
    let world = World::start();
    let whole = world.payment(1).to_bytes();
    let trailing = [&whole[..], &[0]].concat();
    let mut other_version = whole.clone();
    other_version[0] = 9;
    let mut other_chain = whole.clone();
    other_chain[5] ^= 1;
    let cases = [
        (Vec::new(), (400, 1001)),
        (whole[..whole.len() - 1].to_vec(), (400, 1001)),
        (whole[..20].to_vec(), (400, 1001)),
        (trailing, (400, 1001)),
        (other_version, (400, 1002)),
        (other_chain, (400, 1004)),
        (vec![1; 100_000], (400, 1002)),
        (vec![0; (1 << 20) + 1], (413, 1012)),
    ];
    for (bytes, expected) in cases {
        let length = bytes.len();
        let reply = world.post_octets("/v1/transactions", bytes).await;
        assert_eq!(code(&reply), expected, "{length} bytes: {}", reply.json());
        assert_eq!(reply.json()["trace_id"].as_str().unwrap().len(), 32);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_and_headers_are_held_to_their_form() {
    let world = World::start();
    let tx = world.payment(1);
    let text = BASE64.encode(&tx.to_bytes());
    let json = "application/json";
    for (kind, body, expected) in [
        (json, "{".to_owned(), 400),
        (json, "{\"transaction\":1}".to_owned(), 400),
        (
            json,
            format!("{{\"transaction\":\"{text}\",\"more\":1}}"),
            400,
        ),
        (json, "{\"transaction\":\"%\"}".to_owned(), 400),
        ("text/plain", text.clone(), 415),
    ] {
        let reply = world.post("/v1/transactions", kind, body).await;
        assert_eq!(reply.status.as_u16(), expected, "{}", reply.json());
    }
    for path in [
        "/v1/transactions?wait=never",
        "/v1/transactions?timeout_ms=1",
        "/v1/transactions?why=1",
    ] {
        assert_eq!(
            world.post_octets(path, tx.to_bytes()).await.status,
            StatusCode::BAD_REQUEST
        );
    }
    let keyed = |key: &str| {
        let request = Request::post("/v1/transactions").header("idempotency-key", key);
        request
            .header(header::CONTENT_TYPE, json)
            .body(Body::from(format!("{{\"transaction\":\"{text}\"}}")))
            .unwrap()
    };
    let reply = world
        .send(keyed("00000000-0000-7000-8000-000000000000"))
        .await;
    assert_eq!(
        (reply.status.as_u16(), reply.json()["name"].clone()),
        (400, json!("idempotency-key"))
    );
    let reply = world.send(keyed(&format!("\"{}\"", tx.body.id))).await;
    assert_eq!(reply.status, StatusCode::ACCEPTED);
    assert_eq!(world.get("/v1/nothing").await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        world.get("/v1/transactions").await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
    assert_eq!(
        world.get("/v1/transactions/x/y").await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_has_a_result_for_each() {
    let world = World::start();
    let (good, poor) = (
        world.payment(1).to_bytes(),
        world.payment(999_999).to_bytes(),
    );
    let batch = borsh::to_vec(&vec![good, poor, vec![1, 2, 3]]).unwrap();
    let reply = world
        .post_octets("/v1/transactions:batch", batch.clone())
        .await;
    let results = reply.json()["results"].clone();
    assert_eq!(
        (
            &results[0]["state"],
            &results[1]["code"],
            &results[2]["code"]
        ),
        (&json!("admitted"), &json!(3003), &json!(1001))
    );
    let cut = world
        .post_octets("/v1/transactions:batch", batch[..batch.len() - 1].to_vec())
        .await;
    assert_eq!(code(&cut), (400, 1001));
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_stream_from_any_height() {
    let world = World::start();
    let (first, second) = (world.pay(1).await, world.pay(2).await);
    let response = world.open("/v1/events/receipts?from_height=1").await;
    let mut frames = response.into_body().into_data_stream();
    for (height, answer) in [(1, &first), (2, &second)] {
        let frame = frames.next().await.unwrap().unwrap();
        let text = String::from_utf8(frame.to_vec()).unwrap();
        let data = text
            .lines()
            .find_map(|line| line.strip_prefix("data: "))
            .unwrap();
        let event: Value = serde_json::from_str(data).unwrap();
        assert!(
            text.contains("event: receipts\n") && text.contains(&format!("id: {height}\n")),
            "{text}"
        );
        assert_eq!(
            event["receipts"],
            json!([{"participant": 2, "id": answer["id"], "code": 0}])
        );
    }
    let third = world.pay(3).await;
    let frame = frames.next().await.unwrap().unwrap();
    assert!(
        String::from_utf8(frame.to_vec())
            .unwrap()
            .contains(third["id"].as_str().unwrap())
    );
    assert_eq!(
        world.get("/v1/events/receipts?from_height=x").await.status,
        StatusCode::BAD_REQUEST
    );
}
