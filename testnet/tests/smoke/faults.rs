//! Four validators with their keys in tokens, under load: killed, without their HSM, started without it, and back.

use falaj_testnet::manifest::SignerKind;
use falaj_testnet::token;

use crate::payments::{Payments, all_final_everywhere, first_event_proven_everywhere};
use crate::stage::{Stage, order};

/// Goal: what was acknowledged is final on every node, whatever one of four validators suffers, and who was away votes again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_validators_settle_through_every_fault_of_one() {
    let mut stage = Stage::raise(&order(4, SignerKind::Softhsm)).await;
    let payments = Payments::begin(&stage.network).await;
    payments.settle_more().await;
    killed_and_back(&mut stage, &payments, 3).await;
    hsm_gone_and_back(&stage, &payments, 1).await;
    started_without_its_hsm(&mut stage, &payments, 2).await;
    let keys = payments.end().await;
    for index in 0..4 {
        stage.catches_up(index).await;
    }
    all_final_everywhere(&stage.network, &keys).await;
    first_event_proven_everywhere(&stage.network).await;
    stage.conclude();
}

async fn killed_and_back(stage: &mut Stage, payments: &Payments, index: usize) {
    stage.cluster.kill(index).expect("a running node");
    payments.settle_more().await;
    stage.start_again(index).await;
    stage.catches_up(index).await;
    stage.votes(index).await;
}

async fn hsm_gone_and_back(stage: &Stage, payments: &Payments, index: usize) {
    let environment = &stage.network.validators[index].env;
    token::take_away(environment).expect("a token");
    stage.says(index, "/votez", false).await;
    payments.settle_more().await;
    stage.catches_up(index).await;
    token::bring_back(environment).expect("a token that is gone");
    stage.votes(index).await;
    stage.says(index, "/votez", true).await;
}

/// A node that starts while its HSM is away follows the others, and votes once it is back, without another start.
async fn started_without_its_hsm(stage: &mut Stage, payments: &Payments, index: usize) {
    stage.cluster.kill(index).expect("a running node");
    let environment = stage.network.validators[index].env.clone();
    token::take_away(&environment).expect("a token");
    payments.settle_more().await;
    stage.start_again(index).await;
    stage.moves_on().await;
    stage.catches_up(index).await;
    stage.says(index, "/votez", false).await;
    token::bring_back(&environment).expect("a token that is gone");
    stage.votes(index).await;
}
