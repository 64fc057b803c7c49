//! What the oracles are shown, and the marks that it hits.

use std::collections::BTreeSet;

use falaj_consensus::engine::{Event as Consensus, TimerKind};
use falaj_consensus::message::{Evidence, Kind, Statement};
use falaj_consensus::round::Step;
use falaj_consensus::types::{Height, Round};
use falaj_consensus::validator_set::ValidatorSet;
use falaj_ledger::event::EventKind;
use falaj_ledger::rejection::Rejection;
use falaj_ledger::state::State;
use falaj_node::core::{Committed, Event, Frame, Message};

use super::World;
use crate::checker::{Moment, Observation};
use crate::disk::DiskDials;
use crate::marks::Mark;
use crate::timers::Punctuality;
use crate::types::NodeIndex;

/// From where on a wall clock counts as off.
const OFF_US: u64 = 10_000;

/// What stands for what a transaction meets.
const REJECTIONS: [(Rejection, Mark); 10] = [
    (Rejection::Exists, Mark::DuplicatePayment),
    (Rejection::ExistsDifferent, Mark::Rival),
    (Rejection::FailedBefore, Mark::DuplicatePayment),
    (Rejection::InsufficientFunds, Mark::FailedPayment),
    (Rejection::Expired, Mark::Expired),
    (Rejection::Role, Mark::Stranger),
    (Rejection::IssuanceCap, Mark::CapReached),
    (Rejection::Quorum, Mark::TooFewApprovals),
    (Rejection::StepTooLarge, Mark::StepTooLarge),
    (Rejection::ChangeUnderWay, Mark::ChangeUnderWay),
];

impl World {
    /// Shows something to every oracle.
    pub(super) fn observe(&mut self, place: NodeIndex, observation: Observation<'_>) {
        self.write_seen(place, &observation);
        let at = self.now();
        self.motion.sees(at, &observation);
        let clock = self.nodes[place.position()].now(at);
        let when = Moment { at, clock };
        self.judge.observe(when, place, &self.registry, observation);
    }

    pub(super) fn mark_statement(&mut self, place: NodeIndex, statement: &Statement) {
        if self.is_lying(place) {
            return;
        }
        let node = &mut self.nodes[place.position()];
        let later = node.course.signed(statement);
        let is_off = node.clock.offset_us.unsigned_abs() >= OFF_US;
        let marks = &mut self.marks;
        marks.hit_if(later, Mark::SignedLater);
        marks.hit_if(statement.round() >= Round::new(3), Mark::RoundThree);
        match statement {
            Statement::Proposal { valid_round, .. } => {
                marks.hit_if(valid_round.is_some(), Mark::Reproposal);
                marks.hit_if(is_off, Mark::ClockOffset);
            }
            Statement::Prevote { value, .. } => {
                let again = value.is_some_and(|value| value.valid_round.is_some());
                marks.hit_if(again, Mark::PrevoteAgain);
            }
            Statement::Precommit { value, .. } => {
                marks.hit_if(value.is_none(), Mark::NilPrecommit);
            }
        }
    }

    pub(super) fn mark_timer(&mut self, drifts: bool, punctuality: Punctuality) {
        self.marks.hit_if(drifts, Mark::ClockDrift);
        match punctuality {
            Punctuality::Early => self.marks.hit(Mark::EarlyTimer),
            Punctuality::Right => {}
            Punctuality::Late => self.marks.hit(Mark::LateTimer),
        }
    }

    pub(super) fn mark_sync(&mut self, sync_ns: u64) {
        let is_slow = sync_ns > DiskDials::CALM.sync_cap_ns;
        self.marks.hit_if(is_slow, Mark::SlowDisk);
    }

    pub(super) fn mark_received(&mut self, frame: &Frame) {
        match &frame.message {
            Some(Message::Blocks(blocks)) => {
                self.marks.hit_if(!blocks.is_empty(), Mark::CatchUp);
            }
            Some(Message::GetBatches { .. }) => self.marks.hit(Mark::BatchFetched),
            _ => {}
        }
    }

    pub(super) fn mark_committed(&mut self, committed: &Committed) {
        let marks = &mut self.marks;
        marks.hit_if(
            committed.certificate.round > Round::new(0),
            Mark::LaterRound,
        );
        marks.hit_if(committed.transactions.is_empty(), Mark::EmptyBlock);
        marks.hit_if(
            !committed.executed.state.bench().entries().is_empty(),
            Mark::Benched,
        );
        let height = committed.header.height;
        let set = committed.executed.state.validators_at(height);
        let mut powers = set.members().iter().map(|member| member.power);
        let first = powers.next();
        let unequal = powers.any(|power| Some(power) != first);
        marks.hit_if(unequal, Mark::UnequalPowers);
        marks.hit_if(committed.header.features != 0, Mark::GatePassed);
        let parameters = committed.executed.state.parameters_at(height);
        let most = parameters.limits.block_transactions_max;
        marks.hit_if(committed.header.transactions == most, Mark::FullBlock);
        for receipt in &committed.executed.receipts {
            if let Some(rejection) = receipt.verdict.rejection() {
                self.mark_rejection(rejection);
            }
        }
        for event in &committed.executed.events {
            let mark = match event.kind {
                EventKind::AccountOpened { .. } => Mark::AccountOpened,
                EventKind::Issued { .. } => Mark::Issued,
                EventKind::Redeemed { .. } => Mark::Redeemed,
                EventKind::Vetoed { .. } => Mark::Vetoed,
                EventKind::ValidatorsChanged { .. } => {
                    self.mark_set_change(&committed.executed.state);
                    Mark::SetChanged
                }
                EventKind::OffenceProven { .. } => Mark::EvidenceCommitted,
                EventKind::GateScheduled { .. } => Mark::GateScheduled,
                EventKind::ParametersChanged { .. } => Mark::ParametersChanged,
                EventKind::Transferred { .. }
                | EventKind::Proposed { .. }
                | EventKind::Approved { .. }
                | EventKind::GateWithdrawn { .. } => continue,
            };
            self.marks.hit(mark);
        }
    }

