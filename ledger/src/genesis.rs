//! The first state of a chain, and the hash that names it under every signature.
//!
//! Invariant: a genesis that was read passed [`Genesis::check`]; its hash covers every field through one canonical encoding.
//! Shapes and units: lists ascend strictly by their number, code or id; times are Unix microseconds, lives milliseconds.
//! Errors: [`GenesisError`] names what is wrong and where; a genesis that does not add up is never opened.
//! Source: `docs/spec/ledger.md`, "Genesis".

mod check;
mod error;
#[cfg(feature = "std")]
mod json;

use alloc::string::String;
use alloc::vec::Vec;
pub use error::GenesisError;
#[cfg(feature = "std")]
pub use json::GenesisFileError;

use borsh::io;
use borsh::{BorshDeserialize, BorshSerialize};
use falaj_consensus::bounded::{list, refused, text};
use falaj_consensus::crypto::Algorithm;
use falaj_consensus::hash::{self, Tag};
use falaj_consensus::message::SUPPLY_ENTRIES_MAX;
use falaj_consensus::params::Parameters;
use falaj_consensus::types::{ChainContext, Hash32};
use falaj_consensus::validator_set::ValidatorSet;

use crate::account::{AccountId, AccountKind, Controllers, NetworkPrefix};
use crate::amount::{Amount, Scale, Units};
use crate::authority::Authority;
use crate::currency::CurrencyCode;
use crate::participant::Participant;
use crate::reference::Commitment;

/// The most participants, accounts or authorities a genesis can list.
pub const GENESIS_LIST_MAX: usize = 1 << 20;
/// The longest chain id in bytes.
pub const CHAIN_ID_BYTES_MAX: usize = 32;

const GENESIS_TAG: Tag = Tag::new("falaj/genesis/1");

/// What can never be changed after genesis: the hard rails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Constants {
    /// WINDOW: how long after the time in its id a transaction may still be executed; a minute to a day.
    pub id_window_ms: u64,
    /// How long a proposal stays open; a minute to seven days.
    pub proposal_life_ms: u64,
    /// Whether only algorithms approved by FIPS 140-3 may sign: transactions and votes alike.
    pub fips_strict: bool,
}

impl Constants {
    /// Whether keys of an algorithm may sign on this chain.
    #[must_use]
    pub const fn admits(&self, algorithm: Algorithm) -> bool {
        !self.fips_strict || algorithm.fips_approved()
    }

    /// `ID_LIFE`: how long an id stays in the dedup map, twice the window.
    ///
    /// # Panics
    /// Never for constants that passed [`Genesis::check`].
    #[must_use]
    pub const fn id_life_ms(&self) -> u64 {
        self.id_window_ms
            .checked_mul(2)
            .expect("a window is at most a day")
    }
}

impl Default for Constants {
    /// One hour, seven days, every algorithm.
    fn default() -> Self {
        Self {
            id_window_ms: 3_600_000,
            proposal_life_ms: 7 * 24 * 3_600_000,
            fips_strict: false,
        }
    }
}

/// A currency as genesis states it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct GenesisCurrency {
    /// Its code.
    pub code: CurrencyCode,
    /// Decimals of its minor unit.
    pub scale: Scale,
    /// Id of its issuance account, opened by the participant whose number it begins with.
    pub issuance_account: AccountId,
    /// The most that may be in circulation.
    pub cap: Units,
    /// The most that may be issued within a day.
    pub rolling_cap: Units,
    /// In circulation from the start: the sum of the accounts' balances.
    pub issued: Units,
}

/// An account that exists from the start; issuance accounts are not among them, their currency opens them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct GenesisAccount {
    /// Its id, beginning with the number of the participant that serves it.
    pub id: AccountId,
    /// Its currency.
    pub currency: CurrencyCode,
    /// What it is for.
    pub kind: AccountKind,
    /// Whose signatures a debit needs.
    pub controllers: Controllers,
    /// What it holds from the start.
    pub balance: Amount,
    /// Commitment to the owner's screening.
    pub kyc: Option<Commitment>,
}

/// Everything a chain starts from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize)]
pub struct Genesis {
    /// Version of this layout: 1.
    pub version: u16,
    /// Human name of the chain, 1 to 32 bytes of `a-z 0-9 -`.
    pub chain_id: String,
    /// What the text form of its account ids begins with.
    pub network: NetworkPrefix,
    /// Time before the first block, in microseconds since the Unix epoch.
    pub time_us: u64,
    /// The hard rails.
    pub constants: Constants,
    /// Currencies, ascending by code.
    pub currencies: Vec<GenesisCurrency>,
    /// Participants, ascending by number.
    pub participants: Vec<Participant>,
    /// Accounts, ascending by id.
    pub accounts: Vec<GenesisAccount>,
    /// Authorities, ascending by number.
    pub authorities: Vec<Authority>,
    /// The validators of heights 1 and 2, and on until changed.
    pub validators: ValidatorSet,
    /// The parameters of heights 1 and 2, and on until changed.
    pub parameters: Parameters,
}

impl Genesis {
    /// The version that this build writes and reads.
    pub const VERSION: u16 = 1;

    /// The hash that names the chain.
    #[must_use]
    pub fn hash(&self) -> Hash32 {
        hash::tagged_borsh(GENESIS_TAG, self)
    }

    /// Name and hash, as they stand under every signature.
    #[must_use]
    pub fn chain(&self) -> ChainContext {
        ChainContext {
            chain_id: self.chain_id.clone(),
            genesis_hash: self.hash(),
        }
    }

    /// Refuses a genesis that does not add up.
    ///
    /// # Errors
    /// [`GenesisError`] for the first fault, in the order of the fields.
    pub fn check(&self) -> Result<(), GenesisError> {
        check::check(self)
    }

    /// Reads the file form: JSON with exactly the known keys, amounts as decimal strings.
    ///
    /// # Errors
    /// [`GenesisFileError`] when the file is not of that form or the genesis does not add up.
    #[cfg(feature = "std")]
    pub fn from_json(text: &str) -> Result<Self, GenesisFileError> {
        json::read(text)
    }

    /// The file form, indented.
    #[cfg(feature = "std")]
    #[must_use]
    pub fn to_json(&self) -> String {
        json::write(self)
    }
}

impl BorshDeserialize for Genesis {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let genesis = Self {
            version: u16::deserialize_reader(reader)?,
            chain_id: text(reader, CHAIN_ID_BYTES_MAX)?,
            network: NetworkPrefix::deserialize_reader(reader)?,
            time_us: u64::deserialize_reader(reader)?,
            constants: Constants::deserialize_reader(reader)?,
            currencies: list(reader, SUPPLY_ENTRIES_MAX)?,
            participants: list(reader, GENESIS_LIST_MAX)?,
            accounts: list(reader, GENESIS_LIST_MAX)?,
            authorities: list(reader, GENESIS_LIST_MAX)?,
            validators: ValidatorSet::deserialize_reader(reader)?,
            parameters: Parameters::deserialize_reader(reader)?,
        };
        genesis.check().map_err(refused)?;
        Ok(genesis)
    }
}

#[cfg(test)]
mod tests;
