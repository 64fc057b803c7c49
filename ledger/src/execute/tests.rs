//! What execution answers and writes: one test a rule and a rejection, named after it.

mod answers;
mod conservation;
mod evidence;
mod gates;
mod governance;
mod governing;
mod open_account;
mod order;
mod replay;
mod transfer;

use crate::receipt::Verdict;
use crate::rejection::Rejection;

/// Failed, final for the id.
const fn pinned(code: Rejection) -> Verdict {
    Verdict::Failed { code, pinned: true }
}

/// Failed, not final.
const fn failed(code: Rejection) -> Verdict {
    Verdict::Failed {
        code,
        pinned: false,
    }
}

/// Passed over, with no first transaction to point at.
const fn skipped(code: Rejection) -> Verdict {
    Verdict::Skipped {
        code,
        original: None,
    }
}
