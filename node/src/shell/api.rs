//! The client API: HTTP and JSON under `/v1`, health, metrics.
//!
//! Invariant: nothing here decides; reads take a snapshot, writes go through the replica's admission, and only a certificate is an answer.
//! Loopback only, reads open; a bind beyond loopback is refused until TLS exists.
//! Source: `docs/spec/api.md`.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;

use super::node::Node;
use crate::core::Admission;

/// A server that listens and does not serve yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

/// Takes the address.
///
/// # Errors
/// When it is in use or not this machine's.
pub async fn listen(address: SocketAddr) -> std::io::Result<Server> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    Ok(Server { listener, address })
}

impl Server {
    /// The address, with the port that was taken.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until it is dropped.
    pub async fn serve(self, node: Arc<Node>) {
        let router = Router::new()
            .route("/livez", get(livez))
            .route("/v1/status", get(status))
            .route("/v1/transactions", post(submit))
            .with_state(node);
        if let Err(error) = axum::serve(self.listener, router).await {
            tracing::error!(%error, "the API ends");
        }
    }
}

async fn livez() -> &'static str {
    "ok"
}

async fn status(State(node): State<Arc<Node>>) -> Json<serde_json::Value> {
    let snapshot = node.view.snapshot();
    Json(serde_json::json!({
        "height": snapshot.height().get(),
        "block": snapshot.block_id().to_string(),
        "state_root": snapshot.state.root().to_string(),
    }))
}

async fn submit(State(node): State<Arc<Node>>, body: Bytes) -> Response {
    match node.answers.submit(&node.core, body.to_vec()).await {
        Ok(Admission::Admitted) => StatusCode::ACCEPTED.into_response(),
        Ok(Admission::Refused(rejection)) => {
            (StatusCode::BAD_REQUEST, format!("{rejection:?}")).into_response()
        }
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}
