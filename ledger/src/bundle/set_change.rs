//! A change of validators as the validators before it certified it: the link of a chain of certificates that begins at genesis.
//!
//! Invariant: block h fixes the set of h + 2 by the hash in its outcome, so whoever believes the set of h believes, once that block's
//! certificate holds, the one set with that hash from h + 2 on.
//! Layout: signed block, validator set.
//! What it does not say: that validators who left long ago keep their old keys safe.
//! Source: `docs/spec/receipts.md`, "Set changes".

use borsh::{BorshDeserialize, BorshSerialize};
use falaj_consensus::types::Height;
use falaj_consensus::validator_set::ValidatorSet;
use falaj_consensus::verify::Checker;

use super::{BundleError, SignedBlock};
use crate::trust::Trust;

/// A block that fixed another set, and the set.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SetChange {
    /// The block, two heights below the first at which the set is in force.
    pub block: SignedBlock,
    /// The validators that follow.
    pub validators: ValidatorSet,
}

impl SetChange {
    /// Checks that the trusted validators certified this set, and trusts it in their place.
    ///
    /// # Errors
    /// [`BundleError`]: the block does not hold, or fixed another set, or no change of set.
    pub fn verify(&self, trust: &Trust, checker: &dyn Checker) -> Result<Trust, BundleError> {
        let certified = self.block.verify(trust, checker)?;
        let (expected, found) = (certified.outcome().set_hash, self.validators.hash());
        if found != expected {
            return Err(BundleError::OtherNextSet { found, expected });
        }
        if found == trust.validators().hash() {
            return Err(BundleError::NoChange);
        }
        // A height that a certificate may name has a next one, not always one after that.
        let in_force_from = Height::new(certified.header().height.get().saturating_add(2));
        Ok(trust.followed_by(self.validators.clone(), in_force_from))
    }
}
