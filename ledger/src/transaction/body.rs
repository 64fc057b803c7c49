//! The body of a transaction and its operations, field by field as they are encoded.
//!
//! Invariant: field order and discriminants are frozen; a field is never reinterpreted, a new meaning is a new operation.
//! Source: `docs/spec/ledger.md`, "Transactions".

use borsh::io;
use borsh::{BorshDeserialize, BorshSerialize};
use falaj_consensus::types::Hash32;

use super::{TxId, TxKey};
use crate::account::{AccountId, AccountKind, Controllers};
use crate::amount::Amount;
use crate::authority::AuthorityId;
use crate::currency::CurrencyCode;
use crate::decode::DecodeFault;
use crate::participant::ParticipantNumber;
use crate::proposal::{Action, ProposalId};
use crate::reference::{Commitment, References};

/// What a submitter asks, under which id, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct TxBody {
    /// Version of this layout: 1.
    pub version: u16,
    /// Hash of the canonical genesis of the chain it is for.
    pub genesis_hash: Hash32,
    /// The participant in whose name it is submitted.
    pub participant: ParticipantNumber,
    /// Its id, unique per participant.
    pub id: TxId,
    /// First Unix millisecond of block time at which it may be executed.
    pub valid_from_ms: u64,
    /// Last Unix millisecond of block time at which it may be executed.
    pub valid_until_ms: u64,
    /// The operation.
    pub op: Op,
}

impl TxBody {
    /// The version that this build writes and reads.
    pub const VERSION: u16 = 1;

    /// The ledger's key of the transaction.
    #[must_use]
    pub const fn key(&self) -> TxKey {
        TxKey {
            participant: self.participant,
            id: self.id,
        }
    }
}

/// An operation. The discriminants are part of the encoding and never reused; see [`crate::transaction`] for those kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Op {
    /// Open an account.
    OpenAccount(OpenAccount) = 1,
    /// Move money between two accounts.
    Transfer(Transfer) = 2,
    /// Propose an action to an authority.
    Propose(Propose) = 32,
    /// Approve a proposal, once for each member that signs.
    Approve(ProposalId) = 33,
    /// Execute a proposal that has its quorum.
    Execute(ProposalId) = 34,
    /// Stop a proposal.
    Veto(ProposalId) = 35,
}

impl Op {
    /// Whether it runs in the governance lane, before all payments of its block.
    #[must_use]
    pub const fn is_governance(&self) -> bool {
        match self {
            Self::Propose(_) | Self::Approve(_) | Self::Execute(_) | Self::Veto(_) => true,
            Self::OpenAccount(_) | Self::Transfer(_) => false,
        }
    }

    /// The name used in metrics and reports.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::OpenAccount(_) => "open_account",
            Self::Transfer(_) => "transfer",
            Self::Propose(_) => "propose",
            Self::Approve(_) => "approve",
            Self::Execute(_) => "execute",
            Self::Veto(_) => "veto",
        }
    }
}

/// Opens an account with a zero balance, served by the submitter.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct OpenAccount {
    /// Its id, beginning with the submitter's participant number.
    pub account: AccountId,
    /// Its currency.
    pub currency: CurrencyCode,
    /// What it is for.
    pub kind: AccountKind,
    /// Whose signatures a debit will need.
    pub controllers: Controllers,
    /// Commitment to the owner's screening.
    pub kyc: Option<Commitment>,
    /// None has a meaning yet.
    pub flags: Flags,
}

/// Moves money.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Transfer {
    /// The account that pays.
    pub debit: AccountId,
    /// The account that is paid.
    pub credit: AccountId,
    /// Currency of the amount and of both accounts.
    pub currency: CurrencyCode,
    /// How much, above zero.
    pub amount: Amount,
    /// The most the payer accepts to be charged beside the amount.
    pub max_fee: Amount,
    /// Kind of payment by the scheme's own list; kept, not read.
    pub code: u16,
    /// The participant that must serve the credit account, if the payer says so.
    pub credit_participant: Option<ParticipantNumber>,
    /// The version the debit account must have, if the payer says so.
    pub expected_version: Option<u64>,
    /// References for other systems.
    pub references: References,
    /// None has a meaning yet.
    pub flags: Flags,
}

/// Puts an action before an authority.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Propose {
    /// The authority that is to decide.
    pub authority: AuthorityId,
    /// What it is to decide.
    pub action: Action,
    /// None has a meaning yet.
    pub flags: Flags,
}

/// Sixteen flags of which none has a meaning yet; any that is set is refused (1013).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, BorshSerialize)]
pub struct Flags(u16);

impl Flags {
    /// No flag.
    pub const NONE: Self = Self(0);
}

impl BorshDeserialize for Flags {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        match u16::deserialize_reader(reader)? {
            0 => Ok(Self::NONE),
            _ => Err(DecodeFault::ReservedFlag.into()),
        }
    }
}
