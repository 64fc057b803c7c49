//! The signing guard: what a key has said, and whether it may say more.
//!
//! Invariant: at each place (height, round, step) a key says at most one thing; it says nothing below its highest record that it has not
//! said already; it keeps the lock rule and the outcome rule; and it goes to a height only by the certificate of the one before.
//! Shape: the guard is the fold of its records. A change is a record, applied here and appended to the guard's log before anything is
//! released; the number of the record is its position in that log.
//! Who calls it: [`Signer`](crate::Signer) alone.
//! Errors: [`Refusal`] for a request, [`GuardProblem`] for a log that cannot be signed under.
//! Source: `docs/spec/guard.md`.

pub(crate) mod history;
mod load;
mod lock;
mod place;
mod record;
mod state;
mod window;

pub use lock::{Lock, LockFault};
pub use place::Place;
pub use record::{AcceptedOutcome, Latch, Record, RecordError, RecordKind, StatementState};
pub use window::{HeightProof, ProofError, SetWindow};

use std::sync::Arc;

use falaj_consensus::crypto::{PublicKey, Signature};
use falaj_consensus::durable::Position;
use falaj_consensus::message::{Polka, Statement};
use falaj_consensus::mutated;
use falaj_consensus::types::{ChainContext, Hash32};
use falaj_consensus::validator_set::ValidatorSet;
use falaj_consensus::verify::{Checker, Context};

pub(crate) use self::history::Entry;
use self::state::State;
use crate::error::{GuardProblem, Refusal};
use crate::signer::SignRequest;

/// Whose guard it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The chain.
    pub chain: ChainContext,
    /// The key.
    pub key: PublicKey,
}

/// The explicit start of a guard: nothing at or below `place` is ever signed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Floor {
    /// The floor, [`Place::GENESIS`] for a validator of the genesis.
    pub place: Place,
    /// Random bytes that no other guard has.
    pub instance: [u8; 16],
    /// The fence epoch to begin with; 0 unless a failover raised it.
    pub fence_epoch: u64,
    /// The validator sets at the floor.
    pub window: SetWindow,
}

/// What a node remembers of its guard beside the guard's own log, to notice an old copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Witness {
    /// The guard's instance.
    pub instance: [u8; 16],
    /// The latest fence epoch.
    pub fence_epoch: u64,
    /// The highest place known to have been recorded.
    pub place: Place,
}

/// A record on its way into the guard's log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Written {
    pub(crate) position: Position,
    pub(crate) bytes: Vec<u8>,
}

/// What a request may have.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    /// The signature that is stored.
    Stored(Arc<Entry>, Signature),
    /// A signature of the stored bytes.
    Recorded(Arc<Entry>),
    /// A signature, once its intent is entered.
    Fresh(Fresh),
}

/// A statement above all records that keeps every rule.
#[derive(Clone, Debug)]
pub(crate) struct Fresh {
    statement: Statement,
    window: SetWindow,
    polka: Option<Polka>,
}

/// The guard of one key on one chain.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Guard {
    identity: Identity,
    state: State,
    window: SetWindow,
    /// The state before the last intent, until that is written.
    before: Option<Box<(State, SetWindow)>>,
}

impl Guard {
    /// Makes a guard with its explicit first record.
    #[must_use]
    pub(crate) fn init(identity: Identity, floor: Floor) -> (Self, Written) {
        let state = State::new(&floor);
        let mut guard = Self {
            identity,
            state,
            window: floor.window,
            before: None,
        };
        let record = guard.draft(RecordKind::Floor);
        let written = guard.write(&record);
        (guard, written)
    }

    /// Takes a guard up from its records, given in order.
    ///
    /// # Errors
    /// [`GuardProblem`]; nothing is ever assumed in place of what is missing.
    pub(crate) fn load(
        identity: Identity,
        records: impl IntoIterator<Item = (Position, Vec<u8>)>,
        known_sets: &[Arc<ValidatorSet>],
        witness: Option<&Witness>,
    ) -> Result<Self, GuardProblem> {
        let state = load::fold(&identity, records)?;
        load::check_age(&state, witness)?;
        let height = state.last.height;
        let window = SetWindow::find(height, state.set_hash, known_sets)
            .ok_or(GuardProblem::SetsUnknown { height })?;
        Ok(Self {
            identity,
            state,
            window,
            before: None,
        })
    }

