//! The control stream of a connection that is up: pings, pongs, and the judgement that nobody is there any more.
//!
//! Invariant: a connection on which nothing at all was heard for [`PERIODS_SILENT_MAX`] ping periods ends. Periods are
//! counted by our own ticks, so that a process that was stopped for a while does not blame its peers.
//! Writing never holds up reading; what waits to be written is bounded by [`WAITING_BYTES_MAX`].
//! Errors: silence, a broken stream, and a peer that says what it may not.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use futures::{AsyncRead, AsyncWrite};
use libp2p::Stream;
use tokio::sync::mpsc;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::super::channel::Channel;
use super::super::config::Timing;
use super::super::control::{CONTROL_BYTES_MAX, Control as Message};
use super::super::error::LinkError;
use super::super::frame::{Decoded, Decoder, prefix};
use super::super::peer::Peer;
use super::super::rate::Rate;
use super::{Heard, Order, broken, refused};

/// After so many ping periods without a byte the connection is given up.
const PERIODS_SILENT_MAX: u64 = 4;

/// How long a probed connection may stay silent.
const PROBE_WAIT: Duration = Duration::from_millis(500);

/// How many control messages a second are more than any honest peer sends.
const MESSAGES_PER_S_MAX: u64 = 100;

/// Twice what both hellos could need.
const WAITING_BYTES_MAX: usize = 2 * CONTROL_BYTES_MAX as usize + 1024;

/// Reads control messages.
#[derive(Debug)]
pub(super) struct ControlReader {
    stream: Stream,
    decoder: Decoder,
    read: BytesMut,
}

impl ControlReader {
    pub(super) fn new(stream: Stream) -> Self {
        Self {
            stream,
            decoder: Decoder::new(CONTROL_BYTES_MAX),
            read: BytesMut::new(),
        }
    }

    /// The next message. Cancel safe: what was read is kept.
    pub(super) async fn next(&mut self) -> Result<Message, LinkError> {
        let message = poll_fn(|cx| self.poll_next(cx)).await?;
        Message::decode(&message).map_err(|detail| LinkError::Control { detail })
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, LinkError>> {
        loop {
            if let Some(message) = self.decode()? {
                return Poll::Ready(Ok(message));
            }
            let mut piece = [0; 1024];
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut piece)) {
                Ok(0) => return Poll::Ready(Err(LinkError::Closed)),
                Ok(bytes) => self.read.extend_from_slice(&piece[..bytes]),
                Err(error) => return Poll::Ready(Err(broken(&error))),
            }
        }
    }

    fn decode(&mut self) -> Result<Option<Bytes>, LinkError> {
        while !self.read.is_empty() {
            let mut input = &self.read[..];
            let decoded = self.decoder.feed(&mut input);
            let used = self.read.len() - input.len();
            self.read.advance(used);
            match decoded.map_err(|error| refused(Channel::Control, CONTROL_BYTES_MAX, error))? {
                Decoded::Message(message) => return Ok(Some(message)),
                Decoded::Announced { .. } | Decoded::More => {}
            }
        }
        Ok(None)
    }
}

/// Writes control messages.
#[derive(Debug)]
pub(super) struct ControlWriter {
    stream: Stream,
    waiting: VecDeque<u8>,
}

impl ControlWriter {
    pub(super) const fn new(stream: Stream) -> Self {
        Self {
            stream,
            waiting: VecDeque::new(),
        }
    }

    /// Adds a message to what waits.
    ///
    /// # Errors
    /// The peer has us answer without reading the answers.
    pub(super) fn push(&mut self, message: &Message) -> Result<(), LinkError> {
        let message = message.encode();
        if self.waiting.len() + message.len() > WAITING_BYTES_MAX {
            return Err(LinkError::Control {
                detail: "pings whose pongs are not read",
            });
        }
        self.waiting.extend(prefix(&message));
        self.waiting.extend(message);
        Ok(())
    }

