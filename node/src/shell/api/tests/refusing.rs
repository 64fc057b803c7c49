//! What a node answers that cannot take a transaction for a reason of its own, and what to requests that are none of the ledger's.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::json;

use super::world::{Reply, World};

async fn submit(world: &World) -> Reply {
    let bytes = world.payment(1).to_bytes();
    world.post_octets("/v1/transactions", bytes).await
}

fn assert_refused(reply: &Reply, code: u64, retry_after: &str) {
    assert_eq!(
        (reply.status.as_u16(), &reply.json()["code"]),
        (503, &json!(code))
    );
    assert_eq!(reply.json()["retry"], true);
    assert_eq!(reply.headers["retry-after"], retry_after);
    assert_eq!(reply.headers["content-type"], "application/problem+json");
}

// docs/spec/durable.md, "A full disk".
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_6005_until_there_is_room() {
    let world = World::start();
    for disk in &world.node.disks {
        disk.tell(true);
        assert_refused(&submit(&world).await, 6005, "30");
        let ready = world.get("/readyz").await;
        assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
        let text = String::from_utf8(ready.body).unwrap();
        assert!(text.contains("[-]disk failed: the disk is full"), "{text}");
        let read = world.get("/v1/accounts").await;
        assert_eq!(
            (read.status, &read.headers["falaj-stale"]),
            (StatusCode::OK, &"disk-full".parse().unwrap())
        );
        let batch = json!({"transactions": []}).to_string();
        let batch = world.post("/v1/transactions:batch", "application/json", batch);
        assert_refused(&batch.await, 6005, "30");
        disk.tell(false);
        assert_eq!(submit(&world).await.status, StatusCode::ACCEPTED);
        assert!(
            !world
                .get("/v1/accounts")
                .await
                .headers
                .contains_key("falaj-stale")
        );
    }
}

// docs/spec/dissemination.md, "Catching up": a node that is far behind would judge by a state that is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_far_behind_is_6003() {
    let world = World::start_among(4);
    for validator in [2, 3, 4] {
        world.hear(validator, 100);
    }
    assert_eq!(world.get("/v1/status").await.json()["behind_heights"], 100);
    let ready = world.get("/readyz").await;
    let text = String::from_utf8(ready.body).unwrap();
    assert!(
        text.contains("[-]synced failed: 100 heights behind its peers"),
        "{text}"
    );
    // How far it is behind is looked at beside the requests, so the first ones may still pass.
    let refused = loop {
        let reply = submit(&world).await;
        if reply.status != StatusCode::ACCEPTED {
            break reply;
        }
    };
    assert_refused(&refused, 6003, "1");
}

// docs/spec/dissemination.md, "Catching up": what a third of the power or less says of its height closes nobody's API.
#[tokio::test(flavor = "multi_thread")]
async fn one_validator_that_claims_a_height_makes_nobody_behind() {
    let world = World::start_among(4);
    world.hear(2, u64::MAX);
    world.hear(3, 1);
    world.hear(4, 0);
    assert_eq!(world.get("/v1/status").await.json()["behind_heights"], 1);
    let ready = world.get("/readyz").await;
    assert_eq!(
        (ready.status, ready.body.as_slice()),
        (StatusCode::OK, b"ok\n".as_slice())
    );
    assert_eq!(submit(&world).await.status, StatusCode::ACCEPTED);
}

// docs/spec/api.md, "Host": a page whose name was made to mean this machine reads nothing and sends nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_another_host_is_misdirected() {
    let world = World::start();
    for path in [
        "/v1/status",
        "/livez",
        "/metrics",
        "/openapi.json",
        "/nothing",
    ] {
        let request = Request::get(path).header(header::HOST, "bank.example:7450");
        let reply = world.send(request.body(Body::empty()).unwrap()).await;
        let said = (reply.status.as_u16(), reply.json()["name"].clone());
        assert_eq!(said, (421, json!("misdirected")), "{path}");
    }
    let bytes = world.payment(1).to_bytes();
    let sent = Request::post("/v1/transactions")
        .header(header::HOST, "bank.example")
        .header(header::CONTENT_TYPE, "application/octet-stream");
    let reply = world.send(sent.body(Body::from(bytes)).unwrap()).await;
    assert_eq!(reply.status, StatusCode::MISDIRECTED_REQUEST);
    assert_eq!(world.node.view.in_flight().len(), 0);
    let request = Request::get("/livez").header(header::HOST, "127.0.0.1:7450");
    let reply = world.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(reply.status, StatusCode::OK);
}

// docs/spec/api.md, "Problems": what is wrong about a request and not about a transaction has a name and no code of the ledger.
#[tokio::test(flavor = "multi_thread")]
async fn wrong_paths_and_parameters_have_names_of_their_own() {
    let world = World::start();
    for (path, status, name) in [
        ("/", 404, "no-such-path"),
        ("/v1/nothing", 404, "no-such-path"),
        ("/v1/blocks/1/more", 404, "no-such-path"),
        ("/v1/accounts/x", 400, "bad-parameter"),
        ("/v1/accounts/%ff", 400, "bad-parameter"),
        ("/v1/accounts?limit=-1", 400, "bad-parameter"),
        ("/v1/accounts?why=1", 400, "bad-parameter"),
        ("/v1/accounts?after=x", 400, "bad-parameter"),
        ("/v1/blocks/01", 400, "bad-parameter"),
        ("/v1/participants/x", 400, "bad-parameter"),
        ("/v1/proposals/x", 400, "bad-parameter"),
        ("/v1/events?cursor=3", 400, "bad-parameter"),
        ("/v1/events/ledger?from_sequence=x", 400, "bad-parameter"),
        ("/v1/proofs/log-extension/2/1", 400, "bad-parameter"),
        ("/v1/transactions/x/y", 400, "bad-parameter"),
        ("/readyz?quiet", 400, "bad-parameter"),
    ] {
        let reply = world.get(path).await;
        let said = (reply.status.as_u16(), reply.json()["name"].clone());
        assert_eq!(said, (status, json!(name)), "{path}");
        assert_eq!(reply.headers["content-type"], "application/problem+json");
        let problem = reply.json();
        assert_eq!(problem["type"], format!("urn:falaj:problem:{name}"));
        assert!(problem["code"].is_null(), "{problem}");
    }
    let resumed = Request::get("/v1/events/blocks").header("last-event-id", "x");
    let reply = world.send(resumed.body(Body::empty()).unwrap()).await;
    let said = (reply.status.as_u16(), reply.json()["field"].clone());
    assert_eq!(said, (400, json!("Last-Event-ID")));
}
