//! Submits a transaction, and waits until it is final if that was asked for.
//!
//! Invariant: nothing is sent that a node would refuse for its bytes; what was sent and not answered is told as unknown, with its name,
//! never as failed: the same bytes may be sent again, other ones might pay twice.
//! Source: `docs/spec/ledger.md`, "What an answer is".

use clap::Args;
use falaj_ledger::genesis::Genesis;
use falaj_ledger::transaction::TxKey;
use std::time::Duration;

use super::answer::Told;
use super::draft::Draft;
use crate::shell::cli::client::ClientError;
use crate::shell::cli::endpoint::Endpoint;
use crate::shell::cli::names::of_key;
use crate::shell::cli::{Failure, Scene};

/// How a transaction is submitted.
#[derive(Args)]
pub(in crate::shell::cli) struct Sending {
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    endpoint: Endpoint,
}

/// How long finality is waited for.
#[derive(Args)]
pub(in crate::shell::cli) struct Patience {
    /// Wait until it is final.
    #[arg(long)]
    wait: bool,
    /// Longest wait in milliseconds, at most 60,000.
    #[arg(long, value_name = "MS", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=60_000))]
    timeout_ms: u64,
}

impl Patience {
    /// So long.
    #[cfg(test)]
    pub(super) const fn of(timeout_ms: u64) -> Self {
        let wait = true;
        Self { wait, timeout_ms }
    }

    /// What is asked of the API.
    pub(in crate::shell::cli) fn query(&self) -> String {
        let timeout_ms = self.timeout_ms;
        if self.wait {
            format!("?wait=final&timeout_ms={timeout_ms}")
        } else {
            String::new()
        }
    }

    /// How long the API may hold its answer back.
    pub(in crate::shell::cli) const fn held(&self) -> Duration {
        Duration::from_millis(if self.wait { self.timeout_ms } else { 0 })
    }

    pub(super) const fn waits(&self) -> bool {
        self.wait
    }
}

impl Sending {
    pub(super) const fn waits(&self) -> bool {
        self.patience.waits()
    }

    /// Submits a draft that has its approvals.
    pub(super) fn send(
        &self,
        scene: &Scene,
        genesis: &Genesis,
        draft: &Draft,
    ) -> Result<(), Failure> {
        let signed = draft.signed(genesis)?;
        let client = self.endpoint.client(scene)?;
        let path = format!("/v1/transactions{}", self.patience.query());
        let (bytes, held) = (signed.to_bytes(), self.patience.held());
        let answer = client.post_octets(&path, bytes, held);
        let answer = answer.map_err(|error| unanswered(draft, error))?;
        if !answer.status.is_success() {
            return Err(answer.refusal().with("transaction", draft.name()));
        }
        let told = Told::read(&answer, draft.body().key(), Some(genesis))?;
        told.of_request(draft).conclude(scene, self.waits())
    }
}

fn unanswered(draft: &Draft, error: ClientError) -> Failure {
    let name = draft.name();
    if error.is_unsent() {
        return Failure::from(error).with("transaction", name);
    }
    let fix = format!(
        "look it up: falaj tx show {name} --wait; submit only the same file again, which is never executed twice"
    );
    Failure::new(
        Failure::UNAVAILABLE,
        Unanswered {
            name: name.clone(),
            source: error,
        },
    )
    .with("code", 6006)
    .with("name", "outcome-unknown")
    .with("transaction", name)
    .fix(fix)
}

#[derive(Debug, thiserror::Error)]
#[error("6006 outcome-unknown: transaction {name} was sent, and whether it was taken is unknown")]
struct Unanswered {
    name: String,
    #[source]
    source: ClientError,
}

/// A transaction that is open.
pub(in crate::shell::cli) fn not_final(key: TxKey) -> Failure {
    let name = of_key(key);
    Failure::new(
        Failure::UNAVAILABLE,
        format!("not-final: transaction {name} is open: neither executed nor refused yet"),
    )
    .with("name", "not-final")
    .with("transaction", name.clone())
    .fix(format!(
        "falaj tx show {name} --wait; falaj status says why nothing is decided"
    ))
}
