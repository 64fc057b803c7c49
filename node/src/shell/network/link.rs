//! The life of one connection, from its first stream to its end.
//!
//! Invariant: no message is delivered before both ends have accepted each other's hello and the host has been told so;
//! and a connection that this future has given up carries nothing any more.
//! Shape: one future, polled by the connection's own task inside [`super::handler`], so that a message crosses no task
//! between the host's queue and the socket. Its parts are polled in order of urgency: control, votes, proposals,
//! writing, batches, sync.
//! Errors: it ends with the [`LinkError`] that says why, and with nothing else.

mod control_stream;
mod greeting;
mod reader;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use libp2p::Stream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use self::control_stream::{ControlReader, ControlWriter};
use super::channel::Channel;
use super::class::{Class, PerClass};
use super::config::Timing;
use super::error::LinkError;
use super::inbox::{HelloRequest, Inbox};
use super::peer::Peer;
use super::queue::Outbound;

/// What a connection tells the swarm's side.
#[derive(Debug)]
pub(super) enum Report {
    /// The peer has said hello; the host is to judge it.
    Hello(HelloRequest),
    /// Both hellos are accepted. Messages for the peer can be queued here from now on.
    Greeted(Arc<Outbound>),
    /// Our host has refused the peer's hello; the peer is being told.
    Refused(LinkError),
    /// It is over.
    Ended(LinkError),
}

/// What the swarm's side tells a connection.
#[derive(Debug)]
pub(super) enum Order {
    /// The host has been told that the peer is up.
    Start,
    /// Another connection to the peer was attempted: see quickly whether this one is alive.
    Probe,
}

/// Both ends of the streams of a connection, as they come to be.
#[derive(Debug)]
pub(super) struct Streams {
    pub(super) control_out: oneshot::Receiver<Stream>,
    pub(super) control_in: oneshot::Receiver<Stream>,
    pub(super) classes_out: PerClass<oneshot::Receiver<Stream>>,
    pub(super) classes_in: PerClass<oneshot::Receiver<Stream>>,
}

/// The swarm's side of a connection.
#[derive(Debug)]
pub(super) struct Ports {
    pub(super) streams: Streams,
    pub(super) reports: mpsc::UnboundedSender<Report>,
    pub(super) orders: mpsc::UnboundedReceiver<Order>,
}

/// What a connection knows of its surroundings.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) peer: Arc<Peer>,
    pub(super) inbox: Arc<Inbox>,
    pub(super) hello: Bytes,
    pub(super) timing: Timing,
}

/// Whether a byte has come since it was last asked.
#[derive(Debug, Default)]
struct Heard(AtomicBool);

impl Heard {
    fn mark(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

impl Link {
    /// Runs to the end.
    pub(super) async fn run(self, ports: Ports) -> LinkError {
        match self.live(ports).await {
            Ok(never) => match never {},
            Err(error) => error,
        }
    }

    async fn live(self, ports: Ports) -> Result<std::convert::Infallible, LinkError> {
        let Ports {
            streams,
            reports,
            mut orders,
        } = ports;
        let ms = self.timing.hello_timeout_ms;
        let greeting = greeting::greet(&self, streams.control_out, streams.control_in, &reports);
        let (writer, reader) = timeout(Duration::from_millis(ms), greeting)
            .await
            .unwrap_or(Err(LinkError::HelloTimeout { ms }))?;
        let outbound = Arc::new(Outbound::default());
        report(&reports, Report::Greeted(Arc::clone(&outbound)))?;
        started(&mut orders).await?;
        let control = control_stream::Control::new(reader, writer, orders);
        self.carry(control, outbound, streams.classes_out, streams.classes_in)
            .await
    }

    async fn carry(
        self,
        control: control_stream::Control,
        outbound: Arc<Outbound>,
        out: PerClass<oneshot::Receiver<Stream>>,
        incoming: PerClass<oneshot::Receiver<Stream>>,
    ) -> Result<std::convert::Infallible, LinkError> {
        let heard = Heard::default();
        let read = |class, stream| reader::read(&self.peer, &self.inbox, &heard, class, stream);
        tokio::select! {
            biased;
            end = control.run(&self.peer, &self.timing, &heard) => end,
            end = read(Class::Votes, incoming.votes) => end,
            end = read(Class::Proposals, incoming.proposals) => end,
            end = writer::write(&self.peer, &self.timing, outbound, out) => end,
            end = read(Class::Batches, incoming.batches) => end,
            end = read(Class::Sync, incoming.sync) => end,
        }
    }
}

async fn started(orders: &mut mpsc::UnboundedReceiver<Order>) -> Result<(), LinkError> {
    loop {
        match orders.recv().await {
            Some(Order::Start) => return Ok(()),
            Some(Order::Probe) => {}
            None => return Err(LinkError::Closed),
        }
    }
}

fn report(reports: &mpsc::UnboundedSender<Report>, report: Report) -> Result<(), LinkError> {
    reports.send(report).map_err(|_| LinkError::Closed)
}

/// Waits for a stream to be negotiated.
async fn opened(stream: oneshot::Receiver<Stream>) -> Result<Stream, LinkError> {
    stream.await.map_err(|_| LinkError::Closed)
}

fn broken(error: &std::io::Error) -> LinkError {
    LinkError::Broken {
        reason: error.to_string(),
    }
}

/// A length that no message can have, on the stream it was read from.
fn refused(channel: Channel, bytes_max: u32, error: super::frame::FrameError) -> LinkError {
    let stream = channel.name();
    match error {
        super::frame::FrameError::Empty => LinkError::Empty { stream },
        super::frame::FrameError::Oversized { bytes } => LinkError::Oversized {
            stream,
            bytes,
            bytes_max,
        },
    }
}
