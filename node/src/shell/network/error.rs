//! What can go wrong: at the start, with one message, with one connection.
//!
//! [`NetworkError`] ends the start, [`SendError`] is the answer to one message, [`LinkError`] is why a connection ended.
//! None of them ends the transport once it runs: connections come back, messages are sent again by those who need them.

use std::io;

use libp2p::{Multiaddr, PeerId};

use super::class::Class;
use super::config::ConfigError;

/// The transport could not start, or take a new list of peers.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// The configuration cannot work.
    #[error("the network configuration is refused")]
    Config(#[from] ConfigError),
    /// Somebody else listens there already.
    #[error("address {address} is in use")]
    AddressInUse {
        /// The address that was asked for.
        address: Multiaddr,
    },
    /// The address is not one of this machine's.
    #[error("address {address} is not one of this machine's")]
    AddressNotAvailable {
        /// The address that was asked for.
        address: Multiaddr,
    },
    /// The system refuses to listen, for another reason.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address that was asked for.
        address: Multiaddr,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The transport key cannot make a handshake.
    #[error("the transport key is refused: {reason}")]
    Key {
        /// What the handshake says.
        reason: String,
    },
    /// The transport runs on tokio, and there is no runtime here.
    #[error("there is no tokio runtime to start on")]
    NoRuntime,
    /// The transport has been shut down.
    #[error("the network has been shut down")]
    ShutDown,
}

/// A message that was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The peer is not in the list.
    #[error("peer {peer} is not in the list")]
    UnknownPeer {
        /// Whom it was for.
        peer: PeerId,
    },
    /// There is no connection to the peer. Nothing is kept for later: what it must know is asked for or sent again.
    #[error("peer {peer} is not connected")]
    NotConnected {
        /// Whom it was for.
        peer: PeerId,
    },
    /// The message is empty, or longer than its class allows.
    #[error("a message of {bytes} bytes does not fit {class}, which takes 1 to {bytes_max}")]
    Size {
        /// Its class.
        class: Class,
        /// Its length.
        bytes: usize,
        /// The longest that fits.
        bytes_max: u32,
    },
    /// Too much waits for this peer already. Only bulk classes answer so; the others drop their oldest.
    #[error("the queue of {class} for peer {peer} is full")]
    QueueFull {
        /// Whom it was for.
        peer: PeerId,
        /// Its class.
        class: Class,
    },
}

/// Why a connection ended, or never came to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The other end closed it.
    #[error("the peer closed the connection")]
    Closed,
    /// The system ended it.
    #[error("the connection broke: {reason}")]
    Broken {
        /// What the system or the multiplexer says.
        reason: String,
    },
    /// No connection could be made.
    #[error("cannot connect: {reason}")]
    Dial {
        /// What the system or the handshake says.
        reason: String,
    },
    /// Somebody else answers at the peer's address.
    #[error("the peer's address answers as {found}")]
    WrongIdentity {
        /// Who answers.
        found: PeerId,
    },
    /// Not a byte came for too long.
    #[error("nothing heard for {ms} ms")]
    Silent {
        /// How long.
        ms: u64,
    },
    /// The peer does not read what is urgent.
    #[error("the peer has read no {class} for {ms} ms")]
    Stalled {
        /// What waits.
        class: Class,
        /// How long.
        ms: u64,
    },
    /// The hellos were not exchanged in time.
    #[error("no agreement on the hello after {ms} ms")]
    HelloTimeout {
        /// How long was waited.
        ms: u64,
    },
    /// Our host refused the peer's hello.
    #[error("we refused the peer's hello: {reason}")]
    HelloRefusedHere {
        /// Our reason.
        reason: String,
    },
    /// The peer refused our hello.
    #[error("the peer refused our hello: {reason}")]
    HelloRefusedThere {
        /// The peer's reason, as it gave it.
        reason: String,
    },
    /// A length prefix beyond the class's largest message.
    #[error("a message of {bytes} bytes on {stream}, which takes {bytes_max}")]
    Oversized {
        /// The stream it was announced on.
        stream: &'static str,
        /// The announced length.
        bytes: u32,
        /// The longest allowed.
        bytes_max: u32,
    },
    /// A length prefix of zero.
    #[error("an empty message on {stream}")]
    Empty {
        /// The stream it was announced on.
        stream: &'static str,
    },
    /// Bytes that mean nothing on the control stream, or come out of turn.
    #[error("a malformed control message: {detail}")]
    Control {
        /// What is wrong with it.
        detail: &'static str,
    },
    /// A second stream of one kind.
    #[error("a second stream of {stream}")]
    StreamTwice {
        /// Which.
        stream: &'static str,
    },
    /// The peer does not speak our stream protocols.
    #[error("the peer does not open {stream}: {reason}")]
    Stream {
        /// Which.
        stream: &'static str,
        /// What the negotiation says.
        reason: String,
    },
    /// Another connection to the same peer took its place.
    #[error("replaced by another connection to the same peer")]
    Replaced,
    /// The peer was taken off the list.
    #[error("the peer was taken off the list")]
    Removed,
    /// The host wants nothing of the peer for a while.
    #[error("cut off for a while, because the peer sent a wrong {what}")]
    Shunned {
        /// What it sent.
        what: &'static str,
    },
    /// The transport was shut down.
    #[error("the network was shut down")]
    ShutDown,
}

impl LinkError {
    /// Whether it is the peer's bytes or a hello that ended it, so that an early retry would end the same way.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        match self {
            Self::HelloRefusedHere { .. }
            | Self::HelloRefusedThere { .. }
            | Self::Oversized { .. }
            | Self::Empty { .. }
            | Self::Control { .. }
            | Self::StreamTwice { .. }
            | Self::Stream { .. }
            | Self::WrongIdentity { .. } => true,
            Self::Closed
            | Self::Broken { .. }
            | Self::Dial { .. }
            | Self::Silent { .. }
            | Self::Stalled { .. }
            | Self::HelloTimeout { .. }
            | Self::Replaced
            | Self::Removed
            | Self::Shunned { .. }
            | Self::ShutDown => false,
        }
    }
}
