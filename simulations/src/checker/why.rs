//! Why it is not moving: in a network that stands, what a correct node says of those it waits for is so, and nobody is named who has
//! done its part.
//!
//! Shape: the world says when nothing has moved for longer than any timer, and how each node really is; here the two are compared.
//! Source: `docs/spec/consensus.md`, "Why is it not moving".

use falaj_consensus::engine::Wait;
use falaj_consensus::round::Step;
use falaj_consensus::types::{Height, Round};
use falaj_node::core::{Cause, Missing, OwnCause, Why};

use super::Finding;
use crate::economy::node_of;
use crate::types::NodeIndex;

/// How a node really is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether its process runs.
    pub runs: bool,
    /// Whether it lies: about its height, or by giving its batches to some alone.
    pub lies: bool,
    /// Whether it diverged.
    pub diverged: bool,
    /// Whether it has no room.
    pub full: bool,
    /// Whether its program lacks a feature of its open height.
    pub shut: bool,
    /// Whether it is correct, and nothing keeps it from hearing, signing and answering.
    pub well: bool,
    /// Its open height.
    pub open: Height,
    /// Its round.
    pub round: Round,
    /// Its step.
    pub step: Step,
}

/// How the network really is, as far as one node's answer has to do with it.
pub struct Truth<'a> {
    /// Who answers.
    pub who: NodeIndex,
    /// Each node, in order.
    pub standings: &'a [Standing],
    /// Whether what is said between the two arrives, both ways and in time.
    pub joined: &'a [bool],
}

/// Whether a wait can last: whom the others are for, is over by itself.
#[must_use]
pub fn can_last(why: &Why) -> bool {
    match why.status.waits.first() {
        Some(Wait::Prevotes(_) | Wait::Precommits(_)) => true,
        Some(Wait::Work) => why.batches_held_up > 0,
        _ => false,
    }
}

impl Truth<'_> {
    /// Compares the answer of a node in a network that stands.
    pub fn judge(&self, why: &Why) -> Finding {
        for missing in &why.missing {
            let node = node_of(missing.validator);
            let node = node.filter(|node| node.position() < self.standings.len());
            let node = node.ok_or_else(|| format!("it waits for {missing:?}, who is nobody"))?;
            let fault = self.fault(why, node, missing);
            if let Some(fault) = fault {
                let truth = self.standings[node.position()];
                return Err(format!(
                    "it says {missing:?} and {fault}: {truth:?}; {why:?}"
                ));
            }
        }
        Ok(())
    }

    fn fault(&self, why: &Why, node: NodeIndex, missing: &Missing) -> Option<&'static str> {
        let (own, other) = (
            self.standings[self.who.position()],
            self.standings[node.position()],
        );
        let joined = self.joined[node.position()];
        let is_own = matches!(missing.cause, Cause::Own(_));
        if is_own != (node == self.who) {
            return Some("that is somebody else");
        }
        match missing.cause {
            Cause::Own(OwnCause::Diverged) => (!own.diverged).then_some("it has not diverged"),
            Cause::Own(OwnCause::UpgradeNeeded) => (!own.shut).then_some("it lacks no feature"),
            Cause::Own(OwnCause::DiskFull) => (!own.full).then_some("it has room"),
            Cause::Own(OwnCause::Signer(_)) => own.well.then_some("its signer is well"),
            Cause::Own(OwnCause::BelowGuard) => None,
            Cause::Own(OwnCause::UnderWay) => Some("nothing is under way"),
            // Who lies may have cut the link, or have it cut.
            Cause::Unreachable => (other.well && joined).then_some("the two are connected"),
            Cause::Shunned => other.well.then_some("it is well"),
            Cause::Behind(height) => {
                let stands_there = other.open == height.next() || !other.well;
                (!stands_there && joined).then_some("it is not there")
            }
            Cause::Ahead(height) => {
                (other.open <= height && !other.lies).then_some("it has not decided that")
            }
            Cause::Silent => {
                let has_done = self.has_done(why, &other);
                (other.well && joined && has_done).then_some("it has done its part")
            }
        }
    }

    /// Whether a node has said what is waited for, at the place of who waits.
    fn has_done(&self, why: &Why, other: &Standing) -> bool {
        let status = &why.status;
        let here = (other.open, other.round) == (status.height, status.round);
        match status.waits.first() {
            Some(Wait::Prevotes(_)) => here && other.step >= Step::Prevote,
            Some(Wait::Precommits(_)) => here && other.step >= Step::Precommit,
            // Who lacks a batch that its author keeps from it cannot acknowledge it.
            Some(Wait::Work) => {
                let all_give = self.standings.iter().all(|standing| !standing.lies);
                other.open == status.height && all_give
            }
            _ => false,
        }
    }
}
