//! Where the node stands.

use axum::Json;
use axum::extract::State;
use std::sync::Arc;

use super::context::Api;

/// `GET /v1/status`.
pub(super) async fn status(State(api): State<Arc<Api>>) -> Json<serde_json::Value> {
    let snapshot = api.snapshot();
    Json(serde_json::json!({
        "chain": api.node.genesis.chain_id,
        "genesis_hash": api.node.genesis.hash().to_hex(),
        "height": snapshot.height().get(),
        "time_us": snapshot.state.time_us(),
        "block": snapshot.block_id().to_string(),
        "state_root": snapshot.state.root().to_hex(),
    }))
}
