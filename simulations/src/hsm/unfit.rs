//! What only a person can put right in a token: a PIN that is locked, a key that is gone.
//!
//! Invariant: the token is asked once by each process, and never again: a PIN is not tried twice, and a key does not come back by itself.
//! Source: `docs/spec/hsm.md`, "PIN", "Identity" and "Faults".

use falaj_hsm::Fault;

/// Why a token signs nothing until a person has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// The PIN is locked, so that the next login is refused.
    PinLocked,
    /// The key is not in the token any more.
    KeyMissing,
}

impl Unfit {
    /// What a backend says then, after which it is switched off.
    #[must_use]
    pub const fn fault(self) -> Fault {
        match self {
            Self::PinLocked => Fault::Pin,
            Self::KeyMissing => Fault::Key,
        }
    }
}
