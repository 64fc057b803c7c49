//! A stable name for each part of a bundle that can be wrong.
//!
//! Invariant: a name, once published, keeps its meaning for ever. The first step of the check that fails is named, in the order of
//! `docs/spec/receipts.md`; what a signature covers is named by its signature.
//! Source: `docs/spec/receipts.md`, "Names".

use falaj_consensus::verify::VerifyError;

use super::{BundleError, BundleFormError};
use crate::proof::AnswerError;

impl BundleFormError {
    /// The stable name of what is wrong.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            #[cfg(feature = "std")]
            Self::Json(_) => "bundle-json",
            Self::Version { .. } => "bundle-version",
            Self::Base64 => "bundle-base64",
            Self::Bytes(_) => "bundle-bytes",
            Self::Kind { .. } => "bundle-kind",
        }
    }
}

impl BundleError {
    /// The stable name of what is wrong.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::OtherChain { .. } => "other-chain",
            Self::Features(_) => "unknown-features",
            Self::OtherSet { .. } => "other-validator-set",
            Self::NotInForce { .. } => "set-not-in-force",
            Self::OtherNextSet { .. } => "set-change-set",
            Self::NoChange => "set-change-none",
            Self::Certificate(error) => of_certificate(*error),
            Self::Answer(error) => of_answer(*error),
        }
    }
}

const fn of_certificate(error: VerifyError) -> &'static str {
    match error {
        VerifyError::NotAMember(_) => "certificate-signer",
        VerifyError::NoHeight | VerifyError::EndOfRange => "certificate-height",
        VerifyError::Header | VerifyError::NoOffence => "certificate-header",
        VerifyError::Rounds => "certificate-round",
        VerifyError::Signature(_) => "certificate-signature",
        VerifyError::Bitmap => "certificate-bitmap",
        VerifyError::SignatureCount { .. } => "certificate-signature-count",
        VerifyError::NoQuorum => "certificate-no-quorum",
    }
}

const fn of_answer(error: AnswerError) -> &'static str {
    match error {
        AnswerError::OtherBlock => "other-block",
        AnswerError::OtherOutcome => "other-outcome",
        AnswerError::OtherPlace => "receipt-place",
        AnswerError::OtherTransaction => "other-transaction",
        AnswerError::Receipt(_) => "receipt-path",
        AnswerError::OtherLog => "event-place",
        AnswerError::Event(_) => "event-path",
        AnswerError::Extension(_) => "log-path",
        AnswerError::State(_) => "state-path",
        AnswerError::TooEarly { .. } => "too-early",
        AnswerError::TooLate { .. } => "too-late",
    }
}
