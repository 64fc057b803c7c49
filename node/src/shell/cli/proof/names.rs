//! A stable name for each part of a bundle that can be wrong.
//!
//! Invariant: a name, once published, keeps its meaning for ever. The first step of the check that fails is named, in the order of
//! `docs/spec/receipts.md`; what a signature covers is named by its signature.

use falaj_consensus::verify::VerifyError;
use falaj_ledger::bundle::{BundleError, BundleFormError};
use falaj_ledger::proof::AnswerError;

/// Why a file is no bundle.
pub(super) const fn of_form(error: &BundleFormError) -> &'static str {
    match error {
        BundleFormError::Json(_) => "bundle-json",
        BundleFormError::Version { .. } => "bundle-version",
        BundleFormError::Base64 => "bundle-base64",
        BundleFormError::Bytes(_) => "bundle-bytes",
        BundleFormError::Kind { .. } => "bundle-kind",
    }
}

/// Why a bundle proves nothing.
pub(super) const fn of(error: &BundleError) -> &'static str {
    match error {
        BundleError::OtherChain { .. } => "other-chain",
        BundleError::Features(_) => "unknown-features",
        BundleError::OtherSet { .. } => "other-validator-set",
        BundleError::Certificate(error) => of_certificate(*error),
        BundleError::Answer(error) => of_answer(*error),
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
