//! The transport: opaque bytes in, opaque bytes out, between peers that are on the list.
//!
//! It knows nothing of consensus. Each peer has one connection (TCP, Noise, Yamux), with one stream per direction and
//! [`Class`]; bulk never stands before a vote or a proposal. The first thing on a connection is a hello, opaque here,
//! which the host judges before anything else is delivered.
//!
//! Invariant: memory and work per peer are bounded by [`Limits`], whatever the peer sends; a length is checked before
//! anything is allocated for it, and no bytes of a peer lead to a panic.
//! Delivery: in order within one class of one connection, at most once, not at all when the connection is lost. Those
//! who need a message ask for it or send it again.
//! Source: `docs/spec/wire.md`, section Transport.

mod backoff;
mod chance;
mod channel;
mod class;
mod config;
mod control;
mod error;
mod frame;
mod handle;
mod handler;
mod handshakes;
mod inbox;
mod link;
mod mesh;
mod muxer;
mod peer;
mod queue;
mod rate;
mod status;
mod task;
mod tcp;
mod transport;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, RwLock};

use libp2p::Swarm;
use libp2p::core::upgrade::Version;
use libp2p::swarm::Config as SwarmConfig;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

pub use class::{Class, PerClass};
pub use config::{
    ClassLimits, ConfigError, HELLO_BYTES_MAX, Limits, MESSAGE_BYTES_CEILING, NetworkConfig,
    PeerConfig, REASON_BYTES_MAX, Timing, ends_in_another, multiaddr, socket_addr,
};
pub use error::{LinkError, NetworkError, SendError};
pub use handle::NetworkHandle;
pub use inbox::{HelloRequest, NetworkEvent, NetworkEvents};
pub use libp2p::identity::Keypair;
pub use libp2p::{Multiaddr, PeerId};
pub use status::{ClassStatus, NetworkStatus, PeerStatus, RefusedConnections};

use self::handle::{Refused, Shared};
use self::inbox::Inbox;
use self::mesh::Mesh;

/// How many streams a peer may have under negotiation. Five are opened, once.
const STREAMS_NEGOTIATING_MAX: usize = 8;

/// The transport. It has no value of its own: a running one is a [`NetworkHandle`] and its [`NetworkEvents`].
#[derive(Debug)]
pub enum Network {}

impl Network {
    /// Listens, and starts to connect to the peers of the list, in the background of the current tokio runtime.
    ///
    /// # Errors
    /// The configuration or key is refused, or the address cannot be listened on; [`NetworkError::AddressInUse`] tells
    /// when it is another program's.
    pub fn start(
        config: NetworkConfig,
        key: &Keypair,
    ) -> Result<(NetworkHandle, NetworkEvents), NetworkError> {
        let runtime = Handle::try_current().map_err(|_| NetworkError::NoRuntime)?;
        let local = key.public().to_peer_id();
        config.check(local)?;
        let (listener, listen) = listen(&config.listen)?;
        let transport = transport::build(listener, key, &config.timing, &config.limits)?;

        let shared = Arc::new(Shared {
            local,
            listen: listen.clone(),
            peers: RwLock::new(BTreeMap::new()),
            refused: Refused::default(),
        });
        let inbox = Arc::new(Inbox::default());
        let mesh = Mesh::new(Arc::clone(&shared), Arc::clone(&inbox), config);
        let mut swarm = Swarm::new(transport, mesh, local, swarm_config());
        swarm
            .listen_on(listen.clone())
            .map_err(|error| NetworkError::Listen {
                address: listen,
                source: io::Error::other(error),
            })?;

        let (commands, commanded) = mpsc::unbounded_channel();
        let (host_is_there, host) = oneshot::channel();
        runtime.spawn(task::run(swarm, Arc::clone(&inbox), commanded, host));
        Ok((
            NetworkHandle::new(shared, commands),
            NetworkEvents::new(inbox, host_is_there),
        ))
    }
}

fn swarm_config() -> SwarmConfig {
    SwarmConfig::with_tokio_executor()
        .with_max_negotiating_inbound_streams(STREAMS_NEGOTIATING_MAX)
        // Not the lazy variant: a stream is only used once both ends have agreed on what it is.
        .with_substream_upgrade_protocol_override(Version::V1)
}

/// Opens the listener; gives it and the address it really has.
fn listen(address: &Multiaddr) -> Result<(TcpListener, Multiaddr), NetworkError> {
    let opened = || {
        let listener = tcp::listen(socket_addr(address).map_err(io::Error::other)?)?;
        let bound = multiaddr(listener.local_addr()?);
        Ok((listener, bound))
    };
    opened().map_err(|source: io::Error| {
        let address = address.clone();
        if source.kind() == io::ErrorKind::AddrInUse {
            NetworkError::AddressInUse { address }
        } else if source.kind() == io::ErrorKind::AddrNotAvailable {
            NetworkError::AddressNotAvailable { address }
        } else {
            NetworkError::Listen { address, source }
        }
    })
}

#[cfg(test)]
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test names the event it expects and fails on every other"
)]
mod tests;