    /// Judges a request. Nothing changes.
    ///
    /// # Errors
    /// [`Refusal`], the first rule of the table that the request breaks.
    pub(crate) fn judge(
        &self,
        checker: &dyn Checker,
        request: &SignRequest,
    ) -> Result<Verdict, Refusal> {
        if let Some(latch) = self.state.latch {
            return Err(Refusal::Latched { latch });
        }
        if !lock::is_sound(&request.statement) {
            return Err(Refusal::NonCanonical);
        }
        if mutated!(GuardForgetsPlaces) {
            return self.above_last(checker, request).map(Verdict::Fresh);
        }
        let (asked, last) = (Place::of(&request.statement), self.state.last);
        match asked.cmp(&last) {
            std::cmp::Ordering::Less => self.below_last(asked, &request.statement),
            std::cmp::Ordering::Equal => self.at_last(asked, &request.statement),
            std::cmp::Ordering::Greater => self.above_last(checker, request).map(Verdict::Fresh),
        }
    }

    /// Q < L: what was recorded may be said again, nothing else.
    fn below_last(&self, asked: Place, statement: &Statement) -> Result<Verdict, Refusal> {
        let history = &self.state.history;
        let recorded = history
            .find(asked)
            .filter(|entry| entry.statement == *statement);
        recorded.map(again).ok_or(Refusal::Regression {
            last: self.state.last,
            asked,
        })
    }

    /// Q = L: the same bytes, or a double sign. At a floor nothing was said that could be said again.
    fn at_last(&self, asked: Place, statement: &Statement) -> Result<Verdict, Refusal> {
        let Some(entry) = self.state.history.find(asked) else {
            return Err(Refusal::Regression {
                last: self.state.last,
                asked,
            });
        };
        if entry.statement != *statement {
            return Err(Refusal::DoubleSign { place: asked });
        }
        Ok(again(entry))
    }

    /// Q > L: height, membership, lock, outcome, in this order.
    fn above_last(&self, checker: &dyn Checker, request: &SignRequest) -> Result<Fresh, Refusal> {
        let statement = request.statement;
        let window = self.window_for(checker, request)?;
        let set = window.set_for_release(statement.height());
        if set.index_of_key(&self.identity.key).is_none() {
            return Err(Refusal::NotAMember {
                height: statement.height(),
            });
        }
        let context = Context {
            chain: &self.identity.chain,
            set,
            checker,
        };
        let polka = self
            .checked_polka(context, &statement, request.polka.as_ref())?
            .cloned();
        if let Statement::Precommit {
            height,
            value: Some(value),
            ..
        } = &statement
        {
            lock::check_outcome(
                self.outcomes_of(&statement),
                self.state.accepted.as_ref(),
                *height,
                value,
            )?;
        }
        Ok(Fresh {
            statement,
            window,
            polka,
        })
    }

    /// The window whose height is the statement's: held already, fixed by genesis, or opened by the proof shown.
    fn window_for(
        &self,
        checker: &dyn Checker,
        request: &SignRequest,
    ) -> Result<SetWindow, Refusal> {
        let (asked, held) = (request.statement.height(), self.window.height());
        if asked < held {
            return Err(Refusal::Closed { height: asked });
        }
        if asked == held {
            return Ok(self.window.clone());
        }
        if asked.get() == 1 {
            return Ok(self.window.first());
        }
        let proof = request
            .proof
            .as_deref()
            .ok_or(ProofError::Missing)
            .and_then(|proof| {
                let (expected, found) = (
                    asked.previous().unwrap_or_default(),
                    proof.certificate.height,
                );
                if found == expected {
                    Ok(proof)
                } else {
                    Err(ProofError::Height { expected, found })
                }
            });
        let followed =
            proof.and_then(|proof| self.window.follow(&self.identity.chain, checker, proof));
        followed.map_err(|proof| Refusal::HeightJump {
            last: self.state.last,
            asked,
            proof,
        })
    }

