//! Names who broke the protocol at one height, from what stores hold of it.
//!
//! Invariant: every word was checked under the height's set before it counts, so what is said of a validator it signed; pairs are offences by
//! [`crate::evidence`] alone, so no correct validator is ever named.
//! When two certificates of a height contradict each other and less than two thirds of the power is faulty, the certificates and the polkas
//! that correct nodes acted on name more than a third of the power.
//! Source: `docs/spec/consensus.md`, "Accountability".

use std::collections::BTreeMap;

use crate::crypto::Signature;
use crate::evidence::{amnesia, double_proposal, double_vote};
use crate::message::{CommitCertificate, Evidence, Polka, Proposal, Statement, Vote};
use crate::types::{Height, ValidatorIndex};
use crate::validator_set::Bitmap;
use crate::verify::Verified;

/// What is known to have been signed at one height, by whom.
#[derive(Clone, Debug)]
pub struct Words {
    height: Height,
    votes: BTreeMap<ValidatorIndex, BTreeMap<Statement, Vote>>,
    proposals: BTreeMap<ValidatorIndex, BTreeMap<Statement, Proposal>>,
    proven: BTreeMap<ValidatorIndex, Evidence>,
}

impl Words {
    /// Nothing yet.
    #[must_use]
    pub const fn of(height: Height) -> Self {
        Self {
            height,
            votes: BTreeMap::new(),
            proposals: BTreeMap::new(),
            proven: BTreeMap::new(),
        }
    }

    /// Takes in a vote of the height.
    pub fn vote(&mut self, vote: &Verified<Vote>) {
        self.take(vote.get().clone());
    }

    /// Takes in a proposal of the height.
    pub fn proposal(&mut self, proposal: &Verified<Proposal>) {
        let proposal = proposal.get();
        if proposal.header.height == self.height {
            let of = self.proposals.entry(proposal.proposer).or_default();
            of.entry(proposal.statement())
                .or_insert_with(|| proposal.clone());
        }
    }

    /// Takes in each vote of a polka of the height.
    pub fn polka(&mut self, polka: &Verified<Polka>) {
        let polka = polka.get();
        self.members(polka.statement(), &polka.signers, &polka.signatures);
    }

    /// Takes in each vote of a commit certificate of the height.
    pub fn certificate(&mut self, certificate: &Verified<CommitCertificate>) {
        let certificate = certificate.get();
        let (signers, signatures) = (&certificate.signers, &certificate.signatures);
        self.members(certificate.statement(), signers, signatures);
    }

    /// Takes in an offence of the height that was proven before.
    pub fn evidence(&mut self, evidence: &Verified<Evidence>) {
        let key = evidence.get().key();
        if key.height == self.height {
            let proof = self.proven.entry(key.validator);
            proof.or_insert_with(|| evidence.get().clone());
        }
    }

    /// Everybody who is proven to have broken the protocol, with one proof each, which stands by itself.
    #[must_use]
    pub fn culprits(&self) -> BTreeMap<ValidatorIndex, Evidence> {
        let mut named = self.proven.clone();
        for (validator, votes) in &self.votes {
            let proof = pairs(votes).find_map(|(a, b)| {
                double_vote(a, b)
                    .or_else(|| amnesia(a, b))
                    .or_else(|| amnesia(b, a))
            });
            name(&mut named, *validator, proof);
        }
        for (validator, proposals) in &self.proposals {
            let proof = pairs(proposals).find_map(|(a, b)| double_proposal(a, b));
            name(&mut named, *validator, proof);
        }
        named
    }

    fn members(&mut self, said: Statement, signers: &Bitmap, signatures: &[Signature]) {
        for (validator, signature) in signers.iter().zip(signatures) {
            let vote = Vote::new(validator, said, signature.clone());
            vote.into_iter().for_each(|vote| self.take(vote));
        }
    }

    fn take(&mut self, vote: Vote) {
        if vote.height == self.height {
            let of = self.votes.entry(vote.validator).or_default();
            of.entry(vote.statement()).or_insert(vote);
        }
    }
}

fn name(
    named: &mut BTreeMap<ValidatorIndex, Evidence>,
    validator: ValidatorIndex,
    proof: Option<Evidence>,
) {
    if let Some(proof) = proof {
        named.entry(validator).or_insert(proof);
    }
}

/// Every two of them, in order.
fn pairs<T>(said: &BTreeMap<Statement, T>) -> impl Iterator<Item = (&T, &T)> {
    let later = |at: usize| said.values().skip(at.saturating_add(1));
    said.values()
        .enumerate()
        .flat_map(move |(at, first)| later(at).map(move |second| (first, second)))
}

#[cfg(test)]
mod tests;
