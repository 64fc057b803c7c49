//! What can be wrong with a genesis, named so that whoever wrote it finds the place.

use alloc::string::String;
use falaj_consensus::crypto::{Algorithm, KeyError};
use falaj_consensus::params::ParameterError;

use crate::account::AccountId;
use crate::authority::AuthorityId;
use crate::currency::CurrencyCode;
use crate::participant::ParticipantNumber;

/// Why a genesis cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {
    /// A layout this build does not know.
    #[error("genesis version {0} is not known to this build")]
    Version(u16),
    /// A chain id that is empty, too long or of other characters.
    #[error("chain id {0:?} is not 1 to 32 characters of a-z, 0-9 and -")]
    ChainId(String),
    /// A genesis time of zero or beyond any calendar.
    #[error("genesis time {0} is not in microseconds since 1970")]
    Time(u64),
    /// A constant outside its rails.
    #[error("constant {name} is {value}, outside {min} to {max}")]
    Constant {
        /// Name of the field.
        name: &'static str,
        /// Value that was given.
        value: u64,
        /// Least value allowed.
        min: u64,
        /// Greatest value allowed.
        max: u64,
    },
    /// A consensus parameter out of bounds.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// A list that is not strictly ascending.
    #[error("the list of {list} is not strictly ascending at {entry}")]
    Order {
        /// Which list.
        list: &'static str,
        /// The entry that is out of order or there twice.
        entry: String,
    },
    /// A list that is too long, or empty where it must not be.
    #[error("there are {found} {list}, not {min} to {max}")]
    Count {
        /// Which list.
        list: &'static str,
        /// How many there are.
        found: usize,
        /// Least number allowed.
        min: usize,
        /// Greatest number allowed.
        max: usize,
    },
    /// Fewer decimals than the currency's minor unit has.
    #[error("currency {code} has {scale} decimals, fewer than the {min} of its minor unit")]
    Scale {
        /// The currency.
        code: CurrencyCode,
        /// Decimals that were given.
        scale: u8,
        /// Decimals by ISO 4217.
        min: u8,
    },
    /// More in circulation than the cap allows.
    #[error("currency {code} has {issued} minor units issued, above its cap of {cap}")]
    AboveCap {
        /// The currency.
        code: CurrencyCode,
        /// Minor units issued.
        issued: u128,
        /// The cap.
        cap: u128,
    },
    /// Balances that are not what was issued.
    #[error("currency {code} has {issued} minor units issued, but the accounts hold {held}")]
    DoesNotAddUp {
        /// The currency.
        code: CurrencyCode,
        /// Minor units issued.
        issued: u128,
        /// Sum of the accounts' balances.
        held: u128,
    },
    /// A participant that is named but not there.
    #[error("{what} names participant {number}, which is not in the genesis")]
    UnknownParticipant {
        /// Who names it.
        what: String,
        /// Its number.
        number: ParticipantNumber,
    },
    /// A participant that is there but lacks the role.
    #[error("{what} needs participant {number} to be a central bank")]
    NotCentralBank {
        /// Who needs it.
        what: String,
        /// Its number.
        number: ParticipantNumber,
    },
    /// A currency that is named but not there.
    #[error("{what} names currency {code}, which is not in the genesis")]
    UnknownCurrency {
        /// Who names it.
        what: String,
        /// Its code.
        code: CurrencyCode,
    },
    /// A number that must not be zero, or a parent that is the participant itself.
    #[error("participant {number}: {fault}")]
    Participant {
        /// Its number.
        number: ParticipantNumber,
        /// What is wrong.
        fault: &'static str,
    },
    /// An issuance account in the list, or two currencies with one.
    #[error("account {id:?} is an issuance account, which its currency opens once")]
    Issuance {
        /// The account.
        id: AccountId,
    },
    /// A threshold, delay or member list that cannot work.
    #[error("authority {id}: {fault}")]
    Authority {
        /// Its number.
        id: AuthorityId,
        /// What is wrong.
        fault: &'static str,
    },
    /// One key for two owners or purposes.
    #[error("{what} uses a key that somebody else has")]
    SharedKey {
        /// Who uses it second.
        what: String,
    },
    /// A key of an algorithm that `fips_strict` does not admit.
    #[error("{what} has an {algorithm} key, which fips_strict does not admit")]
    NotApproved {
        /// Whose key.
        what: String,
        /// Its algorithm.
        algorithm: Algorithm,
    },
    /// A key that must never be enrolled.
    #[error("{what} has a key that is refused")]
    Key {
        /// Whose key.
        what: String,
        /// Why.
        #[source]
        source: KeyError,
    },
}
