//! What shows the signing guard that a height fixed another validator set.
//!
//! Invariant: the certificate, the outcome and the set are those of one block, whose outcome fixes the set of the height after the next.
//! Source: `docs/spec/guard.md`, "Validator sets".

use falaj_consensus::message::{CommitCertificate, Outcome};
use falaj_hsm::HeightProof;
use falaj_ledger::state::State;

/// The proof for the guard, if the last block of a state fixed another set than the one before it.
#[must_use]
pub fn decided_set(
    state: &State,
    certificate: &CommitCertificate,
    outcome: &Outcome,
) -> Option<HeightProof> {
    let next = state.height().next();
    let (before, set) = (state.validators_at(next), state.validators_at(next.next()));
    (before.hash() != set.hash()).then(|| HeightProof {
        certificate: certificate.clone(),
        outcome: outcome.clone(),
        set,
    })
}
