//! Which messages bring an engine to the rule that the model's node fired, and no further.
//!
//! The model says that a rule could be enabled; an engine fires whatever is. So it hears no more than the rule needs:
//! of the faulty one nil votes, which complete what counts senders, and for a value whole certificates, in which its other votes are.

use falaj_consensus::engine::{Input, TimerId, TimerKind};
use falaj_consensus::message::Kind;
use falaj_consensus::types::ValidatorIndex;
use falaj_simulations::model::{
    self, Action, Cast, Member, Members, Prevote, Proposal, State, Tally, Value,
};

use crate::replica::{Chain, HEIGHT, Replica, member, round};

/// Senders of a quorum, of four.
const QUORUM: u8 = 3;
/// Senders of an honest hint, of four.
const HINT: u8 = 2;

/// Has the engine fire the action's rule.
pub(crate) fn deliver(
    chain: &Chain,
    tally: Tally<'_>,
    state: &State,
    action: Action,
    to: &mut Replica,
) {
    let delivery = Delivery {
        chain,
        tally,
        state,
    };
    match action {
        Action::Answer22(own, value) => {
            let fresh = Proposal {
                value,
                valid_round: None,
            };
            delivery.proposal(own, fresh, to);
        }
        Action::Answer28(own, proposal, polka) => {
            let valid_round = proposal.valid_round.expect("28 answers re-proposals");
            delivery.polka(valid_round, polka.expect("with their polka"), to);
            delivery.proposal(own, proposal, to);
        }
        Action::Polka36(own, polka) => delivery.polka(state.node(own).round, polka, to),
        Action::Nil44(own) => {
            let at = state.node(own).round;
            let nil = tally.prevoters(at, Cast::Nil);
            delivery.votes(own, Kind::Prevote, at, nil, QUORUM, to);
        }
        Action::Decide49(_, at, value) => delivery.certificate(at, value, to),
        Action::Jump55(own, at) => {
            let voters = delivery.voters(Kind::Prevote, at);
            delivery.hint(own, at, voters, to);
        }
        Action::Timeout57(own) => run_out(TimerKind::Propose, state.node(own).round, to),
        Action::Timeout61(own) => {
            let at = state.node(own).round;
            delivery.votes(
                own,
                Kind::Prevote,
                at,
                delivery.voters(Kind::Prevote, at),
                QUORUM,
                to,
            );
            if to.status().step < falaj_consensus::round::Step::Precommit {
                run_out(TimerKind::Prevote, at, to);
            }
        }
        Action::Timeout65(own) => {
            let at = state.node(own).round;
            delivery.votes(
                own,
                Kind::Precommit,
                at,
                delivery.voters(Kind::Precommit, at),
                QUORUM,
                to,
            );
            run_out(TimerKind::Precommit, at, to);
        }
        Action::Stabilise(_) | Action::Round(_) => panic!("{action:?} is no rule"),
    }
}

fn run_out(kind: TimerKind, at: model::Round, to: &mut Replica) {
    to.run_out(TimerId {
        height: HEIGHT,
        round: round(at),
        kind,
    });
}

#[derive(Clone, Copy)]
struct Delivery<'a> {
    chain: &'a Chain,
    tally: Tally<'a>,
    state: &'a State,
}

