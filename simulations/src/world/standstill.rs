//! When the network stands, and how each node really is: what the oracle of "why is it not moving" is told.
//!
//! Invariant: looking changes nothing of the run. Before a fault comes or ends, and at the end of what is owed, a network in which
//! nothing has moved for longer than any timer is asked why.
//! Source: `docs/spec/consensus.md`, "Why is it not moving".

use falaj_consensus::durable::LogId;
use falaj_consensus::engine::Event as Consensus;
use falaj_consensus::round::Step;
use falaj_consensus::types::{Height, Round};
use falaj_node::core::{Event, Why};
use std::collections::BTreeMap;

use super::World;
use super::node::{Node, Process};
use crate::checker::{Observation, Standing, Truth, can_last};
use crate::marks::Mark;
use crate::types::{NodeIndex, SimTime};

/// Ticks in which all is said again that was not heard.
const TICKS: u64 = 20;

/// When something last moved.
#[derive(Clone, Debug, Default)]
pub(super) struct Motion {
    /// A step, a height, a process, a fault.
    moved: SimTime,
    /// The same, or a batch was written.
    gave: SimTime,
    /// When two nodes found each other again, the lower first.
    found: BTreeMap<(NodeIndex, NodeIndex), SimTime>,
}

impl Motion {
    pub(super) fn moves(&mut self, at: SimTime) {
        (self.moved, self.gave) = (at, at);
    }

    /// Two nodes can tell each other all again.
    pub(super) fn finds(&mut self, at: SimTime, one: NodeIndex, other: NodeIndex) {
        self.found.insert(one.pair(other), at);
    }

    /// Whether two nodes that can hear each other have had this long for it.
    fn is_settled(&self, at: SimTime, one: NodeIndex, other: NodeIndex, ns: u64) -> bool {
        let found = self.found.get(&one.pair(other)).copied();
        at.get() - found.unwrap_or_default().get() >= ns
    }

    pub(super) fn sees(&mut self, at: SimTime, seen: &Observation<'_>) {
        let steps = |event: &Event| {
            matches!(
                event,
                Event::Consensus(
                    Consensus::StepChanged { .. }
                        | Consensus::RoundStarted { .. }
                        | Consensus::RoundBegun { .. }
                )
            )
        };
        match seen {
            Observation::Started { .. } | Observation::Committed(_) => self.moves(at),
            Observation::Reported(event) if steps(event) => self.moves(at),
            Observation::Appended {
                log: LogId::Batch, ..
            } => self.gave = at,
            Observation::Replayed(_)
            | Observation::Intended(_)
            | Observation::Released { .. }
            | Observation::Sent(_)
            | Observation::Received(_)
            | Observation::Appended { .. }
            | Observation::Durable { .. }
            | Observation::Reported(_)
            | Observation::Held { .. } => {}
        }
    }
}

impl World {
    /// Asks every correct node that runs why it is not moving, if the network stands.
    pub(crate) fn ask_why(&mut self) {
        let (at, long) = (self.now(), self.standstill_ns());
        let standings: Vec<_> = self.nodes.iter().map(|node| self.standing(node)).collect();
        let places: Vec<_> = self.nodes().collect();
        for place in places.iter().copied() {
            let silent = self.scenario.judged_by_nobody().contains(&place);
            let asleep = self.asleep.contains_key(&place);
            let Some(why) = self.answer(place).filter(|_| !silent && !asleep) else {
                continue;
            };
            let since = if why.batches_held_up > 0 {
                self.motion.gave
            } else {
                self.motion.moved
            };
            if at.get() - since.get() < long || !can_last(&why) {
                continue;
            }
            self.marks.hit(Mark::StoodStill);
            let joined = places
                .iter()
                .map(|other| self.hear_each_other(place, *other, long));
            let joined: Vec<_> = joined.collect();
            let truth = Truth {
                who: place,
                standings: &standings,
                joined: &joined,
            };
            if let Err(what) = truth.judge(&why) {
                self.judge.blame("why", at, place, what);
            }
        }
    }

    /// Whether two nodes do, and have done so for as long as it takes to say all again that was not heard.
    fn hear_each_other(&self, one: NodeIndex, other: NodeIndex, long: u64) -> bool {
        let clogged = [one, other]
            .iter()
            .any(|node| self.clogged.contains_key(node));
        let joined = self.network.are_joined(one, other)
            && self.motion.is_settled(self.now(), one, other, long);
        joined && !clogged && self.schedule.is_none()
    }

    fn answer(&self, place: NodeIndex) -> Option<Why> {
        let process = self.nodes[place.position()].process.as_ref()?;
        Some(process.replica.why())
    }

    /// Longer than any timer of the round that the last correct node is in, with room for what is said again, and for it to arrive.
    fn standstill_ns(&self) -> u64 {
        let parameters = self.scenario.slowest_parameters();
        let rounds = self.nodes.iter().filter_map(|node| {
            let process = node.process.as_ref()?;
            Some(process.replica.status().round)
        });
        let round = rounds.max().unwrap_or_default();
        let said_ns = parameters.propose_ns(round).saturating_mul(2) + TICKS * parameters.tick_ns();
        // Asked for, and answered.
        said_ns + 2 * self.network.longest_ns()
    }

    fn standing(&self, node: &Node) -> Standing {
        let place = node.place;
        let Some(process) = &node.process else {
            return Standing {
                runs: false,
                lies: self.is_lying(place),
                diverged: false,
                full: false,
                shut: false,
                well: false,
                open: Height::default(),
                round: Round::default(),
                step: Step::Propose,
            };
        };
        let status = process.replica.status();
        let (diverged, full) = (
            process.replica.diverged().is_some(),
            process.replica.is_full(),
        );
        let shut = process.replica.shut().is_some();
        let correct = !self.scenario.judged_by_nobody().contains(&place) && !node.is_elsewhere;
        let awake = !self.asleep.contains_key(&place);
        Standing {
            runs: true,
            lies: self.is_lying(place),
            diverged,
            full,
            shut,
            well: correct
                && awake
                && !diverged
                && !full
                && !shut
                && signs(node, process)
                && process.is_written(),
            open: status.height,
            round: status.round,
            step: status.step,
        }
    }
}

/// Whether what is asked of a node's signer is signed.
fn signs(node: &Node, process: &Process) -> bool {
    let Some(signer) = process.signer() else {
        return false;
    };
    let guard = signer.home().signer().guard();
    let free = guard.is_ok_and(|guard| {
        guard.latched().is_none() && guard.last().height <= process.replica.open_height()
    });
    free && node.token.is_well() && !signer.is_switched_off() && !node.shares_key
}

#[cfg(test)]
mod tests {
    use super::*;

    // A connection that is back moves nothing yet, and what was said while it was gone is not there at once: only these two have to wait.
    #[test]
    fn who_has_just_found_the_other_has_not_heard_it_yet() {
        let [one, other, third] = [0, 1, 2].map(NodeIndex::new);
        let at = |ns| SimTime::default().after_ns(ns);
        let mut motion = Motion::default();
        assert!(motion.is_settled(at(10), one, other, 10));
        motion.finds(at(7), other, one);
        for (now, settled) in [(7, false), (16, false), (17, true)] {
            assert_eq!(motion.is_settled(at(now), one, other, 10), settled, "{now}");
            assert_eq!(motion.is_settled(at(now), other, one, 10), settled);
        }
        assert!(motion.is_settled(at(16), one, third, 10));
    }
}
