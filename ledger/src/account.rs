//! Accounts: their ids, who controls them, and the cumulative debits and credits that are their balance.
//!
//! Invariant: posted = credits − debits; it is `0..=AMOUNT_MAX`, for an issuance account the negative of the currency's supply.
//! An id begins with its opener's participant number, is not derived from keys, and is never used again.
//! Shapes and units: an id is 16 bytes; at most [`CONTROLLER_KEYS_MAX`] keys; sums in minor units.
//! Errors: [`AccountIdError`] for text of another network or a mistyped id.
//! Source: `docs/spec/ledger.md`, "Account"; BIP 350 for the text form.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32m, Hrp};
use borsh::io;
use borsh::{BorshDeserialize, BorshSerialize};
use core::cmp::Ordering;
use core::fmt;
use falaj_consensus::bounded::{byte_string, list};
use falaj_consensus::crypto::PublicKey;
#[cfg(feature = "std")]
use falaj_consensus::mutated;
use falaj_consensus::types::Height;

use crate::amount::{Amount, Units};
use crate::currency::CurrencyCode;
use crate::decode::DecodeFault;
use crate::participant::{ParticipantNumber, Roles};
use crate::reference::Commitment;

/// The most keys that can control an account.
pub const CONTROLLER_KEYS_MAX: usize = 8;
/// The longest prefix of a network's account ids.
pub const NETWORK_PREFIX_BYTES_MAX: usize = 16;

/// What the text form of a network's account ids begins with: 1 to 16 small letters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize)]
pub struct NetworkPrefix(String);

impl NetworkPrefix {
    /// Takes a prefix of small letters.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let fits = (1..=NETWORK_PREFIX_BYTES_MAX).contains(&text.len());
        (fits && text.bytes().all(|byte| byte.is_ascii_lowercase())).then(|| Self(text.to_owned()))
    }

    /// The letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl BorshDeserialize for NetworkPrefix {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let bytes = byte_string(reader, NETWORK_PREFIX_BYTES_MAX)?;
        let prefix = core::str::from_utf8(&bytes).ok().and_then(Self::new);
        prefix.ok_or_else(|| {
            DecodeFault::Encoding("a network prefix is 1 to 16 small letters").into()
        })
    }
}

/// The name of an account: the opener's participant number, big-endian, and twelve bytes of the opener's choice.
#[derive(Clone, Copy, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct AccountId([u8; 16]);

impl Ord for AccountId {
    /// The order of the bytes, compared as one number: execution does little else so often.
    fn cmp(&self, other: &Self) -> Ordering {
        u128::from_be_bytes(self.0).cmp(&u128::from_be_bytes(other.0))
    }
}

impl PartialOrd for AccountId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl AccountId {
    /// Composes an id.
    #[must_use]
    pub fn new(opener: ParticipantNumber, chosen: [u8; 12]) -> Self {
        let mut bytes = [0_u8; 16];
        bytes[..4].copy_from_slice(&opener.get().to_be_bytes());
        bytes[4..].copy_from_slice(&chosen);
        Self(bytes)
    }

    /// Takes the sixteen bytes of an id.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The sixteen bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The participant that opened it.
    #[must_use]
    pub const fn opener(&self) -> ParticipantNumber {
        let [a, b, c, d, ..] = self.0;
        ParticipantNumber::new(u32::from_be_bytes([a, b, c, d]))
    }

    /// The text form: bech32m under the network's prefix.
    ///
    /// # Panics
    /// Never: a prefix of 16 letters and 16 bytes stay far below the code's length.
    #[must_use]
    pub fn to_text(&self, network: &NetworkPrefix) -> String {
        let prefix =
            Hrp::parse(network.as_str()).expect("a network prefix is 1 to 16 small letters");
        bech32::encode::<Bech32m>(prefix, &self.0).expect("16 bytes are below the code's length")
    }

