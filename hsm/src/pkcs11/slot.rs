//! Finds the token by its name among the slots.
//!
//! Invariant: exactly one token answers to the name, or none is used.
//! Errors: [`TokenError::TokenMissing`] lists the labels that are there; [`TokenError::TokenAmbiguous`] the serial numbers.
//! Source: PKCS #11 v3.0 §5.5; `docs/spec/hsm.md`, "Identity".

use std::fmt;

use cryptoki::slot::{Slot, TokenInfo};

use super::error::TokenError;
use super::module::Module;

/// The name of a token: its label, its serial number, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenName {
    /// `CK_TOKEN_INFO.label`, without the padding.
    Label(String),
    /// `CK_TOKEN_INFO.serialNumber`, without the padding.
    Serial(String),
    /// Both have to match.
    LabelAndSerial {
        /// The label.
        label: String,
        /// The serial number.
        serial: String,
    },
}

impl TokenName {
    fn matches(&self, token: &TokenInfo) -> bool {
        match self {
            Self::Label(label) => token.label() == label,
            Self::Serial(serial) => token.serial_number() == serial,
            Self::LabelAndSerial { label, serial } => {
                token.label() == label && token.serial_number() == serial
            }
        }
    }
}

impl fmt::Display for TokenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Label(label) => write!(f, "{label:?}"),
            Self::Serial(serial) => write!(f, "serial {serial:?}"),
            Self::LabelAndSerial { label, serial } => write!(f, "{label:?} with serial {serial:?}"),
        }
    }
}

/// A slot with an initialised token in it.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) slot: Slot,
    pub(crate) token: TokenInfo,
}

/// Every slot whose token answers and is initialised. A slot that does not answer is passed over: its token is gone or another's.
pub(crate) fn tokens(module: &Module) -> Result<Vec<Found>, TokenError> {
    let slots = module.call(|pkcs11| pkcs11.get_slots_with_token())?;
    let found = slots.into_iter().filter_map(|slot| {
        let token = module.call(|pkcs11| pkcs11.get_token_info(slot)).ok()?;
        token.token_initialized().then_some(Found { slot, token })
    });
    Ok(found.collect())
}

/// The one token of that name.
///
/// # Errors
/// [`TokenError::TokenMissing`], [`TokenError::TokenAmbiguous`], or what the library returned.
pub(crate) fn find(module: &Module, name: &TokenName) -> Result<Found, TokenError> {
    let all = tokens(module)?;
    let seen = all
        .iter()
        .map(|found| found.token.label().to_owned())
        .collect();
    let mut matching: Vec<Found> = all
        .into_iter()
        .filter(|found| name.matches(&found.token))
        .collect();
    let serials: Vec<_> = matching
        .iter()
        .map(|found| found.token.serial_number().to_owned())
        .collect();
    let count = matching.len();
    match (matching.pop(), count) {
        (Some(found), 1) => Ok(found),
        (None, _) => Err(TokenError::TokenMissing {
            wanted: name.to_string(),
            seen,
        }),
        (Some(_), count) => Err(TokenError::TokenAmbiguous {
            wanted: name.to_string(),
            count,
            serials,
        }),
    }
}
