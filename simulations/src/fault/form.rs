//! How the log of a fault is written.

use falaj_consensus::durable::LogId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The words of a [`LogId`].
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "LogId", rename_all = "snake_case")]
pub(super) enum Log {
    /// What a key may have signed, with lock and polka.
    Guard,
    /// Every signature and refusal of the signer.
    Audit,
    /// Headers, bodies and commit certificates.
    Block,
    /// Batches of transactions.
    Batch,
}
