//! Drives a signer over its two logs, step by step, without threads, clocks or waiting of its own.
//!
//! Invariant: records are appended in the order of the steps; answers leave in the order of the steps and only with the guard log's proof.
//! The host has three things to do, in any order and beside one another: perform the calls it takes, sync, and hand out what is released.
//! Who calls it: the node's signer thread, a signer process, the simulator, tests.
//! Errors: a full disk is answered to who asked and is no error here; every [`LogError`] that comes out ends the process.
//! Source: `docs/spec/guard.md`, "The home".

use std::sync::Arc;

use falaj_consensus::crypto::Signature;
use falaj_consensus::durable::{
    Disk, FramedLog, LogError, LogId, LogIdentity, Outbox, PendingQueue, Position,
};
use falaj_consensus::types::Now;
use falaj_consensus::validator_set::ValidatorSet;
use falaj_consensus::verify::Checker;

use crate::audit::{AuditChain, AuditEntry, AuditFault};
use crate::backend::{Backend, BackendCall, BackendError, CallId};
use crate::error::GuardProblem;
use crate::guard::{Floor, Identity, Witness};
use crate::signer::{Append, AppendUrgency, Effect, Input, Output, Recovered, Signer};

/// A signer could not be made or taken up.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// A log cannot be made, opened or read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The audit log was tampered with, or lost a record inside.
    #[error(transparent)]
    Audit(#[from] AuditFault),
}

/// A signer with its logs.
#[derive(Debug)]
pub struct SignerHome<D: Disk> {
    signer: Signer,
    /// None when the guard cannot be signed under; then no record is ever made.
    guard_log: Option<FramedLog<D>>,
    audit_log: FramedLog<D>,
    audit: AuditChain,
    audit_lost: u64,
    /// Audit entries since the logs were settled.
    audit_waiting: u64,
    queue: PendingQueue<Output>,
    calls: Vec<BackendCall>,
    /// A frame is written whose records somebody waits for.
    needs_sync: bool,
    /// A note found no space and waits to be written.
    needs_space: bool,
}

/// How many audit entries a busy signer keeps in memory: about a second's.
const AUDIT_WAITING_MAX: u64 = 256;

/// Which log of a signer's chain.
const fn log_of(identity: &Identity, log: LogId) -> LogIdentity {
    LogIdentity {
        log,
        genesis_hash: identity.chain.genesis_hash,
    }
}

impl<D: Disk> SignerHome<D> {
    /// Makes the guard of a key: its explicit first record, on disk when this returns. Only for a key that never signed.
    ///
    /// A log without any record is what a stop in the middle of this leaves; it is taken over.
    ///
    /// # Errors
    /// [`LogError::Exists`] when there is a guard already.
    pub fn init(
        guard_disk: D,
        audit_disk: D,
        identity: Identity,
        checker: Arc<dyn Checker>,
        floor: Floor,
    ) -> Result<(), HomeError>
    where
        D: Clone,
    {
        let (guard, audit) = (
            log_of(&identity, LogId::Guard),
            log_of(&identity, LogId::Audit),
        );
        let mut guard_log = FramedLog::create_or_empty(guard_disk, guard)?;
        drop(FramedLog::create_or_empty(audit_disk, audit)?);
        let (_, first) = Signer::init(identity, checker, floor);
        append(&mut guard_log, &first)?;
        let _ = guard_log.sync()?;
        Ok(())
    }