    /// Writes all that waits. Cancel safe: what was written is not written again.
    pub(super) async fn flush(&mut self) -> Result<(), LinkError> {
        poll_fn(|cx| self.poll_flush(cx))
            .await
            .map_err(|error| broken(&error))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        while !self.waiting.is_empty() {
            let (front, _) = self.waiting.as_slices();
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, front))?;
            self.waiting.drain(..written);
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }
}

/// The control stream once both ends are up.
#[derive(Debug)]
pub(super) struct Control {
    reader: ControlReader,
    writer: ControlWriter,
    orders: mpsc::UnboundedReceiver<Order>,
    pings: u64,
    sent: Option<(u64, Instant)>,
    periods_silent: u64,
    heard_at: Instant,
}

impl Control {
    pub(super) fn new(
        reader: ControlReader,
        writer: ControlWriter,
        orders: mpsc::UnboundedReceiver<Order>,
    ) -> Self {
        let heard_at = Instant::now();
        Self {
            reader,
            writer,
            orders,
            pings: 0,
            sent: None,
            periods_silent: 0,
            heard_at,
        }
    }

    pub(super) async fn run(
        mut self,
        peer: &Peer,
        timing: &Timing,
        heard: &Heard,
    ) -> Result<Infallible, LinkError> {
        let mut period = interval(Duration::from_millis(timing.ping_period_ms));
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut rate = Rate::new(MESSAGES_PER_S_MAX, MESSAGES_PER_S_MAX);
        let start = Instant::now();
        loop {
            tokio::select! {
                biased;
                message = self.reader.next() => {
                    heard.mark();
                    check_rate(&mut rate, start)?;
                    self.answer(message?, peer)?;
                }
                Some(order) = self.orders.recv() => self.obey(&order, heard, &mut period)?,
                _ = period.tick() => self.tick(heard)?,
                written = self.writer.flush(), if !self.writer.waiting.is_empty() => written?,
            }
        }
    }

    fn answer(&mut self, message: Message, peer: &Peer) -> Result<(), LinkError> {
        match message {
            Message::Ping(nonce) => self.writer.push(&Message::Pong(nonce)),
            Message::Pong(nonce) => {
                if let Some((_, sent)) = self.sent.take_if(|(expected, _)| *expected == nonce) {
                    peer.measured(u64::try_from(sent.elapsed().as_micros()).unwrap_or(u64::MAX));
                }
                Ok(())
            }
            Message::Hello(_) | Message::Accept | Message::Refuse(_) => Err(LinkError::Control {
                detail: "a greeting after the greeting",
            }),
        }
    }

    fn tick(&mut self, heard: &Heard) -> Result<(), LinkError> {
        if heard.take() {
            (self.periods_silent, self.heard_at) = (0, Instant::now());
        } else {
            self.periods_silent += 1;
        }
        if self.periods_silent > PERIODS_SILENT_MAX {
            let ms = u64::try_from(self.heard_at.elapsed().as_millis()).unwrap_or(u64::MAX);
            return Err(LinkError::Silent { ms });
        }
        self.ping()
    }

    /// Somebody with the peer's key has connected anew. If this connection is dead, a write brings that to light at
    /// once; otherwise silence does, at the next tick.
    fn obey(
        &mut self,
        order: &Order,
        heard: &Heard,
        period: &mut Interval,
    ) -> Result<(), LinkError> {
        if matches!(order, Order::Start) {
            return Ok(());
        }
        if heard.take() {
            self.heard_at = Instant::now();
        }
        self.periods_silent = PERIODS_SILENT_MAX;
        period.reset_after(PROBE_WAIT);
        self.ping()
    }

    fn ping(&mut self) -> Result<(), LinkError> {
        self.pings += 1;
        self.sent = Some((self.pings, Instant::now()));
        self.writer.push(&Message::Ping(self.pings))
    }
}

fn check_rate(rate: &mut Rate, start: Instant) -> Result<(), LinkError> {
    let now_ns = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
    if rate.try_take(now_ns) {
        Ok(())
    } else {
        Err(LinkError::Control {
            detail: "too many messages",
        })
    }
}