    /// The polka that the lock rule asks for, once it is shown and checked.
    fn checked_polka<'a>(
        &self,
        context: Context<'_>,
        statement: &Statement,
        shown: Option<&'a Polka>,
    ) -> Result<Option<&'a Polka>, Refusal> {
        let mut lock = self.lock_of(statement);
        if mutated!(PrevoteFreshUnderLock | RestartWithoutLock) {
            lock = None;
        }
        let refuse = |fault| Refusal::Lock {
            locked: lock.map(|lock| lock.round),
            fault,
        };
        let Some(wanted) = lock::wanted_polka(lock, statement).map_err(refuse)? else {
            return Ok(None);
        };
        let polka = lock::match_polka(wanted, shown).map_err(refuse)?;
        context
            .polka(polka.clone())
            .map_err(|_| refuse(LockFault::BadPolka))?;
        Ok(Some(polka))
    }

    fn lock_of(&self, statement: &Statement) -> Option<&Lock> {
        self.state
            .lock
            .as_deref()
            .filter(|_| statement.height() == self.state.last.height)
    }

    fn outcomes_of(&self, statement: &Statement) -> &[falaj_consensus::message::PrecommitValue] {
        if statement.height() == self.state.last.height {
            &self.state.outcomes
        } else {
            &[]
        }
    }

    /// Enters the intent of a statement that was judged fresh. It is undone by [`Guard::undo`] if it cannot be written.
    pub(crate) fn enter(&mut self, fresh: Fresh) -> (Arc<Entry>, Written) {
        let Fresh {
            statement,
            window,
            polka,
        } = fresh;
        let before = Box::new((
            self.state.clone(),
            std::mem::replace(&mut self.window, window),
        ));
        let mut record = self.draft(RecordKind::Statement);
        let new_lock = state::lock_after(self.lock_of(&statement), &statement, polka.as_ref());
        (record.height, record.round, record.step) = statement.position();
        record.accepted_outcome = record
            .accepted_outcome
            .filter(|accepted| accepted.height == statement.height());
        record.set_hash = self.window.hash();
        record.state = Some(StatementState::Intent);
        record.sign_bytes = Some(statement.sign_bytes(&self.identity.chain));
        record.locked_round = new_lock.map(|(round, _)| round);
        record.locked_value = new_lock.map(|(_, value)| value.id);
        record.locked_outcome = new_lock.map(|(_, value)| value.outcome);
        record.polka = polka.filter(|_| matches!(statement, Statement::Precommit { .. }));
        let written = self.write(&record);
        self.before = Some(before);
        let entry = self
            .state
            .history
            .find(Place::of(&statement))
            .expect("the intent was entered just now");
        (Arc::clone(entry), written)
    }

    /// Takes the last intent back: its record was not written.
    pub(crate) fn undo(&mut self) {
        if let Some(before) = self.before.take() {
            (self.state, self.window) = *before;
        }
    }

    /// Stores the checked signature of an intent. None when the intent is too old to be kept.
    pub(crate) fn signed(&mut self, entry: &Entry, signature: &Signature) -> Option<Written> {
        self.state
            .history
            .find(entry.place)
            .filter(|held| held.seq == entry.seq)?;
        let mut record = self.draft(RecordKind::Statement);
        (record.height, record.round, record.step) = entry.statement.position();
        record.state = Some(StatementState::Signed);
        record.sign_bytes = Some(entry.sign_bytes.clone());
        record.signature = Some(signature.clone());
        Some(self.write(&record))
    }

    /// Latches signing off.
    pub(crate) fn latch(&mut self, latch: Latch) -> Written {
        self.note(RecordKind::Latch, |record| record.latch = Some(latch))
    }

    /// Allows signing again.
    pub(crate) fn unlatch(&mut self) -> Written {
        self.note(RecordKind::Unlatch, |record| record.latch = None)
    }

    /// Records what two operators accepted.
    pub(crate) fn accept(&mut self, accepted: AcceptedOutcome) -> Written {
        self.note(RecordKind::Accept, |record| {
            record.accepted_outcome = Some(accepted)
        })
    }

    fn note(&mut self, kind: RecordKind, change: impl FnOnce(&mut Record)) -> Written {
        let mut record = self.draft(kind);
        change(&mut record);
        self.write(&record)
    }

    /// Follows the chain ahead of the next request.
    ///
    /// # Errors
    /// [`ProofError`]; the window stays.
    pub(crate) fn follow(
        &mut self,
        checker: &dyn Checker,
        proof: &HeightProof,
    ) -> Result<(), ProofError> {
        if proof.certificate.height.next() > self.window.height() {
            self.window = self.window.follow(&self.identity.chain, checker, proof)?;
        }
        Ok(())
    }

    /// What a statement signed by our key, met outside, says about this guard.
    pub(crate) fn foreign_statement(&self, statement: &Statement) -> Option<Latch> {
        let place = Place::of(statement);
        if place > self.state.last {
            return Some(Latch::GuardOlder);
        }
        let here_whole = place.height == self.state.last.height && self.state.history.is_complete();
        match self.state.history.find(place) {
            Some(entry) if entry.statement == *statement => None,
            Some(_) => Some(Latch::OwnKeyElsewhere),
            None => here_whole.then_some(Latch::OwnKeyElsewhere),
        }
    }

    /// A record with the guard's whole present state.
    fn draft(&self, kind: RecordKind) -> Record {
        let lock = self.state.lock.as_deref();
        Record {
            seq: self.state.seq.saturating_add(1),
            prev_hash: self.state.head,
            chain_id: self.identity.chain.chain_id.clone(),
            key_fingerprint: self.identity.key.fingerprint(),
            algorithm: self.identity.key.algorithm(),
            fence_epoch: self.state.fence_epoch,
            instance: self.state.instance,
            set_hash: self.state.set_hash,
            latch: self.state.latch,
            accepted_outcome: self.state.accepted,
            height: self.state.last.height,
            round: self.state.last.round,
            step: self.state.last.step,
            kind,
            state: None,
            sign_bytes: None,
            signature: None,
            locked_round: lock.map(|lock| lock.round),
            locked_value: lock.map(|lock| lock.value.id),
            locked_outcome: lock.map(|lock| lock.value.outcome),
            polka: None,
        }
    }

    /// Applies a record of our own and gives its bytes. The same function applies records that are loaded.
    fn write(&mut self, record: &Record) -> Written {
        let bytes = record.encode();
        self.before = None;
        self.state
            .apply(&self.identity, record, &bytes)
            .expect("a record made here follows from this state");
        Written {
            position: Position::new(record.seq),
            bytes,
        }
    }
}

