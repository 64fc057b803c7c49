//! The full mesh: who may connect, which connection counts, whom to dial when.
//!
//! Invariants: nobody off the list gets a handler, and so a stream; at most one connection per peer is current, and
//! only it carries messages; the host is told up and down in turn, and no up whose hello it has not accepted.
//! Of two connections made at once, both ends keep the one that the smaller identity dialed; of two in one direction,
//! the newer. An end that turns a connection down for an older one makes sure that the older one is alive.
//! Called by libp2p's swarm, from one task; [`super::task`] passes the host's wishes on.
//! Errors: kept per peer as its last one; none ends the transport.

mod admission;
mod dialing;

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use libp2p::PeerId;
use libp2p::core::transport::PortUse;
use libp2p::core::{Endpoint, Multiaddr};
use libp2p::swarm::{
    CloseConnection, ConnectionClosed, ConnectionDenied, ConnectionError, ConnectionId,
    DialFailure, FromSwarm, ListenError, ListenFailure, NetworkBehaviour, NotifyHandler, ToSwarm,
};
use tokio::time::Instant;

use self::dialing::Dialing;
use super::config::{Limits, NetworkConfig, PeerConfig, Timing};
use super::error::LinkError;
use super::handle::Shared;
use super::handler::Handler;
use super::handshakes::Handshakes;
use super::inbox::{CONTROL_BACKLOG_MAX, Inbox, NetworkEvent};
use super::link::{Order, Report};
use super::peer::{Peer, count};
use super::queue::Outbound;
use super::rate::Rate;

/// The connection to a peer that counts.
#[derive(Debug)]
struct Current {
    id: ConnectionId,
    dialed_here: bool,
    up: bool,
    /// Why we refused the peer's hello. It is given the time to read this, and may close first.
    refusal: Option<LinkError>,
}

/// One peer of the list.
#[derive(Debug)]
struct Entry {
    peer: Arc<Peer>,
    current: Option<Current>,
    /// How fast it may connect to us.
    connections: Rate,
    /// Whether the host wants no connection to it.
    shunned: bool,
}

impl Entry {
    fn new(peer: Arc<Peer>, limits: &Limits) -> Self {
        let connections = Rate::new(limits.connections_per_s, limits.connections_burst);
        Self {
            peer,
            current: None,
            connections,
            shunned: false,
        }
    }

    /// Whether it is to be dialed.
    const fn is_wanted(&self) -> bool {
        self.current.is_none() && !self.shunned
    }

    fn current_is(&self, id: ConnectionId) -> bool {
        self.current
            .as_ref()
            .is_some_and(|current| current.id == id)
    }
}

type Action = ToSwarm<Infallible, Order>;

/// libp2p's view of the whole transport.
#[derive(Debug)]
pub(super) struct Mesh {
    shared: Arc<Shared>,
    inbox: Arc<Inbox>,
    hello: Bytes,
    limits: Limits,
    timing: Timing,
    entries: BTreeMap<PeerId, Entry>,
    dialing: Dialing,
    handshakes: Handshakes,
    actions: VecDeque<Action>,
    started: Instant,
    closing: bool,
}

impl Mesh {
    pub(super) fn new(shared: Arc<Shared>, inbox: Arc<Inbox>, config: NetworkConfig) -> Self {
        let NetworkConfig {
            peers,
            hello,
            limits,
            timing,
            listen: _,
        } = config;
        let mut mesh = Self {
            dialing: Dialing::new(shared.local, timing),
            shared,
            inbox,
            hello,
            limits,
            timing,
            entries: BTreeMap::new(),
            handshakes: Handshakes::new(&limits),
            actions: VecDeque::new(),
            started: Instant::now(),
            closing: false,
        };
        mesh.set_peers(peers);
        mesh
    }

    pub(super) fn set_hello(&mut self, hello: Bytes) {
        self.hello = hello;
    }

    /// Takes over a checked list.
    pub(super) fn set_peers(&mut self, list: Vec<PeerConfig>) {
        let mut list: BTreeMap<PeerId, PeerConfig> = list
            .into_iter()
            .map(|config| (config.peer, config))
            .collect();
        let gone: Vec<PeerId> = self
            .entries
            .keys()
            .filter(|peer| !list.contains_key(peer))
            .copied()
            .collect();
        for peer in gone {
            self.remove(peer);
        }
        for (peer, entry) in &self.entries {
            if let Some(config) = list.remove(peer) {
                entry.peer.configure(config);
                self.dialing.soon(*peer);
            }
        }
        for (_, config) in list {
            self.add(config);
        }
    }

    fn add(&mut self, config: PeerConfig) {
        let peer = Arc::new(Peer::new(config, &self.limits));
        let mut peers = self
            .shared
            .peers
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        peers.insert(peer.id, Arc::clone(&peer));
        self.dialing.add(Arc::clone(&peer));
        self.entries.insert(peer.id, Entry::new(peer, &self.limits));
    }

