//! The fixpoint: which facts are established, in which order they are offered to the round rules, and what the rules' actions become.
//!
//! Order: 49, 11 (end of the idle wait), 22, 28, 36, 44, 34, 47, 55. Decide first; then what this round still allows, in the order of
//! the paper's steps; a jump to a higher round last, so that a polka at hand is locked and precommitted before its round is left.
//! 44 comes before 34 so that no timer is started in a step that ends at once. The first rule that fires starts the order anew.
//! Source: `docs/spec/consensus.md`, "Processing".

use super::Driver;
use crate::engine::{Alarm, Event, Output, TimerId, TimerKind};
use crate::message::{Kind, PrecommitValue, PrevoteValue, Statement};
use crate::round::{Action, Input, Judgement, RoundTimer, Step, ValidValue};
use crate::types::{OutcomeHash, Round};

type Fact = fn(&Driver) -> Option<Input>;

const ORDER: [Fact; 9] = [
    Driver::fact_49,
    Driver::fact_11,
    Driver::fact_22,
    Driver::fact_28,
    Driver::fact_36,
    Driver::fact_44,
    Driver::fact_34,
    Driver::fact_47,
    Driver::fact_55,
];

impl Driver {
    /// Applies enabled rules until none is.
    pub(super) fn run_rules(&mut self, out: &mut Vec<Output>) {
        loop {
            self.check_quorums(out);
            if self.halted || self.state.is_decided() || !self.fire_first(out) {
                return;
            }
        }
    }

    /// 57, 61, 65: a timer of a round acts if round and step still match.
    pub(super) fn time_out(&mut self, id: TimerId, out: &mut Vec<Output>) {
        let input = match id.kind {
            TimerKind::Propose => Input::TimeoutPropose(id.round),
            TimerKind::Prevote => Input::TimeoutPrevote(id.round),
            TimerKind::Precommit => Input::TimeoutPrecommit(id.round),
            TimerKind::Tick | TimerKind::Heartbeat => return,
        };
        let Some(actions) = self.state.apply(input) else {
            return;
        };
        out.push(Output::Event(Event::TimedOut(id)));
        if id.kind == TimerKind::Precommit {
            self.report_split(id.round, out);
        }
        self.perform(actions, out);
    }

    /// 11: round 0 need not wait any longer.
    pub(super) fn begin(&mut self, out: &mut Vec<Output>) {
        if let Some(actions) = self.state.apply(Input::Work) {
            out.push(Output::Event(Event::RoundBegun {
                height: self.context.height,
            }));
            self.perform(actions, out);
        }
    }

    pub(super) fn perform(&mut self, actions: Vec<Action>, out: &mut Vec<Output>) {
        for action in actions {
            match action {
                Action::Propose(valid) => self.propose(valid, out),
                Action::Prevote(value) => self.prevote(value, out),
                Action::Precommit(value) => self.precommit(value, out),
                Action::StartTimer(timer) => self.start_round_timer(timer, out),
                Action::Enter(round) => self.enter(round, out),
                Action::Decide(_, outcome) => self.decide(outcome, out),
            }
        }
    }

    /// Signs a proposal that waited for its block, once the block is there and while its step lasts.
    pub(super) fn sign_waiting(&mut self, out: &mut Vec<Output>) {
        let Some(statement) = self.waiting else {
            return;
        };
        let is_there = statement
            .block()
            .is_some_and(|id| self.blocks.judgement(id) == Judgement::Valid);
        let lasts = self.state.step() == Step::Propose && self.state.round() == statement.round();
        if is_there && lasts && !self.state.is_decided() {
            self.waiting = None;
            self.sign(statement, out);
        }
    }

    /// Has the guard sign, with what justifies the statement.
    pub(super) fn sign(&mut self, statement: Statement, out: &mut Vec<Output>) {
        if !self.context.signs {
            return;
        }
        if !self.own.is_asked(&statement) {
            self.own.ask(statement);
        }
        self.ask_guard(statement, out);
    }

