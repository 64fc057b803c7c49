//! A restart in the middle of a height: the guard's record is loaded, nothing is replayed.
//!
//! Invariant: the node goes on after the last recorded step, locked as recorded, and says again only what it had signed or recorded.
//! The valid value is the lock; what others said comes again from them.
//! Source: `docs/spec/consensus.md`, "Restart loads, it does not replay".

use super::Driver;
use crate::engine::{Event, Output, Own, Resume};
use crate::message::{Kind, Statement};
use crate::round::{Locked, RoundState, RoundTimer, Step};
use crate::types::{Now, Round};

impl Driver {
    pub(super) fn resume(&mut self, resume: Resume, now: Now, out: &mut Vec<Output>) {
        let locked = resume.lock.as_ref().map(|lock| Locked {
            round: lock.polka.round,
            id: lock.value.id,
            outcome: lock.value.outcome,
        });
        self.state = RoundState::resumed(
            resume.round,
            step_of(resume.kind),
            self.is_turn(resume.round),
            locked,
        );
        self.move_window(resume.round);
        if let Some(lock) = resume.lock {
            self.votes.load_polka(lock.polka);
        }
        let (height, round, proposer) = (
            self.context.height,
            resume.round,
            self.context.proposer(resume.round),
        );
        out.push(Output::Event(Event::RoundStarted {
            height,
            round,
            proposer,
        }));
        self.step_changed(self.state.step(), out);
        self.say_again(resume.own, resume.intent, now, out);
        if self.state.step() == Step::Propose {
            self.start_round_timer(RoundTimer::Propose, out);
        }
    }

    fn say_again(
        &mut self,
        own: Vec<Own>,
        intent: Option<Statement>,
        now: Now,
        out: &mut Vec<Output>,
    ) {
        let released: Vec<_> = own.iter().map(Own::statement).collect();
        for message in own {
            self.own_released(message, now, out);
        }
        self.ask_again_for_recorded_votes(
            |vote| !released.contains(vote) && intent != Some(*vote),
            out,
        );
        match intent {
            None => {}
            Some(proposal @ Statement::Proposal { .. }) => self.waiting = Some(proposal),
            Some(vote @ (Statement::Prevote { .. } | Statement::Precommit { .. })) => {
                self.sign(vote, out)
            }
        }
    }

    /// The votes that the guard recorded may be what a quorum lacks, and are no new ones. A proposal is passed over: rounds go on without it.
    pub(super) fn ask_again_for_recorded_votes(
        &self,
        wanted: impl Fn(&Statement) -> bool,
        out: &mut Vec<Output>,
    ) {
        let votes = self
            .own
            .statements()
            .filter(|statement| statement.kind() != Kind::Proposal && wanted(statement));
        for vote in votes {
            self.ask_guard(*vote, out);
        }
    }

    /// Whether our key may say it: anything while the guard is not above the height, else what it recorded there.
    pub(super) fn may_say(&self, statement: &Statement) -> bool {
        self.context.signs || self.own.is_asked(statement)
    }

    fn is_turn(&self, round: Round) -> bool {
        self.context.signs && self.context.is_own_turn(round)
    }
}

const fn step_of(kind: Kind) -> Step {
    match kind {
        Kind::Proposal => Step::Propose,
        Kind::Prevote => Step::Prevote,
        Kind::Precommit => Step::Precommit,
    }
}