    /// Reads the text form of this network, in small letters alone.
    ///
    /// # Errors
    /// [`AccountIdError`] says whether it is mistyped or of another network.
    pub fn parse(text: &str, network: &NetworkPrefix) -> Result<Self, AccountIdError> {
        let checked =
            CheckedHrpstring::new::<Bech32m>(text).map_err(|_| AccountIdError::Checksum)?;
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(AccountIdError::Checksum);
        }
        if checked.hrp().as_str() != network.as_str() {
            return Err(AccountIdError::Network {
                expected: network.as_str().to_owned(),
            });
        }
        let bytes: Vec<u8> = checked.byte_iter().collect();
        let id = <[u8; 16]>::try_from(bytes)
            .map(Self)
            .map_err(|_| AccountIdError::Length)?;
        // Two spare bits of the last letter would otherwise give one id four spellings.
        if id.to_text(network) == text {
            Ok(id)
        } else {
            Err(AccountIdError::Checksum)
        }
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Why a text is not an account id of this network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountIdError {
    /// Not bech32m in small letters: mistyped or cut.
    #[error("the account id is mistyped: its checksum does not match")]
    Checksum,
    /// Right, but of another network.
    #[error("the account id is of another network, not {expected}")]
    Network {
        /// Prefix of this network.
        expected: String,
    },
    /// Right, but not sixteen bytes.
    #[error("an account id has 16 bytes")]
    Length,
}

/// What an account is for.
///
/// The discriminants are part of the encoding and never reused; 10 to 14 are kept for
/// escrow, fee, rounding, suspense and seizure accounts.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum AccountKind {
    /// The one account of a currency whose debits are issues and whose credits are redemptions.
    Issuance = 1,
    /// A participant's account that takes issues and gives redemptions.
    Reserve = 2,
    /// A participant's own account between institutions.
    Wholesale = 3,
    /// A person's account, tier 0.
    Retail0 = 4,
    /// A person's account, tier 1.
    Retail1 = 5,
    /// A person's account, tier 2.
    Retail2 = 6,
    /// A person's account, tier 3.
    Retail3 = 7,
    /// A merchant's account.
    Merchant = 8,
    /// A public body's account.
    Government = 9,
}

impl AccountKind {
    /// Every kind of this version.
    pub const ALL: [Self; 9] = [
        Self::Issuance,
        Self::Reserve,
        Self::Wholesale,
        Self::Retail0,
        Self::Retail1,
        Self::Retail2,
        Self::Retail3,
        Self::Merchant,
        Self::Government,
    ];

    /// The name used in genesis files and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Issuance => "issuance",
            Self::Reserve => "reserve",
            Self::Wholesale => "wholesale",
            Self::Retail0 => "retail-0",
            Self::Retail1 => "retail-1",
            Self::Retail2 => "retail-2",
            Self::Retail3 => "retail-3",
            Self::Merchant => "merchant",
            Self::Government => "government",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The role a participant needs to open one; `None` where genesis alone does.
    #[must_use]
    pub const fn opener_role(self) -> Option<Roles> {
        match self {
            Self::Issuance | Self::Reserve => None,
            Self::Government => Some(Roles::GOVERNMENT),
            Self::Wholesale
            | Self::Retail0
            | Self::Retail1
            | Self::Retail2
            | Self::Retail3
            | Self::Merchant => Some(Roles::INTERMEDIARY),
        }
    }
}

/// Whose signatures a debit needs.
///
/// The discriminants are part of the encoding and never reused.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Controllers {
    /// Any key of the participant that serves the account: the bank signs for its customer.
    Participant = 1,
    /// The customer's own keys.
    Keys(ControllerKeys) = 2,
}

/// Keys of which a threshold must sign: 1 to [`CONTROLLER_KEYS_MAX`], strictly ascending.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize)]
pub struct ControllerKeys {
    threshold: u8,
    keys: Vec<PublicKey>,
}

impl ControllerKeys {
    /// Takes keys in strictly ascending order and how many of them must sign.
    #[must_use]
    pub fn new(threshold: u8, keys: Vec<PublicKey>) -> Option<Self> {
        let fits = (1..=CONTROLLER_KEYS_MAX).contains(&keys.len());
        let reachable = threshold >= 1 && usize::from(threshold) <= keys.len();
        (fits && reachable && keys.is_sorted_by(|a, b| a < b)).then_some(Self { threshold, keys })
    }

