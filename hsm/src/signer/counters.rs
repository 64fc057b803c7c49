//! What a signer has done since it started, for metrics.
//!
//! Invariant: every answer is counted once; refusals by their stable code.
//! Source: `docs/spec/guard.md`, "The order".

use std::collections::BTreeMap;

use crate::purpose::Purpose;

/// Counts since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Counters {
    signed: BTreeMap<Purpose, u64>,
    refused: BTreeMap<&'static str, u64>,
    repeated: u64,
    backend_calls: u64,
    bad_proofs: u64,
}

impl Counters {
    /// Signatures made and checked.
    #[must_use]
    pub fn signed(&self, purpose: Purpose) -> u64 {
        self.signed.get(&purpose).copied().unwrap_or_default()
    }

    /// Refusals with that code.
    #[must_use]
    pub fn refused(&self, code: &str) -> u64 {
        self.refused.get(code).copied().unwrap_or_default()
    }

    /// All refusals by code.
    pub fn refusals(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.refused.iter().map(|(code, count)| (*code, *count))
    }

    /// Stored signatures given again.
    #[must_use]
    pub const fn repeated(&self) -> u64 {
        self.repeated
    }

    /// Calls of the backend.
    #[must_use]
    pub const fn backend_calls(&self) -> u64 {
        self.backend_calls
    }

    /// Height proofs shown ahead that proved nothing.
    #[must_use]
    pub const fn bad_proofs(&self) -> u64 {
        self.bad_proofs
    }

    pub(super) fn count_signed(&mut self, purpose: Purpose) {
        let count = self.signed.entry(purpose).or_default();
        *count = count.saturating_add(1);
    }

    pub(super) fn count_refused(&mut self, code: &'static str) {
        let count = self.refused.entry(code).or_default();
        *count = count.saturating_add(1);
    }

    pub(super) const fn count_repeated(&mut self) {
        self.repeated = self.repeated.saturating_add(1);
    }

    pub(super) const fn count_call(&mut self) {
        self.backend_calls = self.backend_calls.saturating_add(1);
    }

    pub(super) const fn count_bad_proof(&mut self) {
        self.bad_proofs = self.bad_proofs.saturating_add(1);
    }
}
