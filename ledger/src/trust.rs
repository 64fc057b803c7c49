//! What a verifier believes before it checks anything: one chain, its hard rails, and the validator set in force from a height on.
//!
//! Invariant: it is made of a genesis, or of another trust by a change of set that the set of that trust certified; nothing else moves it.
//! Who calls it: whoever checks a bundle; `falaj verify` makes it of a genesis file, a light client of what it was built with.
//! Errors: none here; what does not follow from a trust is a [`crate::bundle::BundleError`].
//! Source: `docs/spec/receipts.md`, "What a verifier starts from".

use falaj_consensus::types::{ChainContext, Height};
use falaj_consensus::validator_set::ValidatorSet;

use crate::genesis::{Constants, Genesis};

/// What a verifier believes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    chain: ChainContext,
    constants: Constants,
    validators: ValidatorSet,
    in_force_from: Height,
}

impl Trust {
    /// Believes in a chain by its name and genesis hash, its constants and its first validators.
    ///
    /// The hash does not prove the other three to whoever has no genesis to hash: they come from where the hash comes from.
    #[must_use]
    pub const fn new(chain: ChainContext, constants: Constants, validators: ValidatorSet) -> Self {
        Self {
            chain,
            constants,
            validators,
            in_force_from: Height::new(1),
        }
    }

    /// Believes in a genesis.
    #[must_use]
    pub fn of_genesis(genesis: &Genesis) -> Self {
        Self::new(
            genesis.chain(),
            genesis.constants,
            genesis.validators.clone(),
        )
    }

    /// The same with the validators that this trust's validators certified to follow them.
    pub(crate) fn followed_by(&self, validators: ValidatorSet, in_force_from: Height) -> Self {
        Self {
            chain: self.chain.clone(),
            constants: self.constants,
            validators,
            in_force_from,
        }
    }

    /// Identity of the chain.
    #[must_use]
    pub const fn chain(&self) -> &ChainContext {
        &self.chain
    }

    /// The hard rails of the chain.
    #[must_use]
    pub const fn constants(&self) -> &Constants {
        &self.constants
    }

    /// The validators that are believed.
    #[must_use]
    pub const fn validators(&self) -> &ValidatorSet {
        &self.validators
    }

    /// The first height at which they are in force.
    #[must_use]
    pub const fn in_force_from(&self) -> Height {
        self.in_force_from
    }
}
