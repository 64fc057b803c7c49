//! The signer: a pure machine that owns the guard of one key and has its backend sign what the guard lets through.
//!
//! Invariant: a signature leaves only when the intent of its statement is on disk and the host has checked the signature.
//! Shape: `step(now, input)` gives an [`Outbox`]. The intent is appended and the backend is called in the same step, so that the
//! disk syncs while the token signs; the answer waits for both. The signature's own record has no sync of its own.
//! Who calls it: [`SignerHome`](crate::SignerHome), in the node's signer thread, in a signer process and in the simulator.
//! Errors: every request has one answer, a signature or a [`Refusal`]; none ends the signer.
//! Source: `docs/spec/guard.md`.

mod answer;
mod attest;
mod counters;
mod decide;
mod flight;
mod input;
mod recovered;
mod request;

pub use counters::Counters;
pub use input::{Alarm, Append, AppendUrgency, Decision, Effect, Input, Output, Unlatch};
pub use recovered::Recovered;
pub use request::{
    AttestRequest, Attestation, Attested, RawSignRequest, RequestId, SignRequest, TwoOperators,
};

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use falaj_consensus::crypto::{PublicKey, Signature};
use falaj_consensus::durable::{LogId, Outbox, Pending, Position};
use falaj_consensus::message::Statement;
use falaj_consensus::mutated;
use falaj_consensus::types::{ChainContext, Now};
use falaj_consensus::validator_set::ValidatorSet;
use falaj_consensus::verify::{Checker, Context, SignedStatement, Verified};

use self::flight::{Flight, Flights, Subject};
use crate::audit::{AuditEntry, AuditEvent, AuditSubject, bytes_hash};
use crate::backend::{BackendCall, BackendWork, Fault};
use crate::error::{GuardProblem, Refusal};
use crate::guard::{Entry, Floor, Guard, HeightProof, Identity, Verdict, Witness, Written};
use crate::purpose::{PrecommitBytes, PrevoteBytes, ProposalBytes};

/// The signer of one key.
#[derive(Clone)]
pub struct Signer {
    identity: Identity,
    checker: Arc<dyn Checker>,
    guard: Result<Guard, GuardProblem>,
    flights: Flights,
    counters: Counters,
}

/// What one step collects.
#[derive(Default)]
struct Step {
    start: Vec<Effect>,
    waits: Option<Position>,
    outputs: Vec<Output>,
}

/// Who waits for an answer, and in what form.
#[derive(Clone, Copy)]
enum Asked {
    Statement(RequestId),
    Attestation(RequestId),
}

impl Step {
    fn finish(self) -> Outbox<Effect, Output> {
        let waits = self.waits.map(|position| (LogId::Guard, position));
        Outbox {
            start: self.start,
            pending: Pending::after(waits, self.outputs),
        }
    }

    fn append(&mut self, written: Written, urgency: AppendUrgency) {
        let Written { position, bytes } = written;
        let record = bytes;
        self.start.push(Effect::Append(Append {
            position,
            record,
            urgency,
        }));
    }
}

impl Signer {
    /// Makes a new guard for a key. Its first record has to be on disk before anything else is done.
    #[must_use]
    pub fn init(identity: Identity, checker: Arc<dyn Checker>, floor: Floor) -> (Self, Append) {
        let (guard, Written { position, bytes }) = Guard::init(identity.clone(), floor);
        let first = Append {
            position,
            record: bytes,
            urgency: AppendUrgency::Note,
        };
        (Self::with(identity, checker, Ok(guard)), first)
    }

    /// Takes a signer up from the records of its guard, given in order.
    ///
    /// A guard that cannot be signed under is no error here: such a signer refuses every statement with the reason.
    #[must_use]
    pub fn load(
        identity: Identity,
        checker: Arc<dyn Checker>,
        records: Result<Vec<(Position, Vec<u8>)>, GuardProblem>,
        known_sets: &[Arc<ValidatorSet>],
        witness: Option<&Witness>,
    ) -> Self {
        let guard =
            records.and_then(|records| Guard::load(identity.clone(), records, known_sets, witness));
        Self::with(identity, checker, guard)
    }

    fn with(
        identity: Identity,
        checker: Arc<dyn Checker>,
        guard: Result<Guard, GuardProblem>,
    ) -> Self {
        Self {
            identity,
            checker,
            guard,
            flights: Flights::default(),
            counters: Counters::default(),
        }
    }

