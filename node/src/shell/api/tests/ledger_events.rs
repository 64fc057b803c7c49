//! The ledger's events: pages of one log, proofs of one event and of the log's growth, a stream, and a store that has none.

use axum::http::StatusCode;
use data_encoding::BASE64;
use falaj_consensus::verify::RealChecker;
use falaj_ledger::bundle::{Bundle, VerifiedBundle};
use falaj_ledger::event::Event;
use falaj_ledger::store::{Store as _, open_on_disk};
use falaj_ledger::trust::Trust;
use falaj_ledger::validate::Rules;
use futures::StreamExt as _;
use serde_json::{Value, json};

use super::world::{Home, World};
use crate::core::JobTools;
use crate::shell::history::block_write;
use crate::shell::recover::base_of_genesis;

impl World {
    async fn json(&self, path: &str) -> Value {
        let reply = self.get(path).await;
        assert_eq!(reply.status, StatusCode::OK, "{path}: {}", reply.json());
        reply.json()
    }

    /// Checks a bundle with the genesis alone.
    fn proven(&self, proof: &Value) -> VerifiedBundle {
        Bundle::from_text(&proof.to_string())
            .unwrap()
            .verify(&Trust::of_genesis(&self.genesis), &RealChecker)
            .unwrap()
    }

    async fn proven_event(&self, sequence: u64, query: &str) -> (u64, Event) {
        let path = format!("/v1/events/{sequence}?proof=true{query}");
        let answer = self.json(&path).await;
        let VerifiedBundle::Event(found) = self.proven(&answer["proof"]) else {
            panic!("another proof")
        };
        assert_eq!(found.at.height.get(), answer["height"]);
        let leaf = BASE64.encode(&found.event.to_leaf());
        assert_eq!(answer["event"]["leaf"], leaf);
        (found.at.height.get(), found.event)
    }
}

