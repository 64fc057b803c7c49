//! Sorts what comes in by its height: open, next, past, or too far ahead.
//!
//! A message about a decided height is answered with its certificate, but for a late copy of the very precommit that the certificate counts:
//! its sender has a polka and is about to decide, and pulls if it is not.

use super::{Alarm, DropReason, Engine, Event, Output, VotesWanted};
use crate::message::{CommitCertificate, Polka, Proposal, Statement, Vote};
use crate::types::{Height, ValidatorIndex};
use crate::verify::Verified;

/// Where a height lies relative to the open one.
enum Relation {
    Past,
    Open,
    Next,
    Ahead,
}

impl Engine {
    pub(super) fn proposal(
        &mut self,
        proposal: Verified<Proposal>,
        received_us: u64,
        out: &mut Vec<Output>,
    ) {
        match self.sort(proposal.get().height()) {
            Relation::Past => out.push(certificate_for(
                proposal.get().proposer,
                proposal.get().height(),
            )),
            Relation::Open => self.driver.proposal(proposal, received_us, out),
            Relation::Next => self.next.keep_proposal(proposal, received_us),
            Relation::Ahead => out.push(too_far(proposal.get().statement())),
        }
    }

    pub(super) fn vote(&mut self, vote: Verified<Vote>, out: &mut Vec<Output>) {
        match self.sort(vote.get().height) {
            Relation::Past if self.is_counted_below(vote.get()) => {}
            Relation::Past => out.push(certificate_for(vote.get().validator, vote.get().height)),
            Relation::Open => self.driver.vote(vote, out),
            Relation::Next => self.next.keep_vote(vote),
            Relation::Ahead => out.push(too_far(vote.get().statement())),
        }
    }

    pub(super) fn polka(&mut self, polka: Verified<Polka>, out: &mut Vec<Output>) {
        match self.sort(polka.get().height) {
            Relation::Open => self.driver.polka(polka, out),
            Relation::Next => self.next.keep_polka(polka),
            Relation::Past | Relation::Ahead => {}
        }
    }

    pub(super) fn certificate(
        &mut self,
        certificate: Verified<CommitCertificate>,
        out: &mut Vec<Output>,
    ) {
        match self.sort(certificate.get().height) {
            Relation::Past => self.check_past(certificate.get(), out),
            Relation::Open => self.driver.certificate(certificate, out),
            Relation::Next => self.next.keep_certificate(certificate),
            Relation::Ahead => {}
        }
    }

    pub(super) fn answer(
        &mut self,
        from: ValidatorIndex,
        wanted: &VotesWanted,
        out: &mut Vec<Output>,
    ) {
        match self.sort(wanted.height) {
            Relation::Past => out.push(certificate_for(from, wanted.height)),
            Relation::Open => self.driver.answer(from, wanted, out),
            Relation::Next | Relation::Ahead => {}
        }
    }

    /// Takes what came early, now that its height is open.
    pub(super) fn replay(&mut self, out: &mut Vec<Output>) {
        let kept = self.next.take();
        for (proposal, received_us) in kept.proposals {
            self.driver.proposal(proposal, received_us, out);
        }
        for vote in kept.votes {
            self.driver.vote(vote, out);
        }
        kept.polka
            .into_iter()
            .for_each(|polka| self.driver.polka(polka, out));
        kept.certificate
            .into_iter()
            .for_each(|certificate| self.driver.certificate(certificate, out));
    }

    /// Where a message belongs; one from above shows that this height is decided elsewhere.
    fn sort(&mut self, height: Height) -> Relation {
        let relation = self.relation(height);
        if matches!(relation, Relation::Next | Relation::Ahead) {
            self.driver.hear_from_above();
        }
        relation
    }

    fn relation(&self, height: Height) -> Relation {
        let open = self.driver.height();
        match height {
            past if past < open => Relation::Past,
            same if same == open => Relation::Open,
            next if Some(open) == next.previous() => Relation::Next,
            _ => Relation::Ahead,
        }
    }

    fn is_counted_below(&self, vote: &Vote) -> bool {
        self.last
            .as_ref()
            .is_some_and(|last| last.statement() == vote.statement())
    }

    /// A certificate that contradicts the decision below is a fork: more than a third are faulty, and nothing goes on.
    fn check_past(&mut self, second: &CommitCertificate, out: &mut Vec<Output>) {
        let Some(first) = self
            .last
            .as_ref()
            .filter(|last| last.height == second.height)
        else {
            return;
        };
        if (first.id, first.outcome) != (second.id, second.outcome) && !self.driver.is_halted() {
            let (first, second) = (Box::new(first.clone()), Box::new(second.clone()));
            self.driver
                .halt(Alarm::ConflictingCertificates { first, second }, out);
        }
    }
}

const fn certificate_for(to: ValidatorIndex, height: Height) -> Output {
    Output::SendCertificate { to, height }
}

const fn too_far(statement: Statement) -> Output {
    Output::Event(Event::Dropped {
        statement,
        reason: DropReason::TooFarAhead,
    })
}
