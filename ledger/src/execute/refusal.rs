//! Why a transaction is not executed, and what that answer is worth.
//!
//! Invariant: only a transaction whose signers were entitled is ever pinned, and only with a 3xxx or 4xxx code.
//! Source: `docs/spec/ledger.md`, "What an answer is".

use crate::receipt::{Original, Verdict};
use crate::rejection::Rejection;

/// A refusal on the way to its verdict.
#[derive(Clone, Copy, Debug)]
pub(super) enum Refusal {
    /// Window, duplicate, key or quota: passed over.
    Skip {
        /// Why.
        code: Rejection,
        /// The first transaction of the key.
        original: Option<Original>,
    },
    /// Tried by somebody who was not shown to be entitled: never final.
    Fail(Rejection),
    /// Tried by somebody entitled: final if the code is one of state.
    Entitled(Rejection),
}

impl Refusal {
    /// Passed over, with no first transaction to point at.
    pub(super) const fn skip(code: Rejection) -> Self {
        Self::Skip {
            code,
            original: None,
        }
    }

    /// Whether the answer is final for the id.
    pub(super) const fn is_pinned(self) -> bool {
        matches!(self, Self::Entitled(code) if code.is_pinnable())
    }

    pub(super) const fn verdict(self) -> Verdict {
        match self {
            Self::Skip { code, original } => Verdict::Skipped { code, original },
            Self::Fail(code) => Verdict::Failed {
                code,
                pinned: false,
            },
            Self::Entitled(code) => Verdict::Failed {
                code,
                pinned: code.is_pinnable(),
            },
        }
    }
}