    pub(super) fn ask_guard(&self, statement: Statement, out: &mut Vec<Output>) {
        let polka = match statement {
            Statement::Proposal {
                id, valid_round, ..
            } => valid_round.and_then(|valid| self.votes.polka_for(valid, id)),
            Statement::Prevote { value, .. } => {
                value.and_then(|value| self.votes.polka_for(value.valid_round?, value.id))
            }
            Statement::Precommit { round, value, .. } => {
                value.and_then(|value| self.votes.polka_for(round, value.id))
            }
        };
        let polka = polka.map(|polka| Box::new(polka.clone()));
        out.push(Output::Sign { statement, polka });
    }

    /// Offers the established facts in order; the first rule that fires ends the attempt.
    fn fire_first(&mut self, out: &mut Vec<Output>) -> bool {
        let before = self.state.valid();
        for fact in ORDER {
            if let Some(actions) = fact(self).and_then(|input| self.state.apply(input)) {
                self.report_valid(before, out);
                self.perform(actions, out);
                return true;
            }
        }
        false
    }

    /// A quorum on an invalid or a contradicting value is an alarm and a halt, never a skip.
    fn check_quorums(&mut self, out: &mut Vec<Output>) {
        let Some(certificate) = self.votes.certificate().filter(|_| !self.halted) else {
            return;
        };
        if let Some(conflict) = self.votes.conflict() {
            let (first, second) = (Box::new(certificate.clone()), Box::new(conflict.clone()));
            self.halt(Alarm::ConflictingCertificates { first, second }, out);
        } else if self.blocks.judgement(certificate.id) == Judgement::Invalid {
            let certificate = Box::new(certificate.clone());
            self.halt(Alarm::InvalidValueCertified { certificate }, out);
        }
    }

    /// A quorum of prevotes on what is invalid here: no halt, yet somebody has to look.
    pub(super) fn report_invalid_polka(&mut self, out: &mut Vec<Output>) {
        let round = self.state.round();
        let Some(polka) = self
            .votes
            .polka(round)
            .filter(|_| self.prevoted_invalid != Some(round))
        else {
            return;
        };
        if self.blocks.judgement(polka.id) == Judgement::Invalid {
            out.push(Output::Alarm(Alarm::InvalidValuePrevoted {
                round,
                id: polka.id,
            }));
            self.prevoted_invalid = Some(round);
        }
    }

    fn report_split(&self, round: Round, out: &mut Vec<Output>) {
        if let Some((id, signers)) = self.votes.outcome_split(round) {
            let height = self.context.height;
            out.push(Output::Alarm(Alarm::OutcomeSplit {
                height,
                round,
                id,
                signers,
            }));
        }
    }

    fn report_valid(&self, before: Option<ValidValue>, out: &mut Vec<Output>) {
        if let Some(valid) = self.state.valid().filter(|valid| Some(*valid) != before) {
            out.push(Output::Event(Event::ValidValue {
                round: valid.round,
                id: valid.id,
            }));
        }
    }

    /// 14–19: the valid value again once its block is there, or a fresh block.
    fn propose(&mut self, valid: Option<ValidValue>, out: &mut Vec<Output>) {
        let (height, round) = (self.context.height, self.state.round());
        match valid {
            None => out.push(Output::Build { height, round }),
            Some(ValidValue {
                round: valid_round,
                id,
            }) => {
                let mut valid_round = Some(valid_round);
                if mutated!(ProposeWithOtherValidRound) {
                    valid_round = round.previous();
                }
                self.waiting = Some(Statement::Proposal {
                    height,
                    round,
                    id,
                    valid_round,
                });
            }
        }
    }

    fn prevote(&mut self, value: Option<PrevoteValue>, out: &mut Vec<Output>) {
        self.step_changed(Step::Prevote, out);
        let (height, round) = (self.context.height, self.state.round());
        self.sign(
            Statement::Prevote {
                height,
                round,
                value,
            },
            out,
        );
    }

    fn precommit(&mut self, value: Option<PrecommitValue>, out: &mut Vec<Output>) {
        self.step_changed(Step::Precommit, out);
        if value.is_some()
            && let Some(locked) = self.state.locked()
        {
            out.push(Output::Event(Event::Locked(locked)));
        }
        let (height, round) = (self.context.height, self.state.round());
        self.sign(
            Statement::Precommit {
                height,
                round,
                value,
            },
            out,
        );
    }

