//! What becomes of a peer that sends what no correct node sends.
//!
//! Invariant: a link is cut only while the members that can be reached without it are a quorum, and is let in again as soon as they are
//! none. Whether those members sign is not known here: a correct peer is kept by never being at fault, not by this bound.
//! Source: `docs/spec/dissemination.md`, "Faults".

use falaj_consensus::types::Now;

use super::{Replica, Step};
use crate::core::effect::{Event, Output, PeerFault};
use crate::core::input::Peer;

impl Replica {
    /// A peer sent what is not what it says: nothing that it gave ahead is used.
    pub(super) fn lied(&mut self, now: Now, from: Peer, fault: PeerFault, step: &mut Step) {
        self.sync.lied(from);
        self.offered = None;
        self.at_fault(now, from, fault, step);
    }

    /// A peer sent what no correct node sends: its link is cut for a while, but never one that a quorum needs.
    pub(super) fn at_fault(&mut self, now: Now, peer: Peer, fault: PeerFault, step: &mut Step) {
        let strike = self.faults.strike(peer, now.mono_ns);
        let event = Event::PeerFault {
            peer,
            fault,
            is_news: strike.is_some(),
        };
        Self::event(event, step);
        let Some(for_ns) = strike.filter(|_| self.is_quorum_without(peer)) else {
            return;
        };
        self.faults.shun(peer);
        self.on_peer_down(peer);
        let shun = Output::Shun {
            peer,
            fault,
            for_ns,
        };
        step.outputs.push(shun);
    }

    pub(super) fn on_peer_down(&mut self, peer: Peer) {
        self.sync.down(peer);
        self.serving.down(peer);
    }

    /// Lets peers in again whose time is over, and all of them once those that can be reached are no quorum.
    pub(super) fn admit_peers(&mut self, now: Now, step: &mut Step) {
        let needed = !self.reach().is_quorum;
        let admitted = self.faults.admit(now.mono_ns, needed);
        step.outputs.extend(admitted.into_iter().map(Output::Admit));
    }

    /// Whether a peer has no vote, or the others that can be reached are a quorum.
    fn is_quorum_without(&self, peer: Peer) -> bool {
        let set = self.open_set();
        let index = peer.validator().and_then(|id| set.index_of(id));
        index.is_none_or(|index| {
            let others = self.reach().power.saturating_sub(set.power(index));
            set.is_quorum(others)
        })
    }
}
