//! What happens when the backend answers, or is never asked.
//!
//! Invariant: only a signature that the host has checked is recorded, delivered and counted; after a fault the intent stays, and the same
//! bytes can be asked for again.
//! Source: `docs/spec/guard.md`, "The signer".

use falaj_consensus::crypto::Signature;
use falaj_consensus::durable::Position;
use falaj_consensus::mutated;
use falaj_consensus::types::Now;
use falaj_consensus::verify::{SignedItem, SignedStatement, Verified};

use super::flight::{Flight, Subject};
use super::{Alarm, AppendUrgency, Attested, Output, Signer, Step};
use crate::audit::{AuditEvent, bytes_hash};
use crate::backend::{BackendError, CallId, Fault};
use crate::error::Refusal;
use crate::guard::Entry;

impl Signer {
    pub(super) fn on_backend_done(
        &mut self,
        now: Now,
        call: CallId,
        result: Result<Signature, BackendError>,
        step: &mut Step,
    ) {
        self.counters.count_call();
        // Nobody waits any more for a call that was given up; what it signed is dropped.
        let Some(flight) = self.flights.finish(call) else {
            return;
        };
        match result {
            Ok(signature) => self.on_signature(now, &flight, signature, step),
            Err(error) => {
                let BackendError {
                    fault, device_code, ..
                } = error;
                self.refuse_all(now, &flight, &Refusal::Backend { fault, device_code }, step);
            }
        }
    }

    fn on_signature(&mut self, now: Now, flight: &Flight, signature: Signature, step: &mut Step) {
        match &flight.subject {
            Subject::Statement(entry) => match self.verified(&entry.statement, signature.clone()) {
                Ok(signed) => self.deliver_statement(now, flight, entry, &signed, step),
                Err(refusal) => self.reject(now, flight, signature, &refusal, step),
            },
            Subject::Attestation if self.is_right(flight.work.as_slice(), &signature) => {
                self.deliver_attestation(now, flight, &signature, step);
            }
            Subject::Attestation => {
                let refusal = Refusal::Backend {
                    fault: Fault::WrongSignature,
                    device_code: None,
                };
                self.reject(now, flight, signature, &refusal, step);
            }
        }
    }

    fn is_right(&self, message: &[u8], signature: &Signature) -> bool {
        self.checker.check(SignedItem {
            key: &self.identity.key,
            message,
            signature,
        })
    }

    /// The signature is recorded without a sync of its own; the answer waits for the intent's.
    fn deliver_statement(
        &mut self,
        now: Now,
        flight: &Flight,
        entry: &Entry,
        signed: &Verified<SignedStatement>,
        step: &mut Step,
    ) {
        let guard = self
            .guard
            .as_mut()
            .expect("only a guard has statements signed");
        if let Some(written) = guard.signed(entry, &signed.get().signature) {
            step.append(written, AppendUrgency::Lazy);
        }
        self.count_signed(now, flight, &signed.get().signature, step);
        if !mutated!(ReleaseBeforeIntentSynced) {
            step.waits = Some(Position::new(entry.seq));
        }
        let answer = |id: &_| Output::Signed {
            id: *id,
            result: Ok(signed.clone()),
        };
        step.outputs.extend(flight.waiters.iter().map(answer));
    }

    fn deliver_attestation(
        &mut self,
        now: Now,
        flight: &Flight,
        signature: &Signature,
        step: &mut Step,
    ) {
        self.count_signed(now, flight, signature, step);
        let attested = Attested {
            bytes: flight.work.as_slice().to_vec(),
            signature: signature.clone(),
        };
        let answer = |id: &_| Output::Attested {
            id: *id,
            result: Ok(attested.clone()),
        };
        step.outputs.extend(flight.waiters.iter().map(answer));
    }

    fn count_signed(&mut self, now: Now, flight: &Flight, signature: &Signature, step: &mut Step) {
        self.counters.count_signed(flight.work.purpose());
        let signature_hash = bytes_hash(signature.bytes());
        self.audit(
            now,
            flight.audit_subject(),
            AuditEvent::Signed { signature_hash },
            step,
        );
    }

    /// A wrong signature is kept as evidence and shown to people, never to the network.
    fn reject(
        &mut self,
        now: Now,
        flight: &Flight,
        signature: Signature,
        refusal: &Refusal,
        step: &mut Step,
    ) {
        let (purpose, bytes) = (flight.work.purpose(), flight.work.as_slice().to_vec());
        step.outputs.push(Output::Alarm(Alarm::WrongSignature {
            purpose,
            bytes,
            signature,
        }));
        self.refuse_all(now, flight, refusal, step);
    }

    pub(super) fn on_call_dropped(&mut self, now: Now, call: CallId, step: &mut Step) {
        if let Some(flight) = self.flights.finish(call) {
            self.refuse_all(now, &flight, &Refusal::Stale, step);
        }
    }

    /// The intent could not be written: it is as if it had never been asked for.
    pub(super) fn on_append_refused(&mut self, now: Now, position: Position, step: &mut Step) {
        let Some(flight) = self.flights.withdraw(position.get()) else {
            return;
        };
        if let Ok(guard) = &mut self.guard {
            guard.undo();
        }
        self.refuse_all(now, &flight, &Refusal::DiskFull, step);
    }

    fn refuse_all(&mut self, now: Now, flight: &Flight, refusal: &Refusal, step: &mut Step) {
        let subject = flight.audit_subject();
        for id in &flight.waiters {
            self.refuse(
                now,
                flight.asked(*id),
                subject.clone(),
                refusal.clone(),
                step,
            );
        }
    }
}
