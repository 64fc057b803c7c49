//! Asking for a transaction: what this node knows of it, at once or once it is final.
//!
//! Source: `docs/spec/api.md`, "Asking".

use axum::extract::State;
use axum::response::Response;
use std::sync::Arc;

use super::context::Api;
use super::known::{Known, known};
use super::look::including;
use super::problem::Problem;
use super::request::{self, Asked, Named};
use super::transaction::TransactionView;
use super::wait::{Wait, until_final};

/// What this node knows of a transaction, with its receipt once there is one.
///
/// 404 says that this node knows nothing of it; that it was never executed is shown only by `/v1/proofs/no-execution`.
#[utoipa::path(
    get,
    path = "/v1/transactions/{participant}/{id}",
    operation_id = "transaction",
    tag = "transactions",
    params(
        ("participant" = u32, Path, description = "Who submitted it."),
        ("id" = String, Path, description = "Its id, a version 7 UUID."),
        Wait,
    ),
    responses(
        (status = 200, description = "What became of it, with the receipt.", body = TransactionView),
        (status = 202, description = "It is open.", body = TransactionView),
    ),
)]
pub(super) async fn one(
    State(api): State<Arc<Api>>,
    Named((participant, id)): Named<(String, String)>,
    Asked(wait): Asked<Wait>,
) -> Result<Response, Problem> {
    let key = request::key(&participant, &id)?;
    let patience = wait.patience()?;
    // Whoever waits begins before the look, so that a block between the two is not missed.
    let waiting = patience.and_then(|_| api.node.view.wait_for(key, None));
    let admitted = match known(&api, key).await? {
        Known::Receipt(bundle) => return Ok(TransactionView::of(*bundle).into_answer()),
        Known::InFlight(waiting) => Some(waiting),
        Known::Nothing => None,
    };
    if let Some((patience, waiting)) = patience.zip(waiting)
        && let Some(reached) = until_final(&api, waiting, patience).await?
    {
        return Ok(reached.into_answer());
    }
    let open = match including(&api.node.core, key).await {
        Some(block) => Some(TransactionView::included(key, admitted.as_ref(), &block)),
        None => admitted.map(|waiting| TransactionView::waiting(key, &waiting)),
    };
    open.map(TransactionView::into_answer).ok_or_else(|| {
        let height = api.snapshot().height().get();
        Problem::not_found(
            "this node knows no such transaction; that it was never executed is shown only by /v1/proofs/no-execution",
        )
        .at_height(height)
    })
}

/// The same under the name of the most common operation.
#[utoipa::path(
    get,
    path = "/v1/transfers/{participant}/{id}",
    tag = "transactions",
    params(
        ("participant" = u32, Path, description = "Who submitted it."),
        ("id" = String, Path, description = "Its id, a version 7 UUID."),
        Wait,
    ),
    responses(
        (status = 200, description = "What became of it, with the receipt.", body = TransactionView),
        (status = 202, description = "It is open.", body = TransactionView),
    ),
)]
pub(super) async fn transfer(
    state: State<Arc<Api>>,
    path: Named<(String, String)>,
    wait: Asked<Wait>,
) -> Result<Response, Problem> {
    one(state, path, wait).await
}