impl Delivery<'_> {
    /// The own one is released, another's is delivered.
    fn proposal(self, own: Member, proposal: Proposal, to: &mut Replica) {
        let at = self.state.node(own).round;
        let proposer = at % model::MEMBERS;
        if proposer == own {
            return to.release_proposal();
        }
        let header = self.chain.header(proposal.value);
        let received_us = header.time_us;
        let valid_round = proposal.valid_round.map(round);
        let committee = &self.chain.committee;
        let proposal = committee.proposal(member(proposer), header, round(at), valid_round);
        to.give(Input::Proposal {
            proposal: Box::new(proposal),
            received_us,
        });
    }

    fn polka(self, at: model::Round, polka: Prevote, to: &mut Replica) {
        let correct = self.tally.prevoters(at, Cast::For(polka));
        let value = self.chain.prevote_value(polka);
        let signers = self.completed(correct);
        let polka = self
            .chain
            .committee
            .polka(&signers, HEIGHT, round(at), value);
        to.give(Input::Polka(polka));
    }

    fn certificate(self, at: model::Round, value: Value, to: &mut Replica) {
        let correct = self.tally.precommitters(at, Cast::For(value));
        let value = self.chain.precommit_value(value);
        let signers = self.completed(correct);
        let committee = &self.chain.committee;
        let certificate = committee.certificate(&signers, HEIGHT, round(at), value);
        to.give(Input::Certificate(certificate));
    }

    /// With as many faulty ones as a quorum needs, in order.
    fn completed(self, correct: Members) -> Vec<ValidatorIndex> {
        let missing = QUORUM.saturating_sub(correct.len());
        let faulty: Members = self
            .state
            .faulty
            .iter()
            .take(usize::from(missing))
            .collect();
        correct.and(faulty).iter().map(member).collect()
    }

    /// Correct validators who voted, whatever for.
    fn voters(self, kind: Kind, at: model::Round) -> Members {
        let at = usize::from(at);
        let voted = self.state.correct_nodes().filter(|(_, node)| match kind {
            Kind::Prevote => node.prevotes[at].is_cast(),
            Kind::Precommit => node.precommits[at].is_cast(),
            Kind::Proposal => false,
        });
        voted.map(|(voter, _)| voter).collect()
    }

    /// A prevote of one that is correct, and a precommit of one that is not.
    fn hint(self, own: Member, at: model::Round, voters: Members, to: &mut Replica) {
        let faulty = self.state.faulty.len();
        self.votes_of(own, Kind::Prevote, at, voters, HINT - faulty, to);
        for liar in self.state.faulty.iter() {
            self.vote(Kind::Precommit, at, liar, to);
        }
    }

    /// Votes of so many senders: those of the faulty, the own one if it counts, and as few others as it takes.
    fn votes(
        self,
        own: Member,
        kind: Kind,
        at: model::Round,
        voters: Members,
        of: u8,
        to: &mut Replica,
    ) {
        for liar in self.state.faulty.iter() {
            self.vote(kind, at, liar, to);
        }
        let counted = self.state.faulty.len() + u8::from(voters.contains(own));
        self.votes_of(own, kind, at, voters, of.saturating_sub(counted), to);
    }

    /// So many votes of others, those first that it has heard already.
    fn votes_of(
        self,
        own: Member,
        kind: Kind,
        at: model::Round,
        voters: Members,
        count: u8,
        to: &mut Replica,
    ) {
        let mut others: Vec<_> = voters.iter().filter(|other| *other != own).collect();
        others.sort_by_key(|other| !to.heard.contains(&(kind, at, *other)));
        for other in others.into_iter().take(usize::from(count)) {
            self.vote(kind, at, other, to);
        }
    }

    /// A correct one's is what it said; a faulty one's is nil.
    fn vote(self, kind: Kind, at: model::Round, sender: Member, to: &mut Replica) {
        let (node, place) = (self.state.node(sender), usize::from(at));
        let is_faulty = self.state.faulty.contains(sender);
        let statement = match kind {
            Kind::Prevote if is_faulty => self.chain.prevote(at, Cast::Nil),
            Kind::Prevote => self.chain.prevote(at, node.prevotes[place]),
            Kind::Precommit | Kind::Proposal if is_faulty => self.chain.precommit(at, Cast::Nil),
            Kind::Precommit | Kind::Proposal => self.chain.precommit(at, node.precommits[place]),
        };
        to.heard.insert((kind, at, sender));
        let vote = self.chain.committee.vote(member(sender), statement);
        to.give(Input::Vote(vote));
    }
}
