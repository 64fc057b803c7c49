//! What can go wrong between this node and its token, as fields; the words for the operator are in [`super::words`].
//!
//! Invariant: no variant carries a secret; each has exactly one [`Cause`], so that the escalation never reads a text.
//! Errors: this is the error of the whole module. It is `Clone`, because one fault answers every request that waits on it.
//! Source: `docs/spec/hsm.md`, "Faults".

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use cryptoki::context::Function;
use cryptoki::error::RvError;
use falaj_consensus::crypto::{Algorithm, KeyError};

use super::fault::{Cause, classify};
use super::pin::PinError;

/// A call of the library, by its name in the standard.
#[derive(Clone, Copy, Debug)]
pub struct Call(pub Function);

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "C_{:?}", self.0)
    }
}

/// A return value of the library, by its name in the standard or its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(pub RvError);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number() {
            Some(number) => write!(f, "code {number:#x}"),
            None => write!(f, "CKR{}", screaming(&format!("{:?}", self.0))),
        }
    }
}

impl Code {
    /// The number of a code that no standard names.
    #[must_use]
    pub const fn number(self) -> Option<u64> {
        if let RvError::VendorDefined(number) | RvError::UnknownErrorCode(number) = self.0 {
            Some(number)
        } else {
            None
        }
    }
}

