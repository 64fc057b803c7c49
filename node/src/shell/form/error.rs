//! Why a form is not a transaction.

use falaj_ledger::amount::AmountError;
use falaj_ledger::rejection::Rejection;

/// The field that is wrong, the stable code, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason} ({code:?})")]
pub struct FormError {
    /// The field.
    pub field: &'static str,
    /// The code.
    pub code: Rejection,
    /// What is wrong.
    pub reason: String,
}

impl FormError {
    pub(super) fn new(field: &'static str, reason: impl Into<String>) -> Self {
        Self {
            field,
            code: Rejection::BadEncoding,
            reason: reason.into(),
        }
    }

    pub(super) fn id() -> Self {
        Self {
            field: "id",
            code: Rejection::BadId,
            reason: "a version 7 uuid in small letters is needed".into(),
        }
    }

    pub(super) fn currency(field: &'static str) -> Self {
        Self {
            field,
            code: Rejection::CurrencyMismatch,
            reason: "the chain has no such currency".into(),
        }
    }

    pub(super) fn amount(field: &'static str, error: AmountError) -> Self {
        Self {
            field,
            code: error.rejection(),
            reason: error.to_string(),
        }
    }

    pub(super) fn number(field: &'static str) -> Self {
        Self {
            field,
            code: Rejection::MalformedNumber,
            reason: "an amount is a decimal string, not a JSON number".into(),
        }
    }
}
