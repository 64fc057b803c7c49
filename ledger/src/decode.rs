//! What a decoder meets in bytes of others, carried through borsh's error to a stable code.
//!
//! Invariant: lengths are bounded by [`falaj_consensus::bounded`]; what is wrong beyond that has a code of its own here.
//! Errors: [`DecodeFault`] travels inside [`io::Error`]; whatever is not one of ours is a bad encoding (1001).
//! Source: `docs/spec/ledger.md`, "Encoding".

use borsh::io;

use crate::rejection::Rejection;

/// A fault that a decoder of this crate names more exactly than borsh could.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeFault {
    /// Not the encoding of a value.
    #[error("{0}")]
    Encoding(&'static str),
    /// An amount above the maximum.
    #[error("an amount is above the maximum")]
    AmountAboveMaximum,
    /// An id that is not a `UUIDv7`.
    #[error("an id is not a version 7 uuid")]
    BadId,
    /// A flag that has no meaning yet.
    #[error("a reserved flag is set")]
    ReservedFlag,
}

impl DecodeFault {
    /// The fault inside an error of borsh.
    #[cfg(feature = "std")]
    #[must_use]
    pub fn of(error: &io::Error) -> Self {
        let ours = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<Self>());
        ours.copied()
            .unwrap_or(Self::Encoding("the bytes are not the encoding of a value"))
    }

    /// The stable code of the fault.
    #[must_use]
    pub const fn rejection(self) -> Rejection {
        match self {
            Self::Encoding(_) => Rejection::BadEncoding,
            Self::AmountAboveMaximum => Rejection::AmountAboveMaximum,
            Self::BadId => Rejection::BadId,
            Self::ReservedFlag => Rejection::ReservedFlag,
        }
    }
}

impl From<DecodeFault> for io::Error {
    fn from(fault: DecodeFault) -> Self {
        falaj_consensus::bounded::refused(fault)
    }
}
