//! A transaction whose id is taken: whether it asks the same as the first one, and if not, in which field they differ.
//!
//! Invariant: nothing is decided here. A field is named only where both sides are at hand: the first transaction while it is on its way or
//! in one of the last blocks that this node has whole, the account that is there for an opening; elsewhere a 2002 stands alone.
//! Errors: bytes that are no transaction are 1001, whatever has their id.
//! Source: `docs/spec/ledger.md`, "Sameness" and "Open account"; `docs/spec/api.md`, "What an answer is".

use falaj_ledger::rejection::Rejection;
use falaj_ledger::transaction::{Op, SignedTx, TxBody};

use super::problem::Problem;
use crate::shell::view::View;

/// Why a transaction was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// The code.
    pub(super) code: Rejection,
    /// The field that is wrong, or under 2002 the first that differs, where it is known.
    pub(super) field: Option<&'static str>,
}

impl Refused {
    /// For a reason that is in no field.
    pub(super) const fn of(code: Rejection) -> Self {
        Self { code, field: None }
    }

    /// The same as a problem.
    pub(super) fn problem(self) -> Problem {
        let problem = Problem::of(self.code);
        match self.field {
            Some(field) => problem.in_field(field),
            None => problem,
        }
    }
}

/// Why a transaction is not taken while the first of its key is on its way: it is the same, or something else has the key.
pub(super) fn with_waiting(first: &[u8], second: &[u8]) -> Refused {
    if first == second {
        return Refused::of(Rejection::InFlight);
    }
    let Some(second) = body(second) else {
        return Refused {
            code: Rejection::BadEncoding,
            field: Some("transaction"),
        };
    };
    match body(first).map(|first| first.difference(&second)) {
        Some(None) => Refused::of(Rejection::InFlight),
        Some(field) => Refused {
            code: Rejection::ExistsDifferent,
            field,
        },
        None => Refused::of(Rejection::ExistsDifferent),
    }
}

/// In which field a transaction differs from the one that is final under its key, or from the account that it would open.
pub(super) fn with_final(view: &View, second: &[u8]) -> Option<&'static str> {
    let second = body(second)?;
    let state = &view.snapshot().state;
    match (state.dedup(second.key()), &second.op) {
        (Some(entry), _) => {
            let recent = view.recent().get(entry.place.height)?;
            let index = usize::try_from(entry.place.index).ok()?;
            recent
                .block
                .transactions
                .get(index)?
                .body()
                .difference(&second)
        }
        (None, Op::OpenAccount(open)) => open.difference(&state.account(open.account)?),
        (
            None,
            Op::Transfer(_) | Op::Propose(_) | Op::Approve(_) | Op::Execute(_) | Op::Veto(_),
        ) => None,
    }
}

fn body(transaction: &[u8]) -> Option<TxBody> {
    let transaction = borsh::from_slice::<SignedTx>(transaction).ok()?;
    Some(transaction.body)
}
