//! Attestations: what a key signs outside the order, from a closed list of shapes.
//!
//! Invariant: an attestation is about this key on this chain, and no bytes of a caller's choosing are signed: what a caller can choose
//! stands behind a tag of its own, and the challenge of a canary is the signer's.
//! Source: `docs/spec/guard.md`, "Purposes".

use falaj_consensus::hash::{self, Tag};
use falaj_consensus::types::Now;

use super::flight::{Flight, Subject};
use super::{Asked, AttestRequest, Attestation, Signer, Step};
use crate::audit::AuditSubject;
use crate::backend::BackendWork;
use crate::error::Refusal;
use crate::purpose::{Canary, Possession};

const CANARY_TAG: Tag = Tag::new("falaj/canary-challenge/1");

impl Signer {
    pub(super) fn on_attest(&mut self, now: Now, request: &AttestRequest, step: &mut Step) {
        let checked = self.check_call(now, request.deadline_ns);
        match checked.and_then(|()| self.attestation_work(now, &request.attestation)) {
            Ok(work) => {
                let flight = Flight {
                    subject: Subject::Attestation,
                    work,
                    waiters: vec![request.id],
                };
                self.start_call(flight, request.deadline_ns, step);
            }
            Err(refusal) => {
                let purpose = Some(request.attestation.purpose());
                let subject = AuditSubject {
                    purpose,
                    ..AuditSubject::default()
                };
                self.refuse(now, Asked::Attestation(request.id), subject, refusal, step);
            }
        }
    }

    fn attestation_work(
        &self,
        now: Now,
        attestation: &Attestation,
    ) -> Result<BackendWork, Refusal> {
        match attestation {
            Attestation::Binding(binding) => binding
                .sign_bytes(&self.identity.chain)
                .map(BackendWork::Binding)
                .map_err(Refusal::Shape),
            Attestation::Possession(possession) => {
                self.check_own(possession)?;
                possession
                    .sign_bytes()
                    .map(BackendWork::Possession)
                    .map_err(Refusal::Shape)
            }
            Attestation::Canary => Ok(BackendWork::Canary(self.canary(now).sign_bytes())),
        }
    }

    fn check_own(&self, possession: &Possession) -> Result<(), Refusal> {
        if possession.key != self.identity.key {
            Err(Refusal::WrongKey)
        } else if possession.chain_id != self.identity.chain.chain_id {
            Err(Refusal::WrongChain)
        } else {
            Ok(())
        }
    }

    /// A challenge that nobody outside could foresee: the guard's instance is random and known to nobody else.
    fn canary(&self, now: Now) -> Canary {
        let instance = self
            .guard
            .as_ref()
            .map_or([0; 16], |guard| guard.witness().instance);
        let (calls, time) = (
            self.flights.started().to_le_bytes(),
            now.mono_ns.to_le_bytes(),
        );
        Canary {
            challenge: *hash::tagged_parts(CANARY_TAG, &[&instance, &calls, &time]).bytes(),
        }
    }
}
