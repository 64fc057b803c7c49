//! Proof that a validator broke the protocol: two of its own signed messages.
//!
//! Invariant: an evidence's key is (validator, height, kind), one a key; its id covers statements, not signatures, which can be made anew.
//! Source: `docs/spec/consensus.md`, "Evidence"; `docs/spec/encoding.md`.

use alloc::boxed::Box;
use borsh::{BorshDeserialize, BorshSerialize};

use super::{Proposal, Statement, Vote};
use crate::hash::{self, Tag};
use crate::types::{Hash32, Height, ValidatorIndex};

const EVIDENCE_TAG: Tag = Tag::new("falaj/evidence/1");

/// Two messages that one correct validator never signs both.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Evidence {
    /// Two different proposals of one round, in order of their statements.
    DoubleProposal(Box<Proposal>, Box<Proposal>) = 1,
    /// Two different prevotes of one round, in order of their statements.
    DoublePrevote(Vote, Vote) = 2,
    /// Two different precommits of one round, in order of their statements.
    DoublePrecommit(Vote, Vote) = 3,
    /// A precommit of one block, and a prevote of another in a later round whose valid round is older.
    Amnesia(Vote, Vote) = 4,
}

/// The kind of an offence.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum EvidenceKind {
    /// Two proposals of one round.
    DoubleProposal = 1,
    /// Two prevotes of one round.
    DoublePrevote = 2,
    /// Two precommits of one round.
    DoublePrecommit = 3,
    /// A prevote that forgot a lock.
    Amnesia = 4,
}

impl EvidenceKind {
    /// Its name in files, answers and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DoubleProposal => "double-proposal",
            Self::DoublePrevote => "double-prevote",
            Self::DoublePrecommit => "double-precommit",
            Self::Amnesia => "amnesia",
        }
    }
}

/// What an evidence is about; the ledger records one a key.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct EvidenceKey {
    /// Height of the offence.
    pub height: Height,
    /// Who, in the set of that height.
    pub validator: ValidatorIndex,
    /// What.
    pub kind: EvidenceKind,
}

impl Evidence {
    /// Height, offender as the first message states it, and kind.
    #[must_use]
    pub const fn key(&self) -> EvidenceKey {
        let (height, validator, kind) = match self {
            Self::DoubleProposal(a, _) => {
                (a.header.height, a.proposer, EvidenceKind::DoubleProposal)
            }
            Self::DoublePrevote(a, _) => (a.height, a.validator, EvidenceKind::DoublePrevote),
            Self::DoublePrecommit(a, _) => (a.height, a.validator, EvidenceKind::DoublePrecommit),
            Self::Amnesia(a, _) => (a.height, a.validator, EvidenceKind::Amnesia),
        };
        EvidenceKey {
            height,
            validator,
            kind,
        }
    }

    /// The two statements, in the order they stand.
    #[must_use]
    pub fn statements(&self) -> (Statement, Statement) {
        match self {
            Self::DoubleProposal(a, b) => (a.statement(), b.statement()),
            Self::DoublePrevote(a, b) | Self::DoublePrecommit(a, b) | Self::Amnesia(a, b) => {
                (a.statement(), b.statement())
            }
        }
    }

    /// Name of the evidence: offender, kind and statements, without the signatures.
    #[must_use]
    pub fn id(&self) -> Hash32 {
        hash::tagged_borsh(EVIDENCE_TAG, &(self.key(), self.statements()))
    }
}
