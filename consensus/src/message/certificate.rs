//! Quorums of equal votes, with every signature: polka and commit certificate.
//!
//! Invariant of the layout: signatures stand in the order of the bitmap's members, one each; what the quorum is worth is checked in `verify`.
//! Two nodes' certificates of one height may differ in signers and round and are equal in force; nothing agreed reads one.
//! Source: `docs/spec/encoding.md`, "Certificates".

use alloc::vec::Vec;
use borsh::io;
use borsh::{BorshDeserialize, BorshSerialize};

use super::{PrecommitValue, PrevoteValue, Statement, Vote, VoteValue};
use crate::bounded;
use crate::crypto::Signature;
use crate::types::{BlockId, Height, OutcomeHash, Round};
use crate::validator_set::{Bitmap, VALIDATORS_MAX};

/// A quorum of prevotes for one (round, id, valid round).
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Polka {
    /// Height.
    pub height: Height,
    /// Round.
    pub round: Round,
    /// The block.
    pub id: BlockId,
    /// Valid round that the prevotes name.
    pub valid_round: Option<Round>,
    /// Who prevoted.
    pub signers: Bitmap,
    /// Their signatures, in order of the bitmap.
    #[borsh(deserialize_with = "read_signatures")]
    pub signatures: Vec<Signature>,
}

/// A quorum of precommits for one (round, id, outcome): order and result are final.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct CommitCertificate {
    /// Height.
    pub height: Height,
    /// Round.
    pub round: Round,
    /// The block.
    pub id: BlockId,
    /// What executing it gave.
    pub outcome: OutcomeHash,
    /// Who precommitted.
    pub signers: Bitmap,
    /// Their signatures, in order of the bitmap.
    #[borsh(deserialize_with = "read_signatures")]
    pub signatures: Vec<Signature>,
}

impl Polka {
    /// What each of its signers signed.
    #[must_use]
    pub const fn statement(&self) -> Statement {
        let value = PrevoteValue {
            id: self.id,
            valid_round: self.valid_round,
        };
        Statement::Prevote {
            height: self.height,
            round: self.round,
            value: Some(value),
        }
    }

    /// The polka of equal prevotes, given in order of validator; `None` if they differ, are nil, or are out of order.
    #[must_use]
    pub fn from_votes(members: usize, votes: &[&Vote]) -> Option<Self> {
        let (signers, signatures) = collect(members, votes)?;
        let first = votes.first()?;
        let VoteValue::Prevote(Some(value)) = first.value else {
            return None;
        };
        let PrevoteValue { id, valid_round } = value;
        Some(Self {
            height: first.height,
            round: first.round,
            id,
            valid_round,
            signers,
            signatures,
        })
    }
}

impl CommitCertificate {
    /// What each of its signers signed.
    #[must_use]
    pub const fn statement(&self) -> Statement {
        let value = PrecommitValue {
            id: self.id,
            outcome: self.outcome,
        };
        Statement::Precommit {
            height: self.height,
            round: self.round,
            value: Some(value),
        }
    }

    /// The certificate of equal precommits, given in order of validator; `None` if they differ, are nil, or are out of order.
    #[must_use]
    pub fn from_votes(members: usize, votes: &[&Vote]) -> Option<Self> {
        let (signers, signatures) = collect(members, votes)?;
        let first = votes.first()?;
        let VoteValue::Precommit(Some(value)) = first.value else {
            return None;
        };
        let PrecommitValue { id, outcome } = value;
        Some(Self {
            height: first.height,
            round: first.round,
            id,
            outcome,
            signers,
            signatures,
        })
    }
}

fn collect(members: usize, votes: &[&Vote]) -> Option<(Bitmap, Vec<Signature>)> {
    let first = votes.first()?;
    let same = votes
        .iter()
        .all(|vote| vote.statement() == first.statement() && vote.validator.position() < members);
    if !same || !votes.is_sorted_by(|a, b| a.validator < b.validator) {
        return None;
    }
    let mut signers = Bitmap::none(members);
    for vote in votes {
        signers.insert(vote.validator);
    }
    Some((
        signers,
        votes.iter().map(|vote| vote.signature.clone()).collect(),
    ))
}

fn read_signatures<R: io::Read>(reader: &mut R) -> io::Result<Vec<Signature>> {
    bounded::list(reader, VALIDATORS_MAX)
}
