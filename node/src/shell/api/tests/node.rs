//! The node's own state: status, peers, health, metrics.

use axum::http::StatusCode;
use falaj_consensus::types::ValidatorId;
use falaj_hsm::purpose::Purpose;
use falaj_hsm::{BackendError, Fault};
use serde_json::json;

use super::world::World;
use crate::core::{Input, Peer};
use crate::shell::api::health::silent;
use crate::shell::api::look::look;
use crate::shell::runtime::SignerWitness as _;

#[tokio::test(flavor = "multi_thread")]
async fn the_status_says_why_it_is_not_moving() {
    let world = World::start();
    world.pay(1).await;
    let status = world.get("/v1/status").await.json();
    assert_eq!(status["why"], "height 2: nothing to order");
    assert!(status["banner"].as_str().unwrap().starts_with("TEST"));
    assert_eq!(
        (&status["ready"], &status["voting"], &status["validator"]),
        (&json!(true), &json!(true), &json!(1))
    );
    assert_eq!(status["signer"]["hsm_up"], true);
    insta::assert_json_snapshot!(status, {
        ".version" => "[version]", ".time_us" => "[time]", ".block" => "[block]", ".state_root" => "[root]",
        ".seconds_since_commit" => "[seconds]", ".genesis_hash" => "[genesis]",
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_told_with_its_reasons() {
    let world = World::start();
    for path in ["/livez", "/readyz", "/votez"] {
        let reply = world.get(path).await;
        assert_eq!(
            (reply.status, reply.body.as_slice()),
            (StatusCode::OK, b"ok\n".as_slice()),
            "{path}"
        );
    }
    let verbose = world.get("/votez?verbose").await;
    let text = String::from_utf8(verbose.body).unwrap();
    assert_eq!(
        text,
        "[+]core ok\n[+]linked ok\n[+]synced ok\n[+]disk ok\n[+]outcome ok\n[+]upgrade ok\n[+]hsm ok\n[+]member ok\n[+]halted ok\n[+]voted ok\nvotez check passed\n"
    );
    assert_eq!(
        world.get("/livez?why").await.status,
        StatusCode::BAD_REQUEST
    );
}

// docs/spec/api.md, "Health": with nobody to compare itself with, a node knows nothing of where the network stands.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_links_to_a_quorum_is_alive_and_not_ready() {
    let world = World::start_among(4);
    world.hear(2, 0);
    assert_eq!(world.get("/livez").await.status, StatusCode::OK);
    for path in ["/readyz", "/votez"] {
        let reply = world.get(path).await;
        assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        let text = String::from_utf8(reply.body).unwrap();
        let why = "[-]linked failed: 2 of 4 of the power can be reached, which is no quorum\n";
        assert!(text.contains(why), "{text}");
    }
    world.hear(3, 0);
    for path in ["/readyz", "/votez"] {
        assert_eq!(world.get(path).await.status, StatusCode::OK, "{path}");
    }
    let peer = Peer::of(ValidatorId::new(2)).unwrap();
    world.node.core.input(Input::PeerDown(peer));
    let reply = world.get("/readyz").await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
}

// docs/spec/api.md, "Health": a node whose votes nobody hears does not vote, whatever else works.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_silent_while_a_height_is_decided_does_not_vote() {
    let mut look = look(&World::start().node.core).await.unwrap();
    assert_eq!(silent(&look), None);
    look.is_silent = true;
    let why = "no vote left for height 1, which is being decided, or the one before";
    assert_eq!(silent(&look).as_deref(), Some(why));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hsm_that_is_gone_is_not_ready_and_alive() {
    let world = World::start();
    world.node.watch.signed(
        Purpose::Prevote,
        0.1,
        Some(&BackendError::new(Fault::Token)),
    );
    assert_eq!(world.get("/livez").await.status, StatusCode::OK);
    let ready = world.get("/readyz").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        String::from_utf8(ready.body)
            .unwrap()
            .contains("[-]hsm failed: HSM: the token is gone")
    );
    // Others may still decide, so transactions are taken.
    let reply = world
        .post_octets("/v1/transactions", world.payment(1).to_bytes())
        .await;
    assert_eq!(reply.status, StatusCode::ACCEPTED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_latched_signer_takes_no_transactions_and_says_so() {
    let world = World::start();
    world.node.watch.refused("latched");
    let reply = world
        .post_octets("/v1/transactions", world.payment(1).to_bytes())
        .await;
    assert_eq!(
        (reply.status.as_u16(), reply.json()["code"].clone()),
        (503, json!(6004))
    );
    assert_eq!(reply.headers["retry-after"], "30");
    assert_eq!(
        world.get("/votez").await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_what_happened() {
    let world = World::start();
    world.pay(125).await;
    world
        .post_octets("/v1/transactions", world.payment(999_999).to_bytes())
        .await;
    let reply = world.get("/metrics").await;
    assert!(
        reply.headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("application/openmetrics-text")
    );
    let text = String::from_utf8(reply.body).unwrap();
    for line in [
        "falaj_height 1",
        "falaj_hsm_up 1",
        "falaj_guard_height 1",
        "falaj_supply_check 1",
        "falaj_tx_total{kind=\"transfer\",result=\"executed\"} 1",
        "falaj_tx_e2e_seconds_count 1",
        "falaj_finality_seconds_count 1",
        "falaj_quorum_delay_seconds_count 1",
        "falaj_vote_arrival_seconds_count{validator=\"1\",phase=\"prevote\"} 1",
        "falaj_vote_arrival_seconds_count{validator=\"1\",phase=\"precommit\"} 1",
        "falaj_mempool_rejected_total{reason=\"insufficient-funds\"} 1",
        "falaj_sign_seconds_count{backend=\"software\",kind=\"precommit\"} 1",
        "falaj_supply_minor_units{currency=\"AED\"} 200600000.0",
        "falaj_ready{check=\"disk\"} 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(text.contains("falaj_sync_seconds_count{file=\"block\"}"));
    assert!(text.ends_with("# EOF\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_alone_has_no_peers() {
    let world = World::start();
    let peers = world.get("/v1/peers").await.json();
    assert_eq!(peers["peers"], json!([]));
    assert!(
        peers["listen"]
            .as_str()
            .unwrap()
            .starts_with("/ip4/127.0.0.1/tcp/")
    );
}
