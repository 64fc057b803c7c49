//! From sockets to proved identities and streams: TCP, Noise XX, Yamux, in that order, within a time.
//!
//! Invariant: what comes out carries the identity that its Noise handshake proved.
//! Errors: a key that Noise cannot use.
//! Source: libp2p specifications `noise`, `connections`; `docs/spec/wire.md`, section Transport.

use std::time::Duration;

use libp2p::core::Transport;
use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::transport::Boxed;
use libp2p::core::upgrade::Version;
use libp2p::identity::Keypair;
use libp2p::{PeerId, noise};
use tokio::net::TcpListener;

use super::config::{Limits, Timing};
use super::error::NetworkError;
use super::muxer::Multiplex;
use super::tcp::Tcp;

/// Builds the stack over an open listener.
pub(super) fn build(
    listener: TcpListener,
    key: &Keypair,
    timing: &Timing,
    limits: &Limits,
) -> Result<Boxed<(PeerId, StreamMuxerBox)>, NetworkError> {
    let noise = noise::Config::new(key).map_err(|error| NetworkError::Key {
        reason: error.to_string(),
    })?;
    let connect_timeout = Duration::from_millis(timing.connect_timeout_ms);
    let handshake_timeout = Duration::from_millis(timing.handshake_timeout_ms);
    Ok(Tcp::new(listener, connect_timeout)
        .upgrade(Version::V1Lazy)
        .authenticate(noise)
        .multiplex(Multiplex {
            window_bytes_extra: limits.window_bytes_extra,
        })
        .timeout(connect_timeout + handshake_timeout)
        .boxed())
}
