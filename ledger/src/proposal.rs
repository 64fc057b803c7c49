//! Proposals: what an authority's members approve, and how far that has come.
//!
//! Invariant: an approval names the hash of the whole proposal; a proposer's key is never among its approvals, no key twice.
//! Shapes and units: times are block times in microseconds; a proposal leaves the state when executed or when it expires.
//! Source: `docs/spec/ledger.md`, "Proposals".

use alloc::vec::Vec;
use borsh::{BorshDeserialize, BorshSerialize};
use core::fmt;
use falaj_consensus::crypto::PublicKey;
use falaj_consensus::params::Parameters;
use falaj_consensus::types::Hash32;

use crate::account::{AccountId, Place};
use crate::amount::Amount;
use crate::authority::{ActionClass, AuthorityId};
use crate::currency::CurrencyCode;
use crate::gate::GateChange;
use crate::participant::ParticipantNumber;
use crate::reference::Reference;
use crate::set_change::SetChange;

/// Name of a proposal: the content hash of the transaction that made it, so it covers submitter, id and action whole.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct ProposalId(Hash32);

impl ProposalId {
    /// Gives a content hash this meaning.
    #[must_use]
    pub const fn new(content: Hash32) -> Self {
        Self(content)
    }

    /// The hash.
    #[must_use]
    pub const fn hash(&self) -> Hash32 {
        self.0
    }
}

impl fmt::Display for ProposalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for ProposalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.short())
    }
}

/// What is proposed.
///
/// The discriminants are part of the encoding, never reused, and those of [`ActionClass`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Action {
    /// Make money into a reserve account, against an RTGS payment received.
    Issue(SupplyChange) = 1,
    /// Take money back from a reserve account, against an RTGS payment made.
    Redeem(SupplyChange) = 2,
    /// Govern consensus by other parameters.
    Parameters(ParametersChange) = 7,
    /// Change who validates.
    Validators(SetChange) = 8,
    /// Schedule, move or withdraw a feature gate.
    Gate(GateChange) = 9,
}

/// Other parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct ParametersChange {
    /// Hash of the parameters that they replace: the last ones decided.
    pub base: Hash32,
    /// All of them, as they are to be.
    pub parameters: Parameters,
}

/// One issue or redemption.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct SupplyChange {
    /// Currency.
    pub currency: CurrencyCode,
    /// The reserve account that takes or gives.
    pub account: AccountId,
    /// How much.
    pub amount: Amount,
    /// Reference of the RTGS payment on the other side, unique per currency for ever.
    pub rtgs_reference: Reference,
}

impl Action {
    /// The class of authority that decides it.
    #[must_use]
    pub const fn class(&self) -> ActionClass {
        match self {
            Self::Issue(change) => ActionClass::Issue(change.currency),
            Self::Redeem(change) => ActionClass::Redeem(change.currency),
            Self::Parameters(_) => ActionClass::Parameters,
            Self::Validators(_) => ActionClass::Validators,
            Self::Gate(_) => ActionClass::Releases,
        }
    }
}

/// A proposal that is open or vetoed, as the state holds it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Proposal {
    /// The authority that decides.
    pub authority: AuthorityId,
    /// What is proposed.
    pub action: Action,
    /// The participant in whose name it was submitted.
    pub participant: ParticipantNumber,
    /// The keys that signed it; none of them can approve it.
    pub proposers: Vec<PublicKey>,
    /// Where it was made.
    pub made: Place,
    /// Block time when it was made.
    pub made_us: u64,
    /// Block time from which it is stale.
    pub expires_us: u64,
    /// Whether a vetoer has stopped it.
    pub vetoed: bool,
    /// The keys that approved it, in order of approval.
    pub approvals: Vec<PublicKey>,
}

impl Proposal {
    /// Whether it can no longer be approved, vetoed or executed at a block time.
    #[must_use]
    pub const fn is_expired_at(&self, time_us: u64) -> bool {
        time_us >= self.expires_us
    }
}
