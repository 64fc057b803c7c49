//! The validator sets a guard stands on, and how it follows the chain to the next ones.
//!
//! Invariant: a set is taken over only by the certificate whose outcome fixes it, checked under the set this window holds for that height.
//! Shape: sets of three heights, h−1, h and h+1; a set that did not change is shared.
//! Errors: [`ProofError`] says what is wrong with what was shown.
//! Source: `docs/spec/guard.md`, "Validator sets".

use std::sync::Arc;

use falaj_consensus::hash::{self, Tag};
use falaj_consensus::message::{CommitCertificate, Outcome};
use falaj_consensus::types::{ChainContext, Hash32, Height};
use falaj_consensus::validator_set::ValidatorSet;
use falaj_consensus::verify::{Checker, Context, VerifyError};

const WINDOW_TAG: Tag = Tag::new("falaj/guard-sets/1");

/// What lets a guard go from height h−1 to h: the certificate of h−1, the outcome it certifies, and set(h+1), which that outcome fixes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HeightProof {
    /// Certificate of h−1.
    pub certificate: CommitCertificate,
    /// What it certifies as outcome.
    pub outcome: Outcome,
    /// The validator set of h+1.
    pub set: Arc<ValidatorSet>,
}

/// Why a height proof proves nothing here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ProofError {
    /// No proof was shown.
    #[error("no certificate of the height before was shown")]
    Missing,
    /// A certificate of another height than the one before.
    #[error("the certificate is of height {found}, not {expected}")]
    Height {
        /// The height before the requested one.
        expected: Height,
        /// The certificate's.
        found: Height,
    },
    /// A certificate below the heights whose sets are held.
    #[error("the certificate of height {0} is below the sets that are held")]
    Old(Height),
    /// The certificate does not verify.
    #[error("the certificate does not verify")]
    Certificate,
    /// The outcome is not the one that the certificate names.
    #[error("the outcome is not the certified one")]
    Outcome,
    /// The set is not the one that the outcome fixes.
    #[error("the validator set is not the one that the outcome fixes")]
    Set,
}

/// The sets of three heights.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SetWindow {
    height: Height,
    previous: Arc<ValidatorSet>,
    current: Arc<ValidatorSet>,
    next: Arc<ValidatorSet>,
}

impl SetWindow {
    /// Before the first height, with the set that genesis fixes for heights 1 and 2.
    #[must_use]
    pub fn genesis(set: &Arc<ValidatorSet>) -> Self {
        Self::new(Height::new(0), [set, set, set])
    }

    /// The sets of `height` − 1, `height` and `height` + 1, from a source that is trusted.
    #[must_use]
    pub fn new(height: Height, [previous, current, next]: [&Arc<ValidatorSet>; 3]) -> Self {
        Self {
            height,
            previous: Arc::clone(previous),
            current: Arc::clone(current),
            next: Arc::clone(next),
        }
    }

    /// The window at `height` whose hash is `hash`, from the sets that the node knows, in the order in which they were in force: a set
    /// is in force for two heights at least, so a window spans one of them, or two that follow each other.
    #[must_use]
    pub fn find(height: Height, hash: Hash32, known: &[Arc<ValidatorSet>]) -> Option<Self> {
        let followed = known
            .iter()
            .zip(known.iter().skip(1).map(Some).chain([None]));
        let mut windows = followed.flat_map(|(first, second)| {
            let second = second.unwrap_or(first);
            [
                [first, first, first],
                [first, first, second],
                [first, second, second],
                [second, second, second],
            ]
        });
        windows
            .find(|sets| hash_of(*sets) == hash)
            .map(|sets| Self::new(height, sets))
    }

    /// The middle height.
    #[must_use]
    pub const fn height(&self) -> Height {
        self.height
    }

    /// What records name the three sets by.
    #[must_use]
    pub fn hash(&self) -> Hash32 {
        hash_of([&self.previous, &self.current, &self.next])
    }

    /// The set of a height, as far as this window knows: above it nothing has changed as long as nothing else was shown.
    /// None below the window.
    #[must_use]
    pub fn set_at(&self, height: Height) -> Option<&Arc<ValidatorSet>> {
        match height.cmp(&self.height) {
            std::cmp::Ordering::Less => (height.next() == self.height).then_some(&self.previous),
            std::cmp::Ordering::Equal => Some(&self.current),
            std::cmp::Ordering::Greater => Some(&self.next),
        }
    }

    /// The set under which a statement of ours at `height` is released again: for heights below the window the oldest one held.
    #[must_use]
    pub(crate) fn set_for_release(&self, height: Height) -> &Arc<ValidatorSet> {
        self.set_at(height).unwrap_or(&self.previous)
    }

    /// The window of height 1, which genesis fixes and no certificate opens.
    #[must_use]
    pub(crate) fn first(&self) -> Self {
        Self {
            height: Height::new(1),
            ..self.clone()
        }
    }

    /// The window one height above the proof's certificate.
    ///
    /// # Errors
    /// [`ProofError`] when any part of the proof fails.
    pub fn follow(
        &self,
        chain: &ChainContext,
        checker: &dyn Checker,
        proof: &HeightProof,
    ) -> Result<Self, ProofError> {
        let height = proof.certificate.height;
        let set = self.set_at(height).ok_or(ProofError::Old(height))?;
        let certified = Context {
            chain,
            set,
            checker,
        }
        .certificate(proof.certificate.clone());
        let certified = certified.map_err(|_: VerifyError| ProofError::Certificate)?;
        if !proof.outcome.is_canonical() || proof.outcome.hash() != certified.get().outcome {
            return Err(ProofError::Outcome);
        }
        let current = self.set_at(height.next()).ok_or(ProofError::Old(height))?;
        let next = [current, &proof.set]
            .into_iter()
            .find(|set| set.hash() == proof.outcome.set_hash);
        Ok(Self::new(
            height.next(),
            [set, current, next.ok_or(ProofError::Set)?],
        ))
    }
}

fn hash_of(sets: [&Arc<ValidatorSet>; 3]) -> Hash32 {
    let [previous, current, next] = sets.map(|set| set.hash());
    hash::tagged_parts(
        WINDOW_TAG,
        &[previous.bytes(), current.bytes(), next.bytes()],
    )
}