    /// What the last change of the set was.
    fn mark_set_change(&mut self, state: &State) {
        let sets: Vec<_> = state.validator_sets().map(|(_, set)| set).collect();
        let [.., before, after] = &sets[..] else {
            return;
        };
        let power = |set: &ValidatorSet, id| {
            let place = set.index_of(id)?;
            set.get(place).map(|member| member.power)
        };
        let marks = &mut self.marks;
        for member in before.members() {
            let now = power(after, member.id);
            marks.hit_if(now.is_none(), Mark::MemberLeft);
            let other = now.is_some_and(|now| now != member.power);
            marks.hit_if(other, Mark::Reweighed);
            let place = after.index_of(member.id);
            let key = place.and_then(|place| after.get(place)).map(|now| &now.key);
            let rotated = key.is_some_and(|key| *key != member.key);
            marks.hit_if(rotated, Mark::KeyRotated);
        }
        let mut ids = after.members().iter().map(|member| member.id);
        let is_new = ids.any(|id| before.index_of(id).is_none());
        marks.hit_if(is_new, Mark::MemberReturned);
        let is_cut = self.is_cut();
        self.marks.hit_if(is_cut, Mark::ChangeWhileCut);
    }

    /// What a transaction met.
    pub(super) fn mark_rejection(&mut self, rejection: Rejection) {
        let mark = REJECTIONS.iter().find(|(known, _)| *known == rejection);
        if let Some((_, mark)) = mark {
            self.marks.hit(*mark);
        }
    }

    pub(super) fn mark_event(&mut self, place: NodeIndex, event: &Event) {
        let mark = match event {
            Event::Consensus(event) => {
                let skipped = self.nodes[place.position()].course.follow(event);
                self.marks.hit_if(skipped, Mark::RoundSkipped);
                consensus_mark(event)
            }
            Event::Diverged(_) => Some(Mark::Diverged),
            Event::GatesLacking(_) => Some(Mark::GateRefused),
            Event::Evidence(evidence) => Some(match **evidence {
                Evidence::DoubleProposal(..) => Mark::DoubleProposal,
                Evidence::DoublePrevote(..)
                | Evidence::DoublePrecommit(..)
                | Evidence::Amnesia(..) => Mark::DoubleVote,
            }),
            Event::Voted(_) | Event::Alarm(_) | Event::StoreBehind { .. } => None,
            Event::PeerFault { peer, .. } => {
                let apart = self.are_on_two_chains(place, *peer);
                self.marks.hit_if(apart, Mark::OtherGenesis);
                Some(Mark::PeerFault)
            }
            Event::PeerLimited { .. } => Some(Mark::PeerLimited),
        };
        if let Some(mark) = mark {
            self.marks.hit(mark);
        }
    }
}

const fn consensus_mark(event: &Consensus) -> Option<Mark> {
    match event {
        Consensus::Locked(_) => Some(Mark::Locked),
        Consensus::RoundBegun { .. } => Some(Mark::IdleStart),
        Consensus::TimedOut(timer) => match timer.kind {
            TimerKind::Propose => Some(Mark::ProposeTimeout),
            TimerKind::Prevote => Some(Mark::PrevoteTimeout),
            TimerKind::Precommit => Some(Mark::PrecommitTimeout),
            TimerKind::Tick | TimerKind::Heartbeat => None,
        },
        Consensus::StepChanged {
            step: Step::Propose | Step::Prevote | Step::Precommit,
            ..
        }
        | Consensus::RoundStarted { .. }
        | Consensus::ValidValue { .. }
        | Consensus::SignRefused { .. }
        | Consensus::Dropped { .. } => None,
    }
}

/// What a process has reported so far, as far as marks need it.
#[derive(Debug, Default)]
pub(super) struct Course {
    refused: BTreeSet<(Height, Round, Kind)>,
    round: Option<(Height, Round)>,
    timed_out: Option<(Height, Round)>,
}

impl Course {
    /// Follows an event; whether it shows that a round was skipped to.
    fn follow(&mut self, event: &Consensus) -> bool {
        match event {
            Consensus::SignRefused { statement, .. } => {
                self.refused.insert(statement.position());
                false
            }
            Consensus::TimedOut(timer) if timer.kind == TimerKind::Precommit => {
                self.timed_out = Some((timer.height, timer.round));
                false
            }
            Consensus::RoundStarted { height, round, .. } => {
                let before = self.round.replace((*height, *round));
                let here = before.filter(|(before, _)| before == height);
                let by_time = round.previous().map(|before| (*height, before));
                here.is_some() && self.timed_out != by_time
            }
            Consensus::TimedOut(_)
            | Consensus::RoundBegun { .. }
            | Consensus::StepChanged { .. }
            | Consensus::Locked(_)
            | Consensus::ValidValue { .. }
            | Consensus::Dropped { .. } => false,
        }
    }

    /// Whether a statement had been refused before.
    fn signed(&mut self, statement: &Statement) -> bool {
        self.refused.remove(&statement.position())
    }
}
