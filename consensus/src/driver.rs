//! One height from its start to its decision: joins the round rules with votes, proposals and blocks.
//!
//! Invariant: after each input the rules run to a fixpoint in the order of [`rules`], decide first, so no order of arrival loses a rule
//! that is enabled and one event never hides another. An own message counts when its signature was released, on the path of everybody's.
//! Bounds: those of [`crate::vote_keeper`], [`proposals`] and [`blocks`].
//! Who calls it: [`crate::engine::Engine`] alone. Errors: none; what cannot be used is dropped with an event.
//! Source: Buchman, Kwon, Milosevic (2018), algorithm 1; `docs/spec/consensus.md`.

mod blocks;
mod context;
mod own;
mod proposals;
mod receive;
mod relay;
mod resume;
mod rules;
mod status;
mod wants;

pub use blocks::{BLOCKS_MAX, OVERLAYS_MAX};
pub use context::HeightContext;

use crate::engine::{
    Alarm, Config, Event, GuardPosition, HeightStart, Holdings, NextHoldings, Output, TimerId,
    TimerKind,
};
use crate::message::{CommitCertificate, Polka, Statement, Vote};
use crate::round::{RoundState, Step};
use crate::types::{BlockId, Height, Now, Round};
use crate::vote_keeper::VoteKeeper;

use blocks::Blocks;
use own::OwnStatements;
use proposals::Proposals;

/// One height.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Driver {
    context: HeightContext,
    state: RoundState,
    votes: VoteKeeper,
    proposals: Proposals,
    blocks: Blocks,
    own: OwnStatements,
    /// A proposal of ours that waits for its block: a re-proposal, or an intent that a restart found.
    waiting: Option<Statement>,
    ticking: bool,
    /// Somebody showed to have more than we do, and no tick has pulled since.
    behind: bool,
    halted: bool,
    confirmed: bool,
    /// The last round for which the alarm over an invalid polka was raised.
    prevoted_invalid: Option<Round>,
}

impl Driver {
    /// Opens a height: enters round 0, or goes on where the guard stands. One under a feature gate that the program lacks stays shut.
    #[must_use]
    pub fn open(config: &Config, start: HeightStart, now: Now, out: &mut Vec<Output>) -> Self {
        let context = HeightContext::new(config.genesis_hash, &start);
        let lacking = start.features & !config.supported;
        let mut driver = Self {
            state: RoundState::new(),
            votes: VoteKeeper::new(start.set),
            proposals: Proposals::default(),
            blocks: Blocks::default(),
            own: OwnStatements::new(&start.guard),
            waiting: None,
            ticking: false,
            behind: false,
            halted: false,
            confirmed: false,
            prevoted_invalid: None,
            context,
        };
        if lacking != 0 && !mutated!(GatePassedUnsupported) {
            driver.stay_shut(start.features, lacking, out);
            return driver;
        }
        match start.guard {
            GuardPosition::Here(resume) => driver.resume(*resume, now, out),
            GuardPosition::Below | GuardPosition::Above(_) => {
                driver.enter(Round::new(0), out);
                let heartbeat_ns = driver.context.parameters.heartbeat_ns();
                driver.start_timer(TimerKind::Heartbeat, heartbeat_ns, out);
                driver.ask_again_for_recorded_votes(|_| true, out);
            }
        }
        driver.settle(out);
        driver
    }

    fn stay_shut(&mut self, features: u64, lacking: u64, out: &mut Vec<Output>) {
        let height = self.context.height;
        let alarm = Alarm::GatesLacking {
            height,
            features,
            lacking,
        };
        self.halt(alarm, out);
    }

    /// The height.
    #[must_use]
    pub const fn height(&self) -> Height {
        self.context.height
    }

    /// The certificate that decided, once there is one.
    #[must_use]
    pub fn decided(&self) -> Option<&CommitCertificate> {
        self.votes.certificate().filter(|_| self.state.is_decided())
    }

    /// Every vote that is kept, in order of round, kind and sender.
    pub fn votes(&self) -> impl Iterator<Item = &Vote> {
        self.votes.all_votes()
    }

    /// Whether own execution agreed with the decision.
    #[must_use]
    pub const fn is_confirmed(&self) -> bool {
        self.confirmed
    }

    /// Whether the height is halted for good.
    #[must_use]
    pub const fn is_halted(&self) -> bool {
        self.halted
    }

    /// A timer of this height ran out.
    pub fn timer(&mut self, id: TimerId, out: &mut Vec<Output>) {
        if self.halted || self.state.is_decided() {
            return;
        }
        match id.kind {
            TimerKind::Propose | TimerKind::Prevote | TimerKind::Precommit => {
                self.time_out(id, out)
            }
            TimerKind::Tick if mutated!(NoRetransmitTick) => {}
            TimerKind::Tick => self.tick(out),
            TimerKind::Heartbeat if mutated!(NoHeartbeat) => {}
            TimerKind::Heartbeat => self.begin(out),
        }
    }