    /// Takes an input. Effects may begin at once, in their order; outputs wait for the guard's disk.
    pub fn step(&mut self, now: Now, input: Input) -> Outbox<Effect, Output> {
        let mut step = Step::default();
        match input {
            Input::Started => self.on_started(now, &mut step),
            Input::Sign(request) => self.on_sign(now, &request, &mut step),
            Input::RawSign(request) => self.on_raw_sign(now, *request, &mut step),
            Input::Attest(request) => self.on_attest(now, &request, &mut step),
            Input::BackendDone { call, result } => {
                self.on_backend_done(now, call, result, &mut step);
            }
            Input::CallDropped { call } => self.on_call_dropped(now, call, &mut step),
            Input::AppendRefused { position } => self.on_append_refused(now, position, &mut step),
            Input::HeightProof(proof) => self.on_height_proof(&proof),
            Input::OwnStatementSeen(statement) => {
                self.on_own_statement(now, &statement, &mut step);
            }
            Input::Latch(latch) => self.on_latch(now, latch, &mut step),
            Input::Unlatch(unlatch) => self.on_unlatch(now, &unlatch, &mut step),
            Input::AcceptOutcome {
                accepted,
                operators,
            } => self.on_accept(now, accepted, &operators, &mut step),
        }
        step.finish()
    }

    fn on_started(&mut self, now: Now, step: &mut Step) {
        let gap = self
            .recovered()
            .is_ok_and(|recovered| recovered.intent.is_some());
        self.audit(
            now,
            AuditSubject::default(),
            AuditEvent::Started { gap },
            step,
        );
    }

    fn on_raw_sign(&mut self, now: Now, request: RawSignRequest, step: &mut Step) {
        let id = request.id;
        let bytes_hash = Some(bytes_hash(&request.sign_bytes));
        match request.read(&self.identity.chain, self.identity.key.fingerprint()) {
            Ok(request) => self.on_sign(now, &request, step),
            Err(refusal) => {
                let subject = AuditSubject {
                    bytes_hash,
                    ..AuditSubject::default()
                };
                self.refuse(now, Asked::Statement(id), subject, refusal, step);
            }
        }
    }

    fn on_sign(&mut self, now: Now, request: &SignRequest, step: &mut Step) {
        match self.judge(now, request) {
            Ok(Verdict::Stored(entry, signature)) => {
                self.repeat(now, request.id, &entry, signature, step);
            }
            Ok(Verdict::Recorded(entry)) => self.call(request, entry, step),
            Ok(Verdict::Fresh(fresh)) => {
                let guard = self.guard.as_mut().expect("the guard judged just now");
                let (entry, written) = guard.enter(fresh);
                step.append(written, AppendUrgency::Intent);
                self.call(request, entry, step);
            }
            Err(refusal) => {
                alarm_of(&refusal, request.statement, step);
                let subject = self.subject_of(&request.statement);
                self.refuse(now, Asked::Statement(request.id), subject, refusal, step);
            }
        }
    }

    /// The guard's verdict; whatever needs the backend also needs time and room for a call.
    fn judge(&self, now: Now, request: &SignRequest) -> Result<Verdict, Refusal> {
        let guard = self
            .guard
            .as_ref()
            .map_err(|problem| Refusal::Guard(problem.clone()))?;
        let verdict = guard.judge(self.checker.as_ref(), request)?;
        if matches!(verdict, Verdict::Stored(..)) {
            return Ok(verdict);
        }
        self.check_call(now, request.deadline_ns).map(|()| verdict)
    }

    fn check_call(&self, now: Now, deadline_ns: u64) -> Result<(), Refusal> {
        if now.mono_ns >= deadline_ns {
            Err(Refusal::Stale)
        } else if self.flights.is_full() {
            Err(Refusal::Busy)
        } else {
            Ok(())
        }
    }

    fn repeat(
        &mut self,
        now: Now,
        id: RequestId,
        entry: &Entry,
        signature: Signature,
        step: &mut Step,
    ) {
        self.counters.count_repeated();
        let signature_hash = bytes_hash(signature.bytes());
        let subject = self.subject_of(&entry.statement);
        self.audit(now, subject, AuditEvent::Repeated { signature_hash }, step);
        step.waits = Some(Position::new(entry.seq));
        let result = self.verified(&entry.statement, signature);
        step.outputs.push(Output::Signed { id, result });
    }

    /// Has the recorded bytes signed, or joins the call that is under way for them.
    fn call(&mut self, request: &SignRequest, entry: Arc<Entry>, step: &mut Step) {
        if let Some(flight) = self.flights.of_entry(entry.seq) {
            flight.waiters.push(request.id);
            return;
        }
        let work = work_of(&entry);
        let subject = Subject::Statement(entry);
        let flight = Flight {
            subject,
            work,
            waiters: vec![request.id],
        };
        self.start_call(flight, request.deadline_ns, step);
    }

    fn start_call(&mut self, flight: Flight, deadline_mono_ns: u64, step: &mut Step) {
        let work = flight.work.clone();
        let id = self.flights.start(flight);
        step.start.push(Effect::Backend(BackendCall {
            id,
            work,
            deadline_mono_ns,
        }));
    }

    /// A proof that proves nothing is no refusal yet: the next request at that height will be one.
    fn on_height_proof(&mut self, proof: &HeightProof) {
        if let Ok(guard) = &mut self.guard
            && guard.follow(self.checker.as_ref(), proof).is_err()
        {
            self.counters.count_bad_proof();
        }
    }

