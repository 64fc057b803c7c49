//! The worst schedule: somebody who sees all that is sent, and all timers, and chooses when each message arrives, within a bound.
//!
//! He wants heights not to be decided, and draws for each round how: see [`aim`]. What would give its recipient a quorum that he grants
//! it not comes just after the recipient's timer, or as late as may be; what helps who is behind always takes that long; all else,
//! votes for nil before all, goes through at once.
//! Invariant: nothing is lost or made up by him, and no message takes longer than the bound beyond its link's own time; what he chooses is
//! a function of what has happened. From when the network stabilises on, the shorter bound holds, for what was sent before it too.
//! Shape and units: two bounds, in nanoseconds; heights long gone are forgotten.
//! Source: Dwork, Lynch, Stockmeyer, "Consensus in the Presence of Partial Synchrony" (1988), section 2.

mod aim;
mod heard;

use std::collections::BTreeMap;

use falaj_consensus::engine::{TimerId, TimerKind};
use falaj_consensus::message::{Kind, Vote};
use falaj_consensus::types::{Height, Round, ValidatorIndex};
use falaj_node::core::{Frame, Message};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::aim::Aims;
use self::heard::{At, Heard};
use crate::chance::Chance;
use crate::types::{NodeIndex, SimTime};

/// How soon after a timer something arrives that was to come too late for it.
const TOO_LATE_NS: u64 = 1_000;

/// How long messages may be held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleDials {
    /// Until the network stabilises.
    pub hold_ns: u64,
    /// After that.
    pub delta_ns: u64,
}

/// When a message may arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// At the earliest then; its link adds the least that it takes.
    pub at: SimTime,
    /// Whether that keeps a quorum from its recipient for a while.
    pub keeps_quorum: bool,
}

/// Who chooses, and what he has seen.
#[derive(Debug)]
pub struct Schedule {
    dials: ScheduleDials,
    /// When the network stabilises, if that is known.
    stable_at: Option<SimTime>,
    aims: Aims,
    heard: Heard,
    timers: BTreeMap<At, SimTime>,
}

impl Schedule {
    /// Somebody who has seen nothing yet.
    #[must_use]
    pub fn new(
        chance: Chance,
        validators: u16,
        dials: ScheduleDials,
        stable_at: Option<SimTime>,
    ) -> Self {
        Self {
            dials,
            stable_at,
            aims: Aims::new(chance, validators),
            heard: Heard::new(validators),
            timers: BTreeMap::new(),
        }
    }

    /// The network has stabilised: from now on he may hold messages back for less.
    pub const fn stabilise(&mut self, now: SimTime) {
        self.stable_at = Some(now);
    }

    /// A node started a timer, which runs out then.
    pub fn timer(&mut self, node: NodeIndex, id: TimerId, due: SimTime) {
        self.heard.reached(id.height);
        let kind = match id.kind {
            TimerKind::Propose => Kind::Proposal,
            TimerKind::Prevote => Kind::Prevote,
            TimerKind::Precommit => Kind::Precommit,
            TimerKind::Tick | TimerKind::Heartbeat => return,
        };
        self.timers = self.timers.split_off(&self.heard.oldest());
        self.timers.insert((id.height, node, id.round, kind), due);
    }

    /// A node has said something: its own votes it has heard itself. Whether one has now locked alone in a round.
    pub fn said(&mut self, now: SimTime, node: NodeIndex, frame: &Frame) -> bool {
        let own = |vote: &&Vote| vote.validator == ValidatorIndex::new(node.get());
        let mut alone = false;
        for vote in votes_of(frame).iter().filter(own) {
            alone |= self.heard.said(node, vote, now);
        }
        alone
    }

    /// A message will reach a node.
    pub fn reaches(&mut self, to: NodeIndex, frame: &Frame, at: SimTime) {
        for vote in votes_of(frame) {
            self.heard.hear(to, vote, at);
        }
    }