    /// Takes a signer up. A guard that cannot be signed under still gives a home, one that refuses with the reason.
    ///
    /// # Errors
    /// When the audit log is missing, damaged or tampered with.
    pub fn open(
        now: Now,
        guard_disk: D,
        audit_disk: D,
        identity: Identity,
        checker: Arc<dyn Checker>,
        known_sets: &[Arc<ValidatorSet>],
        witness: Option<&Witness>,
    ) -> Result<Self, HomeError> {
        let audit_log = FramedLog::open(audit_disk, log_of(&identity, LogId::Audit))?;
        let audit = AuditChain::verify(read_all(&audit_log)?)?;
        let opened = FramedLog::open(guard_disk, log_of(&identity, LogId::Guard));
        let read = opened.and_then(|log| read_all(&log).map(|records| (log, records)));
        let (guard_log, records) = match read {
            Ok((log, records)) => (Some(log), Ok(records)),
            Err(error) => (None, Err(GuardProblem::from_log(&error))),
        };
        let signer = Signer::load(identity, checker, records, known_sets, witness);
        let guard_log = guard_log.filter(|_| signer.guard().is_ok());
        let queue = PendingQueue::new();
        let mut home = Self {
            signer,
            guard_log,
            audit_log,
            audit,
            audit_lost: 0,
            audit_waiting: 0,
            queue,
            calls: Vec::new(),
            needs_sync: false,
            needs_space: false,
        };
        home.submit(now, Input::Started)?;
        home.sync_written()?;
        Ok(home)
    }

    /// Gives the signer an input and writes what it records. Nothing is synced, no backend is called.
    ///
    /// # Errors
    /// A write that failed for another reason than a full disk: the process has to end.
    pub fn submit(&mut self, now: Now, input: Input) -> Result<(), LogError> {
        let mut input = Some(input);
        while let Some(next) = input.take() {
            let Outbox { start, pending } = self.signer.step(now, next);
            self.queue.push(pending);
            for effect in start {
                match effect {
                    Effect::Audit(entry) => self.append_audit(*entry)?,
                    Effect::Backend(call) if input.is_none() => self.calls.push(call),
                    Effect::Backend(_) => {}
                    Effect::Append(record) => {
                        input = self.append_guard(&record)?.or(input);
                    }
                }
            }
        }
        Ok(())
    }

    /// The calls to perform, oldest first, each within its [budget](BackendCall::budget): answered by [`SignerHome::complete`], or by
    /// [`SignerHome::drop_call`] when it has none left.
    #[must_use = "a call that is not performed has to be answered nevertheless"]
    pub fn take_calls(&mut self) -> Vec<BackendCall> {
        std::mem::take(&mut self.calls)
    }

    /// Hands in what the backend gave.
    ///
    /// # Errors
    /// As [`SignerHome::submit`].
    pub fn complete(
        &mut self,
        now: Now,
        call: CallId,
        result: Result<Signature, BackendError>,
    ) -> Result<(), LogError> {
        self.submit(now, Input::BackendDone { call, result })
    }

    /// Reports a call whose deadline passed before it was begun.
    ///
    /// # Errors
    /// As [`SignerHome::submit`].
    pub fn drop_call(&mut self, now: Now, call: CallId) -> Result<(), LogError> {
        self.submit(now, Input::CallDropped { call })
    }

    /// Whether an answer or a latch waits for the guard's disk.
    #[must_use]
    pub const fn needs_sync(&self) -> bool {
        self.needs_sync || self.needs_space
    }

    /// Syncs what is written of the guard's log; the backend may work meanwhile. Signatures wait for the next intent's frame.
    ///
    /// # Errors
    /// A failed sync: the process has to end.
    pub fn sync(&mut self) -> Result<(), LogError> {
        if self.needs_space {
            self.write_all()?;
        }
        if self.needs_sync {
            self.sync_written()
        } else {
            Ok(())
        }
    }

    /// Whether so much waits that it should not wait for an idle moment.
    #[must_use]
    pub const fn settle_due(&self) -> bool {
        self.audit_waiting >= AUDIT_WAITING_MAX
    }

    /// Writes and syncs everything, signatures and audit records included, and prunes what no restart needs. For idle moments.
    ///
    /// # Errors
    /// A failed sync or write: the process has to end.
    pub fn settle(&mut self) -> Result<(), LogError> {
        self.write_all()?;
        self.sync_written()?;
        unless_full(self.audit_log.sync().map(|_| ()))?;
        self.audit_waiting = 0;
        let Ok(guard) = self.signer.guard() else {
            return Ok(());
        };
        let keep_from = guard.keep_from();
        self.guard_log
            .as_mut()
            .map_or(Ok(0), |log| log.prune(keep_from))
            .map(|_| ())
    }

    /// The answers that may leave now, in order.
    #[must_use = "released answers have left the queue"]
    pub fn released(&mut self) -> Vec<Output> {
        self.queue.release()
    }