    /// The signature as the member's of the statement's height, checked by the rules that everybody applies.
    fn verified(
        &self,
        statement: &Statement,
        signature: Signature,
    ) -> Result<Verified<SignedStatement>, Refusal> {
        let guard = self
            .guard
            .as_ref()
            .map_err(|problem| Refusal::Guard(problem.clone()))?;
        let height = statement.height();
        let set = guard.window().set_for_release(height);
        let validator = set
            .index_of_key(&self.identity.key)
            .ok_or(Refusal::NotAMember { height })?;
        let signed = SignedStatement {
            validator,
            statement: *statement,
            signature,
        };
        let (chain, checker) = (&self.identity.chain, self.checker.as_ref());
        let checked = Context {
            chain,
            set,
            checker,
        }
        .statement(signed);
        checked.map_err(|_| Refusal::Backend {
            fault: Fault::WrongSignature,
            device_code: None,
        })
    }

    fn refuse(
        &mut self,
        now: Now,
        asked: Asked,
        subject: AuditSubject,
        refusal: Refusal,
        step: &mut Step,
    ) {
        self.counters.count_refused(refusal.code());
        let code = refusal.code().to_owned();
        self.audit(now, subject, AuditEvent::Refused { code }, step);
        step.outputs.push(match asked {
            Asked::Statement(id) => Output::Signed {
                id,
                result: Err(refusal),
            },
            Asked::Attestation(id) => Output::Attested {
                id,
                result: Err(refusal),
            },
        });
    }

    fn subject_of(&self, statement: &Statement) -> AuditSubject {
        let sign_bytes = statement.sign_bytes(&self.identity.chain);
        flight::subject_of(statement, sign_bytes.as_slice())
    }

    fn audit(&self, now: Now, subject: AuditSubject, event: AuditEvent, step: &mut Step) {
        let AuditSubject {
            purpose,
            place,
            bytes_hash,
        } = subject;
        step.start.push(Effect::Audit(Box::new(AuditEntry {
            time_us: now.wall_us,
            key_fingerprint: self.identity.key.fingerprint(),
            purpose,
            place,
            bytes_hash,
            event,
            backend_calls: self.counters.backend_calls(),
            guard_seq: self
                .guard
                .as_ref()
                .map_or(0, |guard| guard.position().get()),
        })));
    }
}

/// Two statements for one place are never signed; that they were asked for is worth waking somebody.
fn alarm_of(refusal: &Refusal, asked: Statement, step: &mut Step) {
    if let Refusal::DoubleSign { place } = refusal {
        let alarm = Alarm::DoubleSign {
            place: *place,
            asked,
        };
        step.outputs.push(Output::Alarm(alarm));
    }
}

/// The recorded bytes, approved for the one purpose they have.
fn work_of(entry: &Entry) -> BackendWork {
    let bytes = entry.sign_bytes.clone();
    match entry.statement {
        Statement::Proposal { .. } => BackendWork::Proposal(ProposalBytes::approved(bytes)),
        Statement::Prevote { .. } => BackendWork::Prevote(PrevoteBytes::approved(bytes)),
        Statement::Precommit { .. } => BackendWork::Precommit(PrecommitBytes::approved(bytes)),
    }
}

/// Read by hosts.
impl Signer {
    /// The guard, or why there is none to sign under.
    ///
    /// # Errors
    /// [`GuardProblem`].
    pub fn guard(&self) -> Result<&Guard, GuardProblem> {
        self.guard.as_ref().map_err(Clone::clone)
    }

    /// The key that it signs with.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.identity.key
    }

    /// The chain.
    #[must_use]
    pub const fn chain(&self) -> &ChainContext {
        &self.identity.chain
    }

    /// What a restart needs.
    ///
    /// # Errors
    /// [`GuardProblem`] when there is no guard to sign under.
    pub fn recovered(&self) -> Result<Recovered, GuardProblem> {
        let guard = self.guard()?;
        let own = guard.entries().filter_map(|entry| {
            let signature = entry.signature.clone()?;
            self.verified(&entry.statement, signature).ok()
        });
        let unsigned = guard
            .entries()
            .last()
            .filter(|entry| entry.signature.is_none());
        let history = guard.history();
        let statements =
            history.filter(|entry| entry.signature.is_some() || !mutated!(UnsignedVotesForgotten));
        Ok(Recovered {
            last: guard.last(),
            lock: guard.lock().cloned(),
            accepted_outcome: guard.accepted_outcome(),
            latch: guard.latched(),
            statements: statements.map(|entry| entry.statement).collect(),
            own: own.collect(),
            intent: unsigned.map(|entry| entry.statement),
            complete: guard.is_complete(),
            sets_hash: guard.window().hash(),
            witness: guard.witness(),
        })
    }

    /// What happened since the signer started.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }
}

/// The checker is not part of the state: two signers that decide alike are equal here.
impl Hash for Signer {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.identity, &self.guard, &self.flights, &self.counters).hash(state);
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let last = self.guard().map(Guard::last);
        f.debug_struct("Signer")
            .field("key", &self.identity.key)
            .field("last", &last)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
