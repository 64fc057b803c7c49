//! What the transport knows about itself and each peer, for status and metrics.
//!
//! Shape: plain values, copied out at one moment; counters only grow, and survive reconnects but not a restart.
//! Units: bytes of payload with their length prefix, microseconds.

use libp2p::{Multiaddr, PeerId};

use super::class::PerClass;

/// The whole transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkStatus {
    /// Where it listens, with the port it really has.
    pub listen: Multiaddr,
    /// Our identity.
    pub local: PeerId,
    /// What did not get past the handshake.
    pub refused: RefusedConnections,
    /// Every peer of the list, by identity.
    pub peers: Vec<PeerStatus>,
}

/// Connections that were refused before a byte of them was read by anyone else.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RefusedConnections {
    /// Their identity is not in the list.
    pub unknown_peer: u64,
    /// Too many handshakes at once, or too fast from one address.
    pub handshake_limit: u64,
    /// Too many connections from one peer, too fast.
    pub connection_limit: u64,
    /// A better connection to the same peer exists.
    pub duplicate: u64,
    /// The host wants nothing of that peer for a while.
    pub shunned: u64,
    /// The host has not taken earlier connection events.
    pub host_busy: u64,
    /// The handshake itself failed.
    pub handshake_failed: u64,
    /// The system could not give us a connection that had come.
    pub accept_failed: u64,
}

/// One peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerStatus {
    /// Its identity.
    pub peer: PeerId,
    /// Its name in the list.
    pub name: String,
    /// Where it is dialed.
    pub address: Option<Multiaddr>,
    /// Whether messages can be sent to it now.
    pub up: bool,
    /// How often it came up.
    pub connects: u64,
    /// The smoothed round trip through the control stream, once measured over this connection.
    pub rtt_us: Option<u64>,
    /// Why the last connection or dial failed, in words.
    pub last_error: Option<String>,
    /// What went each way.
    pub classes: PerClass<ClassStatus>,
}

/// One class of one peer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClassStatus {
    /// Whole messages received.
    pub messages_in: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// Whole messages written.
    pub messages_out: u64,
    /// Bytes written.
    pub bytes_out: u64,
    /// Messages that wait to be written.
    pub queue_messages: u64,
    /// Bytes that wait to be written.
    pub queue_bytes: u64,
    /// Messages dropped from a full queue to make room for newer ones, or lost with their connection.
    pub dropped: u64,
    /// Messages refused for want of room.
    pub refused: u64,
    /// How often reading paused because the peer sent faster than it may.
    pub throttled: u64,
}
