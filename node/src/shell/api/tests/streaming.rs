//! Streams of events: what each of them tells, and that a client which comes back with the id that it saw last misses and repeats nothing.

use axum::http::StatusCode;
use axum::response::Response;
use data_encoding::BASE64;
use falaj_consensus::message::{CommitCertificate, Header};
use futures::StreamExt as _;
use serde_json::{Value, json};

use super::world::World;

const STREAMS: [&str; 3] = ["blocks", "receipts", "ledger"];

/// An event as it was sent.
#[derive(Clone, Debug, PartialEq)]
struct Told {
    name: String,
    id: u64,
    data: Value,
}

/// The first events of a stream; then it is left.
async fn told(stream: Response, count: usize) -> Vec<Told> {
    assert_eq!(stream.status(), StatusCode::OK);
    let frames = stream.into_body().into_data_stream().take(count);
    frames.map(|frame| event(&frame.unwrap())).collect().await
}

fn event(frame: &[u8]) -> Told {
    let text = std::str::from_utf8(frame).unwrap();
    let field = |name: &str| {
        let mut lines = text.lines().filter_map(|line| line.strip_prefix(name));
        let value = lines.next().unwrap_or_else(|| panic!("{text}"));
        assert_eq!(lines.next(), None, "{text}");
        value
    };
    Told {
        name: field("event: ").to_owned(),
        id: field("id: ").parse().unwrap(),
        data: serde_json::from_str(field("data: ")).unwrap(),
    }
}

/// Reads a stream over three connections, two events each, from the one of the id `first` on: payments are final before the first, between
/// the first two, and while the third is open.
async fn in_three_parts(world: &World, path: &str, first: u64) -> Vec<Told> {
    for units in 1..=3 {
        world.pay(units).await;
    }
    let mut read = told(world.open(path).await, 2).await;
    world.pay(4).await;
    let seen = |read: &[Told]| read.last().unwrap().id.to_string();
    let resumed = world.open_after(path, seen(&read).as_bytes()).await;
    read.extend(told(resumed, 2).await);
    let resumed = world.open_after(path, seen(&read).as_bytes()).await;
    world.pay(5).await;
    world.pay(6).await;
    read.extend(told(resumed, 2).await);
    let ids: Vec<_> = read.iter().map(|told| told.id).collect();
    assert_eq!(ids, (first..first + 6).collect::<Vec<_>>());
    read
}

/// What a restarted node, which has it from its store, tells a client that has seen the first event.
async fn after_a_restart(world: World, path: &str, read: &[Told]) {
    let world = world.stop().await.start();
    let resumed = world
        .open_after(path, read[0].id.to_string().as_bytes())
        .await;
    assert_eq!(told(resumed, 5).await, read[1..]);
}

impl World {
    async fn certified(&self, height: u64) -> (Header, CommitCertificate) {
        let answer = self.get(&format!("/v1/certificates/{height}")).await.json();
        let bytes = |field: &str| BASE64.decode(answer[field].as_str().unwrap().as_bytes());
        let header = borsh::from_slice(&bytes("header").unwrap()).unwrap();
        let certificate = borsh::from_slice(&bytes("certificate").unwrap()).unwrap();
        (header, certificate)
    }
}

// docs/spec/api.md, "Streams": the header and the certificate of each block, in the order of heights.
#[tokio::test(flavor = "multi_thread")]
async fn blocks_are_resumed_after_the_last_height_seen() {
    let world = World::start();
    let path = "/v1/events/blocks?from_height=1";
    let read = in_three_parts(&world, path, 1).await;
    for told in &read {
        assert_eq!(told.name, "block");
        let (header, certificate) = world.certified(told.id).await;
        let block = &told.data;
        assert_eq!(block["height"], told.id);
        assert_eq!(block["id"], header.id().to_string());
        assert_eq!(block["parent_id"], header.parent_id.to_string());
        assert_eq!(block["time_us"], header.time_us);
        assert_eq!(block["transactions"], 1);
        assert_eq!(block["transaction_bytes"], header.transaction_bytes);
        assert_eq!(block["proposer"], 0);
        assert_eq!(block["round"], certificate.round.get());
        assert_eq!(block["signers"], json!([0]));
        assert_eq!(block["outcome"]["hash"], certificate.outcome.to_string());
        assert_eq!(block["outcome"]["events"], told.id);
        assert_eq!(
            *block,
            world.get(&format!("/v1/blocks/{}", told.id)).await.json()
        );
    }
    after_a_restart(world, path, &read).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_are_resumed_after_the_last_height_seen() {
    let world = World::start();
    let path = "/v1/events/receipts?from_height=1";
    let read = in_three_parts(&world, path, 1).await;
    for told in &read {
        assert_eq!(told.name, "receipts");
        let path = format!("/v1/blocks/{}/receipts", told.id);
        let receipts = world.get(&path).await.json()["receipts"].clone();
        let (header, _) = world.certified(told.id).await;
        let line = json!({"participant": 2, "id": receipts[0]["id"], "code": 0});
        let data = json!({"height": told.id, "time_us": header.time_us, "receipts": [line]});
        assert_eq!(told.data, data);
    }
    after_a_restart(world, path, &read).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ledger_events_are_resumed_after_the_last_number_seen() {
    let world = World::start();
    let path = "/v1/events/ledger?from_sequence=0";
    let read = in_three_parts(&world, path, 0).await;
    for told in &read {
        assert_eq!(told.name, "event");
        let path = format!("/v1/events/{}", told.id);
        assert_eq!(told.data, world.get(&path).await.json()["event"]);
        assert_eq!(told.data["sequence"], told.id);
    }
    after_a_restart(world, path, &read).await;
}

// Whoever could not be understood would miss events without knowing.
#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_no_event_can_have_is_refused() {
    let world = World::start();
    let last = u64::MAX.to_string();
    for stream in STREAMS {
        for id in [b"x".as_slice(), b"-1", b"", b"\xff", last.as_bytes()] {
            let path = format!("/v1/events/{stream}");
            let reply = world.open_after(&path, id).await;
            assert_eq!(reply.status(), StatusCode::BAD_REQUEST, "{path} {id:?}");
        }
    }
}
