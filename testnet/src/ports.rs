//! Free ports of this machine's loopback.
//!
//! Invariant: ports given together are distinct, and nobody listened on them a moment ago.
//! They lie below the range from which systems take ports for outgoing connections, so that only another listener can take one
//! between the choice and its use; that case is told by the node's exit code 69, and the choice is made again.

use anyhow::{Result, bail};
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};

use crate::keys::random;

const LOWEST: u16 = 20_000;
const COUNT: u16 = 12_000;
const TRIES: usize = 10_000;

/// Chooses free ports.
///
/// # Errors
/// When there are none.
pub fn choose(count: usize) -> Result<Vec<u16>> {
    let mut chosen = BTreeSet::new();
    for _ in 0..TRIES {
        if chosen.len() == count {
            return Ok(chosen.into_iter().collect());
        }
        let port = LOWEST + u16::from_le_bytes(random()?) % COUNT;
        if is_free(port) {
            chosen.insert(port);
        }
    }
    bail!("there are no {count} free ports from {LOWEST} on")
}

/// Whether nobody listens on a port of the loopback.
#[must_use]
pub fn is_free(port: u16) -> bool {
    TcpListener::bind(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chosen_ports_are_distinct_and_not_in_use() {
        let ports = choose(8).unwrap();
        assert_eq!(ports.iter().collect::<BTreeSet<_>>().len(), 8);
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        assert!(!is_free(taken.local_addr().unwrap().port()));
    }
}
