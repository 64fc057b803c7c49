//! The rule `fips = strict` for signatures of others: what is not on the approved list is no signature, right or wrong.
//!
//! Invariant: beyond that it gives the verdicts of the checker it wraps; nothing falls back to another algorithm.
//! Callers: whoever verifies for a party that admits approved algorithms alone; a strict node does not start on a chain whose set holds others.
//! Source: `docs/spec/encoding.md`, "Signatures"; FIPS 140-3.

use alloc::vec::Vec;

use super::{Checker, SignedItem};

/// Refuses every algorithm that [`crate::crypto::Algorithm::fips_approved`] does not name, and asks the checker within about the rest.
#[derive(Clone, Copy, Debug, Default)]
pub struct ApprovedOnly<C>(pub C);

impl<C: Checker> Checker for ApprovedOnly<C> {
    fn check(&self, item: SignedItem<'_>) -> bool {
        is_approved(&item) && self.0.check(item)
    }

    fn check_batch(&self, items: &[SignedItem<'_>]) -> Vec<bool> {
        let approved: Vec<_> = items.iter().copied().filter(is_approved).collect();
        let mut verdicts = self.0.check_batch(&approved).into_iter();
        items
            .iter()
            .map(|item| is_approved(item) && verdicts.next().unwrap_or(false))
            .collect()
    }
}

const fn is_approved(item: &SignedItem<'_>) -> bool {
    item.key.algorithm().fips_approved()
}
