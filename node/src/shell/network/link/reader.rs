//! Reads one class of messages from one connection.
//!
//! Invariant: a message gets memory only after its length was checked, the peer's rate allows it, and the peer has
//! permits for it; until then its stream is not read, and the peer's own window fills.
//! One turn reads at most [`READS_PER_TURN`] pieces, so that a flood of bulk leaves the task to votes.
//! Errors: a length no message can have, and a stream that ends.

use std::convert::Infallible;
use std::sync::Arc;

use futures::AsyncReadExt;
use libp2p::Stream;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::task::yield_now;
use tokio::time::sleep;

use super::super::channel::Channel;
use super::super::class::Class;
use super::super::error::LinkError;
use super::super::frame::{Decoded, Decoder, FRAME_BYTES_MAX};
use super::super::inbox::{Delivery, Inbox};
use super::super::peer::{Peer, count};
use super::{Heard, broken, opened, refused};

/// What a small message costs at least, in permits, so that their number is bounded with their bytes.
const PERMITS_MIN: u32 = 512;

/// How many pieces are read before others have their turn.
const READS_PER_TURN: u32 = 16;

pub(super) async fn read(
    peer: &Peer,
    inbox: &Inbox,
    heard: &Heard,
    class: Class,
    stream: oneshot::Receiver<Stream>,
) -> Result<Infallible, LinkError> {
    let mut stream = opened(stream).await?;
    let mut messages = Messages::new(peer, inbox, class);
    let mut piece = vec![0; FRAME_BYTES_MAX];
    let mut reads = 0;
    loop {
        let bytes = stream
            .read(&mut piece)
            .await
            .map_err(|error| broken(&error))?;
        if bytes == 0 {
            return Err(LinkError::Closed);
        }
        heard.mark();
        messages.take(&piece[..bytes]).await?;
        reads += 1;
        if reads % READS_PER_TURN == 0 {
            yield_now().await;
        }
    }
}

/// Puts the messages of one stream together.
struct Messages<'a> {
    peer: &'a Peer,
    inbox: &'a Inbox,
    class: Class,
    bytes_max: u32,
    decoder: Decoder,
    permit: Option<OwnedSemaphorePermit>,
}

impl<'a> Messages<'a> {
    fn new(peer: &'a Peer, inbox: &'a Inbox, class: Class) -> Self {
        let bytes_max = peer.limits.get(class).message_bytes_max;
        Self {
            peer,
            inbox,
            class,
            bytes_max,
            decoder: Decoder::new(bytes_max),
            permit: None,
        }
    }

    async fn take(&mut self, mut input: &[u8]) -> Result<(), LinkError> {
        count(
            &self.peer.counters.get(self.class).bytes_in,
            input.len() as u64,
        );
        while !input.is_empty() {
            let decoded = self.decoder.feed(&mut input);
            match decoded
                .map_err(|error| refused(Channel::Class(self.class), self.bytes_max, error))?
            {
                Decoded::More => {}
                Decoded::Announced { bytes } => self.make_room(bytes).await?,
                Decoded::Message(message) => self.deliver(message),
            }
        }
        Ok(())
    }

    /// Waits until the peer may send so much, and until the host has taken enough of what it sent before.
    async fn make_room(&mut self, bytes: u32) -> Result<(), LinkError> {
        let wait = self.peer.pace(self.class, bytes);
        if !wait.is_zero() {
            count(&self.peer.counters.get(self.class).throttled, 1);
            sleep(wait).await;
        }
        let budget = Arc::clone(self.peer.budgets.get(self.class));
        let permit = budget.acquire_many_owned(bytes.max(PERMITS_MIN)).await;
        self.permit = Some(permit.map_err(|_| LinkError::Removed)?);
        Ok(())
    }

    fn deliver(&mut self, bytes: bytes::Bytes) {
        count(&self.peer.counters.get(self.class).messages_in, 1);
        let permit = self
            .permit
            .take()
            .expect("permits are taken when a message is announced");
        self.inbox.push_message(
            self.class,
            Delivery {
                peer: self.peer.id,
                bytes,
                permit,
            },
        );
    }
}
