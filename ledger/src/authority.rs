//! Authorities: the persons whose quorum decides one class of action, and the caps and delays they stand under.
//!
//! Invariant: members are distinct persons; the threshold is at least [`QUORUM_MIN`] and at most their number.
//! Shapes and units: at most [`AUTHORITY_MEMBERS_MAX`] members and as many vetoers; caps in minor units, delays in milliseconds.
//! Source: `docs/spec/ledger.md`, "Authorities".

use alloc::vec::Vec;
use borsh::io;
use borsh::{BorshDeserialize, BorshSerialize};
use core::fmt;
use falaj_consensus::bounded::list;
use falaj_consensus::crypto::PublicKey;

use crate::amount::Units;
use crate::currency::CurrencyCode;
use crate::participant::ParticipantNumber;

/// The most members an authority can have, and the most vetoers.
pub const AUTHORITY_MEMBERS_MAX: usize = 32;
/// The least quorum that may move supply.
pub const QUORUM_MIN: u8 = 2;

/// The number of an authority.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct AuthorityId(u32);

impl AuthorityId {
    /// Takes a number.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for AuthorityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for AuthorityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "A{}", self.0)
    }
}

/// What an authority decides.
///
/// The discriminants are part of the encoding and never reused; 3 to 6 are kept for
/// policy, enforcement, halt and membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum ActionClass {
    /// Issues of one currency.
    Issue(CurrencyCode) = 1,
    /// Redemptions of one currency.
    Redeem(CurrencyCode) = 2,
    /// The parameters of consensus.
    Parameters = 7,
    /// The validator set.
    Validators = 8,
    /// Feature gates: which release a network needs from which height on.
    Releases = 9,
}

impl ActionClass {
    /// The currency whose supply it is about.
    #[must_use]
    pub const fn currency(self) -> Option<CurrencyCode> {
        match self {
            Self::Issue(code) | Self::Redeem(code) => Some(code),
            Self::Parameters | Self::Validators | Self::Releases => None,
        }
    }

    /// The name used in files and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Issue(_) => "issue",
            Self::Redeem(_) => "redeem",
            Self::Parameters => "parameters",
            Self::Validators => "validators",
            Self::Releases => "releases",
        }
    }
}

/// One authority, as the state holds it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Authority {
    /// Its number.
    pub id: AuthorityId,
    /// What it decides.
    pub class: ActionClass,
    /// The participant in whose name its members submit.
    pub participant: ParticipantNumber,
    /// One key a person.
    #[borsh(deserialize_with = "read_members")]
    pub members: Vec<PublicKey>,
    /// How many members must approve.
    pub threshold: u8,
    /// The most it may move within any [`crate::window::WINDOW_US`]; 0 for a class that moves no money.
    pub rolling_cap: Units,
    /// How long after the proposal it may be executed.
    pub delay_ms: u64,
    /// Keys any of which can veto until execution.
    #[borsh(deserialize_with = "read_members")]
    pub vetoers: Vec<PublicKey>,
}

impl Authority {
    /// Whether a key is a member's.
    #[must_use]
    pub fn has_member(&self, key: &PublicKey) -> bool {
        self.members.contains(key)
    }

    /// Whether a key may veto.
    #[must_use]
    pub fn has_vetoer(&self, key: &PublicKey) -> bool {
        self.vetoers.contains(key)
    }
}

fn read_members<R: io::Read>(reader: &mut R) -> io::Result<Vec<PublicKey>> {
    list(reader, AUTHORITY_MEMBERS_MAX)
}
