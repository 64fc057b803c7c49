//! Participants: the institutions that open accounts and submit transactions, and the keys that speak for them.
//!
//! Invariant: a key speaks for its participant at the heights of its range alone; keys of one participant are distinct.
//! Shapes and units: numbers are 32 bits from 1; at most [`PARTICIPANT_KEYS_MAX`] keys; heights are inclusive.
//! Source: `docs/spec/ledger.md`, "Participant".

use alloc::vec::Vec;
use borsh::io;
use borsh::{BorshDeserialize, BorshSerialize};
use core::fmt;
use falaj_consensus::bounded::list;
use falaj_consensus::crypto::PublicKey;
use falaj_consensus::types::{Hash32, Height};

use crate::decode::DecodeFault;

/// The most keys a participant can have.
pub const PARTICIPANT_KEYS_MAX: usize = 16;

/// The number of an institution, for its whole life; 0 is nobody.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct ParticipantNumber(u32);

impl ParticipantNumber {
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

impl fmt::Display for ParticipantNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for ParticipantNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "P{}", self.0)
    }
}

/// What a participant may be, as a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, BorshSerialize)]
pub struct Roles(u16);

impl Roles {
    /// No role.
    pub const NONE: Self = Self(0);
    /// The central bank: home of the authorities that issue and redeem.
    pub const CENTRAL_BANK: Self = Self(1);
    /// Opens and serves accounts of customers, and may hold a reserve account.
    pub const INTERMEDIARY: Self = Self(2);
    /// Opens accounts of public bodies.
    pub const GOVERNMENT: Self = Self(4);
    const KNOWN: u16 = 7;
    const NAMES: [(Self, &'static str); 3] = [
        (Self::CENTRAL_BANK, "central-bank"),
        (Self::INTERMEDIARY, "intermediary"),
        (Self::GOVERNMENT, "government"),
    ];

    /// Takes the bits of a set; `None` if one has no meaning in this version.
    #[must_use]
    pub const fn from_bits(bits: u16) -> Option<Self> {
        if bits & !Self::KNOWN == 0 {
            Some(Self(bits))
        } else {
            None
        }
    }

    /// The bits of the set.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// The role of a name used in genesis files.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMES
            .into_iter()
            .find(|(_, known)| *known == name)
            .map(|(role, _)| role)
    }

    /// The names of the roles in this set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES
            .into_iter()
            .filter(move |(role, _)| self.contains(*role))
            .map(|(_, name)| name)
    }

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all roles of `other` are in this set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BorshDeserialize for Roles {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let bits = u16::deserialize_reader(reader)?;
        Self::from_bits(bits).ok_or_else(|| DecodeFault::Encoding("a role without meaning").into())
    }
}

/// Whether a participant takes part.
///
/// The discriminant is part of the encoding; 2 is kept for a suspended participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum ParticipantStatus {
    /// Takes part.
    Active = 1,
}

/// A key that speaks for a participant, and when.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct ParticipantKey {
    /// The key with its algorithm.
    pub key: PublicKey,
    /// First height of a block in which it speaks.
    pub valid_from: Height,
    /// Last height of a block in which it speaks, if there is an end.
    pub valid_until: Option<Height>,
}

impl ParticipantKey {
    /// Whether it speaks in the block of that height.
    #[must_use]
    pub fn is_valid_at(&self, height: Height) -> bool {
        self.valid_from <= height && self.valid_until.is_none_or(|last| height <= last)
    }
}

/// One institution, as the state holds it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Participant {
    /// Its number.
    pub number: ParticipantNumber,
    /// Hash of its LEI or BIC.
    pub identity: Hash32,
    /// What it may be.
    pub roles: Roles,
    /// The institution through which it takes part, if it is an indirect participant.
    pub parent: Option<ParticipantNumber>,
    /// Takes part or not.
    pub status: ParticipantStatus,
    /// Country of residency, ISO 3166 alpha-2.
    pub residency: Country,
    /// The most pinned failures of its transactions that the dedup map may hold at a time.
    pub quota: u32,
    /// The keys that speak for it.
    #[borsh(deserialize_with = "read_keys")]
    pub keys: Vec<ParticipantKey>,
}

impl Participant {
    /// Whether a key speaks for it in the block of that height.
    #[must_use]
    pub fn has_key_at(&self, key: &PublicKey, height: Height) -> bool {
        self.keys
            .iter()
            .any(|own| own.key == *key && own.is_valid_at(height))
    }
}

fn read_keys<R: io::Read>(reader: &mut R) -> io::Result<Vec<ParticipantKey>> {
    list(reader, PARTICIPANT_KEYS_MAX)
}

/// A country by its two capital letters of ISO 3166.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize)]
pub struct Country([u8; 2]);

impl Country {
    /// Reads two capital letters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let letters = <[u8; 2]>::try_from(text.as_bytes()).ok()?;
        letters
            .iter()
            .all(u8::is_ascii_uppercase)
            .then_some(Self(letters))
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|letter| write!(f, "{}", char::from(*letter)))
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl BorshDeserialize for Country {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let letters = <[u8; 2]>::deserialize_reader(reader)?;
        if letters.iter().all(u8::is_ascii_uppercase) {
            return Ok(Self(letters));
        }
        Err(DecodeFault::Encoding("a country is two capital letters").into())
    }
}
