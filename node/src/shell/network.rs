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

mod class;
mod config;
mod error;
mod handle;
mod inbox;
mod peer;
mod queue;
mod status;

pub use class::{Class, PerClass};
pub use config::{
    ClassLimits, ConfigError, HELLO_BYTES_MAX, Limits, MESSAGE_BYTES_CEILING, NetworkConfig,
    PeerConfig, REASON_BYTES_MAX, Timing, multiaddr, socket_addr,
};
pub use error::{LinkError, NetworkError, SendError};
pub use handle::NetworkHandle;
pub use inbox::{HelloRequest, NetworkEvent, NetworkEvents};
pub use libp2p::identity::Keypair;
pub use libp2p::{Multiaddr, PeerId};
pub use status::{ClassStatus, NetworkStatus, PeerStatus, RefusedConnections};
