//! The only way to make a [`Verified`]: signature, membership and shape, checked once, carried in the type.
//!
//! Invariant: a `Verified<T>` was signed by the members it names, in the set it was checked against, on this chain.
//! What is not checked here is what depends on more than the message: whose turn it was, whether the block is valid, what is known so far.
//! Errors: [`VerifyError`] says which rule a message broke; the sender of such bytes is at fault.
//! Source: `docs/spec/consensus.md`, "Certificates"; `docs/spec/encoding.md`, "Signatures".

mod approved;
mod real;

use alloc::vec::Vec;
pub use approved::ApprovedOnly;
pub use real::RealChecker;
pub(crate) use real::refuse_small_order;

use crate::crypto::{PublicKey, Signature};
use crate::message::{
    CommitCertificate, Evidence, Header, Kind, Polka, Proposal, Statement, Vote, VoteValue,
};
use crate::types::{ChainContext, Height, Round, ValidatorIndex};
use crate::validator_set::{Bitmap, ValidatorSet};

/// A signature to check: key, message, signature.
#[derive(Clone, Copy, Debug)]
pub struct SignedItem<'a> {
    /// Key that is said to have signed.
    pub key: &'a PublicKey,
    /// Bytes that were signed.
    pub message: &'a [u8],
    /// The signature.
    pub signature: &'a Signature,
}

/// Says whether signatures are right; the real one computes, the simulator's asks the registry of its HSM.
pub trait Checker: Send + Sync {
    /// Whether `signature` is one of `key` over `message`.
    fn check(&self, item: SignedItem<'_>) -> bool;

    /// The same verdict as [`Checker::check`], for each of many.
    fn check_batch(&self, items: &[SignedItem<'_>]) -> Vec<bool> {
        items.iter().map(|item| self.check(*item)).collect()
    }
}

/// Why a message is not what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// A sender, signer or offender outside the set.
    #[error("validator {0} is not in the set")]
    NotAMember(ValidatorIndex),
    /// A height of zero.
    #[error("there is no height 0")]
    NoHeight,
    /// The last height or round of its range, which no correct node reaches and which has no next.
    #[error("height or round is at the end of its range")]
    EndOfRange,
    /// A header of another version or genesis.
    #[error("the header is of another version or chain")]
    Header,
    /// Rounds that contradict each other: a valid round at or above its round, a header from a later round.
    #[error("the rounds of the message contradict each other")]
    Rounds,
    /// A signature that does not verify.
    #[error("the signature of validator {0} is wrong")]
    Signature(ValidatorIndex),
    /// A bitmap that is too long, too short, or has a bit outside the set.
    #[error("the bitmap is not canonical for the set")]
    Bitmap,
    /// More or fewer signatures than bits.
    #[error("{signatures} signatures for {signers} signers")]
    SignatureCount {
        /// Bits that are set.
        signers: usize,
        /// Signatures that came.
        signatures: usize,
    },
    /// Signers without a quorum.
    #[error("the signers have no quorum")]
    NoQuorum,
    /// Two messages that are no offence together.
    #[error("the evidence proves nothing")]
    NoOffence,
}

/// A message that was checked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    /// The message.
    #[must_use]
    pub const fn get(&self) -> &T {
        &self.0
    }

    /// Gives the message up.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// A statement as one member signed it: what a signer gives back, before it is dressed as proposal or vote.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SignedStatement {
    /// Who signed.
    pub validator: ValidatorIndex,
    /// What.
    pub statement: Statement,
    /// The signature over its sign-bytes.
    pub signature: Signature,
}

impl Verified<SignedStatement> {
    /// The vote it is; `None` for a proposal.
    #[must_use]
    pub fn into_vote(self) -> Option<Verified<Vote>> {
        let SignedStatement {
            validator,
            statement,
            signature,
        } = self.0;
        let vote = Vote::new(validator, statement, signature)?;
        check_vote_shape(&vote).is_ok().then_some(Verified(vote))
    }

