//! The guard's state as the fold of its records: one function applies what is written now and what is loaded later.
//!
//! Invariant: the state after a record depends on the records alone, so a restart finds what was there.
//! Errors: [`RecordFault`], for records that do not follow; one made by the guard itself always does.
//! Source: `docs/spec/guard.md`, "Records".

use std::sync::Arc;

use falaj_consensus::message::{Polka, PrecommitValue, SignBytes, Statement};
use falaj_consensus::mutated;
use falaj_consensus::types::{Hash32, Round};

use super::history::{Entry, History};
use super::{
    AcceptedOutcome, Floor, Identity, Latch, Lock, Place, Record, RecordKind, StatementState,
};
use crate::error::RecordFault;

/// Everything the records say.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct State {
    /// Number of the last record; 0 before the first.
    pub(super) seq: u64,
    /// Hash of the last record.
    pub(super) head: Hash32,
    pub(super) instance: [u8; 16],
    pub(super) fence_epoch: u64,
    pub(super) set_hash: Hash32,
    pub(super) latch: Option<Latch>,
    pub(super) accepted: Option<AcceptedOutcome>,
    /// The highest place.
    pub(super) last: Place,
    pub(super) lock: Option<Arc<Lock>>,
    /// Whether no record was applied yet and earlier ones were pruned: the first one is taken at its word.
    base: bool,
    /// Whether a lock is carried whose own record was pruned.
    pub(super) lock_unknown: bool,
    /// All precommits of blocks at the last height.
    pub(super) outcomes: Vec<PrecommitValue>,
    pub(super) history: History,
}

impl State {
    /// Before the first record of a new guard.
    pub(super) fn new(floor: &Floor) -> Self {
        Self {
            seq: 0,
            head: Hash32::ZERO,
            instance: floor.instance,
            fence_epoch: floor.fence_epoch,
            set_hash: floor.window.hash(),
            latch: None,
            accepted: None,
            last: floor.place,
            lock: None,
            base: false,
            lock_unknown: false,
            outcomes: Vec::new(),
            history: History::new(1),
        }
    }

    /// Before the first record that a log holds; if its number is not 1, the ones before were pruned.
    pub(super) fn before(record: &Record) -> Self {
        let pruned = record.seq > 1;
        Self {
            seq: record.seq.saturating_sub(1),
            head: record.prev_hash,
            instance: record.instance,
            fence_epoch: record.fence_epoch,
            set_hash: record.set_hash,
            latch: record.latch,
            accepted: record.accepted_outcome,
            last: record.place(),
            lock: None,
            base: pruned,
            lock_unknown: pruned,
            outcomes: Vec::new(),
            history: History::new(record.seq),
        }
    }

    /// Applies a record that follows.
    pub(super) fn apply(
        &mut self,
        identity: &Identity,
        record: &Record,
        encoded: &[u8],
    ) -> Result<(), RecordFault> {
        self.check_chain(record)?;
        match record.kind {
            RecordKind::Floor => self.apply_floor(record)?,
            RecordKind::Statement => self.apply_statement(identity, record)?,
            RecordKind::Latch | RecordKind::Unlatch | RecordKind::Accept => {
                self.check_note(record)?
            }
        }
        self.check_lock(record)?;
        self.lock_unknown =
            self.lock_unknown && self.lock.is_none() && record.locked_round.is_some();
        self.base = false;
        self.seq = record.seq;
        self.head = Record::hash_of(encoded);
        self.fence_epoch = record.fence_epoch;
        self.set_hash = record.set_hash;
        self.latch = record.latch;
        self.accepted = record.accepted_outcome;
        Ok(())
    }

    fn check_chain(&self, record: &Record) -> Result<(), RecordFault> {
        if record.seq != self.seq.saturating_add(1) {
            return Err(RecordFault::Number);
        }
        if record.prev_hash != self.head {
            return Err(RecordFault::Chain);
        }
        if record.instance != self.instance || record.fence_epoch < self.fence_epoch {
            return Err(RecordFault::Instance);
        }
        Ok(())
    }

