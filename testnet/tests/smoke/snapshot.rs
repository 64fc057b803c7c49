//! A validator that lost its data, and begins with a snapshot of another's, which was stopped for it or runs on: `falaj snapshot` on the homes
//! of a network that runs.

use falaj_testnet::manifest::{Manifest, SignerKind};
use falaj_testnet::program::Environment;
use serde_json::Value;
use std::path::{Path, PathBuf};

use crate::payments::Payments;
use crate::stage::{Stage, order, program};

/// Whose state is taken.
const GIVER: usize = 2;
/// Who lost its data.
const LATE: usize = 3;
/// Who goes away at last, so that the one that came back is needed for every quorum.
const AWAY: usize = 1;

fn home(stage: &Stage, index: usize) -> PathBuf {
    let folder = stage.cluster.folder();
    let manifest = Manifest::read(folder).expect("a manifest");
    folder.join(&manifest.validators[index].home)
}

/// The first height that the late one has.
async fn history_from(stage: &Stage) -> u64 {
    let answer = stage.seen.ask(LATE, "/v1/status").await;
    let status: Value = answer.expect("an answer").json().expect("JSON");
    status["history_from"].as_u64().expect("a height")
}

fn ask(home: &Path, arguments: &[&str]) -> Value {
    let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
    let told = program().ask(home, &Environment::new(), &arguments);
    told.expect("a command that does what it is told")
}

/// Goal: a node that began with a snapshot fetches the blocks after it, votes with the guard that it had, and carries the network with the
/// others: acknowledgements, quorums and all, although it has no block from before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_validator_without_data_begins_with_a_snapshot_and_is_needed() {
    let mut stage = Stage::raise(&order(4, SignerKind::Software)).await;
    let payments = Payments::begin(&stage.seen.network).await;
    payments.settle_more().await;
    let taken = stage.cluster.folder().join("taken");
    let taken = taken.to_str().expect("a path in UTF-8").to_owned();
    stage.cluster.kill(GIVER).expect("a running node");
    let exported = ask(&home(&stage, GIVER), &["snapshot", "export", &taken]);
    stage.start_again(GIVER).await;
    stage.seen.votes(GIVER).await;
    stage.cluster.kill(LATE).expect("a running node");
    payments.settle_more().await;

    let home = home(&stage, LATE);
    std::fs::remove_dir_all(home.join("data")).expect("a folder to lose");
    let point = exported["checkpoint"].as_str().expect("a checkpoint");
    let restored = ask(
        &home,
        &["snapshot", "restore", &taken, "--checkpoint", point],
    );
    assert_eq!(restored["state_root"], exported["state_root"]);
    stage.start_again(LATE).await;
    stage.seen.catches_up(LATE).await;
    stage.seen.votes(LATE).await;
    let answer = stage
        .seen
        .ask(LATE, "/v1/blocks/1")
        .await
        .expect("an answer");
    assert_eq!(answer.status.as_u16(), 410);

    stage.cluster.kill(AWAY).expect("a running node");
    payments.settle_more().await;
    stage.seen.moves_on().await;
    stage.start_again(AWAY).await;
    stage.seen.catches_up(AWAY).await;
    payments.end().await;
    stage.conclude();
}

/// Goal: a node takes snapshots while it runs, keeps the last two, and gives them out without being stopped; another begins with one, and
/// votes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_node_gives_a_snapshot_that_another_begins_with() {
    let mut stage = Stage::raise(&order(4, SignerKind::Software)).await;
    let giver = home(&stage, GIVER);
    stage.cluster.kill(GIVER).expect("a running node");
    let config = giver.join("config.toml");
    let text = std::fs::read_to_string(&config).expect("a configuration");
    let often = text.replace("interval_heights = 10000", "interval_heights = 2");
    assert_ne!(often, text);
    std::fs::write(&config, often).expect("a file of the test");
    stage.start_again(GIVER).await;
    let payments = Payments::begin(&stage.seen.network).await;
    let taken = loop {
        payments.settle_more().await;
        let listed = ask(&giver, &["snapshot", "list"]);
        let taken = listed["snapshots"].as_array().expect("a list").len();
        assert!(taken <= 2, "{listed}");
        if taken == 2 {
            break listed;
        }
    };
    let late = home(&stage, LATE);
    stage.cluster.kill(LATE).expect("a running node");
    let out = stage.cluster.folder().join("taken");
    let out = out.to_str().expect("a path in UTF-8").to_owned();
    let exported = ask(&giver, &["snapshot", "export", &out, "--taken"]);
    let height = exported["height"].as_u64();
    assert!(height >= taken["snapshots"][1]["height"].as_u64());
    std::fs::remove_dir_all(late.join("data")).expect("a folder to lose");
    let restored = ask(&late, &["snapshot", "restore", &out]);
    assert_eq!(restored["state_root"], exported["state_root"]);
    stage.start_again(LATE).await;
    stage.seen.catches_up(LATE).await;
    stage.seen.votes(LATE).await;

    // Once more, and now its peers are asked, of whom one has any.
    stage.cluster.kill(LATE).expect("a running node");
    std::fs::remove_dir_all(late.join("data")).expect("a folder to lose");
    let fetched = ask(&late, &["snapshot", "fetch"]);
    assert!(fetched["height"].as_u64() >= height, "{fetched}");
    stage.start_again(LATE).await;
    stage.seen.catches_up(LATE).await;
    stage.seen.votes(LATE).await;

    // And a start that does so by itself.
    stage.cluster.kill(LATE).expect("a running node");
    std::fs::remove_dir_all(late.join("data")).expect("a folder to lose");
    let config = late.join("config.toml");
    let text = std::fs::read_to_string(&config).expect("a configuration");
    let joins = text.replace("join = false", "join = true");
    assert_ne!(joins, text);
    std::fs::write(&config, joins).expect("a file of the test");
    stage.start_again(LATE).await;
    stage.seen.catches_up(LATE).await;
    stage.seen.votes(LATE).await;
    assert!(history_from(&stage).await > height.unwrap_or_default());
    payments.end().await;
    stage.conclude();
}