    /// Round 0 need not wait any longer.
    pub fn work_due(&mut self, out: &mut Vec<Output>) {
        if !self.halted {
            self.begin(out);
        }
    }

    /// Whether anything of a block is remembered: its header, its verdict, its outcome, or that it was asked for.
    #[must_use]
    pub fn knows_block(&self, id: BlockId) -> bool {
        self.blocks.is_known(id)
    }

    /// How many votes, proposals and blocks are kept.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.votes
            .count()
            .saturating_add(self.proposals.count())
            .saturating_add(self.blocks.count())
    }

    /// What is kept for others; of the next height nothing is here.
    #[must_use]
    pub fn holdings(&self) -> Holdings {
        let votes = self.votes.all_votes();
        Holdings {
            height: self.context.height,
            round: self.state.round(),
            locked: self.state.locked().map(|lock| lock.round),
            valid: self.state.valid().map(|valid| valid.round),
            votes: votes
                .map(|vote| (vote.round, vote.value.kind(), vote.validator))
                .collect(),
            proposals: self.proposals.senders().collect(),
            polkas: self.votes.polkas().map(|polka| polka.round).collect(),
            certificates: self.votes.certificates(),
            offences: self.votes.offences(),
            blocks: self.blocks.count(),
            overlays: self.blocks.overlays(),
            next: NextHoldings::default(),
        }
    }

    /// Stops the height for good.
    pub fn halt(&mut self, alarm: Alarm, out: &mut Vec<Output>) {
        self.halted = true;
        out.push(Output::Alarm(alarm));
    }

    /// Runs everything that the last input may have enabled.
    pub fn settle(&mut self, out: &mut Vec<Output>) {
        self.run_rules(out);
        if !self.halted {
            self.go_on(out);
        }
        self.forget_useless_blocks();
    }

    fn go_on(&mut self, out: &mut Vec<Output>) {
        self.report_invalid_polka(out);
        self.sign_waiting(out);
        self.ask_for_blocks(false, out);
        self.start_executions(out);
        self.confirm(out);
        self.keep_ticking(out);
    }

    /// Enters a round (11).
    fn enter(&mut self, round: Round, out: &mut Vec<Output>) {
        let proposer = self.context.signs && self.context.is_own_turn(round);
        let Some(actions) = self
            .state
            .apply(crate::round::Input::StartRound { round, proposer })
        else {
            return;
        };
        self.waiting = None;
        self.move_window(round);
        let (height, turn) = (self.context.height, self.context.proposer(round));
        out.push(Output::Event(Event::RoundStarted {
            height,
            round,
            proposer: turn,
        }));
        self.perform(actions, out);
    }

    fn move_window(&mut self, round: Round) {
        let pinned = [
            self.state.locked().map(|lock| lock.round),
            self.state.valid().map(|valid| valid.round),
        ];
        let pinned: Vec<_> = pinned.into_iter().flatten().collect();
        self.votes.advance(round, &pinned);
        self.proposals.advance(round);
        self.own.advance(round);
    }

    /// Compares own execution with the decision; only then may the next height be opened.
    fn confirm(&mut self, out: &mut Vec<Output>) {
        let Some(certificate) = self.decided().filter(|_| !self.confirmed) else {
            return;
        };
        let (id, certified) = (certificate.id, certificate.outcome);
        match self.blocks.outcome(id) {
            None => {}
            Some(own) if own == certified => {
                self.confirmed = true;
                out.push(Output::Confirmed {
                    height: self.context.height,
                    id,
                    outcome: own,
                });
            }
            Some(own) => self.halt(Alarm::OutcomeDiverged { id, certified, own }, out),
        }
    }

    fn start_timer(&self, kind: TimerKind, duration_ns: u64, out: &mut Vec<Output>) {
        let round = match kind {
            TimerKind::Propose | TimerKind::Prevote | TimerKind::Precommit => self.state.round(),
            TimerKind::Tick | TimerKind::Heartbeat => Round::new(0),
        };
        let id = TimerId {
            height: self.context.height,
            round,
            kind,
        };
        out.push(Output::StartTimer { id, duration_ns });
    }

    fn step_changed(&self, step: Step, out: &mut Vec<Output>) {
        let (height, round) = (self.context.height, self.state.round());
        out.push(Output::Event(Event::StepChanged {
            height,
            round,
            step,
        }));
    }

    /// The polka behind the lock, which a locked, undecided node pushes.
    fn lock_polka(&self) -> Option<&Polka> {
        self.state
            .locked()
            .and_then(|lock| self.votes.polka_for(lock.round, lock.id))
    }
}