/// `SessionHandleInvalid` to `_SESSION_HANDLE_INVALID`.
fn screaming(camel: &str) -> String {
    let mut name = String::with_capacity(camel.len() * 2);
    for letter in camel.chars() {
        if letter.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

/// Why a token did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TokenError {
    /// The library file cannot be read or loaded.
    #[error("cannot load the pkcs#11 library {}: {reason}", path.display())]
    Library {
        /// The file.
        path: PathBuf,
        /// The loader's own words.
        reason: String,
    },
    /// The library is not the one that was declared.
    #[error("the pkcs#11 library {} has sha-256 {found}, the configuration says {expected}", path.display())]
    LibraryHash {
        /// The file.
        path: PathBuf,
        /// Declared, in hexadecimal.
        expected: String,
        /// Found, in hexadecimal.
        found: String,
    },
    /// The library returned an error.
    #[error("{call} returned {code}")]
    Vendor {
        /// What was called.
        call: Call,
        /// What came back.
        code: Code,
    },
    /// The library returned something that this program cannot read.
    #[error("the pkcs#11 library returned what cannot be read: {reason}")]
    Unreadable {
        /// What was wrong with it.
        reason: String,
    },
    /// The library was initialised again since this session was opened, so its handles mean nothing.
    #[error("the session is of an earlier initialisation of the library")]
    StaleSession,
    /// There is no session at all.
    #[error("there is no session with the token")]
    NoSession,
    /// The library cannot be finalised while calls are in flight.
    #[error(
        "{in_flight} calls to the library have not returned, so it cannot be initialised again"
    )]
    CallsInFlight {
        /// Calls that have not returned.
        in_flight: u32,
    },
    /// Somebody else in this process initialised the library, so it is not ours to finalise.
    #[error(
        "the library was initialised by another part of this process, so it cannot be initialised again"
    )]
    SharedLibrary,
    /// No slot holds the token.
    #[error("no token named {wanted}; present: {}", list(seen))]
    TokenMissing {
        /// Configured name.
        wanted: String,
        /// Labels of the tokens that answered.
        seen: Vec<String>,
    },
    /// The token was there and does not answer any more.
    #[error("token {token} is gone: {call} returned {code}")]
    TokenGone {
        /// Label of the token.
        token: String,
        /// What was called.
        call: Call,
        /// What came back.
        code: Code,
    },
    /// The session is not logged in as user, so it sees no private key.
    #[error("the session is not logged in")]
    NotLoggedIn,
    /// Several slots hold such a token.
    #[error(
        "{count} tokens are named {wanted}; their serial numbers: {}",
        list(serials)
    )]
    TokenAmbiguous {
        /// Configured name.
        wanted: String,
        /// How many.
        count: usize,
        /// Their serial numbers.
        serials: Vec<String>,
    },
    /// The token is no hardware, and the profile asks for hardware.
    #[error("token {token} is not hardware (its slot lacks CKF_HW_SLOT)")]
    NotHardware {
        /// Label of the token.
        token: String,
    },
    /// The algorithm is not admitted under `fips = strict`.
    #[error("{algorithm} is not admitted under fips = strict")]
    NotApproved {
        /// Algorithm of the key.
        algorithm: Algorithm,
    },
    /// The token refused the PIN. It is not tried again by this process.
    #[error(
        "token {token} refused the pin ({code}); it was tried once and will not be tried again"
    )]
    PinRefused {
        /// Label of the token.
        token: String,
        /// What the login returned.
        code: Code,
    },
    /// An earlier login of this process was refused.
    #[error("token {token} refused the pin earlier; it will not be tried again")]
    PinRefusedEarlier {
        /// Label of the token.
        token: String,
    },
    /// The token reports its PIN as locked.
    #[error("the pin of token {token} is locked")]
    PinLocked {
        /// Label of the token.
        token: String,
    },
    /// The token reports that the next wrong PIN locks it.
    #[error("token {token} allows one last pin try; it was not spent")]
    PinFinalTry {
        /// Label of the token.
        token: String,
    },
    /// The token reports that a wrong PIN was entered since the last good login.
    #[error("a wrong pin was entered on token {token} since its last good login; no try was spent")]
    PinCountLow {
        /// Label of the token.
        token: String,
    },
    /// The token has no user PIN yet, or wants it changed.
    #[error("the user pin of token {token} is not set or has to be changed")]
    PinUnset {
        /// Label of the token.
        token: String,
    },
    /// The token takes its PIN on a pad of its own.
    #[error("token {token} takes its pin on a pad of its own, which an unattended node cannot use")]
    PinPad {
        /// Label of the token.
        token: String,
    },
    /// The PIN could not be read.
    #[error("cannot read the pin")]
    Pin(#[source] Arc<PinError>),
    /// The token does not offer what the algorithm needs.
    #[error(
        "token {token} does not offer {mechanism} for {algorithm}; it offers {}",
        list(offered)
    )]
    MechanismMissing {
        /// Label of the token.
        token: String,
        /// Algorithm of the key.
        algorithm: Algorithm,
        /// Mechanism that is needed.
        mechanism: &'static str,
        /// Signing mechanisms of ours that it does offer.
        offered: Vec<&'static str>,
    },
    /// The token is there and the key is not.
    #[error("token {token} holds no private key with label {label} and id {id}")]
    KeyMissing {
        /// Label of the token.
        token: String,
        /// Configured label.
        label: String,
        /// Configured id, in hexadecimal.
        id: String,
    },
    /// Several private keys have the label or the id.
    #[error("token {token} holds {count} private keys with {attribute} {value}")]
    KeyDuplicate {
        /// Label of the token.
        token: String,
        /// `label` or `id`.
        attribute: &'static str,
        /// The shared value.
        value: String,
        /// How many.
        count: usize,
    },
    /// The public half of the key is not the one that was enrolled.
    #[error("key {label} of token {token} is {found}, the enrolled key is {expected}")]
    KeyMismatch {
        /// Label of the token.
        token: String,
        /// Label of the key.
        label: String,
        /// Fingerprint that was enrolled.
        expected: String,
        /// Fingerprint that was found.
        found: String,
    },
    /// An attribute of the key is not what a consensus key must have.
    #[error("key {label} has {attribute} = {found}, it must be {expected}")]
    KeyAttribute {
        /// Label of the key.
        label: String,
        /// Name of the attribute.
        attribute: &'static str,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// The public key of the token is of a kind or form that is not ours.
    #[error("key {label} cannot be used: {reason}")]
    KeyForm {
        /// Label of the key.
        label: String,
        /// Which part of it.
        reason: &'static str,
    },
    /// The bytes of the public key are not canonical.
    #[error("key {label} has no canonical public key")]
    KeyBytes {
        /// Label of the key.
        label: String,
        /// What is wrong with them.
        #[source]
        source: KeyError,
    },
    /// The token already holds a key of that name.
    #[error("token {token} already holds an object with {attribute} {value}")]
    NameTaken {
        /// Label of the token.
        token: String,
        /// `label` or `id`.
        attribute: &'static str,
        /// The value.
        value: String,
    },
    /// A signature of the token is not one of its key over the bytes that were sent.
    #[error("the token returned {bytes} bytes that are no {algorithm} signature of its key")]
    WrongSignature {
        /// Algorithm of the key.
        algorithm: Algorithm,
        /// Length of what came.
        bytes: usize,
    },
    /// A thread inside the library ended in a panic of this program.
    #[error("a thread of the pkcs#11 backend panicked")]
    Panicked,
    /// The worker could not be started.
    #[error("cannot start the thread for the pkcs#11 library")]
    Thread(#[source] Arc<std::io::Error>),
}

fn list<T: fmt::Display>(items: &[T]) -> String {
    if items.is_empty() {
        return "none".to_owned();
    }
    items
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

impl TokenError {
    /// Takes an error of cryptoki apart.
    pub(crate) fn from_cryptoki(error: &cryptoki::error::Error) -> Self {
        use cryptoki::error::Error;
        match error {
            Error::Pkcs11(code, function) => Self::Vendor {
                call: Call(*function),
                code: Code(*code),
            },
            Error::LibraryLoading(_)
            | Error::NotSupported
            | Error::TryFromInt(_)
            | Error::TryFromSlice(_)
            | Error::ParseInt(_)
            | Error::Utf8(_)
            | Error::NulError(_)
            | Error::NullFunctionPointer
            | Error::MissingSymbol(_)
            | Error::InvalidValue
            | Error::PinNotSet => Self::Unreadable {
                reason: error.to_string(),
            },
        }
    }

    /// The number behind a code that no standard names.
    #[must_use]
    pub const fn number(&self) -> Option<u64> {
        if let Self::Vendor { code, .. }
        | Self::TokenGone { code, .. }
        | Self::PinRefused { code, .. } = self
        {
            code.number()
        } else {
            None
        }
    }

    /// The one cause the escalation acts on.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Library { .. } | Self::LibraryHash { .. } | Self::Thread(_) => {
                Cause::LibraryUnusable
            }
            // Nobody is logged in yet, so what the library finds no way to is the device behind it.
            Self::Vendor {
                call: Call(Function::Initialize),
                code: Code(RvError::GeneralError),
            } => Cause::TokenGone,
            Self::Vendor { code, .. } => classify(code.0),
            Self::Unreadable { .. } | Self::Panicked => Cause::Unknown,
            Self::StaleSession | Self::NoSession => Cause::SessionLost,
            Self::CallsInFlight { .. } | Self::SharedLibrary => Cause::CannotReinitialise,
            Self::TokenGone { .. } => Cause::TokenGone,
            Self::NotLoggedIn => Cause::LoggedOut,
            Self::TokenMissing { .. } => Cause::TokenMissing,
            Self::TokenAmbiguous { .. } => Cause::TokenAmbiguous,
            Self::NotHardware { .. } | Self::NotApproved { .. } | Self::PinPad { .. } => {
                Cause::Forbidden
            }
            Self::PinRefused { .. } | Self::PinRefusedEarlier { .. } => Cause::PinRefused,
            Self::PinLocked { .. } => Cause::PinLocked,
            Self::PinFinalTry { .. } | Self::PinCountLow { .. } => Cause::PinAtRisk,
            Self::PinUnset { .. } => Cause::PinUnset,
            Self::Pin(_) => Cause::PinUnreadable,
            Self::MechanismMissing { .. } => Cause::MechanismRefused,
            Self::KeyMissing { .. } => Cause::KeyMissing,
            Self::KeyDuplicate { .. } | Self::NameTaken { .. } => Cause::KeyDuplicate,
            Self::KeyMismatch { .. }
            | Self::KeyAttribute { .. }
            | Self::KeyForm { .. }
            | Self::KeyBytes { .. } => Cause::KeyUnfit,
            Self::WrongSignature { .. } => Cause::WrongSignature,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Operators search for the standard's names, so that is what the messages hold.
    #[test]
    fn codes_carry_the_name_of_the_standard() {
        assert_eq!(
            Code(RvError::SessionHandleInvalid).to_string(),
            "CKR_SESSION_HANDLE_INVALID"
        );
        assert_eq!(
            Code(RvError::VendorDefined(0x8000_0012)).to_string(),
            "code 0x80000012"
        );
        let error = TokenError::Vendor {
            call: Call(Function::SignInit),
            code: Code(RvError::PinLocked),
        };
        assert_eq!(error.to_string(), "C_SignInit returned CKR_PIN_LOCKED");
    }

    // docs/spec/hsm.md, "Faults": before the library is initialised nobody can have been logged out.
    #[test]
    fn a_library_that_does_not_initialise_has_lost_its_token() {
        let failed = |function| TokenError::Vendor {
            call: Call(function),
            code: Code(RvError::GeneralError),
        };
        assert_eq!(failed(Function::Initialize).cause(), Cause::TokenGone);
        assert_eq!(failed(Function::Sign).cause(), Cause::LoggedOut);
    }
}
