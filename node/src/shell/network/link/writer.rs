//! Writes what is queued for one connection, the most urgent first.
//!
//! Invariant: while a vote or a proposal waits, no bulk is written; a frame that is begun is [`FRAME_BYTES_MAX`] at
//! most. Batches go before sync, but sync gets every [`BATCH_FRAMES_PER_SYNC`]th turn, so that a peer that is behind
//! catches up under load as well.
//! Several small messages of one class share a frame.
//! Errors: a stream that breaks, and an urgent message that the peer does not take for `stall_timeout_ms`.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use futures::AsyncWrite;
use libp2p::Stream;
use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep, sleep_until};

use super::super::class::{Class, PerClass};
use super::super::config::Timing;
use super::super::error::LinkError;
use super::super::frame::{FRAME_BYTES_MAX, PREFIX_BYTES, prefix};
use super::super::peer::{Peer, count};
use super::super::queue::Outbound;
use super::{broken, opened};

/// How many frames of batches may pass before a waiting frame of sync.
const BATCH_FRAMES_PER_SYNC: u32 = 4;

pub(super) async fn write(
    peer: &Peer,
    timing: &Timing,
    outbound: Arc<Outbound>,
    streams: PerClass<oneshot::Receiver<Stream>>,
) -> Result<Infallible, LinkError> {
    let lanes = PerClass {
        votes: Lane::new(Class::Votes, opened(streams.votes).await?),
        proposals: Lane::new(Class::Proposals, opened(streams.proposals).await?),
        batches: Lane::new(Class::Batches, opened(streams.batches).await?),
        sync: Lane::new(Class::Sync, opened(streams.sync).await?),
    };
    let mut writer = Writer {
        peer,
        outbound,
        lanes,
        batch_frames: 0,
        stall: Stall::new(timing),
    };
    poll_fn(|cx| writer.poll(cx)).await
}

struct Writer<'a> {
    peer: &'a Peer,
    outbound: Arc<Outbound>,
    lanes: PerClass<Lane>,
    /// Frames of batches since the last of sync.
    batch_frames: u32,
    stall: Stall,
}

/// What one look at all lanes has come to.
enum Turn {
    Written(Class),
    Idle,
    /// An urgent message waits for the peer.
    Blocked(Class),
}

impl Writer<'_> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Infallible, LinkError>> {
        self.outbound.register(cx.waker());
        loop {
            match self.turn(cx) {
                Ok(Turn::Written(class)) => self.stall.taken(class),
                Ok(Turn::Idle) => {
                    self.stall.waiting = None;
                    return Poll::Pending;
                }
                Ok(Turn::Blocked(class)) => return self.stall.poll(class, cx).map(Err),
                Err(error) => return Poll::Ready(Err(broken(&error))),
            }
        }
    }

    /// Writes to the first lane that takes something.
    fn turn(&mut self, cx: &mut Context<'_>) -> io::Result<Turn> {
        for class in self.order() {
            let lane = self.lanes.get_mut(class);
            if !lane.fill(&self.outbound) {
                continue;
            }
            match lane.poll_write(cx, self.peer)? {
                Poll::Ready(()) => {
                    self.took_turn(class);
                    return Ok(Turn::Written(class));
                }
                Poll::Pending if class.is_urgent() => return Ok(Turn::Blocked(class)),
                Poll::Pending => {}
            }
        }
        Ok(Turn::Idle)
    }

    const fn order(&self) -> [Class; 4] {
        if self.batch_frames < BATCH_FRAMES_PER_SYNC {
            Class::ALL
        } else {
            [Class::Votes, Class::Proposals, Class::Sync, Class::Batches]
        }
    }

    const fn took_turn(&mut self, class: Class) {
        match class {
            Class::Votes | Class::Proposals => {}
            Class::Batches => self.batch_frames = self.batch_frames.saturating_add(1),
            Class::Sync => self.batch_frames = 0,
        }
    }
}

/// One class: its stream, and the frame that is being written to it.
struct Lane {
    class: Class,
    stream: Stream,
    frame: Vec<u8>,
    written: usize,
    /// What is left of the message that did not fit the frame.
    rest: Bytes,
    /// How many messages end in the frame.
    ends: u64,
}

impl Lane {
    fn new(class: Class, stream: Stream) -> Self {
        Self {
            class,
            stream,
            frame: Vec::new(),
            written: 0,
            rest: Bytes::new(),
            ends: 0,
        }
    }

    /// Makes a frame if there is none; says whether there is one.
    fn fill(&mut self, outbound: &Outbound) -> bool {
        if self.written < self.frame.len() {
            return true;
        }
        self.frame.clear();
        (self.written, self.ends) = (0, 0);
        self.frame.reserve(FRAME_BYTES_MAX.min(self.rest.len()));
        self.append_rest();
        while self.frame.len() + PREFIX_BYTES < FRAME_BYTES_MAX
            && let Some(message) = outbound.pop(self.class)
        {
            self.frame.extend_from_slice(&prefix(&message));
            self.rest = message;
            self.append_rest();
        }
        !self.frame.is_empty()
    }

    fn append_rest(&mut self) {
        if self.rest.is_empty() {
            return;
        }
        let fits = self.rest.len().min(FRAME_BYTES_MAX - self.frame.len());
        self.frame.extend_from_slice(&self.rest[..fits]);
        self.rest.advance(fits);
        if self.rest.is_empty() {
            self.rest = Bytes::new();
            self.ends += 1;
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, peer: &Peer) -> io::Result<Poll<()>> {
        let Poll::Ready(written) =
            Pin::new(&mut self.stream).poll_write(cx, &self.frame[self.written..])?
        else {
            return Ok(Poll::Pending);
        };
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.written += written;
        let counters = peer.counters.get(self.class);
        count(&counters.bytes_out, written as u64);
        if self.written == self.frame.len() {
            count(&counters.messages_out, self.ends);
        }
        Ok(Poll::Ready(()))
    }
}

/// How long the peer has taken nothing of what is urgent.
struct Stall {
    timeout_ms: u64,
    waiting: Option<(Class, Pin<Box<Sleep>>)>,
}

impl Stall {
    const fn new(timing: &Timing) -> Self {
        Self {
            timeout_ms: timing.stall_timeout_ms,
            waiting: None,
        }
    }

    /// Something of this class went out; what waits in another class still waits.
    fn taken(&mut self, class: Class) {
        self.waiting.take_if(|(waiting, _)| *waiting == class);
    }

    fn poll(&mut self, class: Class, cx: &mut Context<'_>) -> Poll<LinkError> {
        let ms = self.timeout_ms;
        let begin = || {
            (
                class,
                Box::pin(sleep_until(Instant::now() + Duration::from_millis(ms))),
            )
        };
        let (class, timer) = self.waiting.get_or_insert_with(begin);
        timer
            .as_mut()
            .poll(cx)
            .map(|()| LinkError::Stalled { class: *class, ms })
    }
}
