//! Proofs that a client keeps and checks without any node: a receipt, an account, that a transaction was never executed, an event, or that
//! the event log of a later block extends that of an earlier one.
//!
//! Invariant: a bundle that verifies holds under the trust it is checked with alone, which a genesis gives; every byte of it is covered by a quorum's
//! signatures, by a path to what they signed, or by a rule of its form.
//! Shapes: `kind ‖ version ‖ …` in borsh; the text form is JSON `{"kind","version","bundle"}` with the same bytes in base64.
//! What it does not say: whether a later block changed an account, and, against keys of validators that left long ago, more than genesis does.
//! Errors: [`BundleError`] names the part that does not hold, [`BundleFormError`] why bytes or text are no bundle.
//! Source: `docs/spec/receipts.md`.

mod absence;
mod account;
mod certified;
mod event;
mod form;
mod log_extension;
mod name;
mod receipt;
mod set_change;
mod signed_block;
#[cfg(test)]
mod tests;
#[cfg(feature = "std")]
mod text;

pub use absence::{NoExecutionBundle, VerifiedNoExecution, window_end_ms};
pub use account::{AccountBundle, VerifiedAccount};
pub use certified::{CertifiedOutcome, SET_CHANGES_MAX};
pub use event::{EventBundle, VerifiedEvent};
pub use form::{BUNDLE_BYTES_MAX, BundleFormError};
pub use log_extension::{LogExtensionBundle, VerifiedLogExtension};
pub use receipt::{ReceiptBundle, VerifiedReceipt};
pub use set_change::SetChange;
pub use signed_block::SignedBlock;

use alloc::boxed::Box;
use borsh::{BorshDeserialize, BorshSerialize};
use falaj_consensus::types::{Hash32, Height};
use falaj_consensus::verify::{Checker, VerifyError};

use crate::proof::AnswerError;
use crate::trust::Trust;

/// Any of the proofs. The discriminants are part of the encoding and never reused.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Bundle {
    /// What became of a transaction.
    Receipt(ReceiptBundle) = 1,
    /// That a transaction was never executed and never will be.
    NoExecution(NoExecutionBundle) = 2,
    /// An account after a block, or that there is none.
    Account(AccountBundle) = 3,
    /// An event of the log as it was after a block.
    Event(EventBundle) = 4,
    /// That a later block's event log begins with an earlier one's.
    LogExtension(Box<LogExtensionBundle>) = 5,
}

/// What a [`Bundle`] proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifiedBundle {
    /// What became of a transaction.
    Receipt(VerifiedReceipt),
    /// That a transaction was never executed.
    NoExecution(VerifiedNoExecution),
    /// An account.
    Account(VerifiedAccount),
    /// An event.
    Event(VerifiedEvent),
    /// That one event log extends another.
    LogExtension(VerifiedLogExtension),
}

impl Bundle {
    /// Checks all of it under what is trusted.
    ///
    /// # Errors
    /// [`BundleError`], with the first part that does not hold.
    pub fn verify(
        &self,
        trust: &Trust,
        checker: &dyn Checker,
    ) -> Result<VerifiedBundle, BundleError> {
        match self {
            Self::Receipt(bundle) => bundle.verify(trust, checker).map(VerifiedBundle::Receipt),
            Self::NoExecution(bundle) => bundle
                .verify(trust, checker)
                .map(VerifiedBundle::NoExecution),
            Self::Account(bundle) => bundle.verify(trust, checker).map(VerifiedBundle::Account),
            Self::Event(bundle) => bundle.verify(trust, checker).map(VerifiedBundle::Event),
            Self::LogExtension(bundle) => bundle
                .verify(trust, checker)
                .map(VerifiedBundle::LogExtension),
        }
    }

    /// The word for its kind in text.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Receipt(_) => "falaj-receipt",
            Self::NoExecution(_) => "falaj-no-execution",
            Self::Account(_) => "falaj-account",
            Self::Event(_) => "falaj-event",
            Self::LogExtension(_) => "falaj-log-extension",
        }
    }
}

/// Why a bundle proves nothing under what is trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// The header is of another chain.
    #[error("the header is of the chain of genesis {found}, not {expected}")]
    OtherChain {
        /// Genesis hash in the header.
        found: Hash32,
        /// Hash of the genesis that is trusted.
        expected: Hash32,
    },
    /// The header stands under feature gates that this program does not know.
    #[error("the header stands under feature gates that this program does not know: {0:#x}")]
    Features(u64),
    /// The header's validator set is not the one that may certify it.
    #[error("the header names validator set {found}, not {expected}")]
    OtherSet {
        /// Set hash in the header.
        found: Hash32,
        /// Hash of the set that may certify it.
        expected: Hash32,
    },
    /// A block below the first height at which its validators are in force.
    #[error("the validators of height {height} are in force from height {from} on")]
    NotInForce {
        /// Height in the header.
        height: Height,
        /// First height of the set.
        from: Height,
    },
    /// A change to another set than the one that the certified outcome fixes.
    #[error("a set change brings validator set {found}, the certified outcome fixes {expected}")]
    OtherNextSet {
        /// Hash of the set that came.
        found: Hash32,
        /// Hash in the outcome.
        expected: Hash32,
    },
    /// A change to the set that is trusted already.
    #[error("a set change brings the validators that are in force already")]
    NoChange,
    /// The signatures do not certify this header with this outcome.
    #[error("the commit certificate of this header and outcome does not hold")]
    Certificate(#[source] VerifyError),
    /// What the certified block commits to does not say what the bundle says.
    #[error("the certified block does not say so")]
    Answer(#[from] AnswerError),
}

/// Where in the chain a proof stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proven {
    /// Height of the certified block.
    pub height: Height,
    /// Its time in microseconds since the Unix epoch.
    pub time_us: u64,
    /// How many validators signed its certificate.
    pub signers: usize,
    /// How many there are in their set.
    pub validators: usize,
}
