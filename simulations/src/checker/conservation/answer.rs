//! What the books say about a transaction, in the numbers of the specification.
//!
//! Source: `docs/spec/ledger.md`, "What an answer is" and "Codes".

use falaj_ledger::receipt::Verdict;

pub(super) const NOT_YET_VALID: u16 = 1005;
pub(super) const EXPIRED: u16 = 1006;
pub(super) const CURRENCY: u16 = 1011;
pub(super) const ID_OUTSIDE_WINDOW: u16 = 1016;
pub(super) const EXISTS: u16 = 2001;
pub(super) const EXISTS_DIFFERENT: u16 = 2002;
pub(super) const FAILED_BEFORE: u16 = 2003;
pub(super) const REFERENCE_USED: u16 = 2005;
pub(super) const NO_DEBIT_ACCOUNT: u16 = 3001;
pub(super) const NO_CREDIT_ACCOUNT: u16 = 3002;
pub(super) const FUNDS: u16 = 3003;
pub(super) const VERSION: u16 = 3008;
pub(super) const OVERFLOW: u16 = 3017;
const HALTED: u16 = 4011;
pub(super) const ROLE: u16 = 5001;
pub(super) const QUORUM: u16 = 5002;
pub(super) const CAP: u16 = 5003;
pub(super) const DELAY: u16 = 5004;
pub(super) const VETOED: u16 = 5007;
pub(super) const STALE: u16 = 5008;
pub(super) const MISMATCH: u16 = 5010;
pub(super) const TOO_LARGE: u16 = 5011;
pub(super) const UNDER_WAY: u16 = 5012;
pub(super) const GATE_MISMATCH: u16 = 5020;
pub(super) const GATE_NOTICE: u16 = 5021;
pub(super) const GATE_IN_FORCE: u16 = 5022;
pub(super) const QUOTA: u16 = 6002;

/// Where something stands: height and index.
pub(super) type Place = (u64, u32);

/// What becomes of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Executed,
    Failed { code: u16, pinned: bool },
    Skipped { code: u16, first: Option<First> },
}

/// The first transaction of a key: where it is, and why it failed if it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct First {
    pub(super) place: Place,
    pub(super) code: Option<u16>,
}

/// Why something is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum No {
    /// It is passed over.
    Skip(u16, Option<First>),
    /// It fails, and whoever signed was not shown to be entitled.
    Stranger(u16),
    /// It fails, and whoever signed was entitled.
    Entitled(u16),
}

impl No {
    pub(super) const fn skip(code: u16) -> Self {
        Self::Skip(code, None)
    }

    /// Whether the answer is final for the key.
    pub(super) const fn is_pinned(self) -> bool {
        match self {
            Self::Entitled(code) => code >= 3_000 && code < 5_000 && code != HALTED,
            Self::Skip(..) | Self::Stranger(_) => false,
        }
    }

    pub(super) const fn answer(self) -> Answer {
        match self {
            Self::Skip(code, first) => Answer::Skipped { code, first },
            Self::Stranger(code) => Answer::Failed {
                code,
                pinned: false,
            },
            Self::Entitled(code) => Answer::Failed {
                code,
                pinned: self.is_pinned(),
            },
        }
    }
}

impl Answer {
    /// What the ledger says, in the same words.
    pub(super) fn of(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Executed => Self::Executed,
            Verdict::Failed { code, pinned } => Self::Failed {
                code: code.code(),
                pinned: *pinned,
            },
            Verdict::Skipped { code, original } => Self::Skipped {
                code: code.code(),
                first: original.map(|original| First {
                    place: (original.place.height.get(), original.place.index),
                    code: original.code.map(|code| code.code()),
                }),
            },
        }
    }
}
