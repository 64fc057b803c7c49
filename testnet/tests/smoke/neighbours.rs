//! Two networks on one machine at the same time.

use falaj_testnet::manifest::SignerKind;

use crate::payments::{Payments, all_final_everywhere};
use crate::stage::{Stage, order};

/// Goal: networks side by side share nothing: each has ports, processes, a chain and payments of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_networks_run_side_by_side() {
    let (one, other) = tokio::join!(pays_alone(), pays_alone());
    assert_ne!(one.seen.network.chain, other.seen.network.chain);
    one.conclude();
    other.moves_on_after_payments().await;
    other.conclude();
}

async fn pays_alone() -> Stage {
    let stage = Stage::raise(&order(1, SignerKind::Software)).await;
    stage.moves_on_after_payments().await;
    stage
}

impl Stage {
    async fn moves_on_after_payments(&self) {
        let payments = Payments::begin(&self.seen.network).await;
        payments.settle_more().await;
        let keys = payments.end().await;
        self.seen.catches_up(0).await;
        all_final_everywhere(&self.seen.network, &keys).await;
    }
}
