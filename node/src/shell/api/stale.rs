//! Marks what this node serves while its state does not follow the chain.
//!
//! Invariant: as long as the node stands still for a reason of its own, every response says so; a client that needs the newest state asks
//! another node. What is certified stays right: stale is what is missing after it.
//! Source: `docs/spec/api.md`, "Stale reads".

use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;
use std::sync::Arc;

use super::context::Api;
use crate::shell::runtime::LogHealth;

const STALE: &str = "falaj-stale";

/// Adds the header where there is a reason for it.
pub(super) async fn mark(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if let Some(reason) = reason(&api) {
        let value = HeaderValue::from_static(reason);
        response.headers_mut().insert(STALE, value);
    }
    response
}

fn reason(api: &Api) -> Option<&'static str> {
    if api.node.watch.divergence().is_some() {
        Some("diverged")
    } else if api.node.watch.shut().is_some() {
        Some("upgrade-needed")
    } else if api.node.disks.iter().any(LogHealth::is_full) {
        Some("disk-full")
    } else {
        None
    }
}
