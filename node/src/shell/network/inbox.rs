//! What has come in and waits for the host.
//!
//! Invariant: the host gets connection events first, in their order, then messages by class; a peer's messages of one
//! class come in the order they were sent, and none before its [`NetworkEvent::PeerUp`].
//! Shape: one queue a kind. Messages are bounded by each peer's permits (`inbound_bytes_max` of its class), which are
//! given back when the host takes the message; connection events are bounded by the task, which opens no connection
//! while [`CONTROL_BACKLOG_MAX`] of them wait.
//! Errors: none. Once the transport ends, what is left is delivered, then `None`.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::task::AtomicWaker;
use libp2p::PeerId;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::class::{Class, PerClass};
use super::error::LinkError;

/// With so many connection events not taken by the host, no new connection is made.
pub(super) const CONTROL_BACKLOG_MAX: usize = 1_024;

/// What the transport tells its host.
#[derive(Debug)]
pub enum NetworkEvent {
    /// A peer of the list has connected and says hello. Nothing else of it is delivered before the answer.
    Hello(HelloRequest),
    /// Both ends have accepted each other's hello; messages can be sent, and come.
    PeerUp {
        /// Who.
        peer: PeerId,
    },
    /// The connection is gone. Whatever was queued for the peer is gone with it.
    /// Messages that had arrived before may still be delivered after this.
    PeerDown {
        /// Who.
        peer: PeerId,
        /// Why.
        reason: LinkError,
    },
    /// A whole message.
    Message {
        /// Who sent it, by its transport identity.
        peer: PeerId,
        /// On which stream it came.
        class: Class,
        /// Its bytes, 1 to `message_bytes_max` of its class.
        bytes: Bytes,
    },
}

/// The host's answer to a hello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum HelloAnswer {
    /// Go on.
    Accept,
    /// Say why and close.
    Refuse(String),
}

/// A hello to be judged. Dropping it refuses it.
#[derive(Debug)]
pub struct HelloRequest {
    peer: PeerId,
    bytes: Bytes,
    answer: oneshot::Sender<HelloAnswer>,
}

impl HelloRequest {
    pub(super) fn new(peer: PeerId, bytes: Bytes) -> (Self, oneshot::Receiver<HelloAnswer>) {
        let (answer, answered) = oneshot::channel();
        (
            Self {
                peer,
                bytes,
                answer,
            },
            answered,
        )
    }

    /// Who says hello. The handshake has proved this identity.
    #[must_use]
    pub const fn peer(&self) -> PeerId {
        self.peer
    }

    /// What it says, 1 to `HELLO_BYTES_MAX` bytes.
    #[must_use]
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Accepts it.
    pub fn accept(self) {
        self.give(HelloAnswer::Accept);
    }

    /// Refuses it, with a reason that the peer gets to read: at most `REASON_BYTES_MAX` bytes of it.
    pub fn refuse(self, reason: impl fmt::Display) {
        self.give(HelloAnswer::Refuse(reason.to_string()));
    }

    fn give(self, answer: HelloAnswer) {
        // The connection may be gone by now; then nobody needs the answer.
        self.answer.send(answer).ok();
    }
}

/// A message and the permits it holds while it waits.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) peer: PeerId,
    pub(super) bytes: Bytes,
    pub(super) permit: OwnedSemaphorePermit,
}

#[derive(Debug, Default)]
struct Waiting {
    control: VecDeque<NetworkEvent>,
    messages: PerClass<VecDeque<Delivery>>,
    ended: bool,
}

impl Waiting {
    fn pop(&mut self) -> Option<NetworkEvent> {
        if let Some(event) = self.control.pop_front() {
            return Some(event);
        }
        Class::ALL.into_iter().find_map(|class| {
            let Delivery {
                peer,
                bytes,
                permit,
            } = self.messages.get_mut(class).pop_front()?;
            drop(permit);
            Some(NetworkEvent::Message { peer, class, bytes })
        })
    }
}

#[derive(Debug, Default)]
pub(super) struct Inbox {
    waiting: Mutex<Waiting>,
    host: AtomicWaker,
}

impl Inbox {
    pub(super) fn push_control(&self, event: NetworkEvent) {
        self.lock().control.push_back(event);
        self.host.wake();
    }

    pub(super) fn push_message(&self, class: Class, delivery: Delivery) {
        self.lock().messages.get_mut(class).push_back(delivery);
        self.host.wake();
    }

    pub(super) fn control_backlog(&self) -> usize {
        self.lock().control.len()
    }

    pub(super) fn end(&self) {
        self.lock().ended = true;
        self.host.wake();
    }

    fn poll(&self, cx: &Context<'_>) -> Poll<Option<NetworkEvent>> {
        self.host.register(cx.waker());
        let mut waiting = self.lock();
        match waiting.pop() {
            Some(event) => Poll::Ready(Some(event)),
            None if waiting.ended => Poll::Ready(None),
            None => Poll::Pending,
        }
    }

    /// Nothing that could panic runs under this lock, so a poisoned one is as good as any.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The host's end of the inbox. Dropping it shuts the transport down.
#[derive(Debug)]
pub struct NetworkEvents {
    inbox: Arc<Inbox>,
    /// The task holds the other end and ends when this one is gone.
    _host_is_there: oneshot::Sender<()>,
}

impl NetworkEvents {
    pub(super) const fn new(inbox: Arc<Inbox>, host_is_there: oneshot::Sender<()>) -> Self {
        Self {
            inbox,
            _host_is_there: host_is_there,
        }
    }

    /// The next event, the most urgent first; `None` once the transport has ended and all is delivered.
    ///
    /// Cancel safe: an event is taken only when it is returned.
    ///
    /// A message that is taken makes room for the next one of its peer. A host that takes messages faster than it
    /// deals with them, and keeps them elsewhere, has to bound that place itself, and loses the order of urgency there.
    pub async fn recv(&mut self) -> Option<NetworkEvent> {
        poll_fn(|cx| self.inbox.poll(cx)).await
    }

    /// The next event if one is waiting.
    pub fn try_recv(&mut self) -> Option<NetworkEvent> {
        self.inbox.lock().pop()
    }
}
