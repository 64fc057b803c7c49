//! Which connections are let in.
//!
//! Invariant: what is turned down is counted, and has had no handler; of two connections to one peer both ends keep
//! the same one, without a word about it.
//! Errors: [`Denied`], which libp2p hands back to the mesh as a failed dial or a failed arrival.

use std::sync::Arc;

use libp2p::swarm::{ConnectionDenied, ConnectionId};
use libp2p::{Multiaddr, PeerId};

use super::super::error::LinkError;
use super::super::handler::Handler;
use super::super::link::{Link, Order};
use super::super::peer::count;
use super::{Current, Mesh};

/// Why a connection was turned down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Denied {
    #[error("the peer is not on the list")]
    UnknownPeer,
    #[error("too many handshakes")]
    HandshakeLimit,
    #[error("too many connections from this peer")]
    ConnectionLimit,
    #[error("another connection to this peer is kept")]
    Duplicate,
    #[error("the host wants nothing of this peer for a while")]
    Shunned,
    #[error("the host has not taken earlier events")]
    HostBusy,
    #[error("the network is being shut down")]
    Closing,
}

impl Mesh {
    pub(super) fn begin_handshake(
        &mut self,
        id: ConnectionId,
        remote: &Multiaddr,
    ) -> Result<(), Denied> {
        if self.closing {
            return Err(Denied::Closing);
        }
        if self.host_is_busy() {
            return Err(Denied::HostBusy);
        }
        let now_ns = self.now_ns();
        if self.handshakes.begin(id, remote, now_ns) {
            Ok(())
        } else {
            Err(Denied::HandshakeLimit)
        }
    }

    /// Judges a connection whose handshake has proved the peer's identity.
    pub(super) fn admit(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        dialed_here: bool,
    ) -> Result<Handler, Denied> {
        if self.closing {
            return Err(Denied::Closing);
        }
        let now_ns = self.now_ns();
        let entry = self.entries.get_mut(&peer).ok_or(Denied::UnknownPeer)?;
        if entry.shunned {
            return Err(Denied::Shunned);
        }
        if !dialed_here && !entry.connections.try_take(now_ns) {
            return Err(Denied::ConnectionLimit);
        }
        if let Some(current) = &entry.current {
            if !prefers(self.shared.local < peer, current.dialed_here, dialed_here) {
                self.probe(peer);
                return Err(Denied::Duplicate);
            }
            self.end(peer, LinkError::Replaced);
        }
        self.make_current(id, peer, dialed_here)
            .ok_or(Denied::UnknownPeer)
    }

    fn make_current(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        dialed_here: bool,
    ) -> Option<Handler> {
        let entry = self.entries.get_mut(&peer)?;
        entry.current = Some(Current {
            id,
            dialed_here,
            up: false,
            refusal: None,
        });
        let link = Link {
            peer: Arc::clone(&entry.peer),
            inbox: Arc::clone(&self.inbox),
            hello: self.hello.clone(),
            timing: self.timing,
        };
        Some(Handler::new(|ports| Box::pin(link.run(ports))))
    }

    /// The peer has connected anew, and was turned down: it may be that it has lost the connection we keep.
    fn probe(&mut self, peer: PeerId) {
        let current = self
            .entries
            .get(&peer)
            .and_then(|entry| entry.current.as_ref());
        if let Some(Current { id, up: true, .. }) = current {
            self.order(peer, *id, Order::Probe);
        }
    }

    fn count_denied(&self, denied: Denied) {
        let refused = &self.shared.refused;
        match denied {
            Denied::UnknownPeer => count(&refused.unknown_peer, 1),
            Denied::HandshakeLimit => count(&refused.handshake_limit, 1),
            Denied::ConnectionLimit => count(&refused.connection_limit, 1),
            Denied::Duplicate => count(&refused.duplicate, 1),
            Denied::Shunned => count(&refused.shunned, 1),
            Denied::HostBusy => count(&refused.host_busy, 1),
            Denied::Closing => {}
        }
    }

    pub(super) fn judged<T>(&self, judgement: Result<T, Denied>) -> Result<T, ConnectionDenied> {
        judgement.map_err(|denied| {
            self.count_denied(denied);
            ConnectionDenied::new(denied)
        })
    }
}

/// Whether a new connection is kept rather than the current one. Both ends come to the same answer.
const fn prefers(we_are_smaller: bool, current_dialed_here: bool, new_dialed_here: bool) -> bool {
    let new_by_smaller = new_dialed_here == we_are_smaller;
    let same_direction = new_dialed_here == current_dialed_here;
    same_direction || new_by_smaller
}

#[cfg(test)]
mod tests {
    use super::prefers;

    /// Two ends, one smaller, see the same two connections in any order; both must keep the same one.
    #[test]
    fn both_ends_of_a_simultaneous_dial_keep_the_connection_of_the_smaller_one() {
        for smaller_saw_own_first in [true, false] {
            for larger_saw_own_first in [true, false] {
                // Each end: does it keep the connection that the smaller one dialed?
                let smaller_keeps = if smaller_saw_own_first {
                    !prefers(true, true, false)
                } else {
                    prefers(true, false, true)
                };
                let larger_keeps = if larger_saw_own_first {
                    prefers(false, true, false)
                } else {
                    !prefers(false, false, true)
                };
                assert!(smaller_keeps && larger_keeps);
            }
        }
    }

    #[test]
    fn of_two_connections_in_one_direction_the_newer_is_kept() {
        for we_are_smaller in [true, false] {
            for dialed_here in [true, false] {
                assert!(prefers(we_are_smaller, dialed_here, dialed_here));
            }
        }
    }
}
