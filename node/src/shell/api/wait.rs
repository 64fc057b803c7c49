//! Waiting for a transaction to become final.
//!
//! Invariant: a wait that runs out says "open" and where to look; it decides nothing.

use serde::Deserialize;
use std::time::Duration;
use tokio::sync::oneshot;
use utoipa::IntoParams;

use super::context::Api;
use super::known::{Known, known, of_final};
use super::problem::Problem;
use super::transaction::TransactionView;
use crate::shell::view::Final;

/// Wait that is meant when none is stated.
const DEFAULT_MS: u64 = 10_000;
/// Longest wait.
const MAX_MS: u64 = 60_000;

/// `?wait=final&timeout_ms=`.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Wait {
    /// `final`: answer once the transaction is final.
    wait: Option<String>,
    /// Longest wait in milliseconds: 10,000 if absent, at most 60,000.
    timeout_ms: Option<u64>,
}

impl Wait {
    /// How long to wait for finality; `None` for not at all.
    pub(super) fn patience(&self) -> Result<Option<Duration>, Problem> {
        match (self.wait.as_deref(), self.timeout_ms) {
            (None, None) => Ok(None),
            (Some("final"), timeout_ms) => {
                let ms = timeout_ms.unwrap_or(DEFAULT_MS).min(MAX_MS);
                Ok(Some(Duration::from_millis(ms)))
            }
            (None, Some(_)) => Err(Problem::bad_parameter("timeout_ms", "only with wait=final")),
            (Some(_), _) => Err(Problem::bad_parameter(
                "wait",
                "`final` is the only thing to wait for",
            )),
        }
    }
}

/// Waits, and tells what became of the transaction; `None` when the time is over.
pub(super) async fn until_final(
    api: &Api,
    waiting: oneshot::Receiver<Final>,
    patience: Duration,
) -> Result<Option<TransactionView>, Problem> {
    let Ok(Ok(reached)) = tokio::time::timeout(patience, waiting).await else {
        return Ok(None);
    };
    let bundle = of_final(api, &reached)?;
    let receipt = bundle.answer.receipt;
    let view = TransactionView::of(bundle);
    if view.original.is_none() {
        return Ok(Some(view));
    }
    // A copy came after the original: the original is the answer.
    match known(api, receipt.key).await? {
        Known::Receipt(bundle) => Ok(Some(TransactionView::of(*bundle).replayed())),
        Known::InFlight(_) | Known::Nothing => Ok(Some(view)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patience(wait: Option<&str>, timeout_ms: Option<u64>) -> Option<Option<Duration>> {
        let wait = wait.map(str::to_owned);
        Wait { wait, timeout_ms }.patience().ok()
    }

    #[test]
    fn a_wait_is_for_finality_and_bounded() {
        assert_eq!(patience(None, None), Some(None));
        assert_eq!(
            patience(Some("final"), None),
            Some(Some(Duration::from_secs(10)))
        );
        assert_eq!(
            patience(Some("final"), Some(u64::MAX)),
            Some(Some(Duration::from_secs(60)))
        );
        assert_eq!(patience(Some("admitted"), None), None);
        assert_eq!(patience(None, Some(1)), None);
    }
}
