//! The client API: HTTP and JSON under `/v1`, health, metrics.
//!
//! Invariant: nothing here decides; reads take a snapshot, writes go through the replica's admission, and only a certificate is an answer.
//! Loopback only, reads open; a bind beyond loopback is refused until TLS exists.
//! Source: `docs/spec/api.md`.

mod context;
mod events;
mod health;
mod known;
mod problem;
mod request;
mod serve;
mod status;
mod submit;
#[cfg(test)]
mod tests;
mod trace;
mod transaction;
mod transactions;
mod views;
mod wait;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn;
use axum::routing::{get, post};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::node::Node;
use context::Api;
use problem::Problem;

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

    /// Serves until `stopping` is true; returns when no request holds the node any more.
    pub async fn serve(self, node: Arc<Node>, stopping: watch::Receiver<bool>) {
        let router = router(node, stopping.clone());
        serve::serve(self.listener, router, stopping).await;
    }
}

/// Every path of the API; streams end when `stopping` is true.
#[must_use]
pub fn router(node: Arc<Node>, stopping: watch::Receiver<bool>) -> Router {
    Router::new()
        .route("/livez", get(health::live))
        .route("/v1/status", get(status::status))
        .route("/v1/transactions", post(submit::one))
        .route("/v1/transactions:batch", post(submit::many))
        .route(
            "/v1/transactions/{participant}/{id}",
            get(transactions::one),
        )
        .route("/v1/transfers/{participant}/{id}", get(transactions::one))
        .route("/v1/events/receipts", get(events::receipts))
        .route("/v1/events/blocks", get(events::blocks))
        .fallback(nothing_here)
        .method_not_allowed_fallback(no_such_method)
        .with_state(Arc::new(Api::new(node, stopping)))
        .layer(from_fn(trace::trace))
}

async fn nothing_here() -> Problem {
    Problem::not_found("the paths are listed at /openapi.json")
}

async fn no_such_method() -> Problem {
    let title = "the path does not know that method";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", title)
}