    /// When a message that is sent now may arrive.
    #[must_use]
    pub fn arrival(&self, now: SimTime, to: NodeIndex, frame: &Frame) -> Arrival {
        match &frame.message {
            Some(Message::Votes(votes)) => self.votes(now, to, votes),
            Some(Message::Polka(polka)) => {
                let (height, round) = (polka.height, polka.round);
                let granted = self.aims.of(height, round).grants(Kind::Prevote, to);
                self.quorum(now, (height, to, round, Kind::Prevote), granted)
            }
            Some(Message::Certificate(certificate)) => {
                let (height, round) = (certificate.height, certificate.round);
                let granted = self.aims.of(height, round).grants(Kind::Precommit, to);
                self.quorum(now, (height, to, round, Kind::Precommit), granted)
            }
            Some(Message::Proposal(bundle)) => {
                let (height, round) = (bundle.proposal.height(), bundle.proposal.round);
                let granted = self.aims.of(height, round).grants(Kind::Proposal, to);
                let chosen = self.quorum(now, (height, to, round, Kind::Proposal), granted);
                Arrival {
                    keeps_quorum: false,
                    ..chosen
                }
            }
            Some(
                Message::Block { .. }
                | Message::Blocks(_)
                | Message::GetBlock { .. }
                | Message::GetBlocks { .. }
                | Message::GetBatches { .. }
                | Message::GetSnapshot(_)
                | Message::Snapshot(_),
            ) => Arrival {
                at: self.last(now),
                keeps_quorum: false,
            },
            Some(Message::PullVotes { .. } | Message::Batch(_) | Message::Evidence(_)) | None => {
                Arrival::at_once(now)
            }
        }
    }

    /// Votes that travel together arrive as late as the worst of them.
    fn votes(&self, now: SimTime, to: NodeIndex, votes: &[Vote]) -> Arrival {
        let completing = votes
            .iter()
            .filter(|vote| self.heard.completes(now, to, vote, votes));
        let chosen = completing.map(|vote| {
            let kind = vote.statement().kind();
            let granted = self.aims.of(vote.height, vote.round).grants(kind, to);
            self.quorum(now, (vote.height, to, vote.round, kind), granted)
        });
        chosen.fold(Arrival::at_once(now), Arrival::later)
    }

    /// At once, or too late for this timer.
    fn quorum(&self, now: SimTime, timer: At, granted: bool) -> Arrival {
        if granted {
            return Arrival::at_once(now);
        }
        let at = self.too_late(now, timer);
        Arrival {
            at,
            keeps_quorum: at > now,
        }
    }

    /// Just after a timer of the recipient's, if it runs, that is in time, and the round's aim is no worse; else as late as may be.
    fn too_late(&self, now: SimTime, timer: At) -> SimTime {
        let (height, _, round, _) = timer;
        let last = self.last(now);
        let due = self.timers.get(&timer).filter(|due| **due >= now);
        let due = due.filter(|_| !self.is_hidden_long(height, round));
        due.map_or(last, |due| due.after_ns(TOO_LATE_NS).min(last))
    }

    fn is_hidden_long(&self, height: Height, round: Round) -> bool {
        self.aims.of(height, round).hides_long()
    }

    /// As late as may be.
    fn last(&self, now: SimTime) -> SimTime {
        let ScheduleDials { hold_ns, delta_ns } = self.dials;
        let held = now.after_ns(hold_ns);
        let calm = self.stable_at.map(|at| at.max(now).after_ns(delta_ns));
        calm.map_or(held, |calm| calm.min(held))
    }
}

impl Arrival {
    const fn at_once(now: SimTime) -> Self {
        Self {
            at: now,
            keeps_quorum: false,
        }
    }

    fn later(self, other: Self) -> Self {
        Self {
            at: self.at.max(other.at),
            keeps_quorum: self.keeps_quorum || other.keeps_quorum,
        }
    }
}

fn votes_of(frame: &Frame) -> &[Vote] {
    match &frame.message {
        Some(Message::Votes(votes)) => votes,
        _ => &[],
    }
}

#[cfg(test)]
mod tests;
