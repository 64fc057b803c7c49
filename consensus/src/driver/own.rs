//! What our own key was asked to say in this height.
//!
//! Invariant: positions are asked in strictly increasing order, so at most one proposal, prevote and precommit a round;
//! the guard enforces the same from its own record, and this file would rather end the process than ask it twice.
//! A message under our key that is not among these is a second user of the key. The guard decides what becomes of it; it is asked here
//! first because what peers send back of our own must not queue before the signer, and because a guard that is lost tells nothing.
//! Source: `docs/spec/consensus.md`, "Lock, guard and restart" and "Own key elsewhere".

use std::collections::BTreeMap;

use crate::engine::{GuardPosition, Resume};
use crate::message::{Kind, Statement};
use crate::types::Round;
use crate::vote_keeper::ROUNDS_BEHIND_MAX;

/// Statements of our own, by position in the height.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct OwnStatements {
    asked: BTreeMap<(Round, Kind), Statement>,
    history: History,
}

/// From which position on everything that was signed is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum History {
    Whole,
    From(Round, Kind),
    Unknown,
}

impl OwnStatements {
    /// What is known at the start of a height.
    #[must_use]
    pub(super) fn new(guard: &GuardPosition) -> Self {
        let (statements, history): (&[Statement], _) = match guard {
            GuardPosition::Below => (&[], History::Whole),
            GuardPosition::Here(resume) => (&resume.statements, history_of(resume)),
            GuardPosition::Above(statements) => (statements, History::Unknown),
        };
        let asked = statements
            .iter()
            .map(|statement| ((statement.round(), statement.kind()), *statement))
            .collect();
        Self { asked, history }
    }

    /// Everything that was asked and is remembered, in order.
    pub(super) fn statements(&self) -> impl Iterator<Item = &Statement> {
        self.asked.values()
    }

    /// Notes that a statement is asked for.
    ///
    /// # Panics
    /// If its position is not above everything asked before: two statements of one position must never reach a guard.
    pub(super) fn ask(&mut self, statement: Statement) {
        let position = (statement.round(), statement.kind());
        let highest = self.asked.last_key_value().map(|(position, _)| *position);
        assert!(
            highest.is_none_or(|highest| highest < position),
            "own statements are asked in order of position"
        );
        self.asked.insert(position, statement);
    }

    /// Forgets what was asked so many rounds ago that nobody's votes of it are kept.
    pub(super) fn advance(&mut self, round: Round) {
        let oldest = (
            Round::new(round.get().saturating_sub(ROUNDS_BEHIND_MAX)),
            Kind::Proposal,
        );
        let kept = self.asked.split_off(&oldest);
        let forgotten = std::mem::replace(&mut self.asked, kept);
        if !forgotten.is_empty() {
            self.history = History::From(oldest.0, oldest.1);
        }
    }

    /// What was asked at a position.
    #[must_use]
    pub(super) fn at(&self, round: Round, kind: Kind) -> Option<Statement> {
        self.asked.get(&(round, kind)).copied()
    }

    /// Whether this very statement was asked.
    #[must_use]
    pub(super) fn is_asked(&self, statement: &Statement) -> bool {
        self.at(statement.round(), statement.kind()) == Some(*statement)
    }

    /// Whether a message under our key can only come from a second user of the key.
    #[must_use]
    pub(super) fn is_foreign(&self, statement: &Statement) -> bool {
        let position = (statement.round(), statement.kind());
        match (self.asked.get(&position), self.history) {
            (Some(asked), _) => asked != statement,
            (None, History::Whole) => true,
            (None, History::From(round, kind)) => position >= (round, kind),
            (None, History::Unknown) => false,
        }
    }
}

fn history_of(resume: &Resume) -> History {
    match resume.statements.first() {
        _ if resume.complete => History::Whole,
        Some(first) => History::From(first.round(), first.kind()),
        None => History::Unknown,
    }
}
