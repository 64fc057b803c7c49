//! libp2p's side of one connection: opens and accepts its streams, and lets its [`super::link`] run.
//!
//! Invariant: each channel has one stream per direction; a second one ends the connection, as does a channel that the
//! peer does not open to us.
//! Shape: the link is a future that is polled here, in the connection's own task.
//! Errors: none of its own; they are [`Report::Ended`].

use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::{Context, Poll};

use libp2p::Stream;
use libp2p::swarm::handler::{
    ConnectionEvent, DialUpgradeError, FullyNegotiatedInbound, FullyNegotiatedOutbound,
};
use libp2p::swarm::{ConnectionHandler, ConnectionHandlerEvent, SubstreamProtocol};
use tokio::sync::{mpsc, oneshot};

use super::channel::{AcceptAny, Channel, Open};
use super::class::PerClass;
use super::error::LinkError;
use super::link::{Order, Ports, Report, Streams};

type Life = Pin<Box<dyn Future<Output = LinkError> + Send>>;

/// Where a stream goes once it is negotiated.
type Inlets = BTreeMap<Channel, oneshot::Sender<Stream>>;

pub(super) struct Handler {
    to_open: Vec<Channel>,
    outgoing: Inlets,
    incoming: Inlets,
    orders: mpsc::UnboundedSender<Order>,
    reports: mpsc::UnboundedReceiver<Report>,
    life: Option<Life>,
    end: Option<LinkError>,
}

impl Handler {
    /// Makes the handler of a new connection, and the link that will live on it.
    pub(super) fn new(link: impl FnOnce(Ports) -> Life) -> Self {
        let (mut outgoing, mut incoming) = (Inlets::new(), Inlets::new());
        let streams = Streams {
            control_out: inlet(&mut outgoing, Channel::Control),
            control_in: inlet(&mut incoming, Channel::Control),
            classes_out: PerClass::from_fn(|class| inlet(&mut outgoing, Channel::Class(class))),
            classes_in: PerClass::from_fn(|class| inlet(&mut incoming, Channel::Class(class))),
        };
        let (orders, obeyed) = mpsc::unbounded_channel();
        let (reported, reports) = mpsc::unbounded_channel();
        let life = link(Ports {
            streams,
            reports: reported,
            orders: obeyed,
        });
        // Taken from the end: control is opened first.
        let to_open = Channel::ALL.into_iter().rev().collect();
        Self {
            to_open,
            outgoing,
            incoming,
            orders,
            reports,
            life: Some(life),
            end: None,
        }
    }

    fn opened(&mut self, channel: Channel, stream: Stream) {
        hand_over(self.outgoing.remove(&channel), stream);
    }

    fn accepted(&mut self, channel: Channel, stream: Stream) {
        match self.incoming.remove(&channel) {
            Some(inlet) => hand_over(Some(inlet), stream),
            None => self.fail(LinkError::StreamTwice {
                stream: channel.name(),
            }),
        }
    }

    fn fail(&mut self, error: LinkError) {
        if self.life.take().is_some() {
            self.end = Some(error);
        }
    }

    fn live(&mut self, cx: &mut Context<'_>) {
        if let Some(life) = &mut self.life
            && let Poll::Ready(error) = life.as_mut().poll(cx)
        {
            self.fail(error);
        }
    }
}

fn inlet(inlets: &mut Inlets, channel: Channel) -> oneshot::Receiver<Stream> {
    let (inlet, outlet) = oneshot::channel();
    inlets.insert(channel, inlet);
    outlet
}

fn hand_over(inlet: Option<oneshot::Sender<Stream>>, stream: Stream) {
    if let Some(inlet) = inlet {
        // The link may have ended; then the stream ends with it.
        inlet.send(stream).ok();
    }
}

impl ConnectionHandler for Handler {
    type FromBehaviour = Order;
    type ToBehaviour = Report;
    type InboundProtocol = AcceptAny;
    type OutboundProtocol = Open;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = Channel;

    fn listen_protocol(&self) -> SubstreamProtocol<AcceptAny> {
        SubstreamProtocol::new(AcceptAny, ())
    }

    fn connection_keep_alive(&self) -> bool {
        true
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<Open, Channel, Report>> {
        if let Some(channel) = self.to_open.pop() {
            let protocol = SubstreamProtocol::new(Open(channel), channel);
            return Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol });
        }
        self.live(cx);
        if let Poll::Ready(Some(report)) = self.reports.poll_recv(cx) {
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(report));
        }
        match self.end.take() {
            Some(error) => Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(Report::Ended(
                error,
            ))),
            None => Poll::Pending,
        }
    }

    fn on_behaviour_event(&mut self, order: Order) {
        // A link that has ended needs no orders.
        self.orders.send(order).ok();
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the enum is open, and nothing else it says concerns a link"
    )]
    fn on_connection_event(&mut self, event: ConnectionEvent<'_, AcceptAny, Open, (), Channel>) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound {
                protocol: (channel, stream),
                ..
            }) => {
                self.accepted(channel, stream);
            }
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound {
                protocol,
                info,
            }) => {
                self.opened(info, protocol);
            }
            ConnectionEvent::DialUpgradeError(DialUpgradeError { info, error }) => {
                self.fail(LinkError::Stream {
                    stream: info.name(),
                    reason: error.to_string(),
                });
            }
            _ => {}
        }
    }
}
