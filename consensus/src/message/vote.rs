//! Proposals and votes as they travel: a statement, who says it, and the signature over its sign-bytes.
//!
//! Invariant: equality that matters is that of the statement; signatures of RSA-PSS and ECDSA differ each time they are made.
//! Source: `docs/spec/encoding.md`, "Messages".

use borsh::{BorshDeserialize, BorshSerialize};

use super::{Header, Kind, PrecommitValue, PrevoteValue, Statement};
use crate::crypto::Signature;
use crate::types::{BlockId, Height, Round, ValidatorIndex};

/// A proposer's word for a block in a round.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Proposal {
    /// The block's header; a re-proposal carries the one of the first proposal.
    pub header: Header,
    /// Round of this proposal.
    pub round: Round,
    /// Valid round, `None` for a fresh value.
    pub valid_round: Option<Round>,
    /// Proposer of (height, round).
    pub proposer: ValidatorIndex,
    /// Signature over [`Proposal::statement`].
    pub signature: Signature,
}

impl Proposal {
    /// Height of the proposal.
    #[must_use]
    pub const fn height(&self) -> Height {
        self.header.height
    }

    /// The block it proposes.
    #[must_use]
    pub fn id(&self) -> BlockId {
        self.header.id()
    }

    /// What the proposer signed.
    #[must_use]
    pub fn statement(&self) -> Statement {
        Statement::Proposal {
            height: self.header.height,
            round: self.round,
            id: self.header.id(),
            valid_round: self.valid_round,
        }
    }
}

/// What a vote says; `None` is nil.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum VoteValue {
    /// A prevote.
    Prevote(Option<PrevoteValue>) = 2,
    /// A precommit.
    Precommit(Option<PrecommitValue>) = 3,
}

impl VoteValue {
    /// Prevote or precommit.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Prevote(_) => Kind::Prevote,
            Self::Precommit(_) => Kind::Precommit,
        }
    }
}

/// A validator's prevote or precommit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Vote {
    /// Who votes, in the set of the height.
    pub validator: ValidatorIndex,
    /// Height.
    pub height: Height,
    /// Round.
    pub round: Round,
    /// Kind and value.
    pub value: VoteValue,
    /// Signature over [`Vote::statement`].
    pub signature: Signature,
}

impl Vote {
    /// The vote for a statement, `None` when the statement is a proposal.
    #[must_use]
    pub fn new(
        validator: ValidatorIndex,
        statement: Statement,
        signature: Signature,
    ) -> Option<Self> {
        let value = match statement {
            Statement::Proposal { .. } => return None,
            Statement::Prevote { value, .. } => VoteValue::Prevote(value),
            Statement::Precommit { value, .. } => VoteValue::Precommit(value),
        };
        Some(Self {
            validator,
            height: statement.height(),
            round: statement.round(),
            value,
            signature,
        })
    }

    /// What the validator signed.
    #[must_use]
    pub const fn statement(&self) -> Statement {
        let (height, round) = (self.height, self.round);
        match self.value {
            VoteValue::Prevote(value) => Statement::Prevote {
                height,
                round,
                value,
            },
            VoteValue::Precommit(value) => Statement::Precommit {
                height,
                round,
                value,
            },
        }
    }
}