    pub(super) fn start_round_timer(&self, timer: RoundTimer, out: &mut Vec<Output>) {
        let (parameters, round) = (&self.context.parameters, self.state.round());
        let (kind, duration_ns) = match timer {
            RoundTimer::Propose => (TimerKind::Propose, parameters.propose_ns(round)),
            RoundTimer::Prevote => (TimerKind::Prevote, parameters.prevote_ns(round)),
            RoundTimer::Precommit => (TimerKind::Precommit, parameters.precommit_ns(round)),
        };
        self.start_timer(kind, duration_ns, out);
        if timer == RoundTimer::Precommit {
            self.push_polka(out);
        }
    }

    fn decide(&mut self, outcome: OutcomeHash, out: &mut Vec<Output>) {
        let certificate = self
            .votes
            .certificate()
            .expect("rule 49 fires on the kept certificate");
        assert_eq!(
            certificate.outcome, outcome,
            "what is decided is what is certified"
        );
        let (id, certificate) = (certificate.id, Box::new(certificate.clone()));
        self.waiting = None;
        self.blocks.forgive_failure(id);
        out.push(Output::Decided(certificate));
    }

    fn fact_49(&self) -> Option<Input> {
        let certificate = self.votes.certificate()?;
        let is_valid = self.blocks.judgement(certificate.id) == Judgement::Valid;
        is_valid.then_some(Input::Certificate {
            id: certificate.id,
            outcome: certificate.outcome,
        })
    }

    fn fact_11(&self) -> Option<Input> {
        let waits = !self.state.has_begun() && self.votes.has_hint(self.state.round());
        waits.then_some(Input::Work)
    }

    fn fact_22(&self) -> Option<Input> {
        let proposed = self.proposals.first(self.state.round())?;
        let judgement = if proposed.timely {
            self.blocks.judgement(proposed.id)
        } else {
            Judgement::Invalid
        };
        proposed
            .proposal
            .valid_round
            .is_none()
            .then_some(Input::Proposal {
                id: proposed.id,
                judgement,
            })
    }

    fn fact_28(&self) -> Option<Input> {
        let proposed = self.proposals.first(self.state.round())?;
        let polka = self
            .votes
            .polka_for(proposed.proposal.valid_round?, proposed.id)?;
        let judgement = self.blocks.judgement(proposed.id);
        Some(Input::ProposalAndPolka {
            id: proposed.id,
            valid_round: polka.round,
            judgement,
        })
    }

    fn fact_34(&self) -> Option<Input> {
        self.votes
            .has_prevotes_any(self.state.round())
            .then_some(Input::PrevotesAny)
    }

    fn fact_36(&self) -> Option<Input> {
        let mut round = self.state.round();
        if mutated!(PrecommitOnOlderPolka) {
            round = round.previous()?;
        }
        let id = self.votes.polka(round)?.id;
        let mut outcome = self.blocks.outcome(id);
        if mutated!(PrecommitBeforeExecution) {
            outcome = outcome.or(Some(self.context.parent.outcome));
        }
        let outcome = outcome?;
        let is_valid = self.blocks.judgement(id) == Judgement::Valid;
        is_valid.then_some(Input::PolkaValue { id, outcome })
    }

    fn fact_44(&self) -> Option<Input> {
        self.votes
            .has_prevotes_nil(self.state.round())
            .then_some(Input::PolkaNil)
    }

    fn fact_47(&self) -> Option<Input> {
        self.votes
            .has_precommits_any(self.state.round())
            .then_some(Input::PrecommitsAny)
    }

    fn fact_55(&self) -> Option<Input> {
        self.votes.higher_round().map(Input::HigherRound)
    }

    /// The block that `Built` gives is proposed if it was asked for in this step and nothing was proposed yet.
    pub(super) fn takes_built(&self, round: Round) -> bool {
        let (step, proposer) = (self.state.step(), self.state.is_proposer());
        let is_open = self.own.at(round, Kind::Proposal).is_none() && self.waiting.is_none();
        round == self.state.round()
            && step == Step::Propose
            && proposer
            && self.state.has_begun()
            && is_open
    }
}
