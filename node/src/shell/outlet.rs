//! Where the replica's outputs go: the network, waiting clients, readers, the store, the log.
//!
//! Invariant: everything here was released by the proofs of the logs; nothing is sent from anywhere else.

use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;

use super::network::{Class as Stream, NetworkHandle, PeerId};
use super::room::{Held, Room};
use super::runtime::{CoreHandle, Outlet, StoreCommand};
use super::view::View;
use super::watch::Watch;
use crate::core::{Admission, Class, Input, Output, Peer, PeerFault, Recipients, Ticket};

/// Who is who on the network.
#[derive(Clone, Debug, Default)]
pub struct PeerBook {
    by_peer: BTreeMap<Peer, PeerId>,
    by_identity: BTreeMap<PeerId, Peer>,
}

impl PeerBook {
    /// Books a validator's transport identity.
    pub fn insert(&mut self, peer: Peer, identity: PeerId) {
        self.by_peer.insert(peer, identity);
        self.by_identity.insert(identity, peer);
    }

    /// The peer behind an identity.
    #[must_use]
    pub fn peer(&self, identity: &PeerId) -> Option<Peer> {
        self.by_identity.get(identity).copied()
    }

    /// The identity of a peer.
    #[must_use]
    pub fn identity(&self, peer: Peer) -> Option<PeerId> {
        self.by_peer.get(&peer).copied()
    }

    /// Every peer.
    pub fn iter(&self) -> impl Iterator<Item = (Peer, PeerId)> + '_ {
        self.by_peer
            .iter()
            .map(|(peer, identity)| (*peer, *identity))
    }
}

/// The stream of a class of messages.
#[must_use]
pub const fn stream_of(class: Class) -> Stream {
    match class {
        Class::Votes => Stream::Votes,
        Class::Proposals => Stream::Proposals,
        Class::Batches => Stream::Batches,
        Class::Sync => Stream::Sync,
    }
}

/// The class of messages of a stream.
#[must_use]
pub const fn class_of(stream: Stream) -> Class {
    match stream {
        Stream::Votes => Class::Votes,
        Stream::Proposals => Class::Proposals,
        Stream::Batches => Class::Batches,
        Stream::Sync => Class::Sync,
    }
}

/// Clients that submitted and wait to hear whether their transaction was taken.
#[derive(Default)]
pub struct Answers {
    waiting: Mutex<BTreeMap<Ticket, Waiting>>,
    next: AtomicU64,
    room: Room,
}

/// A submission that the replica has in hand.
struct Waiting {
    client: oneshot::Sender<Admission>,
    _room: Held,
}

impl Answers {
    /// Hands a transaction to the replica; the answer comes through the receiver, or never if the node stops.
    ///
    /// `None` if too many were handed over before it and are not answered; the replica does not hear of this one.
    pub fn submit(
        &self,
        core: &CoreHandle,
        transaction: Vec<u8>,
    ) -> Option<oneshot::Receiver<Admission>> {
        let room = self.room.take(transaction.len())?;
        let ticket = Ticket(self.next.fetch_add(1, Ordering::Relaxed));
        let (client, receiver) = oneshot::channel();
        let waiting = Waiting {
            client,
            _room: room,
        };
        self.lock().insert(ticket, waiting);
        core.input(Input::Submit {
            ticket,
            transaction,
        });
        Some(receiver)
    }

    /// Room for what is handed over.
    #[cfg(test)]
    pub(super) const fn room(&self) -> &Room {
        &self.room
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn answer(&self, ticket: Ticket, answer: Admission) {
        if let Some(waiting) = self.lock().remove(&ticket) {
            // A client that went away does not need its answer.
            drop(waiting.client.send(answer));
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Ticket, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The outlet of a node.
pub struct NodeOutlet {
    /// The transport.
    pub network: NetworkHandle,
    /// Who is who.
    pub peers: PeerBook,
    /// Waiting clients.
    pub answers: Arc<Answers>,
    /// Readers.
    pub view: Arc<View>,
    /// The store.
    pub store: Sender<StoreCommand>,
    /// Traces, metrics and people.
    pub watch: Arc<Watch>,
}

impl Outlet for NodeOutlet {
    fn take(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Send { to, class, frame } => {
                    send(&self.network, &self.peers, &to, class, &frame);
                }
                Output::Answer { ticket, answer } => self.answers.answer(ticket, answer),
                Output::Committed(block) => {
                    let came = self.view.commit(&block);
                    if let Some(round_trip_us) = self.network.round_trip_max_us() {
                        self.watch.round_trip(round_trip_us);
                    }
                    self.watch.committed(&block, &came);
                    // The store's thread ends after this one.
                    drop(self.store.send(StoreCommand::Commit(block)));
                }
                Output::Event(event) => self.watch.event(&event),
                Output::Shun {
                    peer,
                    fault,
                    for_ns,
                } => self.shun(peer, fault, for_ns),
                Output::Admit(peer) => self.admit(peer),
            }
        }
    }
}

impl NodeOutlet {
    fn shun(&self, peer: Peer, fault: PeerFault, for_ns: u64) {
        if let Some(identity) = self.peers.identity(peer) {
            // A transport that was shut down has cut every link.
            self.network.shun(identity, fault.code()).ok();
            self.watch.shunned(peer, fault, for_ns);
        }
    }

    fn admit(&self, peer: Peer) {
        if let Some(identity) = self.peers.identity(peer) {
            self.network.admit(identity).ok();
            self.watch.admitted(peer);
        }
    }
}

/// Sends a frame. A message that finds no room or no link is lost here and counted there; whoever needs it asks again.
pub fn send(
    network: &NetworkHandle,
    peers: &PeerBook,
    to: &Recipients,
    class: Class,
    frame: &Arc<[u8]>,
) {
    let bytes = Bytes::from_owner(Arc::clone(frame));
    let one = |identity: PeerId| {
        if let Err(error) = network.send(identity, stream_of(class), bytes.clone()) {
            tracing::debug!(?class, %error, "message not sent");
        }
    };
    match to {
        Recipients::All => peers.iter().for_each(|(_, identity)| one(identity)),
        Recipients::Some(some) => {
            let known = some.iter().filter_map(|peer| peers.identity(*peer));
            known.for_each(one);
        }
    }
}

#[cfg(test)]
mod tests;