/// Read by hosts, status pages and the replica at its start.
impl Guard {
    /// Whose guard it is.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The highest place.
    #[must_use]
    pub const fn last(&self) -> Place {
        self.state.last
    }

    /// The last record's position.
    #[must_use]
    pub const fn position(&self) -> Position {
        Position::new(self.state.seq)
    }

    /// The lock of the height of the highest place.
    #[must_use]
    pub fn lock(&self) -> Option<&Lock> {
        self.state.lock.as_deref()
    }

    /// Why nothing is signed, if so.
    #[must_use]
    pub const fn latched(&self) -> Option<Latch> {
        self.state.latch
    }

    /// The outcome that operators accepted at this height.
    #[must_use]
    pub const fn accepted_outcome(&self) -> Option<AcceptedOutcome> {
        self.state.accepted
    }

    /// The validator sets it stands on.
    #[must_use]
    pub const fn window(&self) -> &SetWindow {
        &self.window
    }

    /// What the node should remember of this guard elsewhere.
    #[must_use]
    pub const fn witness(&self) -> Witness {
        Witness {
            instance: self.state.instance,
            fence_epoch: self.state.fence_epoch,
            place: self.state.last,
        }
    }

    /// The first record that is still needed; those before may be pruned.
    #[must_use]
    pub fn keep_from(&self) -> Position {
        Position::new(self.state.history.keep_from())
    }

    /// Hash of the last record, by which the next one follows.
    #[must_use]
    pub const fn head(&self) -> Hash32 {
        self.state.head
    }

    /// The last statements, of whatever height, in order.
    pub(crate) fn history(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.state.history.entries()
    }

    /// Those of the height of the highest place.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.state.history.of_height(self.state.last.height)
    }

    pub(crate) const fn is_complete(&self) -> bool {
        self.state.history.is_complete()
    }
}

/// What was recorded may be said again: as it is stored, or by signing the recorded bytes.
fn again(entry: &Arc<Entry>) -> Verdict {
    match &entry.signature {
        Some(signature) => Verdict::Stored(Arc::clone(entry), signature.clone()),
        None => Verdict::Recorded(Arc::clone(entry)),
    }
}

#[cfg(test)]
mod tests;
