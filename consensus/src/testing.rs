//! Builders for tests of this crate and of its users: a committee whose signatures are keyed hashes that anybody could forge.
//!
//! Invariant: everything here is a function of its arguments, so a test that fails, fails again.
//! Nothing here may reach a node: it stands behind the feature `testing`, and [`HashChecker`] accepts what no key ever signed.

use std::sync::Arc;

use crate::crypto::{Algorithm, PublicKey, Signature};
use crate::engine::{GuardPosition, HeightStart, Own, Parent};
use crate::hash::{self, Tag};
use crate::message::{
    CommitCertificate, Header, Polka, PrecommitValue, PrevoteValue, Proposal, Statement, Vote,
};
use crate::params::Parameters;
use crate::proposer::Bench;
use crate::types::{
    BlockId, ChainContext, Hash32, Height, OutcomeHash, Round, ValidatorId, ValidatorIndex,
    VotingPower,
};
use crate::validator_set::{Declared, Validator, ValidatorSet};
use crate::verify::{Checker, Context, SignedItem, SignedStatement, Verified};

const SIGNATURE_TAG: Tag = Tag::new("falaj/testing/signature/1");
const OUTCOME_TAG: Tag = Tag::new("falaj/testing/outcome/1");

/// Accepts the tagged hash of key and message as a signature.
#[derive(Clone, Copy, Debug, Default)]
pub struct HashChecker;

impl Checker for HashChecker {
    fn check(&self, item: SignedItem<'_>) -> bool {
        *item.signature == hash_signature(item.key, item.message)
    }
}

/// The signature that [`HashChecker`] accepts.
///
/// # Panics
/// Never: a digest is shorter than the longest signature.
#[must_use]
pub fn hash_signature(key: &PublicKey, message: &[u8]) -> Signature {
    let fingerprint = key.fingerprint();
    let digest = hash::tagged_parts(SIGNATURE_TAG, &[fingerprint.bytes(), message]);
    Signature::new(digest.bytes().to_vec()).expect("a digest is shorter than a signature may be")
}

/// What the trivial executor of tests computes for a block.
#[must_use]
pub fn outcome_of(id: BlockId) -> OutcomeHash {
    OutcomeHash::new(hash::tagged(OUTCOME_TAG, id.hash().bytes()))
}

/// Validators of one chain whose signatures are made here.
#[derive(Clone, Debug)]
pub struct Committee {
    /// Their chain.
    pub chain: ChainContext,
    /// Their set, the same at every height.
    pub set: Arc<ValidatorSet>,
}

impl Committee {
    /// A committee of members with these powers, with ids from 1.
    ///
    /// # Panics
    /// If the powers do not form a set of at most 255 members.
    #[must_use]
    pub fn new(powers: &[u64]) -> Self {
        let members = powers.iter().zip(1_u8..).map(|(power, id)| Validator {
            id: ValidatorId::new(u32::from(id)),
            power: VotingPower::new(*power),
            key: key_of(id),
            declared: Declared::default(),
        });
        let set = ValidatorSet::new(members.collect()).expect("powers of a test form a set");
        let chain = ChainContext {
            chain_id: "test".to_owned(),
            genesis_hash: hash::sha256(b"genesis of tests"),
        };
        Self {
            chain,
            set: Arc::new(set),
        }
    }