// A cursor is of one log, whatever has become final since its first page.
#[tokio::test(flavor = "multi_thread")]
async fn events_are_paged_by_a_cursor_that_keeps_its_height() {
    let world = World::start();
    assert_eq!(
        world.json("/v1/events").await,
        json!({"height": 0, "events": 0, "items": []})
    );
    for units in 1..=5 {
        world.pay(units).await;
    }
    let (mut read, mut page) = (Vec::new(), world.json("/v1/events?limit=2").await);
    loop {
        assert_eq!((&page["height"], &page["events"]), (&json!(5), &json!(5)));
        read.extend(page["items"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else {
            break;
        };
        world.pay(9).await;
        page = world
            .json(&format!("/v1/events?limit=2&cursor={next}"))
            .await;
    }
    let numbers: Vec<_> = read.iter().map(|event| event["sequence"].clone()).collect();
    assert_eq!(json!(numbers), json!([0, 1, 2, 3, 4]));
    insta::assert_json_snapshot!(read[2], {".id" => "[id]", ".leaf" => "[leaf]"});

    let later = world.json("/v1/events?from_height=4&height=5").await;
    assert_eq!(later["items"], json!(read[3..]));
    let one = world.json("/v1/events?from_sequence=1&limit=1").await;
    assert_eq!(one["items"], json!(read[1..2]));
    let none = world.json("/v1/events?from_sequence=9&height=5").await;
    assert_eq!((&none["items"], &none["next"]), (&json!([]), &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_proven_at_any_height_from_its_own_on() {
    let world = World::start();
    for units in 1..=3 {
        world.pay(units).await;
    }
    let (newest, event) = world.proven_event(1, "").await;
    assert_eq!(
        (newest, event.sequence, event.place.height.get()),
        (3, 1, 2)
    );
    assert_eq!(world.proven_event(1, "&height=2").await, (2, event));
    for (path, status) in [
        ("/v1/events/1?height=1", 404),
        ("/v1/events/3", 404),
        ("/v1/events/1?height=4", 404),
        ("/v1/events/x", 400),
        ("/v1/events?height=4", 404),
        ("/v1/events?cursor=3", 400),
        ("/v1/events?cursor=3.x", 400),
        ("/v1/events?cursor=3.0&height=3", 400),
        ("/v1/events?from_sequence=0&from_height=1", 400),
        ("/v1/events?limits=1", 400),
    ] {
        assert_eq!(world.get(path).await.status.as_u16(), status, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_a_later_block_is_proven_to_extend_an_earlier_one() {
    let world = World::start();
    for units in 1..=7 {
        world.pay(units).await;
    }
    for (earlier, later) in [(1, 7), (3, 6), (5, 5)] {
        let path = format!("/v1/proofs/log-extension/{earlier}/{later}");
        let VerifiedBundle::LogExtension(found) = world.proven(&world.json(&path).await) else {
            panic!("another proof")
        };
        let heights = (found.earlier.height.get(), found.at.height.get());
        assert_eq!(heights, (earlier, later));
        assert_eq!((found.earlier_events, found.events), (earlier, later));
    }
    for (path, status) in [("2/1", 400), ("0/1", 404), ("1/8", 404), ("x/1", 400)] {
        let reply = world.get(&format!("/v1/proofs/log-extension/{path}")).await;
        assert_eq!(reply.status.as_u16(), status, "{path}");
    }
}

// Blocks that have left memory: events and roots come from the store, also after a restart.
#[tokio::test(flavor = "multi_thread")]
async fn events_are_read_from_the_store() {
    let world = World::start();
    for units in 1..=40 {
        world.pay(units).await;
    }
    let whole = world.json("/v1/events?limit=1000").await;
    assert_eq!(whole["items"].as_array().unwrap().len(), 40);
    let mut proven = Vec::new();
    for sequence in [0, 15, 16, 31, 39] {
        proven.push(world.proven_event(sequence, "").await);
    }
    let world = world.stop().await.start();
    assert_eq!(world.json("/v1/events?limit=1000").await, whole);
    for (height, event) in proven {
        let again = world.proven_event(event.sequence, "").await;
        assert_eq!(again, (height, event));
    }
    assert_eq!(world.proven_event(3, "&height=20").await.0, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_stream_from_any_number() {
    let world = World::start();
    for units in 1..=3 {
        world.pay(units).await;
    }
    let response = world.open("/v1/events/ledger?from_sequence=1").await;
    let mut frames = response.into_body().into_data_stream();
    for sequence in 1..=3 {
        if sequence == 3 {
            world.pay(4).await;
        }
        let frame = frames.next().await.unwrap().unwrap();
        let text = String::from_utf8(frame.to_vec()).unwrap();
        let data = text.lines().find_map(|line| line.strip_prefix("data: "));
        let event: Value = serde_json::from_str(data.unwrap()).unwrap();
        assert!(text.contains(&format!("id: {sequence}\n")), "{text}");
        let read = world.json(&format!("/v1/events/{sequence}")).await;
        assert_eq!(event, read["event"]);
    }
    let wrong = world.get("/v1/events/ledger?from_sequence=x").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
}

/// Writes the store of a stopped node anew from its logs, as a program did that kept no events.
fn without_events(home: &Home) {
    let folders = home.folders();
    let genesis = home.genesis();
    let logs = folders.open_logs(genesis).unwrap();
    let found = logs.scan().unwrap();
    let rules = Rules::of_genesis(genesis);
    let tools = JobTools {
        checker: &RealChecker,
        rules: &rules,
    };
    std::fs::remove_dir_all(folders.store()).unwrap();
    let store = open_on_disk(&folders.store(), genesis.hash())
        .unwrap()
        .store;
    let mut state = base_of_genesis(&store, genesis).unwrap().state;
    while state.height() < found.height() {
        let block = logs
            .replay(
                &found,
                &state,
                falaj_consensus::message::Header::FEATURES_KNOWN,
                tools,
            )
            .unwrap();
        let mut write = block_write(&block);
        write.pages.retain(|page| !b"en".contains(&page.key[0]));
        store.commit(&write).unwrap();
        state = block.executed.state.clone();
    }
}

// docs/spec/storage.md, "History": a store of an older program is rebuilt from the logs, and then has every event.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_without_events_is_rebuilt() {
    let world = World::start();
    for units in 1..=3 {
        world.pay(units).await;
    }
    let whole = world.json("/v1/events").await;
    let home = world.stop().await;
    without_events(&home);
    let world = home.start();
    assert_eq!(world.json("/v1/events").await, whole);
    assert_eq!(world.proven_event(0, "").await.0, 3);
    world.pay(4).await;
    assert_eq!(world.proven_event(3, "").await.0, 4);
}
