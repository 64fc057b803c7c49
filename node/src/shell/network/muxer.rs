//! Yamux under libp2p, with bounded memory and a close that ends.
//!
//! Invariant: a connection has at most [`STREAMS_MAX`] streams, and buffers at most their first windows and
//! `window_bytes_extra` of unread bytes. (libp2p's own wrapper leaves the windows at 1 GiB, which a peer that answers
//! yamux's pings late could make us grant.) What the windows allow under way is also what a vote may find before it
//! on a path that is slower than its sender.
//! Closing takes at most [`CLOSE_TIMEOUT`]: a peer that reads nothing cannot keep its connection half closed.
//! Errors: those of yamux, which end the connection.
//! Source: yamux specification, hashicorp/yamux `spec.md`.

use std::collections::VecDeque;
use std::future::{Future, Ready, ready};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::{AsyncRead, AsyncWrite};
use libp2p::core::muxing::{StreamMuxer, StreamMuxerEvent};
use libp2p::core::upgrade::{InboundConnectionUpgrade, OutboundConnectionUpgrade, UpgradeInfo};
use tokio::time::{Sleep, sleep};
use yamux::{Config, Connection, ConnectionError, Mode};

/// Ten are used: five in each direction.
const STREAMS_MAX: usize = 16;

/// What yamux grants each stream from the start, by its specification.
const WINDOW_BYTES_INITIAL: usize = 256 * 1024;

/// How long a close may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Makes muxers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Multiplex {
    pub(super) window_bytes_extra: u32,
}

impl Multiplex {
    fn start<C: AsyncRead + AsyncWrite + Unpin>(self, io: C, mode: Mode) -> Muxer<C> {
        let windows = STREAMS_MAX * WINDOW_BYTES_INITIAL + self.window_bytes_extra as usize;
        let mut config = Config::default();
        config.set_max_num_streams(STREAMS_MAX);
        config.set_max_connection_receive_window(Some(windows));
        let connection = Connection::new(io, config, mode);
        Muxer {
            connection,
            arrived: VecDeque::new(),
            arrival: None,
            closing: None,
        }
    }
}

impl UpgradeInfo for Multiplex {
    type Info = &'static str;
    type InfoIter = [&'static str; 1];

    fn protocol_info(&self) -> Self::InfoIter {
        ["/yamux/1.0.0"]
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> InboundConnectionUpgrade<C> for Multiplex {
    type Output = Muxer<C>;
    type Error = io::Error;
    type Future = Ready<io::Result<Muxer<C>>>;

    fn upgrade_inbound(self, io: C, _: &'static str) -> Self::Future {
        ready(Ok(self.start(io, Mode::Server)))
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> OutboundConnectionUpgrade<C> for Multiplex {
    type Output = Muxer<C>;
    type Error = io::Error;
    type Future = Ready<io::Result<Muxer<C>>>;

    fn upgrade_outbound(self, io: C, _: &'static str) -> Self::Future {
        ready(Ok(self.start(io, Mode::Client)))
    }
}

/// A multiplexed connection.
#[derive(Debug)]
pub(super) struct Muxer<C> {
    connection: Connection<C>,
    /// Streams that arrived while the swarm asked for something else. Yamux bounds them by [`STREAMS_MAX`].
    arrived: VecDeque<yamux::Stream>,
    arrival: Option<Waker>,
    closing: Option<Pin<Box<Sleep>>>,
}

impl<C: AsyncRead + AsyncWrite + Unpin> Muxer<C> {
    fn poll_arrival(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<yamux::Stream, ConnectionError>> {
        self.connection
            .poll_next_inbound(cx)
            .map(|arrived| arrived.unwrap_or(Err(ConnectionError::Closed)))
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> StreamMuxer for Muxer<C> {
    type Substream = yamux::Stream;
    type Error = ConnectionError;

    fn poll_inbound(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<yamux::Stream, ConnectionError>> {
        if let Some(stream) = self.arrived.pop_front() {
            return Poll::Ready(Ok(stream));
        }
        let arrival = self.poll_arrival(cx);
        if arrival.is_pending() {
            self.arrival = Some(cx.waker().clone());
        }
        arrival
    }

    fn poll_outbound(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<yamux::Stream, ConnectionError>> {
        self.connection.poll_new_outbound(cx)
    }

    fn poll_close(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), ConnectionError>> {
        let closed = self.connection.poll_close(cx);
        let timer = self
            .closing
            .get_or_insert_with(|| Box::pin(sleep(CLOSE_TIMEOUT)));
        if closed.is_pending() && timer.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(ConnectionError::Io(io::ErrorKind::TimedOut.into())));
        }
        closed
    }

    /// Moves the whole connection on: yamux only does so while it is asked for the next stream.
    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<StreamMuxerEvent, ConnectionError>> {
        let stream = std::task::ready!(self.poll_arrival(cx))?;
        self.arrived.push_back(stream);
        if let Some(arrival) = self.arrival.take() {
            arrival.wake();
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
