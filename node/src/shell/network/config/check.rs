//! Which configurations cannot work, and addresses as the system and libp2p spell them.
//!
//! Invariant: what passes fits the arithmetic of queues, budgets and rates.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use bytes::Bytes;
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};

use super::super::class::Class;
use super::{
    ClassLimits, HELLO_BYTES_MAX, Limits, MESSAGE_BYTES_CEILING, NetworkConfig, PeerConfig, Timing,
};

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
    #[error("address {address} of peer {name} ends in another identity than the peer's")]
    AddressIdentity {
        /// What was given.
        address: Multiaddr,
        /// The peer's name.
        name: String,
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

impl NetworkConfig {
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
        range(
            "window_bytes_extra",
            "connections",
            u64::from(self.window_bytes_extra),
            0,
            1 << 26,
        )?;
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

pub(in super::super) fn check_hello(hello: &Bytes) -> Result<(), ConfigError> {
    let fits = u32::try_from(hello.len()).is_ok_and(|bytes| (1..=HELLO_BYTES_MAX).contains(&bytes));
    if fits {
        Ok(())
    } else {
        Err(ConfigError::HelloSize { bytes: hello.len() })
    }
}

pub(in super::super) fn check_peers(
    peers: &[PeerConfig],
    local: PeerId,
) -> Result<(), ConfigError> {
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
        if ends_in_another(address, peer) {
            let (address, name) = (address.clone(), name.clone());
            return Err(ConfigError::AddressIdentity { address, name });
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

/// Whether an address names another identity than its peer's.
#[must_use]
pub fn ends_in_another(address: &Multiaddr, peer: &PeerId) -> bool {
    identity(address).is_some_and(|found| found != *peer)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What [`NetworkConfig::check`] says after one change to a configuration that works.
    fn refused(change: impl FnOnce(&mut NetworkConfig)) -> Option<&'static str> {
        let listen = "/ip4/127.0.0.1/tcp/0".parse().unwrap();
        let mut config = NetworkConfig::new(listen, vec![], Bytes::from_static(b"hello"));
        change(&mut config);
        match config.check(PeerId::random()) {
            Err(ConfigError::Range { name, .. }) => Some(name),
            Ok(()) => None,
            Err(error) => panic!("another error: {error}"),
        }
    }

    #[test]
    fn the_defaults_work() {
        assert_eq!(refused(|_| {}), None);
    }

    #[test]
    fn room_for_less_than_one_message_is_refused() {
        let votes = |change: fn(&mut ClassLimits)| refused(|c| change(&mut c.limits.classes.votes));
        assert_eq!(
            votes(|v| v.message_bytes_max = 0),
            Some("message_bytes_max")
        );
        assert_eq!(
            votes(|v| v.message_bytes_max = MESSAGE_BYTES_CEILING + 1),
            Some("message_bytes_max")
        );
        assert_eq!(
            votes(|v| v.queue_bytes_max = u64::from(v.message_bytes_max) - 1),
            Some("queue_bytes_max")
        );
        assert_eq!(
            votes(|v| v.inbound_bytes_max = v.message_bytes_max - 1),
            Some("inbound_bytes_max")
        );
        assert_eq!(
            votes(|v| v.queue_messages_max = 0),
            Some("queue_messages_max")
        );
        assert_eq!(
            votes(|v| v.inbound_bytes_per_s = 0),
            Some("inbound_bytes_per_s")
        );
        assert_eq!(
            votes(|v| v.inbound_messages_per_s = u64::MAX),
            Some("inbound_messages_per_s")
        );
    }

    #[test]
    fn times_and_rates_of_nothing_are_refused() {
        assert_eq!(
            refused(|c| c.timing.ping_period_ms = 0),
            Some("ping_period_ms")
        );
        assert_eq!(
            refused(|c| c.timing.redial_cap_ms = u64::MAX),
            Some("redial_cap_ms")
        );
        assert_eq!(
            refused(|c| c.limits.connections_burst = 0),
            Some("connections_burst")
        );
        assert_eq!(
            refused(|c| c.limits.handshakes_pending_max = 0),
            Some("handshakes_pending_max")
        );
    }

    #[test]
    fn only_tcp_over_a_literal_ip_is_an_address() {
        let addr = |text: &str| socket_addr(&text.parse().unwrap()).ok();
        let peer = PeerId::random();
        assert_eq!(
            addr("/ip4/192.0.2.1/tcp/7"),
            Some(([192, 0, 2, 1], 7).into())
        );
        assert_eq!(
            addr(&format!("/ip6/::1/tcp/7/p2p/{peer}")),
            Some(([0, 0, 0, 0, 0, 0, 0, 1], 7).into())
        );
        for text in [
            "/ip4/192.0.2.1",
            "/ip4/192.0.2.1/udp/7",
            "/dns4/host/tcp/7",
            "/ip4/192.0.2.1/tcp/7/ws",
        ] {
            assert_eq!(addr(text), None, "{text}");
        }
    }
}