    /// The proposal of that header it is; `None` for a vote, or when the statement names another block or round than a sound header.
    #[must_use]
    pub fn into_proposal(self, header: Header) -> Option<Verified<Proposal>> {
        let SignedStatement {
            validator: proposer,
            statement,
            signature,
        } = self.0;
        let Statement::Proposal {
            round, valid_round, ..
        } = statement
        else {
            return None;
        };
        let proposal = Proposal {
            header,
            round,
            valid_round,
            proposer,
            signature,
        };
        let same = proposal.statement() == statement;
        let sound = check_layout(&proposal.header).and_then(|()| check_proposal_rounds(&proposal));
        (same && sound.is_ok()).then_some(Verified(proposal))
    }
}

/// What every check stands on: the chain, the set of the message's height, and who computes.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Identity of the chain.
    pub chain: &'a ChainContext,
    /// The validator set of the message's height.
    pub set: &'a ValidatorSet,
    /// The arithmetic.
    pub checker: &'a dyn Checker,
}

impl Context<'_> {
    /// Checks a statement that a member signed, before a signer releases it.
    ///
    /// # Errors
    /// [`VerifyError`].
    pub fn statement(
        &self,
        signed: SignedStatement,
    ) -> Result<Verified<SignedStatement>, VerifyError> {
        check_position(signed.statement.height(), signed.statement.round())?;
        self.signed(signed.validator, &signed.statement, &signed.signature)?;
        Ok(Verified(signed))
    }

    /// Checks a proposal: header of this chain, consistent rounds, the proposer's signature.
    ///
    /// # Errors
    /// [`VerifyError`].
    pub fn proposal(&self, proposal: Proposal) -> Result<Verified<Proposal>, VerifyError> {
        self.check_proposal(&proposal)?;
        Ok(Verified(proposal))
    }

    /// Checks a vote: consistent rounds, the voter's signature.
    ///
    /// # Errors
    /// [`VerifyError`].
    pub fn vote(&self, vote: Vote) -> Result<Verified<Vote>, VerifyError> {
        self.check_vote(&vote)?;
        Ok(Verified(vote))
    }

    /// Checks many votes at once; the verdicts are those of [`Context::vote`].
    #[must_use]
    pub fn votes(&self, votes: Vec<Vote>) -> Vec<Result<Verified<Vote>, VerifyError>> {
        let messages: Vec<_> = votes
            .iter()
            .map(|vote| vote.statement().sign_bytes(self.chain))
            .collect();
        let shapes: Vec<_> = votes
            .iter()
            .map(|vote| check_vote_shape(vote).and_then(|()| self.key(vote.validator)))
            .collect();
        let items: Vec<_> = votes
            .iter()
            .zip(&messages)
            .zip(&shapes)
            .filter_map(|((vote, message), key)| {
                let key = *key.as_ref().ok()?;
                Some(SignedItem {
                    key,
                    message: message.as_slice(),
                    signature: &vote.signature,
                })
            })
            .collect();
        let mut verdicts = self.checker.check_batch(&items).into_iter();
        let shapes: Vec<_> = shapes.into_iter().map(|shape| shape.map(|_| ())).collect();
        votes
            .into_iter()
            .zip(shapes)
            .map(|(vote, shape)| {
                shape?;
                let right = verdicts.next().unwrap_or(false);
                if right {
                    Ok(Verified(vote))
                } else {
                    Err(VerifyError::Signature(vote.validator))
                }
            })
            .collect()
    }

    /// Checks a polka: canonical bitmap, one valid signature for each bit, a quorum.
    ///
    /// # Errors
    /// [`VerifyError`].
    pub fn polka(&self, polka: Polka) -> Result<Verified<Polka>, VerifyError> {
        check_position(polka.height, polka.round)?;
        check_valid_round(polka.valid_round, polka.round)?;
        self.quorum(&polka.statement(), &polka.signers, &polka.signatures)?;
        Ok(Verified(polka))
    }

    /// Checks a commit certificate: canonical bitmap, one valid signature for each bit, a quorum.
    ///
    /// # Errors
    /// [`VerifyError`].
    pub fn certificate(
        &self,
        certificate: CommitCertificate,
    ) -> Result<Verified<CommitCertificate>, VerifyError> {
        check_position(certificate.height, certificate.round)?;
        self.quorum(
            &certificate.statement(),
            &certificate.signers,
            &certificate.signatures,
        )?;
        Ok(Verified(certificate))
    }

    /// Checks evidence: one offender, two statements that are an offence in the order they stand, both signatures.
    ///
    /// # Errors
    /// [`VerifyError`]; whether it is an offence comes before the signatures, which cost more.
    pub fn evidence(&self, evidence: Evidence) -> Result<Verified<Evidence>, VerifyError> {
        match &evidence {
            Evidence::DoubleProposal(a, b) => {
                offence(a.proposer == b.proposer && is_double(&a.statement(), &b.statement()))?;
                self.check_proposal(a)?;
                self.check_proposal(b)?;
            }
            Evidence::DoublePrevote(a, b) => {
                offence(a.value.kind() == Kind::Prevote && is_double_vote(a, b))?;
                self.check_votes(a, b)?;
            }
            Evidence::DoublePrecommit(a, b) => {
                offence(a.value.kind() == Kind::Precommit && is_double_vote(a, b))?;
                self.check_votes(a, b)?;
            }
            Evidence::Amnesia(precommit, prevote) => {
                offence(is_amnesia(precommit, prevote))?;
                self.check_votes(precommit, prevote)?;
            }
        }
        Ok(Verified(evidence))
    }

    fn check_proposal(&self, proposal: &Proposal) -> Result<(), VerifyError> {
        self.check_header(proposal)?;
        check_proposal_rounds(proposal)?;
        self.signed(
            proposal.proposer,
            &proposal.statement(),
            &proposal.signature,
        )
    }

    fn check_vote(&self, vote: &Vote) -> Result<(), VerifyError> {
        check_vote_shape(vote)?;
        self.signed(vote.validator, &vote.statement(), &vote.signature)
    }

    fn check_votes(&self, a: &Vote, b: &Vote) -> Result<(), VerifyError> {
        self.check_vote(a)?;
        self.check_vote(b)
    }

    fn check_header(&self, proposal: &Proposal) -> Result<(), VerifyError> {
        check_layout(&proposal.header)?;
        check_position(proposal.header.height, proposal.round)?;
        if proposal.header.genesis_hash == self.chain.genesis_hash {
            Ok(())
        } else {
            Err(VerifyError::Header)
        }
    }

    fn key(&self, index: ValidatorIndex) -> Result<&PublicKey, VerifyError> {
        self.set
            .get(index)
            .map(|member| &member.key)
            .ok_or(VerifyError::NotAMember(index))
    }

    fn signed(
        &self,
        index: ValidatorIndex,
        statement: &Statement,
        signature: &Signature,
    ) -> Result<(), VerifyError> {
        let message = statement.sign_bytes(self.chain);
        let item = SignedItem {
            key: self.key(index)?,
            message: message.as_slice(),
            signature,
        };
        if self.checker.check(item) {
            Ok(())
        } else {
            Err(VerifyError::Signature(index))
        }
    }

    fn quorum(
        &self,
        statement: &Statement,
        signers: &Bitmap,
        signatures: &[Signature],
    ) -> Result<(), VerifyError> {
        if !signers.is_canonical(self.set.len()) {
            return Err(VerifyError::Bitmap);
        }
        let indices: Vec<_> = signers.iter().collect();
        if indices.len() != signatures.len() {
            return Err(VerifyError::SignatureCount {
                signers: indices.len(),
                signatures: signatures.len(),
            });
        }
        let power = indices.iter().map(|index| self.set.power(*index)).sum();
        if !self.set.is_quorum(power) {
            return Err(VerifyError::NoQuorum);
        }
        self.all_signed(statement, &indices, signatures)
    }

    fn all_signed(
        &self,
        statement: &Statement,
        indices: &[ValidatorIndex],
        signatures: &[Signature],
    ) -> Result<(), VerifyError> {
        let message = statement.sign_bytes(self.chain);
        let mut items = Vec::with_capacity(indices.len());
        for (index, signature) in indices.iter().zip(signatures) {
            items.push(SignedItem {
                key: self.key(*index)?,
                message: message.as_slice(),
                signature,
            });
        }
        let verdicts = self.checker.check_batch(&items);
        let right = |at: usize| verdicts.get(at).copied().unwrap_or(false);
        match indices.iter().enumerate().find(|(at, _)| !right(*at)) {
            None => Ok(()),
            Some((_, wrong)) => Err(VerifyError::Signature(*wrong)),
        }
    }
}

