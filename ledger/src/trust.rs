//! What a verifier believes before it checks anything: one chain, its hard rails, and the validator set in force from a height on.
//!
//! Invariant: it is made of a genesis, or of another trust by a change of set that the set of that trust certified; nothing else moves it.
//! Who calls it: whoever checks a bundle; `falaj verify` makes it of a genesis file, a light client of what it was built with.
//! Errors: [`CheckpointError`]; what does not follow from a trust is a [`crate::bundle::BundleError`].
//! Source: `docs/spec/receipts.md`, "What a verifier starts from".

use falaj_consensus::types::{ChainContext, Hash32, Height, OutcomeHash};
use falaj_consensus::validator_set::ValidatorSet;

use crate::bundle::CertifiedOutcome;
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

/// What a block was, told by somebody who is trusted beside the certificates: against keys of validators that left long ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Height of the block.
    pub height: Height,
    /// Hash of its outcome.
    pub outcome: OutcomeHash,
    /// Hash of the validator set that certified it.
    pub set_hash: Hash32,
}

/// Why certificates that hold are not believed beside a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// They end below it, where they can neither agree nor contradict.
    #[error("the certificates end at height {height}, below the checkpoint of height {checkpoint}")]
    Below {
        /// Where they end.
        height: Height,
        /// Height of the checkpoint.
        checkpoint: Height,
    },
    /// By them other validators governed the height of the checkpoint.
    #[error(
        "by the certificates validator set {found} governed height {height}, by the checkpoint {expected}"
    )]
    Set {
        /// Height of the checkpoint.
        height: Height,
        /// Hash of the set by the certificates.
        found: Hash32,
        /// Hash in the checkpoint.
        expected: Hash32,
    },
    /// One of them certifies another outcome at that height.
    #[error("a certificate names outcome {found} at height {height}, the checkpoint {expected}")]
    Outcome {
        /// Height of the checkpoint.
        height: Height,
        /// The certified outcome.
        found: OutcomeHash,
        /// The one in the checkpoint.
        expected: OutcomeHash,
    },
}

impl Checkpoint {
    /// Checks that a certified outcome that was verified under a trust leads through this checkpoint.
    ///
    /// Who can forge certificates of validators that left cannot forge those of the set that the checkpoint names; so above it the
    /// set is enough, and below it nothing would be.
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn check(&self, trust: &Trust, proven: &CertifiedOutcome) -> Result<(), CheckpointError> {
        let (height, last) = (self.height, proven.header().height);
        if last < height {
            return Err(CheckpointError::Below {
                height: last,
                checkpoint: height,
            });
        }
        let changes = proven.set_changes();
        let in_force = changes.iter().rev().find(|change| {
            let fixed = change.block.header().height;
            fixed.get().saturating_add(2) <= height.get()
        });
        let validators = in_force.map_or(trust.validators(), |change| &change.validators);
        let (found, expected) = (validators.hash(), self.set_hash);
        if found != expected {
            return Err(CheckpointError::Set {
                height,
                found,
                expected,
            });
        }
        let certified = changes
            .iter()
            .map(|change| (change.block.header().height, change.block.outcome()))
            .chain([(last, proven.outcome())]);
        let other = certified
            .filter(|(at, _)| *at == height)
            .map(|(_, outcome)| outcome.hash())
            .find(|found| *found != self.outcome);
        match other {
            None => Ok(()),
            Some(found) => Err(CheckpointError::Outcome {
                height,
                found,
                expected: self.outcome,
            }),
        }
    }
}
