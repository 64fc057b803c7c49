//! The lock rule and the outcome rule, as the guard checks them on its own.
//!
//! Invariant: whoever precommitted a block in a round prevotes a block in a later round only with a polka for it that is at least as
//! young as the lock; a block is precommitted only with a polka of its own round, and always with the same outcome.
//! Who calls: [`Guard`](super::Guard), for statements above everything it has recorded.
//! Errors: [`LockFault`], and the refusals that carry it.
//! Source: Buchman, Kwon, Milosevic (2018), lines 22 to 43; `docs/spec/consensus.md`, "Lock, guard and restart"; `docs/spec/guard.md`, "Lock".

use falaj_consensus::message::{Kind, Polka, PrecommitValue, Statement};
use falaj_consensus::types::{BlockId, Height, Round};

use super::AcceptedOutcome;
use crate::error::Refusal;

/// A precommit of a block, with what justified it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lock {
    /// Round of the precommit.
    pub round: Round,
    /// Block and outcome.
    pub value: PrecommitValue,
    /// The polka of that round.
    pub polka: Polka,
}

/// Why the lock rule does not allow a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum LockFault {
    /// A prevote for a fresh block, or one whose valid round is below the lock.
    #[error("its valid round is below the lock")]
    BelowLock,
    /// Nothing was shown.
    #[error("no polka was shown")]
    NoPolka,
    /// A polka of another height, round or block.
    #[error("the polka is of another height, round or block")]
    OtherPolka,
    /// A polka that does not verify.
    #[error("the polka does not verify")]
    BadPolka,
}

/// The polka that a statement needs: height, round and block.
pub(super) type Wanted = (Height, Round, BlockId);

/// Which polka the lock rule asks for, if any.
///
/// # Errors
/// [`LockFault::BelowLock`] when no polka could help.
pub(super) fn wanted_polka(
    lock: Option<&Lock>,
    statement: &Statement,
) -> Result<Option<Wanted>, LockFault> {
    let height = statement.height();
    match (statement, lock) {
        (
            Statement::Precommit {
                round,
                value: Some(value),
                ..
            },
            _,
        ) => Ok(Some((height, *round, value.id))),
        (
            Statement::Prevote {
                value: Some(value), ..
            },
            Some(lock),
        ) => {
            let valid_round = value.valid_round.filter(|valid| *valid >= lock.round);
            valid_round
                .map(|valid| Some((height, valid, value.id)))
                .ok_or(LockFault::BelowLock)
        }
        (Statement::Prevote { value: Some(_), .. }, None)
        | (Statement::Prevote { value: None, .. } | Statement::Precommit { value: None, .. }, _)
        | (Statement::Proposal { .. }, _) => Ok(None),
    }
}

/// Whether the polka that was shown is the one that is asked for, apart from its signatures.
///
/// # Errors
/// [`LockFault`].
pub(super) fn match_polka(wanted: Wanted, shown: Option<&Polka>) -> Result<&Polka, LockFault> {
    let polka = shown.ok_or(LockFault::NoPolka)?;
    if (polka.height, polka.round, polka.id) == wanted {
        Ok(polka)
    } else {
        Err(LockFault::OtherPolka)
    }
}

/// The outcome rule: one block has one outcome in all precommits of a height, unless two operators accepted another, and then only that.
///
/// # Errors
/// [`Refusal::Outcome`].
pub(super) fn check_outcome(
    earlier: &[PrecommitValue],
    accepted: Option<&AcceptedOutcome>,
    height: Height,
    value: &PrecommitValue,
) -> Result<(), Refusal> {
    let refuse = |signed| {
        Err(Refusal::Outcome {
            id: value.id,
            signed,
            asked: value.outcome,
        })
    };
    match accepted.filter(|accepted| accepted.height == height && accepted.id == value.id) {
        Some(accepted) if accepted.outcome == value.outcome => Ok(()),
        Some(accepted) => refuse(accepted.outcome),
        None => match earlier
            .iter()
            .find(|before| before.id == value.id && before.outcome != value.outcome)
        {
            Some(before) => refuse(before.outcome),
            None => Ok(()),
        },
    }
}

/// Whether the rounds of a statement make sense: a valid round lies below its round, and neither end of a range is used.
pub(super) fn is_sound(statement: &Statement) -> bool {
    let valid_round = match statement {
        Statement::Proposal { valid_round, .. } => *valid_round,
        Statement::Prevote { value, .. } => value.as_ref().and_then(|value| value.valid_round),
        Statement::Precommit { .. } => None,
    };
    let (height, round, _): (Height, Round, Kind) = statement.position();
    let in_range = (1..u64::MAX).contains(&height.get()) && round.get() < u32::MAX;
    in_range && valid_round.is_none_or(|valid| valid < round)
}
