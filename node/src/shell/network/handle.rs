//! The host's hand on the transport: send, look, change the list, stop.
//!
//! Invariant: [`NetworkHandle::send`] never waits and never blocks a thread for longer than a queue push.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use libp2p::{Multiaddr, PeerId};
use tokio::sync::{mpsc, oneshot};

use super::class::Class;
use super::config::{PeerConfig, check_hello, check_peers};
use super::error::{NetworkError, SendError};
use super::peer::Peer;
use super::status::{NetworkStatus, RefusedConnections};

/// The peers of the list, shared by the handles and the task, which alone changes it.
pub(super) type Peers = RwLock<BTreeMap<PeerId, Arc<Peer>>>;

/// What was refused, counted.
#[derive(Debug, Default)]
pub(super) struct Refused {
    pub(super) unknown_peer: AtomicU64,
    pub(super) handshake_limit: AtomicU64,
    pub(super) connection_limit: AtomicU64,
    pub(super) duplicate: AtomicU64,
    pub(super) shunned: AtomicU64,
    pub(super) host_busy: AtomicU64,
    pub(super) handshake_failed: AtomicU64,
    pub(super) accept_failed: AtomicU64,
}

impl Refused {
    fn status(&self) -> RefusedConnections {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        RefusedConnections {
            unknown_peer: read(&self.unknown_peer),
            handshake_limit: read(&self.handshake_limit),
            connection_limit: read(&self.connection_limit),
            duplicate: read(&self.duplicate),
            shunned: read(&self.shunned),
            host_busy: read(&self.host_busy),
            handshake_failed: read(&self.handshake_failed),
            accept_failed: read(&self.accept_failed),
        }
    }
}

/// What all handles and the task have in common.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) local: PeerId,
    pub(super) listen: Multiaddr,
    pub(super) peers: Peers,
    pub(super) refused: Refused,
}

/// What a handle asks of the task.
#[derive(Debug)]
pub(super) enum Command {
    SetPeers(Vec<PeerConfig>),
    SetHello(Bytes),
    Shun(PeerId, &'static str),
    Admit(PeerId),
    ShutDown(oneshot::Sender<()>),
}

/// A handle on the running transport. When the last one is dropped the transport shuts down.
#[derive(Debug, Clone)]
pub struct NetworkHandle {
    shared: Arc<Shared>,
    commands: mpsc::UnboundedSender<Command>,
}

impl NetworkHandle {
    pub(super) const fn new(shared: Arc<Shared>, commands: mpsc::UnboundedSender<Command>) -> Self {
        Self { shared, commands }
    }

    /// Our identity.
    #[must_use]
    pub fn local(&self) -> PeerId {
        self.shared.local
    }

    /// Where the transport listens, with the port it really has.
    #[must_use]
    pub fn listen_addr(&self) -> &Multiaddr {
        &self.shared.listen
    }

    /// Queues a message for a peer. It never waits.
    ///
    /// A full queue of votes or proposals drops its oldest messages, counts them and takes this one.
    ///
    /// # Errors
    /// The peer is unknown or not connected, the message does not fit its class, or the queue of a bulk class is full.
    pub fn send(&self, peer: PeerId, class: Class, message: Bytes) -> Result<(), SendError> {
        self.peer(peer)
            .ok_or(SendError::UnknownPeer { peer })?
            .send(class, message)
    }

    /// Queues a message for every peer of the list; gives those that did not take it.
    #[must_use]
    pub fn broadcast(&self, class: Class, message: &Bytes) -> Vec<SendError> {
        let peers = self
            .shared
            .peers
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        peers
            .values()
            .filter_map(|peer| peer.send(class, message.clone()).err())
            .collect()
    }

    /// Replaces the list of peers. New ones are dialed, missing ones are disconnected, the others keep what they have.
    ///
    /// # Errors
    /// The list could not work, then the old one stays; or the transport has been shut down.
    pub fn set_peers(&self, peers: Vec<PeerConfig>) -> Result<(), NetworkError> {
        check_peers(&peers, self.shared.local)?;
        self.ask(Command::SetPeers(peers))
    }

    /// Replaces our hello, from the next connection on.
    ///
    /// # Errors
    /// It is empty or too long, or the transport has been shut down.
    pub fn set_hello(&self, hello: Bytes) -> Result<(), NetworkError> {
        check_hello(&hello)?;
        self.ask(Command::SetHello(hello))
    }

    /// Cuts the connection to a peer, because it sent something wrong, and makes and takes none before [`NetworkHandle::admit`].
    ///
    /// # Errors
    /// The transport has been shut down.
    pub fn shun(&self, peer: PeerId, what: &'static str) -> Result<(), NetworkError> {
        self.ask(Command::Shun(peer, what))
    }

    /// Connects with a shunned peer again.
    ///
    /// # Errors
    /// The transport has been shut down.
    pub fn admit(&self, peer: PeerId) -> Result<(), NetworkError> {
        self.ask(Command::Admit(peer))
    }

    /// Everything known at this moment.
    #[must_use]
    pub fn peers(&self) -> NetworkStatus {
        let peers = self
            .shared
            .peers
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        NetworkStatus {
            listen: self.shared.listen.clone(),
            local: self.shared.local,
            refused: self.shared.refused.status(),
            peers: peers.values().map(|peer| peer.status()).collect(),
        }
    }

    /// Smoothed round trip of the slowest link; `None` while none is known.
    #[must_use]
    pub fn round_trip_max_us(&self) -> Option<u64> {
        let peers = self
            .shared
            .peers
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        peers.values().filter_map(|peer| peer.rtt_us()).max()
    }

    /// Closes every connection and ends. Returns when the port is free again.
    pub async fn shutdown(&self) {
        let (done, ended) = oneshot::channel();
        if self.ask(Command::ShutDown(done)).is_ok() {
            // An error means that it ended before it could answer, which is what was asked for.
            ended.await.ok();
        }
    }

    fn peer(&self, peer: PeerId) -> Option<Arc<Peer>> {
        self.shared
            .peers
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&peer)
            .cloned()
    }

    fn ask(&self, command: Command) -> Result<(), NetworkError> {
        self.commands
            .send(command)
            .map_err(|_| NetworkError::ShutDown)
    }
}
