//! The public face of consensus: inputs in, outputs out, heights in sequence.
//!
//! Invariant: what an engine decides depends on its inputs alone; equal engines given equal inputs give equal outputs.
//! It is `Clone + Hash` in a canonical form, so that a search can branch and compare.
//! Who calls it: the replica, which performs or orders the outputs and feeds completions back. The height moves by
//! [`Input::NextHeight`] alone, which the replica gives after [`Output::Confirmed`]: until then nothing can be signed above a decision
//! whose result this node has not computed itself.
//! Errors: none. What others send wrongly is dropped, answered or proven; a host that breaks the order of heights is a panic.
//! Source: `docs/spec/consensus.md`.

mod holdings;
mod input;
mod next;
mod output;
mod receive;
mod status;

pub use holdings::{Holdings, NextHoldings};
pub use input::{
    BodyVerdict, GuardPosition, HeightStart, Input, Own, Parent, Resume, ResumedLock, TimerId,
    TimerKind, VotesWanted,
};
pub use next::NEXT_ROUNDS_MAX;
pub use output::{Alarm, BlockPart, DropReason, Event, Output, Publication};
pub use status::{Shortfall, Status, Wait};

use crate::driver::Driver;
use crate::message::{CommitCertificate, Proposal, Vote};
use crate::types::{BlockId, Hash32, Height, Now};
use next::NextHeight;

/// What an engine is for its whole life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// Hash of the canonical genesis.
    pub genesis_hash: Hash32,
    /// The feature gates that the program supports; a height under another one stays shut.
    pub supported: u64,
}

/// Consensus of one node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Engine {
    config: Config,
    driver: Driver,
    next: NextHeight,
    /// What decided the height before this one.
    last: Option<CommitCertificate>,
}

impl Engine {
    /// Opens the first height of this run: after genesis, after a restart, or after a snapshot.
    #[must_use]
    pub fn new(config: Config, start: HeightStart, now: Now) -> (Self, Vec<Output>) {
        let mut out = Vec::new();
        let driver = Driver::open(&config, start, now, &mut out);
        if !driver.is_halted() {
            driver.pull_votes(&mut out);
        }
        (
            Self {
                config,
                driver,
                next: NextHeight::default(),
                last: None,
            },
            out,
        )
    }

    /// The height that is open, decided or not.
    #[must_use]
    pub const fn height(&self) -> Height {
        self.driver.height()
    }

    /// The certificate that decided the open height, once there is one.
    #[must_use]
    pub fn decided(&self) -> Option<&CommitCertificate> {
        self.driver.decided()
    }

    /// Every vote of the open height that is kept, in order of round, kind and sender.
    pub fn votes(&self) -> impl Iterator<Item = &Vote> {
        self.driver.votes()
    }

    /// Where it stands, and everything that it waits for.
    #[must_use]
    pub fn status(&self) -> Status {
        self.driver.status()
    }

    /// Whether a proposal of the open height is one that is kept, or is kept already: two a round, of whose turn it is, in rounds
    /// that are not too far away. What else is signed is evidence at most, and its block need not be taken in.
    #[must_use]
    pub fn takes(&self, proposal: &Proposal) -> bool {
        proposal.height() == self.height() && self.driver.takes(proposal)
    }

    /// Whether anything of a block is remembered. Of such a block the host forgets nothing: what was judged or executed is not asked
    /// for again before it is decided. One that is not remembered is asked for like any other.
    #[must_use]
    pub fn knows_block(&self, id: BlockId) -> bool {
        self.driver.knows_block(id)
    }

    /// How many votes, proposals and blocks are kept, of this height and the next.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.driver.kept().saturating_add(self.next.count())
    }

    /// Takes one input to its end: everything it enables has happened when this returns.
    ///
    /// # Panics
    /// If the host gives a next height that does not follow a confirmed decision.
    pub fn step(&mut self, now: Now, input: Input) -> Vec<Output> {
        let mut out = Vec::new();
        self.take(now, input, &mut out);
        self.driver.settle(&mut out);
        out
    }

    fn take(&mut self, now: Now, input: Input, out: &mut Vec<Output>) {
        let driver = &mut self.driver;
        match input {
            Input::Proposal {
                proposal,
                received_us,
            } => self.proposal(*proposal, received_us, out),
            Input::Vote(vote) => self.vote(vote, out),
            Input::Polka(polka) => self.polka(polka, out),
            Input::Certificate(certificate) => self.certificate(certificate, out),
            Input::VotesWanted { from, wanted } => self.answer(from, &wanted, out),
            Input::Header(header) => driver.header(*header),
            Input::Body { id, verdict } => driver.body(id, verdict),
            Input::Executed { id, outcome } => driver.executed(id, outcome, out),
            Input::ExecutionFailed { id } => driver.execution_failed(id, out),
            Input::Built { round, header } => driver.built(round, *header, out),
            Input::OwnReleased(own) if own.statement().height() == driver.height() => {
                driver.own_released(own, now, out)
            }
            Input::OwnReleased(_) => {}
            Input::SignRefused { statement, reason } => {
                out.push(Output::Event(Event::SignRefused { statement, reason }))
            }
            Input::Timer(id) if id.height == driver.height() => driver.timer(id, out),
            Input::Timer(_) => {}
            Input::WorkDue => driver.work_due(out),
            Input::Diverged { id, certified, own } => {
                driver.halt(Alarm::OutcomeDiverged { id, certified, own }, out)
            }
            Input::NextHeight(start) => self.open_next(*start, now, out),
        }
    }

    fn open_next(&mut self, start: HeightStart, now: Now, out: &mut Vec<Output>) {
        let decided = self
            .driver
            .decided()
            .filter(|_| self.driver.is_confirmed())
            .cloned();
        let decided = decided.expect("the next height is given once this one is confirmed");
        assert_eq!(
            start.height,
            decided.height.next(),
            "heights come in sequence"
        );
        let parent = (start.parent.id, start.parent.outcome);
        assert_eq!(
            parent,
            (decided.id, decided.outcome),
            "the parent is what was decided"
        );
        self.driver = Driver::open(&self.config, start, now, out);
        self.last = Some(decided);
        self.replay(out);
    }
}

#[cfg(test)]
mod tests;