    /// A floor is the first record, and nothing else is.
    fn apply_floor(&self, record: &Record) -> Result<(), RecordFault> {
        let first = record.seq == 1 && record.place() == self.last;
        if first && is_plain(record) {
            Ok(())
        } else {
            Err(RecordFault::Floor)
        }
    }

    fn check_note(&self, record: &Record) -> Result<(), RecordFault> {
        if record.seq == 1 {
            return Err(RecordFault::Floor);
        }
        if record.place() == self.last && is_plain(record) {
            Ok(())
        } else {
            Err(RecordFault::Statement)
        }
    }

    fn apply_statement(&mut self, identity: &Identity, record: &Record) -> Result<(), RecordFault> {
        if record.seq == 1 {
            return Err(RecordFault::Floor);
        }
        let sign_bytes = record.sign_bytes.as_ref().ok_or(RecordFault::Statement)?;
        let parsed = SignBytes::parse(&identity.chain, sign_bytes.as_slice());
        let (sign_bytes, statement) = parsed.map_err(|_| RecordFault::Statement)?;
        if Place::of(&statement) != record.place() {
            return Err(RecordFault::Statement);
        }
        match (record.state, &record.signature) {
            (Some(StatementState::Intent), None) => {
                self.apply_intent(record, statement, sign_bytes)
            }
            (Some(StatementState::Signed), Some(signature)) if record.polka.is_none() => {
                self.check_signed(record, &statement)?;
                self.history.sign(record.place(), signature);
                Ok(())
            }
            _ => Err(RecordFault::Statement),
        }
    }

    /// A signature belongs to the intent recorded at its place; one whose intent is forgotten is of no consequence.
    fn check_signed(&self, record: &Record, statement: &Statement) -> Result<(), RecordFault> {
        let other = self
            .history
            .find(record.place())
            .is_some_and(|entry| entry.statement != *statement);
        if other || record.place() > self.last {
            Err(RecordFault::Statement)
        } else {
            Ok(())
        }
    }

    fn apply_intent(
        &mut self,
        record: &Record,
        statement: Statement,
        sign_bytes: SignBytes,
    ) -> Result<(), RecordFault> {
        let place = record.place();
        if place <= self.last && mutated!(GuardForgetsPlaces) {
            self.history = History::new(record.seq);
        } else if place <= self.last && !self.base {
            return Err(RecordFault::Order);
        }
        let opens_height = place.height > self.last.height;
        if opens_height {
            self.lock = None;
            self.lock_unknown = false;
            self.outcomes.clear();
        }
        if let Statement::Precommit {
            round,
            value: Some(value),
            ..
        } = statement
        {
            let polka = record.polka.clone().ok_or(RecordFault::Lock)?;
            self.lock = Some(Arc::new(Lock {
                round,
                value,
                polka,
            }));
            self.outcomes.push(value);
        }
        self.last = place;
        self.history.push(
            Entry {
                seq: record.seq,
                place,
                statement,
                sign_bytes,
                signature: None,
            },
            opens_height,
        );
        Ok(())
    }

    /// The lock that a record carries is the one that follows from all records.
    fn check_lock(&self, record: &Record) -> Result<(), RecordFault> {
        let carried = (
            record.locked_round,
            record.locked_value,
            record.locked_outcome,
        );
        let lock = self.lock.as_deref();
        let held = (
            lock.map(|l| l.round),
            lock.map(|l| l.value.id),
            lock.map(|l| l.value.outcome),
        );
        if carried == held || self.lock_unknown {
            Ok(())
        } else {
            Err(RecordFault::Lock)
        }
    }
}

/// Whether a record is about no statement.
const fn is_plain(record: &Record) -> bool {
    record.state.is_none()
        && record.sign_bytes.is_none()
        && record.signature.is_none()
        && record.polka.is_none()
}

/// Round and value of the lock after a statement.
pub(super) fn lock_after(
    lock: Option<&Lock>,
    statement: &Statement,
    polka: Option<&Polka>,
) -> Option<(Round, PrecommitValue)> {
    match (statement, polka) {
        (
            Statement::Precommit {
                round,
                value: Some(value),
                ..
            },
            Some(_),
        ) => Some((*round, *value)),
        _ => lock.map(|lock| (lock.round, lock.value)),
    }
}
