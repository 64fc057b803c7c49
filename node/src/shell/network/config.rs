//! What the transport is told: where to listen, whom to know, how much to take from each.
//!
//! Invariant: a [`NetworkConfig`] that passes its check cannot make the transport wait for room that never comes:
//! every queue and budget holds at least one message of the largest size of its class.
//! Units: bytes, messages a second, milliseconds; the unit is the last word of a name.
//! Errors: [`ConfigError`] says which value is wrong and what it would have to be.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use bytes::Bytes;
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};

use super::class::{Class, PerClass};

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

/// A configuration that could not work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Only TCP over a literal IP address is spoken; names are the host's to resolve.
    #[error("address {address} is not of the form /ip4/…/tcp/… or /ip6/…/tcp/…")]
    AddressForm {
        /// What was given.
        address: Multiaddr,
    },
    /// The identity at the end of an address is another than that of its peer.
    #[error("address {address} of peer {name} ends in another identity than {peer}")]
    AddressIdentity {
        /// What was given.
        address: Multiaddr,
        /// The peer's name.
        name: String,
        /// The peer's identity.
        peer: PeerId,
    },
    /// Two entries of the list have one identity.
    #[error("peer {peer} is listed twice, the second time as {name}")]
    PeerTwice {
        /// The identity.
        peer: PeerId,
        /// The name of the second entry.
        name: String,
    },
    /// Our own identity is in the list.
    #[error("peer {name} has this node's own identity")]
    PeerIsSelf {
        /// The name of the entry.
        name: String,
    },
    /// The hello is empty or too long.
    #[error("the hello has {bytes} bytes, it must have 1 to {HELLO_BYTES_MAX}")]
    HelloSize {
        /// Its length.
        bytes: usize,
    },
    /// A value outside its range.
    #[error("{name} of {scope} is {value}, it must be {min} to {max}")]
    Range {
        /// Which value.
        name: &'static str,
        /// Of which class or part.
        scope: &'static str,
        /// What was given.
        value: u64,
        /// The smallest that works.
        min: u64,
        /// The largest that is allowed.
        max: u64,
    },
}

