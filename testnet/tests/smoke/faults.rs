//! Four validators with their keys in tokens, of three algorithms, under load: killed, paused, without their HSM, started without it, and back.

use falaj_consensus::crypto::Algorithm;
use falaj_testnet::manifest::SignerKind;
use falaj_testnet::provision::Order;

use crate::commanded::{fault, paused_and_back};
use crate::payments::{Payments, all_final_everywhere, first_event_proven_everywhere};
use crate::stage::{Stage, order};

/// The keys of the four: the algorithms are taken in turn.
const KEYS: [&str; 4] = ["p256", "ed25519", "rsa-pss-3072", "p256"];

fn mixed() -> Order {
    let algorithms = [
        Algorithm::EcdsaP256,
        Algorithm::Ed25519,
        Algorithm::RsaPss3072,
    ];
    Order {
        algorithms: algorithms.into(),
        ..order(4, SignerKind::Softhsm)
    }
}

/// Goal: what was acknowledged is final on every node, whatever one of four validators suffers, and who was away votes again, with a key of
/// whatever algorithm.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_validators_settle_through_every_fault_of_one() {
    let mut stage = Stage::raise(&mixed()).await;
    let keys = stage.seen.network.validators.iter();
    assert!(keys.map(|validator| &validator.algorithm).eq(&KEYS));
    let payments = Payments::begin(&stage.seen.network).await;
    payments.settle_more().await;
    killed_and_back(&mut stage, &payments, 3).await;
    paused_and_back(&stage, &payments, 2).await;
    hsm_gone_and_back(&stage, &payments, 1).await;
    started_without_its_hsm(&mut stage, &payments, 2).await;
    for index in 0..4 {
        stage.seen.votes(index).await;
    }
    let keys = payments.end().await;
    for index in 0..4 {
        stage.seen.catches_up(index).await;
    }
    all_final_everywhere(&stage.seen.network, &keys).await;
    first_event_proven_everywhere(&stage.seen.network).await;
    stage.conclude();
}

async fn killed_and_back(stage: &mut Stage, payments: &Payments, index: usize) {
    stage.cluster.kill(index).expect("a running node");
    payments.settle_more().await;
    stage.start_again(index).await;
    stage.seen.catches_up(index).await;
    stage.seen.votes(index).await;
}

async fn hsm_gone_and_back(stage: &Stage, payments: &Payments, index: usize) {
    fault(stage, "hsm-gone", index).await;
    stage.seen.says(index, "/votez", false).await;
    payments.settle_more().await;
    stage.seen.catches_up(index).await;
    fault(stage, "hsm-back", index).await;
    stage.seen.votes(index).await;
    stage.seen.says(index, "/votez", true).await;
}

/// A node that starts while its HSM is away follows the others, and votes once it is back, without another start.
async fn started_without_its_hsm(stage: &mut Stage, payments: &Payments, index: usize) {
    stage.cluster.kill(index).expect("a running node");
    fault(stage, "hsm-gone", index).await;
    payments.settle_more().await;
    stage.start_again(index).await;
    stage.seen.moves_on().await;
    stage.seen.catches_up(index).await;
    stage.seen.says(index, "/votez", false).await;
    fault(stage, "hsm-back", index).await;
    stage.seen.votes(index).await;
}
