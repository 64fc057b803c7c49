//! Decisions that stop signing, let it go on, or mend an outcome.
//!
//! Invariant: a decision holds from the moment it is taken, and is answered when its record is on disk.
//! Errors: a decision that does not apply changes nothing and is answered as such.
//! Source: `docs/spec/guard.md`, "Latch and acceptance".

use falaj_consensus::message::Statement;
use falaj_consensus::types::Now;

use super::{Alarm, AppendUrgency, Decision, Output, Signer, Step, TwoOperators, Unlatch};
use crate::audit::{AuditEvent, AuditSubject};
use crate::guard::{AcceptedOutcome, Guard, Latch, Written};

impl Signer {
    /// A vote of our own key that this guard does not know stops everything at once.
    pub(super) fn on_own_statement(&mut self, now: Now, statement: &Statement, step: &mut Step) {
        let latch = self
            .guard
            .as_ref()
            .ok()
            .and_then(|guard| guard.foreign_statement(statement));
        if let Some(latch) = latch {
            self.on_latch(now, latch, step);
        }
    }

    pub(super) fn on_latch(&mut self, now: Now, latch: Latch, step: &mut Step) {
        let free = self
            .usable()
            .filter(|guard| outranks(latch, guard.latched()));
        let written = free.map(|guard| guard.latch(latch));
        if written.is_some() {
            step.outputs.push(Output::Alarm(Alarm::Latched(latch)));
        }
        self.decide(now, Decision::Latch, written, &[], step);
    }

    pub(super) fn on_unlatch(&mut self, now: Now, unlatch: &Unlatch, step: &mut Step) {
        let opens = |guard: &&mut Guard| guard.latched().is_some_and(|latch| unlatch.opens(latch));
        let written = self.usable().filter(opens).map(Guard::unlatch);
        self.decide(now, Decision::Unlatch, written, &unlatch.operators(), step);
    }

    pub(super) fn on_accept(
        &mut self,
        now: Now,
        accepted: AcceptedOutcome,
        operators: &TwoOperators,
        step: &mut Step,
    ) {
        let here = self
            .usable()
            .filter(|guard| accepted.height == guard.last().height);
        let written = here.map(|guard| guard.accept(accepted));
        self.decide(
            now,
            Decision::AcceptOutcome,
            written,
            &operators.names(),
            step,
        );
    }

    fn usable(&mut self) -> Option<&mut Guard> {
        self.guard.as_mut().ok()
    }

    fn decide(
        &self,
        now: Now,
        decision: Decision,
        written: Option<Written>,
        operators: &[&str],
        step: &mut Step,
    ) {
        let applied = written.is_some();
        if let Some(written) = written {
            step.waits = Some(written.position);
            step.append(written, AppendUrgency::Note);
            let operators = operators.iter().map(|name| (*name).to_owned()).collect();
            let event = AuditEvent::Decided {
                what: decision.name().to_owned(),
                operators,
            };
            self.audit(now, AuditSubject::default(), event, step);
        }
        step.outputs.push(Output::Decided { decision, applied });
    }
}

/// Whether a latch is recorded over the one that stands: a divergence opens by itself, so whatever takes two operators goes before it.
fn outranks(latch: Latch, standing: Option<Latch>) -> bool {
    match standing {
        None => true,
        Some(Latch::Diverged) => latch != Latch::Diverged,
        Some(Latch::OwnKeyElsewhere | Latch::GuardOlder | Latch::Operator) => false,
    }
}
