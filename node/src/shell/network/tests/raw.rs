//! A peer that passes the handshake like any other and then says what the test wants.

use std::convert::Infallible;
use std::future::pending;
use std::task::{Context, Poll};

use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::swarm::{ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, ToSwarm};
use libp2p::{Stream, Swarm};
use tokio::sync::mpsc;

use super::*;
use crate::shell::network::control::Control;
use crate::shell::network::frame::prefix;
use crate::shell::network::handler::Handler;
use crate::shell::network::link::{Order, Ports, Report};

/// Gives the streams of each connection to the test.
struct Raw {
    ports: mpsc::UnboundedSender<Ports>,
}

impl Raw {
    fn handler(&self) -> Handler {
        let given = self.ports.clone();
        Handler::new(|ports| {
            given.send(ports).unwrap();
            Box::pin(pending())
        })
    }
}

impl NetworkBehaviour for Raw {
    type ConnectionHandler = Handler;
    type ToSwarm = Infallible;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<Handler, ConnectionDenied> {
        Ok(self.handler())
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<Handler, ConnectionDenied> {
        Ok(self.handler())
    }

    fn on_swarm_event(&mut self, _: FromSwarm<'_>) {}

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, _: Report) {}

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Infallible, Order>> {
        Poll::Pending
    }
}

/// The streams of one connection, in the hands of a test.
pub(super) struct RawPeer {
    ports: Ports,
    control_in: Option<Stream>,
    control_out: Option<Stream>,
    _connections: mpsc::UnboundedReceiver<Ports>,
}

impl RawPeer {
    /// Connects to a node, under a key that is on its list or not.
    pub(super) async fn connect(key: &Keypair, address: &Multiaddr) -> Self {
        let (listener, _) = listen(&loopback()).unwrap();
        let transport =
            transport::build(listener, key, &Timing::default(), &Limits::default()).unwrap();
        let (given, mut connections) = mpsc::unbounded_channel();
        let mut swarm = Swarm::new(transport, Raw { ports: given }, id(key), swarm_config());
        swarm.dial(address.clone()).unwrap();
        tokio::spawn(async move {
            loop {
                swarm.select_next_some().await;
            }
        });
        let ports = within(connections.recv()).await.unwrap();
        Self {
            ports,
            control_in: None,
            control_out: None,
            _connections: connections,
        }
    }

    pub(super) async fn control_out(&mut self) -> &mut Stream {
        if self.control_out.is_none() {
            self.control_out = Some(within(&mut self.ports.streams.control_out).await.unwrap());
        }
        self.control_out.as_mut().unwrap()
    }

    /// Writes bytes to the control stream; says whether it still stands.
    pub(super) async fn say(&mut self, bytes: &[u8]) -> bool {
        let control = self.control_out().await;
        within(control.write_all(bytes)).await.is_ok() && within(control.flush()).await.is_ok()
    }

    pub(super) async fn say_message(&mut self, message: &Control) -> bool {
        let message = message.encode();
        self.say(&[&prefix(&message)[..], &message].concat()).await
    }

    /// Reads one control message as a peer would, while the stream stands.
    pub(super) async fn hear(&mut self) -> Option<Control> {
        if self.control_in.is_none() {
            self.control_in = Some(within(&mut self.ports.streams.control_in).await.unwrap());
        }
        let control = self.control_in.as_mut().unwrap();
        let mut length = [0; 4];
        within(control.read_exact(&mut length)).await.ok()?;
        let mut message = vec![0; u32::from_le_bytes(length) as usize];
        within(control.read_exact(&mut message)).await.ok()?;
        Some(Control::decode(&Bytes::from(message)).unwrap())
    }

    /// Behaves until it is up; the node's host has to accept it meanwhile.
    pub(super) async fn greet(&mut self) {
        self.say_message(&Control::Hello(Bytes::from_static(b"raw")))
            .await;
        assert!(matches!(self.hear().await, Some(Control::Hello(_))));
        self.say_message(&Control::Accept).await;
        assert_eq!(self.hear().await, Some(Control::Accept));
    }

    /// Our stream of one class.
    pub(super) async fn class_out(&mut self, class: Class) -> Stream {
        within(self.ports.streams.classes_out.get_mut(class))
            .await
            .unwrap()
    }
}