    /// How many keys must sign.
    #[must_use]
    pub const fn threshold(&self) -> u8 {
        self.threshold
    }

    /// The keys, ascending.
    #[must_use]
    pub fn keys(&self) -> &[PublicKey] {
        &self.keys
    }
}

impl BorshDeserialize for ControllerKeys {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let threshold = u8::deserialize_reader(reader)?;
        let keys = list(reader, CONTROLLER_KEYS_MAX)?;
        Self::new(threshold, keys).ok_or_else(|| {
            DecodeFault::Encoding("controller keys ascend and reach their threshold").into()
        })
    }
}

/// Where in the chain something happened.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct Place {
    /// Height of the block; 0 is genesis.
    pub height: Height,
    /// Position of the transaction in the block, batches in order, then the inline tail.
    pub index: u32,
}

/// One account, as the state holds it under its id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Account {
    /// Its currency.
    pub currency: CurrencyCode,
    /// What it is for.
    pub kind: AccountKind,
    /// The participant that serves it, at first its opener.
    pub participant: ParticipantNumber,
    /// Whose signatures a debit needs.
    pub controllers: Controllers,
    /// Debits since it was opened.
    pub debits: Units,
    /// Credits since it was opened.
    pub credits: Units,
    /// How many transactions have changed it.
    pub version: u64,
    /// Where it was opened.
    pub opened: Place,
    /// Commitment to the owner's screening, made by the intermediary.
    pub kyc: Option<Commitment>,
}

impl Account {
    /// Credits minus debits.
    ///
    /// # Panics
    /// If a sum exceeds `i128`, for which some 10^20 transfers of the maximum would be needed.
    #[must_use]
    pub fn posted(&self) -> i128 {
        let wide =
            |units: Units| i128::try_from(units.get()).expect("a cumulative sum stays below 2^127");
        wide(self.credits)
            .checked_sub(wide(self.debits))
            .expect("both are between 0 and 2^127")
    }

    /// What can be debited: posted, and nothing for an issuance account.
    #[must_use]
    pub fn available(&self) -> Amount {
        self.credits
            .checked_sub(self.debits)
            .and_then(Units::amount)
            .unwrap_or(Amount::ZERO)
    }
}

#[cfg(feature = "std")]
impl Account {
    /// The account after a debit, if posted covers it.
    #[must_use]
    pub(crate) fn debited(&self, amount: Amount) -> Option<Self> {
        if !mutated!(OverdraftAllowed) {
            self.available().checked_sub(amount)?;
        }
        let debits = self.debits.checked_add(amount.units())?;
        Some(Self {
            debits,
            version: self.version.checked_add(1)?,
            ..self.clone()
        })
    }

    /// The account after a credit, if posted stays an amount.
    #[must_use]
    pub(crate) fn credited(&self, amount: Amount) -> Option<Self> {
        let credits = self.credits.checked_add(amount.units())?;
        credits.checked_sub(self.debits)?.amount()?;
        Some(Self {
            credits,
            version: self.version.checked_add(1)?,
            ..self.clone()
        })
    }

    /// The issuance account after it issued.
    #[must_use]
    pub(crate) fn issued(&self, amount: Amount) -> Option<Self> {
        let debits = self.debits.checked_add(amount.units())?;
        Some(Self {
            debits,
            version: self.version.checked_add(1)?,
            ..self.clone()
        })
    }

    /// The issuance account after it took back.
    #[must_use]
    pub(crate) fn redeemed(&self, amount: Amount) -> Option<Self> {
        let credits = self.credits.checked_add(amount.units())?;
        self.debits.checked_sub(credits)?;
        Some(Self {
            credits,
            version: self.version.checked_add(1)?,
            ..self.clone()
        })
    }
}

#[cfg(test)]
mod tests;
