//! A node whose logs hold a height that a quorum certified with another outcome than this program computes.

use axum::http::StatusCode;
use falaj_consensus::message::{Body, CommitCertificate, Header};
use falaj_consensus::proposer::proposer;
use falaj_consensus::types::{OutcomeHash, Round};
use falaj_consensus::validator_set::Bitmap;
use serde_json::json;

use super::world::{Home, Reply, World, copy};
use crate::shell::view::Snapshot;
use crate::storage::BlockRecord;

/// An empty block on top of a snapshot, with the certificate of an outcome that nobody computes.
fn parted(snapshot: &Snapshot) -> (Header, CommitCertificate) {
    let state = &snapshot.state;
    let height = snapshot.height().next();
    let set = state.validators_at(height);
    let body = Body::default();
    let header = Header {
        version: Header::VERSION,
        features: 0,
        genesis_hash: state.chain().genesis_hash,
        height,
        round: Round::new(0),
        proposer: proposer(&set, &state.bench(), height, Round::new(0)),
        parent_id: snapshot.block_id(),
        parent_outcome: snapshot.outcome.hash(),
        time_us: state.time_us() + 1,
        set_hash: set.hash(),
        body_root: body.root(),
        evidence_root: body.evidence_root(),
        transactions: 0,
        transaction_bytes: 0,
    };
    let certificate = CommitCertificate {
        height,
        round: Round::new(0),
        id: header.id(),
        outcome: OutcomeHash::default(),
        signers: Bitmap::none(1),
        signatures: Vec::new(),
    };
    (header, certificate)
}

/// A home whose log ends with that block.
fn with_parted(home: Home, block: &(Header, CommitCertificate)) -> Home {
    {
        let mut logs = home.folders().open_logs(home.genesis()).unwrap();
        let (header, certificate) = block;
        let proposed = BlockRecord::proposed(header, &Body::default());
        let body = logs.block.append(&proposed).unwrap();
        let decided = BlockRecord::decided(certificate, body, &[]);
        logs.block.append(&decided).unwrap();
        let _ = logs.block.sync().unwrap();
    }
    home
}

async fn submitted(world: &World) -> Reply {
    let bytes = world.payment(1).to_bytes();
    world.post_octets("/v1/transactions", bytes).await
}

// docs/spec/consensus.md, "Divergence": the node starts, says so everywhere, serves what it has as stale, and takes nothing; it does so
// again at the next start, and goes on by itself once the logs give what was certified.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_diverged_starts_at_the_height_before() {
    let world = World::start();
    world.pay(1).await;
    let block = parted(&world.node.view.snapshot());
    let account = world.get("/v1/accounts").await;
    assert!(!account.headers.contains_key("falaj-stale"));
    let home = world.stop().await;
    let (log, saved) = (home.path("data/block"), home.path("saved"));
    copy(&log, &saved);

    let mut home = with_parted(home, &block);
    for _ in 0..2 {
        let world = home.start();
        tells_divergence(&world, &block.1).await;
        home = world.stop().await;
    }

    copy(&saved, &log);
    let world = home.start();
    assert_eq!(world.get("/readyz").await.status, StatusCode::OK);
    world.pay(2).await;
    let status = world.get("/v1/status").await.json();
    assert_eq!(
        (&status["height"], &status["diverged"]),
        (&json!(2), &json!(null))
    );
}

async fn tells_divergence(world: &World, certificate: &CommitCertificate) {
    let status = world.get("/v1/status").await;
    assert_eq!(status.headers["falaj-stale"], "diverged");
    let status = status.json();
    assert_eq!(
        (&status["height"], &status["ready"], &status["voting"]),
        (&json!(1), &json!(false), &json!(false))
    );
    let diverged = &status["diverged"];
    assert_eq!(
        (&diverged["height"], &diverged["block"]),
        (&json!(2), &json!(certificate.id.to_string()))
    );
    assert_eq!(
        diverged["certified"],
        json!(certificate.outcome.to_string())
    );
    let why = status["why"].as_str().unwrap();
    assert!(
        why.starts_with("height 2: diverged: height 2 gives outcome "),
        "{why}"
    );
    for path in ["/readyz", "/votez"] {
        let reply = world.get(path).await;
        assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        let text = String::from_utf8(reply.body).unwrap();
        assert!(
            text.contains("[-]outcome failed: diverged: height 2 "),
            "{text}"
        );
    }
    assert_eq!(world.get("/livez").await.status, StatusCode::OK);
    let read = world.get("/v1/accounts").await;
    assert_eq!(
        (read.status, &read.headers["falaj-stale"]),
        (StatusCode::OK, &"diverged".parse().unwrap())
    );
    let refused = submitted(world).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.json()["code"]),
        (503, &json!(6005))
    );
    assert_eq!(refused.headers["retry-after"], "30");
}