impl Default for Limits {
    fn default() -> Self {
        const KIB: u32 = 1024;
        const MIB: u32 = 1024 * KIB;
        Self {
            classes: PerClass {
                votes: class_limits(128 * KIB, 4 * MIB, 8 * MIB, 10_000),
                proposals: class_limits(512 * KIB, 4 * MIB, 16 * MIB, 1_000),
                batches: class_limits(MIB, 8 * MIB, 64 * MIB, 10_000),
                sync: class_limits(4 * MIB, 16 * MIB, 128 * MIB, 2_000),
            },
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

    /// Checks everything that can be checked before a socket is opened.
    ///
    /// # Errors
    /// The first value found wrong.
    pub fn check(&self, local: PeerId) -> Result<(), ConfigError> {
        socket_addr(&self.listen)?;
        check_hello(&self.hello)?;
        check_peers(&self.peers, local)?;
        self.limits.check()?;
        self.timing.check()
    }
}

impl Limits {
    fn check(&self) -> Result<(), ConfigError> {
        for class in Class::ALL {
            self.classes.get(class).check(class)?;
        }
        let range = |name, value, max| range(name, "connections", value, 1, max);
        range(
            "handshakes_pending_max",
            u64::from(self.handshakes_pending_max),
            65_536,
        )?;
        range("handshakes_per_s", self.handshakes_per_s, RATE_MAX)?;
        range("handshakes_burst", self.handshakes_burst, RATE_MAX)?;
        range("connections_per_s", self.connections_per_s, RATE_MAX)?;
        range("connections_burst", self.connections_burst, RATE_MAX)
    }
}

/// Rates stay far from where their arithmetic in nanoseconds could overflow.
const RATE_MAX: u64 = 1 << 40;

impl ClassLimits {
    fn check(&self, class: Class) -> Result<(), ConfigError> {
        let message = u64::from(self.message_bytes_max);
        let range = |name, value, min, max| range(name, class.name(), value, min, max);
        range(
            "message_bytes_max",
            message,
            1,
            u64::from(MESSAGE_BYTES_CEILING),
        )?;
        range(
            "queue_messages_max",
            u64::from(self.queue_messages_max),
            1,
            1 << 20,
        )?;
        range("queue_bytes_max", self.queue_bytes_max, message, 1 << 34)?;
        range(
            "inbound_bytes_max",
            u64::from(self.inbound_bytes_max),
            message.max(1024),
            1 << 29,
        )?;
        range("inbound_bytes_per_s", self.inbound_bytes_per_s, 1, RATE_MAX)?;
        range(
            "inbound_messages_per_s",
            self.inbound_messages_per_s,
            1,
            RATE_MAX,
        )
    }
}

impl Timing {
    fn check(&self) -> Result<(), ConfigError> {
        let range = |name, value| range(name, "timing", value, 1, 3_600_000);
        range("connect_timeout_ms", self.connect_timeout_ms)?;
        range("handshake_timeout_ms", self.handshake_timeout_ms)?;
        range("hello_timeout_ms", self.hello_timeout_ms)?;
        range("redial_base_ms", self.redial_base_ms)?;
        range("redial_cap_ms", self.redial_cap_ms)?;
        range("redial_refused_cap_ms", self.redial_refused_cap_ms)?;
        range("dial_head_start_ms", self.dial_head_start_ms)?;
        range("ping_period_ms", self.ping_period_ms)?;
        range("stall_timeout_ms", self.stall_timeout_ms)
    }
}

fn range(
    name: &'static str,
    scope: &'static str,
    value: u64,
    min: u64,
    max: u64,
) -> Result<(), ConfigError> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(ConfigError::Range {
        name,
        scope,
        value,
        min,
        max,
    })
}

pub(super) fn check_hello(hello: &Bytes) -> Result<(), ConfigError> {
    let fits = u32::try_from(hello.len()).is_ok_and(|bytes| (1..=HELLO_BYTES_MAX).contains(&bytes));
    if fits {
        Ok(())
    } else {
        Err(ConfigError::HelloSize { bytes: hello.len() })
    }
}

pub(super) fn check_peers(peers: &[PeerConfig], local: PeerId) -> Result<(), ConfigError> {
    let mut seen = BTreeSet::new();
    for PeerConfig {
        name,
        peer,
        address,
    } in peers
    {
        if *peer == local {
            return Err(ConfigError::PeerIsSelf { name: name.clone() });
        }
        if !seen.insert(*peer) {
            return Err(ConfigError::PeerTwice {
                peer: *peer,
                name: name.clone(),
            });
        }
        let Some(address) = address else { continue };
        socket_addr(address)?;
        if identity(address).is_some_and(|found| found != *peer) {
            let address = address.clone();
            return Err(ConfigError::AddressIdentity {
                address,
                name: name.clone(),
                peer: *peer,
            });
        }
    }
    Ok(())
}

/// The socket address that a multiaddress names.
///
/// # Errors
/// [`ConfigError::AddressForm`] for anything but TCP over a literal IP address.
pub fn socket_addr(address: &Multiaddr) -> Result<SocketAddr, ConfigError> {
    let mut parts = address.iter();
    let ip = match parts.next() {
        Some(Protocol::Ip4(ip)) => Some(ip.into()),
        Some(Protocol::Ip6(ip)) => Some(ip.into()),
        _ => None,
    };
    let port = match parts.next() {
        Some(Protocol::Tcp(port)) => Some(port),
        _ => None,
    };
    let rest_is_identity = match parts.next() {
        None => true,
        Some(Protocol::P2p(_)) => parts.next().is_none(),
        Some(_) => false,
    };
    match (ip, port) {
        (Some(ip), Some(port)) if rest_is_identity => Ok(SocketAddr::new(ip, port)),
        _ => Err(ConfigError::AddressForm {
            address: address.clone(),
        }),
    }
}

/// The multiaddress of a socket address, without an identity.
#[must_use]
pub fn multiaddr(address: SocketAddr) -> Multiaddr {
    Multiaddr::from(address.ip()).with(Protocol::Tcp(address.port()))
}

fn identity(address: &Multiaddr) -> Option<PeerId> {
    address.iter().find_map(|part| {
        if let Protocol::P2p(peer) = part {
            Some(peer)
        } else {
            None
        }
    })
}
