//! What the transport is told: where to listen, whom to know, how much to take from each.
//!
//! Invariant: a [`NetworkConfig`] that passes its check cannot make the transport wait for room that never comes:
//! every queue and budget holds at least one message of the largest size of its class.
//! Units: bytes, messages a second, milliseconds; the unit is the last word of a name.
//! Errors: [`ConfigError`] says which value is wrong and what it would have to be.

mod check;

use bytes::Bytes;
use libp2p::{Multiaddr, PeerId};

use super::class::PerClass;

pub use self::check::{ConfigError, ends_in_another, multiaddr, socket_addr};
pub(super) use self::check::{check_hello, check_peers};

/// No class may carry a larger message, whatever the configuration says.
pub const MESSAGE_BYTES_CEILING: u32 = 64 * 1024 * 1024;

/// The largest hello, in bytes.
pub const HELLO_BYTES_MAX: u32 = 16 * 1024;

/// The longest reason of a refused hello, in bytes of UTF-8.
pub const REASON_BYTES_MAX: usize = 256;

/// One peer that may talk to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerConfig {
    /// How status and logs call it, for example `validator-3`.
    pub name: String,
    /// Its transport identity. Whoever cannot prove it does not get past the handshake.
    pub peer: PeerId,
    /// Where to dial it: `/ip4/…/tcp/…` or `/ip6/…/tcp/…`, with or without a closing `/p2p/…`.
    /// It may be the address of a relay: what counts is the identity that answers there.
    /// A peer without an address is never dialed, but may dial us.
    pub address: Option<Multiaddr>,
}

/// Everything the transport needs to start.
#[derive(Debug, Clone)]
pub struct NetworkConfig {
    /// Where to listen. Port 0 takes a free one; the handle tells which.
    pub listen: Multiaddr,
    /// The allow-list.
    pub peers: Vec<PeerConfig>,
    /// Our hello, opaque here: the first bytes each peer gets from us and judges.
    pub hello: Bytes,
    /// Sizes, queues and rates.
    pub limits: Limits,
    /// Timeouts and periods.
    pub timing: Timing,
}

/// How much of one class one peer may send, and how much of it waits for one peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClassLimits {
    /// The largest message. A longer length prefix ends the connection, before anything is allocated for it.
    pub message_bytes_max: u32,
    /// How many messages may wait to be written to one peer.
    pub queue_messages_max: u32,
    /// How many bytes may wait to be written to one peer.
    pub queue_bytes_max: u64,
    /// How many bytes of one peer may be read but not yet taken by the host. Beyond it, its stream is not read.
    pub inbound_bytes_max: u32,
    /// How many bytes a second are read from one peer, on average; one second's worth may come at once.
    pub inbound_bytes_per_s: u64,
    /// How many messages a second are read from one peer, on average; one second's worth may come at once.
    pub inbound_messages_per_s: u64,
}

/// The limits of every class, and those of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Per peer and class.
    pub classes: PerClass<ClassLimits>,
    /// How many bytes beyond 256 KiB a stream all streams of a connection may have under way, unread by the other end.
    /// More of it fills long paths (256 KiB is 13 MB/s at 20 ms) and lets bulk stand before votes on slow ones.
    pub window_bytes_extra: u32,
    /// Connections that are not through their handshake yet, of all peers together.
    pub handshakes_pending_max: u32,
    /// Handshakes a second that one remote address may begin, on average.
    pub handshakes_per_s: u64,
    /// Handshakes that one remote address may begin at once.
    pub handshakes_burst: u64,
    /// Connections a second that one peer may establish, on average.
    pub connections_per_s: u64,
    /// Connections that one peer may establish at once.
    pub connections_burst: u64,
}

/// Timeouts and periods of the transport, in milliseconds. None of them decides anything in consensus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// How long a TCP connect may take.
    pub connect_timeout_ms: u64,
    /// How long encryption and multiplexing may take to agree, after the connect.
    pub handshake_timeout_ms: u64,
    /// How long the exchange of hellos may take, the host's answer included.
    pub hello_timeout_ms: u64,
    /// The wait after the first failed dial; it doubles from there.
    pub redial_base_ms: u64,
    /// The longest wait between two dials.
    pub redial_cap_ms: u64,
    /// The longest wait between two dials of a peer that refused our hello, or whose bytes we had to refuse.
    pub redial_refused_cap_ms: u64,
    /// How long the peer with the larger identity leaves the first dial to the other one.
    pub dial_head_start_ms: u64,
    /// How often the round trip is measured. Four periods without a byte end the connection.
    pub ping_period_ms: u64,
    /// How long an urgent message may wait for a peer that takes nothing, before the connection ends.
    pub stall_timeout_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: u32 = 1024 * 1024;
        Self {
            classes: PerClass {
                votes: class_limits(2 * MIB, 4 * MIB, 16 * MIB, 10_000),
                proposals: class_limits(4 * MIB, 8 * MIB, 32 * MIB, 1_000),
                batches: class_limits(MIB, 8 * MIB, 64 * MIB, 10_000),
                sync: class_limits(8 * MIB, 16 * MIB, 128 * MIB, 2_000),
            },
            window_bytes_extra: 0,
            handshakes_pending_max: 128,
            handshakes_per_s: 64,
            handshakes_burst: 256,
            connections_per_s: 4,
            connections_burst: 16,
        }
    }
}

const fn class_limits(
    message: u32,
    waiting: u32,
    bytes_per_s: u32,
    messages_per_s: u64,
) -> ClassLimits {
    ClassLimits {
        message_bytes_max: message,
        queue_messages_max: 4_096,
        queue_bytes_max: 2 * waiting as u64,
        inbound_bytes_max: waiting,
        inbound_bytes_per_s: bytes_per_s as u64,
        inbound_messages_per_s: messages_per_s,
    }
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            connect_timeout_ms: 1_000,
            handshake_timeout_ms: 5_000,
            hello_timeout_ms: 5_000,
            redial_base_ms: 50,
            redial_cap_ms: 1_000,
            redial_refused_cap_ms: 10_000,
            dial_head_start_ms: 250,
            ping_period_ms: 1_000,
            stall_timeout_ms: 10_000,
        }
    }
}

impl NetworkConfig {
    /// A configuration with default limits and timing.
    #[must_use]
    pub fn new(listen: Multiaddr, peers: Vec<PeerConfig>, hello: Bytes) -> Self {
        Self {
            listen,
            peers,
            hello,
            limits: Limits::default(),
            timing: Timing::default(),
        }
    }
}
