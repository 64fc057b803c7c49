//! What every backend owes, as one suite, and bytes to run it with.
//!
//! Invariant: nothing here is compiled into a program; the feature `testing` is for tests alone.
//! Shape: each function of the suite panics with what the backend did wrong.
//! Source: `docs/spec/guard.md`, "Backend".

use falaj_consensus::message::Statement;
use falaj_consensus::types::ChainContext;

use crate::backend::BackendWork;
use crate::purpose::{PrecommitBytes, PrevoteBytes, ProposalBytes};

/// The work of signing a statement that no guard has seen.
#[must_use]
pub fn unguarded(chain: &ChainContext, statement: Statement) -> BackendWork {
    let bytes = statement.sign_bytes(chain);
    match statement {
        Statement::Proposal { .. } => BackendWork::Proposal(ProposalBytes::approved(bytes)),
        Statement::Prevote { .. } => BackendWork::Prevote(PrevoteBytes::approved(bytes)),
        Statement::Precommit { .. } => BackendWork::Precommit(PrecommitBytes::approved(bytes)),
    }
}
