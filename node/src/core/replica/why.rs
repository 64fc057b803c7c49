//! Why the open height is not moving: whom this node waits for, and what it knows of each.
//!
//! Invariant: nobody is named whose vote, proposal or acknowledgement is here, and a cause is what this node knows by itself:
//! that a peer says nothing is all that can be said of one that lies, stands still or cannot sign.
//! Source: `docs/spec/consensus.md`, "Why is it not moving".

use falaj_consensus::engine::{Status, Wait};
use falaj_consensus::mutated;
use falaj_consensus::types::{Height, SignRefusal, ValidatorId, ValidatorIndex};

use super::Replica;
use crate::core::input::Peer;

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// Where the engine stands and everything that it waits for.
    pub status: Status,
    /// Batches that too few validators hold to be named, while the height is idle.
    pub batches_held_up: usize,
    /// Whom the first of the waits is for, in order of validator; this node alone while it stands still and hears nobody.
    pub missing: Vec<Missing>,
}

/// A validator that is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Who.
    pub validator: ValidatorId,
    /// Its power.
    pub power: u64,
    /// What is known of it.
    pub cause: Cause,
}

/// What is known of a validator that is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It is this node.
    Own(OwnCause),
    /// It cannot be reached.
    Unreachable,
    /// It broke the protocol, and its link is cut for a time.
    Shunned,
    /// It states a decided height below the one before ours.
    Behind(Height),
    /// It has decided our height already: we are to catch up.
    Ahead(Height),
    /// It can be reached and stands where we stand; what is missing has not come from it.
    Silent,
}

/// Why this node's own part is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnCause {
    /// It computed another outcome than a quorum certified, and stands.
    Diverged,
    /// A log's disk is full.
    DiskFull,
    /// The height is under a feature gate that this program lacks.
    UpgradeNeeded,
    /// The last answer of its signer was a refusal.
    Signer(SignRefusal),
    /// Its guard is above the height, so nothing new is signed.
    BelowGuard,
    /// Nothing is wrong: it is under way, or not due yet.
    UnderWay,
}

impl Cause {
    /// Stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Own(OwnCause::Diverged) => "own_diverged",
            Self::Own(OwnCause::DiskFull) => "own_disk_full",
            Self::Own(OwnCause::UpgradeNeeded) => "own_upgrade_needed",
            Self::Own(OwnCause::Signer(_)) => "own_signer",
            Self::Own(OwnCause::BelowGuard) => "own_below_guard",
            Self::Own(OwnCause::UnderWay) => "own_under_way",
            Self::Unreachable => "unreachable",
            Self::Shunned => "shunned",
            Self::Behind(_) => "behind",
            Self::Ahead(_) => "ahead",
            Self::Silent => "silent",
        }
    }
}

impl Replica {
    /// Why the open height is not moving.
    #[must_use]
    pub fn why(&self) -> Why {
        let status = self.engine.status();
        let (batches_held_up, missing) = if self.stands_still() || self.shut().is_some() {
            (0, self.own_index().into_iter().collect())
        } else {
            self.waited_for(status.waits.first())
        };
        let set = self.open_set();
        // Who has no vote at the height asks for nobody's, so what does not come to it says nothing.
        let asks = self.own_index().is_some();
        let missing = missing.into_iter().filter_map(|index| {
            let member = set.get(index)?;
            let cause = self.cause(member.id);
            (asks || cause != Cause::Silent).then_some(Missing {
                validator: member.id,
                power: member.power.get(),
                cause,
            })
        });
        Why {
            status,
            batches_held_up,
            missing: missing.collect(),
        }
    }

    /// Whom a wait is for, and how many batches wait with it. The core of what is waited for is in the engine's answer.
    fn waited_for(&self, wait: Option<&Wait>) -> (usize, Vec<ValidatorIndex>) {
        match wait {
            Some(Wait::Work) => self.held_up(),
            Some(Wait::Proposal { from }) => (0, vec![*from]),
            Some(Wait::OwnProposal) => (0, self.own_index().into_iter().collect()),
            Some(Wait::Prevotes(_) | Wait::Precommits(_)) if mutated!(EverybodyIsWaitedFor) => {
                (0, self.open_set().indices().collect())
            }
            Some(Wait::Prevotes(short) | Wait::Precommits(short)) => (0, short.missing.clone()),
            Some(
                Wait::Polka { .. }
                | Wait::Header(_)
                | Wait::Body(_)
                | Wait::Execution(_)
                | Wait::NextHeight
                | Wait::Halted,
            )
            | None => (0, Vec::new()),
        }
    }

    fn cause(&self, validator: ValidatorId) -> Cause {
        if Some(validator) == self.config.validator {
            return Cause::Own(self.own_cause());
        }
        let open = self.open_height();
        let peer = Peer::of(validator);
        match peer.and_then(|peer| self.sync.reached_at(peer)) {
            None if peer.is_some_and(|peer| self.faults.is_shunned(peer)) => Cause::Shunned,
            None => Cause::Unreachable,
            Some(height) if height >= open => Cause::Ahead(height),
            Some(height) if height.next() < open => Cause::Behind(height),
            Some(_) => Cause::Silent,
        }
    }

    fn own_cause(&self) -> OwnCause {
        let open = self.open_height();
        let is_above = |guard: &falaj_hsm::Recovered| guard.last.height > open;
        let own = self.own_key(open).and_then(|key| self.guards.get(&key));
        if self.diverged.is_some() {
            OwnCause::Diverged
        } else if self.is_full() {
            OwnCause::DiskFull
        } else if self.shut().is_some() {
            OwnCause::UpgradeNeeded
        } else if let Some(reason) = self.refused {
            OwnCause::Signer(reason)
        } else if own.is_some_and(is_above) {
            OwnCause::BelowGuard
        } else {
            OwnCause::UnderWay
        }
    }
}