/// What passes has a next height and a next round, so that counting on from a peer's message never panics.
const fn check_position(height: Height, round: Round) -> Result<(), VerifyError> {
    match (height.get(), round.get()) {
        (0, _) => Err(VerifyError::NoHeight),
        (u64::MAX, _) | (_, u32::MAX) => Err(VerifyError::EndOfRange),
        _ => Ok(()),
    }
}

fn check_layout(header: &Header) -> Result<(), VerifyError> {
    if header.version == Header::VERSION {
        Ok(())
    } else {
        Err(VerifyError::Header)
    }
}

fn check_valid_round(valid_round: Option<Round>, round: Round) -> Result<(), VerifyError> {
    if valid_round.is_some_and(|valid| valid >= round) {
        Err(VerifyError::Rounds)
    } else {
        Ok(())
    }
}

fn check_proposal_rounds(proposal: &Proposal) -> Result<(), VerifyError> {
    check_valid_round(proposal.valid_round, proposal.round)?;
    let fits = match proposal.valid_round {
        None => proposal.header.round == proposal.round,
        Some(valid) => proposal.header.round <= valid,
    };
    if fits {
        Ok(())
    } else {
        Err(VerifyError::Rounds)
    }
}

fn check_vote_shape(vote: &Vote) -> Result<(), VerifyError> {
    check_position(vote.height, vote.round)?;
    match vote.value {
        VoteValue::Prevote(Some(value)) => check_valid_round(value.valid_round, vote.round),
        VoteValue::Prevote(None) | VoteValue::Precommit(_) => Ok(()),
    }
}

