//! What comes in: messages of others and of our own, and what the host found out about blocks.
//!
//! Invariant: everything is kept or dropped here and acted on in the fixpoint alone; no rule is decided by which input came last.

use super::Driver;
use super::proposals::{Added, Proposed};
use crate::engine::{Alarm, BodyVerdict, DropReason, Event, Output, Own, Publication};
use crate::message::{CommitCertificate, Evidence, Header, Polka, Proposal, Statement, Vote};
use crate::types::{BlockId, Now, OutcomeHash, Round, ValidatorIndex};
use crate::validator_set::Bitmap;
use crate::verify::Verified;
use crate::vote_keeper::Unkept;

impl Driver {
    /// A proposal of this height.
    pub fn proposal(
        &mut self,
        proposal: Verified<Proposal>,
        received_us: u64,
        out: &mut Vec<Output>,
    ) {
        let proposal = proposal.into_inner();
        let statement = proposal.statement();
        self.watch_own_key(proposal.proposer, &statement, out);
        if proposal.proposer != self.context.proposer(proposal.round) {
            return drop_message(statement, DropReason::NotTheProposer, out);
        }
        let header = proposal.header.clone();
        let id = header.id();
        let timely = proposal.valid_round.is_some()
            || self
                .context
                .is_timely(proposal.round, header.time_us, received_us);
        let proposed = Proposed {
            proposal: proposal.clone(),
            id,
            timely,
        };
        match self.proposals.add(self.state.round(), proposed) {
            Err(unkept) => return drop_message(statement, reason(unkept), out),
            Ok(Added::Known) => return,
            Ok(Added::First) => {}
            Ok(Added::Second(_)) if mutated!(SecondProposalProvesNothing) => {}
            Ok(Added::Second(first)) => {
                give_evidence(self.votes.double_proposal(&first, &proposal), out)
            }
        }
        self.keep_header(id, header);
    }

    /// Whether a proposal of this height is one that is kept, or is kept already.
    #[must_use]
    pub fn takes(&self, proposal: &Proposal) -> bool {
        proposal.proposer == self.context.proposer(proposal.round)
            && self.proposals.takes(self.state.round(), proposal)
    }

    /// A vote of this height.
    pub fn vote(&mut self, vote: Verified<Vote>, out: &mut Vec<Output>) {
        let (validator, statement) = (vote.get().validator, vote.get().statement());
        self.watch_own_key(validator, &statement, out);
        match self.votes.add_vote(vote) {
            Ok(proven) => give_evidence(proven, out),
            Err(unkept) => drop_message(statement, reason(unkept), out),
        }
    }

    /// A polka of this height.
    pub fn polka(&mut self, polka: Verified<Polka>, out: &mut Vec<Output>) {
        self.watch_own_key_among(&polka.get().signers, &polka.get().statement(), out);
        give_evidence(self.votes.add_polka(polka), out);
    }

    /// A commit certificate of this height.
    pub fn certificate(&mut self, certificate: Verified<CommitCertificate>, out: &mut Vec<Output>) {
        let (signers, statement) = (&certificate.get().signers, certificate.get().statement());
        self.watch_own_key_among(signers, &statement, out);
        give_evidence(self.votes.add_certificate(certificate), out);
    }

    /// A header that was fetched; one of another height counts only if this height asked for it.
    pub fn header(&mut self, header: Header) {
        let id = header.id();
        if header.height == self.context.height || self.blocks.is_known(id) {
            self.keep_header(id, header);
        }
    }

    /// A body that is there and was judged.
    pub fn body(&mut self, id: BlockId, verdict: BodyVerdict) {
        self.blocks.learn_body(id, verdict);
    }

    /// An execution that ended.
    pub fn executed(&mut self, id: BlockId, outcome: OutcomeHash, out: &mut Vec<Output>) {
        self.blocks.learn_outcome(id, outcome);
        if let Some(locked) = self
            .state
            .locked()
            .filter(|lock| lock.id == id && lock.outcome != outcome)
        {
            out.push(Output::Alarm(Alarm::OutcomeChanged {
                locked,
                now: outcome,
            }));
        }
    }

    /// An execution that failed.
    pub fn execution_failed(&mut self, id: BlockId, out: &mut Vec<Output>) {
        self.blocks.learn_failure(id);
        out.push(Output::Alarm(Alarm::ExecutionFailed { id }));
    }

    /// The fresh block that was asked for: the proposer's own header is judged as anybody's before it is signed.
    pub fn built(&mut self, round: Round, header: Header, out: &mut Vec<Output>) {
        if self.halted || self.state.is_decided() || !self.takes_built(round) {
            return;
        }
        let id = header.id();
        if header.round != round || !self.context.admits(&header) {
            return out.push(Output::Alarm(Alarm::BuiltInvalid { id }));
        }
        self.keep_header(id, header);
        self.sign(
            Statement::Proposal {
                height: self.context.height,
                round,
                id,
                valid_round: None,
            },
            out,
        );
    }

    /// A released signature of ours: it counts, and leaves, unless the height is closed.
    pub fn own_released(&mut self, own: Own, now: Now, out: &mut Vec<Output>) {
        if self.halted || self.state.is_decided() || !self.may_say(&own.statement()) {
            return;
        }
        let publication = self.publication(&own);
        match own {
            Own::Proposal(proposal) => self.proposal(*proposal, now.wall_us, out),
            Own::Vote(vote) => self.vote(vote, out),
        }
        out.push(Output::Publish(publication));
    }

    pub(super) fn publication(&self, own: &Own) -> Publication {
        match own {
            Own::Proposal(proposal) => self.proposal_with_polka(proposal.get()),
            Own::Vote(vote) => Publication::Vote(vote.get().clone()),
        }
    }

    pub(super) fn proposal_with_polka(&self, proposal: &Proposal) -> Publication {
        let polka = proposal
            .valid_round
            .and_then(|round| self.votes.polka_for(round, proposal.id()));
        Publication::Proposal {
            proposal: Box::new(proposal.clone()),
            polka: polka.map(|polka| Box::new(polka.clone())),
        }
    }

    fn keep_header(&mut self, id: BlockId, header: Header) {
        let admitted = self.context.admits(&header);
        self.blocks.learn_header(id, header, admitted);
    }

    /// The same for a signature of ours that came among those of others.
    fn watch_own_key_among(&self, signers: &Bitmap, statement: &Statement, out: &mut Vec<Output>) {
        if let Some(own) = self.context.own.filter(|own| signers.contains(*own)) {
            self.watch_own_key(own, statement, out);
        }
    }

    /// A message under our own key that nobody here asked for.
    fn watch_own_key(&self, sender: ValidatorIndex, statement: &Statement, out: &mut Vec<Output>) {
        if self.context.own == Some(sender) && self.own.is_foreign(statement) {
            out.push(Output::Alarm(Alarm::OwnKeyElsewhere {
                statement: *statement,
            }));
        }
    }
}

fn give_evidence(proven: impl IntoIterator<Item = Evidence>, out: &mut Vec<Output>) {
    out.extend(
        proven
            .into_iter()
            .map(|evidence| Output::Evidence(Box::new(evidence))),
    );
}

fn drop_message(statement: Statement, reason: DropReason, out: &mut Vec<Output>) {
    out.push(Output::Event(Event::Dropped { statement, reason }));
}

const fn reason(unkept: Unkept) -> DropReason {
    match unkept {
        Unkept::TooFarAhead => DropReason::TooFarAhead,
        Unkept::TooFarBehind => DropReason::TooFarBehind,
    }
}
