//! Calls that the backend has not answered yet.
//!
//! Invariant: at most one call for one recorded intent, and at most [`FLIGHTS_MAX`] in all.
//! Source: `docs/spec/guard.md`, "Requests".

use std::collections::BTreeMap;
use std::sync::Arc;

use falaj_consensus::message::Statement;

use super::{Asked, RequestId};
use crate::audit::{AuditSubject, bytes_hash};
use crate::backend::{BackendWork, CallId};
use crate::guard::{Entry, Place};
use crate::purpose::Purpose;

/// How many calls may be under way: a proposal, prevote and precommit of two rounds, and some attestations.
const FLIGHTS_MAX: usize = 16;

/// What a call is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    /// A recorded intent.
    Statement(Arc<Entry>),
    /// Nothing that is recorded.
    Attestation,
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Flight {
    pub(super) subject: Subject,
    pub(super) work: BackendWork,
    pub(super) waiters: Vec<RequestId>,
}

impl Flight {
    pub(super) const fn asked(&self, id: RequestId) -> Asked {
        match self.subject {
            Subject::Statement(_) => Asked::Statement(id),
            Subject::Attestation => Asked::Attestation(id),
        }
    }

    pub(super) fn audit_subject(&self) -> AuditSubject {
        match &self.subject {
            Subject::Statement(entry) => subject_of(&entry.statement, entry.sign_bytes.as_slice()),
            Subject::Attestation => AuditSubject {
                purpose: Some(self.work.purpose()),
                place: None,
                bytes_hash: Some(bytes_hash(self.work.as_slice())),
            },
        }
    }
}

/// How audit records name a statement.
pub(super) fn subject_of(statement: &Statement, sign_bytes: &[u8]) -> AuditSubject {
    AuditSubject {
        purpose: Some(Purpose::of(statement)),
        place: Some(Place::of(statement)),
        bytes_hash: Some(bytes_hash(sign_bytes)),
    }
}

/// All calls under way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Flights {
    calls: BTreeMap<CallId, Flight>,
    started: u64,
}

impl Flights {
    pub(super) fn is_full(&self) -> bool {
        self.calls.len() >= FLIGHTS_MAX
    }

    /// How many calls there have been.
    pub(super) const fn started(&self) -> u64 {
        self.started
    }

    pub(super) fn start(&mut self, flight: Flight) -> CallId {
        self.started = self.started.saturating_add(1);
        let id = CallId::new(self.started);
        self.calls.insert(id, flight);
        id
    }

    pub(super) fn finish(&mut self, call: CallId) -> Option<Flight> {
        self.calls.remove(&call)
    }

    /// The call for the intent of that record.
    pub(super) fn of_entry(&mut self, seq: u64) -> Option<&mut Flight> {
        self.calls.values_mut().find(|flight| is_of(flight, seq))
    }

    /// Takes back the call for the intent of that record.
    pub(super) fn withdraw(&mut self, seq: u64) -> Option<Flight> {
        let call = self
            .calls
            .iter()
            .find(|(_, flight)| is_of(flight, seq))
            .map(|(call, _)| *call)?;
        self.calls.remove(&call)
    }
}

fn is_of(flight: &Flight, seq: u64) -> bool {
    matches!(&flight.subject, Subject::Statement(entry) if entry.seq == seq)
}