/// Two different statements of one kind, height and round, in their own order, so that one offence has one form.
pub(crate) fn is_double(a: &Statement, b: &Statement) -> bool {
    a.position() == b.position() && (a < b || mutated!(RepeatedVoteIsEvidence))
}

pub(crate) fn is_double_vote(a: &Vote, b: &Vote) -> bool {
    a.validator == b.validator && is_double(&a.statement(), &b.statement())
}

/// A precommit of v at r1, a prevote of another at r2 > r1 whose valid round is below r1 (or none), by one validator.
pub(crate) fn is_amnesia(precommit: &Vote, prevote: &Vote) -> bool {
    let (VoteValue::Precommit(Some(locked)), VoteValue::Prevote(Some(voted))) =
        (precommit.value, prevote.value)
    else {
        return false;
    };
    precommit.validator == prevote.validator
        && precommit.height == prevote.height
        && prevote.round > precommit.round
        && voted.id != locked.id
        && (mutated!(AmnesiaWithoutValidRound)
            || voted
                .valid_round
                .is_none_or(|valid| valid < precommit.round))
}

fn offence(proven: bool) -> Result<(), VerifyError> {
    if proven {
        Ok(())
    } else {
        Err(VerifyError::NoOffence)
    }
}

#[cfg(test)]
mod tests;
