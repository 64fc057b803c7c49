//! Who plays in these tests: validators with Ed25519 keys of fixed seeds, and everything they may sign.

use ed25519_zebra::{SigningKey, VerificationKey};

use crate::crypto::{Algorithm, PublicKey, Signature};
use crate::message::{
    CommitCertificate, Header, Polka, PrecommitValue, PrevoteValue, Proposal, Statement, Vote,
    VoteValue,
};
use crate::types::{
    BlockId, ChainContext, Hash32, Height, OutcomeHash, Round, ValidatorId, ValidatorIndex,
    VotingPower,
};
use crate::validator_set::{Declared, Validator, ValidatorSet};
use crate::verify::{Context, RealChecker};

pub(super) struct Cast {
    pub(super) chain: ChainContext,
    pub(super) set: ValidatorSet,
    keys: Vec<SigningKey>,
}

pub(super) const HEIGHT: Height = Height::new(7);

pub(super) fn id(name: u8) -> BlockId {
    BlockId::new(Hash32::new([name; 32]))
}

pub(super) fn outcome(name: u8) -> OutcomeHash {
    OutcomeHash::new(Hash32::new([name; 32]))
}

pub(super) const fn at(index: u16) -> ValidatorIndex {
    ValidatorIndex::new(index)
}

/// A prevote of a block, answering a proposal of that valid round.
pub(super) fn prevote_of(name: u8, valid_round: Option<u32>) -> VoteValue {
    VoteValue::Prevote(Some(PrevoteValue {
        id: id(name),
        valid_round: valid_round.map(Round::new),
    }))
}

pub(super) fn precommit_of(name: u8, result: u8) -> VoteValue {
    VoteValue::Precommit(Some(PrecommitValue {
        id: id(name),
        outcome: outcome(result),
    }))
}

impl Cast {
    /// Validators of these powers.
    pub(super) fn of(powers: &[u64]) -> Self {
        let keys: Vec<_> = (1..=u8::try_from(powers.len()).unwrap())
            .map(|seed| SigningKey::from([seed; 32]))
            .collect();
        let members = (1..)
            .zip(powers)
            .zip(&keys)
            .map(|((id, power), key)| Validator {
                id: ValidatorId::new(id),
                power: VotingPower::new(*power),
                key: public(key),
                declared: Declared::default(),
            });
        Self {
            chain: ChainContext {
                chain_id: "falaj-test".into(),
                genesis_hash: Hash32::new([9; 32]),
            },
            set: ValidatorSet::new(members.collect()).unwrap(),
            keys,
        }
    }

    pub(super) fn four() -> Self {
        Self::of(&[1, 1, 1, 1])
    }

    pub(super) fn context(&self) -> Context<'_> {
        Context {
            chain: &self.chain,
            set: &self.set,
            checker: &RealChecker,
        }
    }

    /// The signature of a validator over a statement.
    pub(super) fn sign(&self, index: u16, statement: &Statement) -> Signature {
        let bytes = statement.sign_bytes(&self.chain);
        let signature = self.keys[usize::from(index)].sign(bytes.as_slice());
        Signature::new(signature.to_bytes().to_vec()).unwrap()
    }

    pub(super) fn vote(&self, index: u16, round: u32, value: VoteValue) -> Vote {
        self.vote_at(HEIGHT, index, round, value)
    }

    pub(super) fn vote_at(&self, height: Height, index: u16, round: u32, value: VoteValue) -> Vote {
        let mut vote = Vote {
            validator: at(index),
            height,
            round: Round::new(round),
            value,
            signature: Signature::new(vec![]).unwrap(),
        };
        vote.signature = self.sign(index, &vote.statement());
        vote
    }

    /// A header of that first round, with `name` as its body root.
    pub(super) fn header(&self, round: u32, name: u8) -> Header {
        Header {
            version: Header::VERSION,
            features: 0,
            genesis_hash: self.chain.genesis_hash,
            height: HEIGHT,
            round: Round::new(round),
            proposer: at(0),
            parent_id: id(1),
            parent_outcome: outcome(1),
            time_us: 1,
            set_hash: self.set.hash(),
            body_root: Hash32::new([name; 32]),
            evidence_root: Hash32::ZERO,
            transactions: 0,
            transaction_bytes: 0,
        }
    }

    /// A proposal by validator 0, signed as it stands.
    pub(super) fn proposal(
        &self,
        header: Header,
        round: u32,
        valid_round: Option<u32>,
    ) -> Proposal {
        let mut proposal = Proposal {
            header,
            round: Round::new(round),
            valid_round: valid_round.map(Round::new),
            proposer: at(0),
            signature: Signature::new(vec![]).unwrap(),
        };
        proposal.signature = self.sign(0, &proposal.statement());
        proposal
    }

    pub(super) fn certificate(&self, signers: &[u16]) -> CommitCertificate {
        let votes = self.votes(signers, precommit_of(3, 4));
        CommitCertificate::from_votes(self.set.len(), &votes.iter().collect::<Vec<_>>()).unwrap()
    }

    pub(super) fn polka(&self, signers: &[u16]) -> Polka {
        let votes = self.votes(signers, prevote_of(3, Some(1)));
        Polka::from_votes(self.set.len(), &votes.iter().collect::<Vec<_>>()).unwrap()
    }

    fn votes(&self, signers: &[u16], value: VoteValue) -> Vec<Vote> {
        let signers = signers.iter();
        signers.map(|index| self.vote(*index, 2, value)).collect()
    }
}

fn public(key: &SigningKey) -> PublicKey {
    let bytes: [u8; 32] = VerificationKey::from(key).into();
    PublicKey::new(Algorithm::Ed25519, bytes.to_vec()).unwrap()
}