    fn remove(&mut self, peer: PeerId) {
        self.end(peer, LinkError::Removed);
        self.shared
            .peers
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&peer);
        self.dialing.remove(peer);
        self.entries.remove(&peer);
    }

    /// Ends the connection to a peer and makes none before [`Mesh::readmit`].
    pub(super) fn shun(&mut self, peer: PeerId, what: &'static str) {
        if let Some(entry) = self.entries.get_mut(&peer) {
            entry.shunned = true;
            self.end(peer, LinkError::Shunned { what });
        }
    }

    /// Lets a peer connect again, and dials it.
    pub(super) fn readmit(&mut self, peer: PeerId) {
        if let Some(entry) = self.entries.get_mut(&peer) {
            entry.shunned = false;
            self.dialing.soon(peer);
        }
    }

    /// Ends every connection and makes no more.
    pub(super) fn close(&mut self) {
        self.closing = true;
        let peers: Vec<PeerId> = self.entries.keys().copied().collect();
        for peer in peers {
            self.end(peer, LinkError::ShutDown);
        }
    }

    fn now_ns(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn order(&mut self, peer_id: PeerId, id: ConnectionId, event: Order) {
        let handler = NotifyHandler::One(id);
        self.actions.push_back(ToSwarm::NotifyHandler {
            peer_id,
            handler,
            event,
        });
    }

    /// Both ends have accepted each other.
    fn greeted(&mut self, peer: PeerId, id: ConnectionId, outbound: Arc<Outbound>) {
        let Some(entry) = self.entries.get_mut(&peer) else {
            return;
        };
        let Some(current) = &mut entry.current else {
            return;
        };
        current.up = true;
        entry.peer.set_up(outbound);
        self.dialing.succeeded(peer);
        self.inbox.push_control(NetworkEvent::PeerUp { peer });
        self.order(peer, id, Order::Start);
    }

    /// Our host has refused the peer's hello; the connection ends once the peer knows.
    fn refused(&mut self, peer: PeerId, reason: LinkError) {
        let current = self
            .entries
            .get_mut(&peer)
            .and_then(|entry| entry.current.as_mut());
        if let Some(current) = current {
            current.refusal = Some(reason);
        }
    }

    /// The current connection to a peer, if there is one, is over.
    fn end(&mut self, peer: PeerId, reason: LinkError) {
        let Some(entry) = self.entries.get_mut(&peer) else {
            return;
        };
        let Some(current) = entry.current.take() else {
            return;
        };
        let reason = current.refusal.unwrap_or(reason);
        let connection = CloseConnection::One(current.id);
        self.actions.push_back(ToSwarm::CloseConnection {
            peer_id: peer,
            connection,
        });
        if reason != LinkError::Replaced {
            entry.peer.set_error(reason.clone());
            self.dialing.ended(peer, current.up, &reason);
        }
        if current.up {
            entry.peer.set_down();
            self.inbox
                .push_control(NetworkEvent::PeerDown { peer, reason });
        }
    }

    fn host_is_busy(&self) -> bool {
        self.inbox.control_backlog() >= CONTROL_BACKLOG_MAX
    }

    fn listen_failed(&mut self, failure: &ListenFailure<'_>) {
        self.handshakes.end(failure.connection_id);
        if !matches!(failure.error, ListenError::Denied { .. }) {
            count(&self.shared.refused.handshake_failed, 1);
        }
    }

    fn closed(&mut self, closed: &ConnectionClosed<'_>) {
        let current = self
            .entries
            .get(&closed.peer_id)
            .is_some_and(|entry| entry.current_is(closed.connection_id));
        if current {
            let broken = |cause: &ConnectionError| LinkError::Broken {
                reason: dialing::root(cause),
            };
            self.end(
                closed.peer_id,
                closed.cause.map_or(LinkError::Closed, broken),
            );
        }
    }
}

impl NetworkBehaviour for Mesh {
    type ConnectionHandler = Handler;
    type ToSwarm = Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        id: ConnectionId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        let judgement = self.begin_handshake(id, remote);
        self.judged(judgement)
    }

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<Handler, ConnectionDenied> {
        self.handshakes.end(id);
        let judgement = self.admit(id, peer, false);
        self.judged(judgement)
    }

    fn handle_established_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<Handler, ConnectionDenied> {
        let judgement = self.admit(id, peer, true);
        if judgement.is_ok() {
            self.dialing.connected(peer);
        }
        self.judged(judgement)
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the enum is open, and nothing else it says concerns the mesh"
    )]
    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionClosed(closed) => self.closed(&closed),
            FromSwarm::DialFailure(DialFailure {
                peer_id: Some(peer),
                error,
                ..
            }) => {
                self.dialing.failed(peer, error);
            }
            FromSwarm::ListenFailure(failure) => self.listen_failed(&failure),
            FromSwarm::ListenerError(_) => count(&self.shared.refused.accept_failed, 1),
            _ => {}
        }
    }

    fn on_connection_handler_event(&mut self, peer: PeerId, id: ConnectionId, report: Report) {
        if !self
            .entries
            .get(&peer)
            .is_some_and(|entry| entry.current_is(id))
        {
            return;
        }
        match report {
            Report::Hello(request) => self.inbox.push_control(NetworkEvent::Hello(request)),
            Report::Greeted(outbound) => self.greeted(peer, id, outbound),
            Report::Refused(reason) => self.refused(peer, reason),
            Report::Ended(reason) => self.end(peer, reason),
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Action> {
        if let Some(action) = self.actions.pop_front() {
            return Poll::Ready(action);
        }
        if self.closing {
            return Poll::Pending;
        }
        if self.host_is_busy() {
            self.dialing.postpone();
        }
        let entries = &self.entries;
        let wanted = |peer: &PeerId| entries.get(peer).is_some_and(Entry::is_wanted);
        self.dialing
            .poll(cx, wanted)
            .map(|opts| ToSwarm::Dial { opts })
    }
}