    /// Does everything for one input in turn: writes, calls the backend, syncs, and gives the answers.
    ///
    /// # Errors
    /// As [`SignerHome::submit`] and [`SignerHome::sync`].
    pub fn run(
        &mut self,
        now: Now,
        input: Input,
        backend: &dyn Backend,
    ) -> Result<Vec<Output>, LogError> {
        self.submit(now, input)?;
        for call in self.take_calls() {
            match call.budget(now) {
                Some(budget) => self.complete(now, call.id, call.work.perform(backend, budget))?,
                None => self.drop_call(now, call.id)?,
            }
        }
        self.sync()?;
        Ok(self.released())
    }

    /// Begins a new segment of the guard's log before the last one exceeds that many bytes.
    pub fn set_guard_segment_bytes(&mut self, bytes: u64) {
        if let Some(log) = &mut self.guard_log {
            log.set_segment_bytes(bytes);
        }
    }

    /// The signer, to read.
    pub const fn signer(&self) -> &Signer {
        &self.signer
    }

    /// What the replica starts from.
    ///
    /// # Errors
    /// [`GuardProblem`] when there is no guard to sign under.
    pub fn recovered(&self) -> Result<Recovered, GuardProblem> {
        self.signer.recovered()
    }

    /// The guard's log, to read; none when it cannot be signed under.
    pub const fn guard_log(&self) -> Option<&FramedLog<D>> {
        self.guard_log.as_ref()
    }

    /// The audit log, to read.
    pub const fn audit_log(&self) -> &FramedLog<D> {
        &self.audit_log
    }

    /// Gives the input that follows when an intent finds no space.
    fn append_guard(&mut self, record: &Append) -> Result<Option<Input>, LogError> {
        let log = self
            .guard_log
            .as_mut()
            .expect("only a guard with a log makes records");
        append(log, record)?;
        if record.urgency == AppendUrgency::Lazy {
            return Ok(None);
        }
        match (log.flush(), record.urgency) {
            (Err(error), AppendUrgency::Intent) if error.is_full() => {
                log.withdraw(record.position);
                Ok(Some(Input::AppendRefused {
                    position: record.position,
                }))
            }
            (flushed, _) => {
                self.needs_sync = true;
                self.needs_space = flushed.is_err();
                unless_full(flushed).map(|()| None)
            }
        }
    }

    /// Audit records wait in memory when their disk is full, as many as a frame holds; entries beyond that are counted as lost.
    fn append_audit(&mut self, entry: AuditEntry) -> Result<(), LogError> {
        let (chain, record) = self.audit.next(self.audit_lost, entry);
        match self.audit_log.append(&record) {
            Ok(_) => {
                self.audit = chain;
                self.audit_waiting = self.audit_waiting.saturating_add(1);
                Ok(())
            }
            Err(error) if error.is_full() => {
                self.audit_lost = self.audit_lost.saturating_add(1);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Writes what is collected, if there is space for it.
    fn write_all(&mut self) -> Result<(), LogError> {
        let Some(log) = &mut self.guard_log else {
            return Ok(());
        };
        let flushed = log.flush();
        self.needs_sync |= self.needs_space;
        self.needs_space &= flushed.is_err();
        unless_full(flushed)
    }

    fn sync_written(&mut self) -> Result<(), LogError> {
        let Some(log) = &mut self.guard_log else {
            return Ok(());
        };
        self.queue.note(&log.sync_written()?);
        self.needs_sync = false;
        Ok(())
    }
}

fn append<D: Disk>(log: &mut FramedLog<D>, record: &Append) -> Result<(), LogError> {
    let position = log.append(&record.record)?;
    assert!(
        position == record.position,
        "the guard counts its records as its log does"
    );
    Ok(())
}

fn read_all<D: Disk>(log: &FramedLog<D>) -> Result<Vec<(Position, Vec<u8>)>, LogError> {
    log.iter_from(Position::START).collect()
}

fn unless_full(result: Result<(), LogError>) -> Result<(), LogError> {
    result.or_else(|error| if error.is_full() { Ok(()) } else { Err(error) })
}
