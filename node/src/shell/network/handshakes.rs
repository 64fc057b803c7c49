//! Limits on strangers: what may begin a handshake, before any of it is computed.
//!
//! Invariant: at most `handshakes_pending_max` handshakes are under way, one address begins no more than its rate, and
//! at most [`ADDRESSES_MAX`] addresses are remembered.
//! An IPv6 address counts with its whole /64, which one host can have to itself.
//! Units: nanoseconds since the transport started.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::ConnectionId;

use super::config::Limits;
use super::rate::Rate;

/// How many addresses are remembered. When so many are busy at once, others have to wait.
const ADDRESSES_MAX: usize = 4_096;

#[derive(Debug)]
pub(super) struct Handshakes {
    pending: BTreeSet<ConnectionId>,
    rates: BTreeMap<IpAddr, Rate>,
    pending_max: usize,
    per_s: u64,
    burst: u64,
}

impl Handshakes {
    pub(super) const fn new(limits: &Limits) -> Self {
        Self {
            pending: BTreeSet::new(),
            rates: BTreeMap::new(),
            pending_max: limits.handshakes_pending_max as usize,
            per_s: limits.handshakes_per_s,
            burst: limits.handshakes_burst,
        }
    }

    /// Whether a connection from this address may begin its handshake.
    pub(super) fn begin(&mut self, id: ConnectionId, remote: &Multiaddr, now_ns: u64) -> bool {
        let begins = self.pending.len() < self.pending_max && self.within_rate(remote, now_ns);
        if begins {
            self.pending.insert(id);
        }
        begins
    }

    /// The handshake is over, well or badly.
    pub(super) fn end(&mut self, id: ConnectionId) {
        self.pending.remove(&id);
    }

    fn within_rate(&mut self, remote: &Multiaddr, now_ns: u64) -> bool {
        let Some(host) = host(remote) else {
            return false;
        };
        if self.rates.len() >= ADDRESSES_MAX && !self.rates.contains_key(&host) {
            self.rates.retain(|_, rate| !rate.is_idle(now_ns));
            if self.rates.len() >= ADDRESSES_MAX {
                return false;
            }
        }
        let (per_s, burst) = (self.per_s, self.burst);
        self.rates
            .entry(host)
            .or_insert_with(|| Rate::new(per_s, burst))
            .try_take(now_ns)
    }
}

fn host(remote: &Multiaddr) -> Option<IpAddr> {
    match remote.iter().next() {
        Some(Protocol::Ip4(ip)) => Some(IpAddr::V4(ip)),
        Some(Protocol::Ip6(ip)) => Some(IpAddr::V6((u128::from(ip) >> 64 << 64).into())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::network::multiaddr;

    fn id(number: usize) -> ConnectionId {
        ConnectionId::new_unchecked(number)
    }

    fn address(ip: &str) -> Multiaddr {
        multiaddr((ip.parse::<IpAddr>().unwrap(), 1).into())
    }

    fn limits(pending: u32, per_s: u64, burst: u64) -> Handshakes {
        let limits = Limits {
            handshakes_pending_max: pending,
            handshakes_per_s: per_s,
            handshakes_burst: burst,
            ..Limits::default()
        };
        Handshakes::new(&limits)
    }

    #[test]
    fn no_more_than_the_limit_are_under_way() {
        let mut handshakes = limits(2, 100, 100);
        let remote = address("192.0.2.1");
        assert!(handshakes.begin(id(1), &remote, 0) && handshakes.begin(id(2), &remote, 0));
        assert!(!handshakes.begin(id(3), &remote, 0));
        handshakes.end(id(1));
        assert!(handshakes.begin(id(3), &remote, 0));
    }

    #[test]
    fn one_address_over_its_rate_does_not_hold_up_another() {
        let mut handshakes = limits(100, 1, 1);
        assert!(handshakes.begin(id(1), &address("192.0.2.1"), 0));
        assert!(!handshakes.begin(id(2), &address("192.0.2.1"), 0));
        assert!(handshakes.begin(id(3), &address("192.0.2.2"), 0));
        assert!(handshakes.begin(id(4), &address("192.0.2.1"), 1_000_000_000));
    }

    #[test]
    fn an_ipv6_host_counts_with_its_whole_network() {
        let mut handshakes = limits(100, 1, 1);
        assert!(handshakes.begin(id(1), &address("2001:db8::1"), 0));
        assert!(!handshakes.begin(id(2), &address("2001:db8::2"), 0));
        assert!(handshakes.begin(id(3), &address("2001:db8:0:1::1"), 0));
    }

    #[test]
    fn remembered_addresses_are_bounded_and_forgotten_when_idle() {
        let mut handshakes = limits(100_000, 1, 1);
        for number in 0..ADDRESSES_MAX {
            let ip = std::net::Ipv4Addr::from(u32::try_from(number).unwrap());
            assert!(handshakes.begin(id(number), &multiaddr((ip, 1).into()), 0));
        }
        assert!(!handshakes.begin(id(ADDRESSES_MAX), &address("192.0.2.1"), 0));
        assert!(handshakes.begin(id(ADDRESSES_MAX), &address("192.0.2.1"), 2_000_000_000));
        assert_eq!(handshakes.rates.len(), 1);
    }
}
