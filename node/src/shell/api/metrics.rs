//! `/metrics`: what was counted, and what is read at this moment.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use std::path::Path;
use std::sync::Arc;

use super::context::Api;
use super::health::{Check, ready};
use super::look::look;
use crate::core::Peer;
use crate::shell::network::{Class, PeerStatus};
use crate::shell::node::free_bytes;
use crate::shell::watch::{PeerScrape, Scrape};

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The node's metrics.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "node",
    responses((status = 200, description = "OpenMetrics text.", body = String, content_type = "application/openmetrics-text")),
)]
pub(super) async fn metrics(State(api): State<Arc<Api>>) -> Response {
    let look = look(&api.node.core).await;
    let (node, snapshot) = (&api.node, api.snapshot());
    let supply = snapshot.outcome.supply.iter().map(|entry| {
        let code = entry
            .currency
            .iter()
            .map(|letter| char::from(*letter))
            .collect();
        (code, entry.minor_units)
    });
    let data = node.data.clone();
    let sizes = api.aside(move || (folder_bytes(&data).ok(), free_bytes(&data)));
    let (db_bytes, free) = sizes.await.unwrap_or_default();
    let checks = ready(&api, look.as_ref());
    let scrape = Scrape {
        height: snapshot.height().get(),
        seconds_since_commit: node.watch.seconds_since_commit(),
        behind_heights: look.as_ref().map_or(0, |look| look.behind),
        waited_for: look
            .iter()
            .flat_map(|look| &look.why.missing)
            .map(|missing| (missing.validator.get(), missing.cause.code()))
            .collect(),
        mempool_tx: look.as_ref().map_or(0, |look| look.mempool_tx),
        mempool_bytes: look.as_ref().map_or(0, |look| look.mempool_bytes),
        in_flight_tx: u64::try_from(node.view.in_flight().len()).unwrap_or(u64::MAX),
        supply: supply.collect(),
        peers: node
            .network
            .peers()
            .peers
            .iter()
            .filter_map(|peer| scraped(&api, peer))
            .collect(),
        db_bytes,
        disk_free_bytes: free,
        ready: checks
            .iter()
            .map(|check: &Check| (check.name, check.holds()))
            .collect(),
    };
    let kind = [(header::CONTENT_TYPE, OPENMETRICS)];
    (kind, node.watch.metrics().text(&scrape)).into_response()
}

fn scraped(api: &Api, peer: &PeerStatus) -> Option<PeerScrape> {
    let validator = api.node.peers.peer(&peer.peer).and_then(Peer::validator)?;
    let streams = Class::ALL.into_iter().map(|class| {
        let status = peer.classes.get(class);
        (
            class.name(),
            status.bytes_in,
            status.bytes_out,
            status.dropped,
        )
    });
    Some(PeerScrape {
        validator: validator.get(),
        up: peer.up,
        rtt_us: peer.rtt_us,
        streams: streams.collect(),
    })
}

/// Bytes of a folder's files, with those of the folders in it.
fn folder_bytes(folder: &Path) -> std::io::Result<u64> {
    let mut bytes = 0_u64;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let more = match entry.metadata()? {
            inner if inner.is_dir() => folder_bytes(&entry.path())?,
            file => file.len(),
        };
        bytes = bytes.saturating_add(more);
    }
    Ok(bytes)
}
