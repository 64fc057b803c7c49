//! The client API: HTTP and JSON under `/v1`, health, metrics.
//!
//! Invariant: nothing here decides; reads take a snapshot, writes go through the replica's admission, and only a certificate is an answer.
//! Loopback only, reads open; a bind beyond loopback is refused until TLS exists.
//! Source: `docs/spec/api.md`.

#![expect(
    unused_qualifications,
    reason = "utoipa's macro writes the types of queries in full"
)]

mod accounts;
mod blocks;
mod body;
mod chain;
mod conflict;
mod context;
mod encode;
mod event_log;
mod events;
mod governance;
mod health;
mod host;
mod known;
mod look;
mod metrics;
mod openapi;
mod participants;
mod problem;
mod proofs;
mod request;
mod serve;
mod stale;
mod status;
mod submit;
#[cfg(test)]
pub(in crate::shell) mod tests;
mod trace;
mod transaction;
mod transactions;
mod upgrade;
mod views;
mod wait;
mod why;

use axum::Router;
use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use axum::routing::get;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::node::Node;
use body::{BODIES_BYTES_MAX, Bodies};
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
pub fn router(node: Arc<Node>, stopping: watch::Receiver<bool>) -> Router {
    router_within(node, stopping, Bodies::new(BODIES_BYTES_MAX))
}

/// The same, with so much room for bodies.
fn router_within(node: Arc<Node>, stopping: watch::Receiver<bool>, bodies: Bodies) -> Router {
    let (router, document) = paths().split_for_parts();
    let document = Bytes::from(text(&openapi::finished(document)));
    let kind = [(header::CONTENT_TYPE, "application/json")];
    let api = Arc::new(Api::new(node, bodies, stopping));
    router
        .route(
            "/openapi.json",
            get(async move || (kind, document).into_response()),
        )
        .fallback(nothing_here)
        .method_not_allowed_fallback(no_such_method)
        .layer(from_fn_with_state(Arc::clone(&api), stale::mark))
        .with_state(api)
        .layer(from_fn(host::check))
        .layer(from_fn(trace::trace))
}

/// The OpenAPI document of this build.
#[must_use]
pub fn document() -> OpenApi {
    openapi::finished(paths().into_openapi())
}

/// The document as it is served.
///
/// # Panics
/// Never: its maps have text keys.
#[must_use]
pub fn text(document: &OpenApi) -> String {
    document
        .to_pretty_json()
        .expect("a document of text keys has a JSON form")
}

fn paths() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::with_openapi(openapi::head())
        .routes(routes!(submit::one))
        .routes(routes!(submit::many))
        .routes(routes!(encode::encode))
        .routes(routes!(encode::simulate))
        .routes(routes!(transactions::one))
        .routes(routes!(transactions::transfer))
        .routes(routes!(accounts::list))
        .routes(routes!(accounts::one))
        .routes(routes!(participants::participants))
        .routes(routes!(participants::participant))
        .routes(routes!(participants::currencies))
        .routes(routes!(participants::currency))
        .routes(routes!(governance::authorities))
        .routes(routes!(governance::authority))
        .routes(routes!(governance::proposals))
        .routes(routes!(governance::proposal))
        .routes(routes!(blocks::block))
        .routes(routes!(blocks::receipts))
        .routes(routes!(blocks::certificate))
        .routes(routes!(proofs::no_execution))
        .routes(routes!(event_log::extension))
        .routes(routes!(chain::genesis))
        .routes(routes!(chain::validators))
        .routes(routes!(chain::parameters))
        .routes(routes!(upgrade::upgrade))
        .routes(routes!(event_log::list))
        .routes(routes!(event_log::one))
        .routes(routes!(event_log::stream))
        .routes(routes!(events::receipts))
        .routes(routes!(events::blocks))
        .routes(routes!(status::status))
        .routes(routes!(status::peers))
        .routes(routes!(health::livez))
        .routes(routes!(health::readyz))
        .routes(routes!(health::votez))
        .routes(routes!(metrics::metrics))
}

async fn nothing_here() -> Problem {
    let title = "the API has no such path";
    Problem::new(StatusCode::NOT_FOUND, "no-such-path", title)
        .because("the paths are listed at /openapi.json")
}

async fn no_such_method() -> Problem {
    let title = "the path does not know that method";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", title)
}
