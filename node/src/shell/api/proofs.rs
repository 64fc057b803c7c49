//! Proofs that a transaction was never executed.
//!
//! Invariant: given only if it verifies; too early, too late and executed are told apart.
//! Source: `docs/spec/receipts.md`, "No execution".

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use falaj_ledger::bundle::{Bundle, NoExecutionBundle, window_end_ms};
use falaj_ledger::dedup::last_us;
use falaj_ledger::rejection::Rejection;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;

use super::context::Api;
use super::problem::Problem;
use super::request::{self, Asked, Named};
use super::transaction::BundleView;

/// `?valid_until_ms=`.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Window {
    /// End of the transaction's window; the latest that its id allows if absent.
    valid_until_ms: Option<u64>,
}

/// The proof that a transaction was never executed and never will be.
///
/// 409 with a code 2001 or 2003 if it was; 425 while it still could be; 410 once the ledger has forgotten ids of that time.
#[utoipa::path(
    get,
    path = "/v1/proofs/no-execution/{participant}/{id}",
    tag = "proofs",
    params(
        ("participant" = u32, Path, description = "Who submitted it."),
        ("id" = String, Path, description = "Its id, a version 7 UUID."),
        Window,
    ),
    responses((status = 200, description = "The proof.", body = BundleView)),
)]
pub(super) async fn no_execution(
    State(api): State<Arc<Api>>,
    Named((participant, id)): Named<(String, String)>,
    Asked(Window { valid_until_ms }): Asked<Window>,
) -> Result<Json<BundleView>, Problem> {
    let key = request::key(&participant, &id)?;
    let snapshot = api.snapshot();
    let (height, time_us) = (snapshot.height().get(), snapshot.state.time_us());
    let constants = snapshot.state.chain().constants;
    if let Some(entry) = snapshot.state.dedup(key) {
        let code = entry
            .pinned
            .map_or(Rejection::Exists, |_| Rejection::FailedBefore);
        return Err(Problem::of(code).at_height(entry.place.height.get()));
    }
    let until_us = window_end_ms(&constants, key, valid_until_ms).saturating_mul(1_000);
    if time_us <= until_us {
        let wait_s = until_us.saturating_sub(time_us) / 1_000_000 + 1;
        let title = "it could still be executed";
        let detail = format!("block time is {time_us} µs and must be after {until_us} µs");
        return Err(Problem::new(StatusCode::TOO_EARLY, "too-early", title)
            .because(detail)
            .at_height(height)
            .retry_after(u32::try_from(wait_s).unwrap_or(u32::MAX)));
    }
    if time_us > last_us(&constants, key.id) {
        let title = "the ledger has forgotten ids of that time";
        let detail = "it can no longer be executed; whether it was is in the history alone";
        return Err(Problem::new(StatusCode::GONE, "too-late", title)
            .because(detail)
            .at_height(height));
    }
    let bundle = NoExecutionBundle {
        certified: api.certified(&snapshot)?,
        key,
        valid_until_ms,
        absence: snapshot.state.prove_dedup(key),
    };
    Ok(Json(BundleView::of(&Bundle::NoExecution(bundle))))
}