    /// The checks of this committee's messages.
    #[must_use]
    pub fn context(&self) -> Context<'_> {
        Context {
            chain: &self.chain,
            set: &self.set,
            checker: &HashChecker,
        }
    }

    /// A statement signed by a member.
    ///
    /// # Panics
    /// If the index is not a member's, or the statement's height or round is at the end of its range.
    #[must_use]
    pub fn sign(
        &self,
        validator: ValidatorIndex,
        statement: Statement,
    ) -> Verified<SignedStatement> {
        let signature = self.signature(validator, &statement);
        let signed = SignedStatement {
            validator,
            statement,
            signature,
        };
        self.context()
            .statement(signed)
            .expect("the committee signs for itself")
    }

    /// A vote signed by a member.
    ///
    /// # Panics
    /// If the statement is a proposal or of a shape that is refused.
    #[must_use]
    pub fn vote(&self, validator: ValidatorIndex, statement: Statement) -> Verified<Vote> {
        let signed = self.sign(validator, statement);
        signed.into_vote().expect("the statement is a vote's")
    }

    /// A proposal signed by a member.
    ///
    /// # Panics
    /// If header and rounds are of a shape that is refused.
    #[must_use]
    pub fn proposal(
        &self,
        proposer: ValidatorIndex,
        header: Header,
        round: Round,
        valid_round: Option<Round>,
    ) -> Verified<Proposal> {
        let statement = Statement::Proposal {
            height: header.height,
            round,
            id: header.id(),
            valid_round,
        };
        let signed = self.sign(proposer, statement);
        signed
            .into_proposal(header)
            .expect("header and rounds of a test's proposal are sound")
    }

    /// The own message of a statement, as a guard releases it; a proposal needs its header.
    #[must_use]
    pub fn own(
        &self,
        validator: ValidatorIndex,
        statement: Statement,
        header: Option<&Header>,
    ) -> Option<Own> {
        let signed = self.sign(validator, statement);
        match statement {
            Statement::Proposal { .. } => {
                let proposal = signed.into_proposal(header?.clone())?;
                Some(Own::Proposal(Box::new(proposal)))
            }
            Statement::Prevote { .. } | Statement::Precommit { .. } => {
                Some(Own::Vote(signed.into_vote()?))
            }
        }
    }

    /// A polka of these members, given in order.
    ///
    /// # Panics
    /// If they are no quorum.
    #[must_use]
    pub fn polka(
        &self,
        signers: &[ValidatorIndex],
        height: Height,
        round: Round,
        value: PrevoteValue,
    ) -> Verified<Polka> {
        let statement = Statement::Prevote {
            height,
            round,
            value: Some(value),
        };
        let votes = self.votes(signers, statement);
        let votes: Vec<_> = votes.iter().map(Verified::get).collect();
        let polka = Polka::from_votes(self.set.len(), &votes).expect("equal prevotes in order");
        self.context().polka(polka).expect("a quorum signed")
    }

    /// A commit certificate of these members, given in order.
    ///
    /// # Panics
    /// If they are no quorum.
    #[must_use]
    pub fn certificate(
        &self,
        signers: &[ValidatorIndex],
        height: Height,
        round: Round,
        value: PrecommitValue,
    ) -> Verified<CommitCertificate> {
        let statement = Statement::Precommit {
            height,
            round,
            value: Some(value),
        };
        let votes = self.votes(signers, statement);
        let votes: Vec<_> = votes.iter().map(Verified::get).collect();
        let certificate = CommitCertificate::from_votes(self.set.len(), &votes)
            .expect("equal precommits in order");
        self.context()
            .certificate(certificate)
            .expect("a quorum signed")
    }

    /// A header that every rule of its height admits; `salt` tells blocks of one proposer apart.
    #[must_use]
    pub fn header(
        &self,
        start: &HeightStart,
        round: Round,
        proposer: ValidatorIndex,
        salt: u64,
    ) -> Header {
        Header {
            version: Header::VERSION,
            features: start.features,
            genesis_hash: self.chain.genesis_hash,
            height: start.height,
            round,
            proposer,
            parent_id: start.parent.id,
            parent_outcome: start.parent.outcome,
            time_us: start.parent.time_us.saturating_add(1),
            set_hash: self.set.hash(),
            body_root: hash::sha256(&salt.to_le_bytes()),
            evidence_root: Hash32::ZERO,
            transactions: 0,
            transaction_bytes: 0,
        }
    }

    /// A fresh start of a height under default parameters and an empty bench, for a node that only follows.
    #[must_use]
    pub fn start(&self, height: Height, parent: Parent) -> HeightStart {
        HeightStart {
            height,
            set: Arc::clone(&self.set),
            own: None,
            parameters: Parameters::default(),
            features: 0,
            bench: Bench::default(),
            parent,
            guard: GuardPosition::Below,
        }
    }

    fn votes(&self, signers: &[ValidatorIndex], statement: Statement) -> Vec<Verified<Vote>> {
        signers
            .iter()
            .map(|signer| self.vote(*signer, statement))
            .collect()
    }

    fn signature(&self, validator: ValidatorIndex, statement: &Statement) -> Signature {
        let member = self.set.get(validator).expect("the signer is a member");
        let message = statement.sign_bytes(&self.chain);
        hash_signature(&member.key, message.as_slice())
    }
}

/// A key in the form of P-256 that no curve knows: only [`HashChecker`] ever meets it.
fn key_of(id: u8) -> PublicKey {
    let mut bytes = vec![id; Algorithm::EcdsaP256.public_key_bytes()];
    if let Some(first) = bytes.first_mut() {
        *first = 4;
    }
    PublicKey::new(Algorithm::EcdsaP256, bytes).expect("length and form are those of P-256")
}
