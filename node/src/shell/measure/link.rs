//! One message through the transport: two of them on loopback, a message of the class that votes travel in, there and back.
//!
//! What a sample holds: two times queue, frame, Noise, Yamux, TCP, and the way to the host's inbox; nothing of the replica.
//! Half of it is the delay of one message.
//! Errors: [`LinkMeasureError`].
//! Source: `docs/spec/wire.md`, section Transport.

use bytes::Bytes;
use serde::Serialize;
use std::time::{Duration, Instant};

use super::{cpu, nanoseconds};
use crate::shell::network::{
    Class, Keypair, Network, NetworkConfig, NetworkError, NetworkEvent, NetworkEvents,
    NetworkHandle, PeerConfig, PeerId, SendError,
};

/// Messages that are not counted, so that both ends have their buffers.
const WARM_UP: u32 = 200;
/// How long the two may take to connect, or a message to come back.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why the link could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum LinkMeasureError {
    /// The transport did not start.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// A message was not taken.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The two did not connect, or a message did not come back.
    #[error("the link was lost while it was measured")]
    Lost,
}

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub struct LinkSamples {
    /// There and back, each.
    pub round_trip_ns: Vec<u64>,
    /// CPU of both ends for one there and back.
    pub cpu_ns: u64,
    /// Length of the message.
    pub bytes: usize,
}

/// Sends a message of so many bytes there and back so many times, one at a time.
///
/// # Errors
/// [`LinkMeasureError`].
pub async fn measure(round_trips: u32, bytes: usize) -> Result<LinkSamples, LinkMeasureError> {
    let (mut here, mut there) = connect().await?;
    let echo = tokio::spawn(async move { there.echo().await });
    let message = Bytes::from(vec![0x5a; bytes]);
    for _ in 0..WARM_UP {
        here.there_and_back(&message).await?;
    }
    let before = cpu::process_ns();
    let mut round_trip_ns = Vec::new();
    for _ in 0..round_trips {
        round_trip_ns.push(nanoseconds(here.there_and_back(&message).await?));
    }
    let used = cpu::process_ns().saturating_sub(before);
    echo.abort();
    Ok(LinkSamples {
        round_trip_ns,
        cpu_ns: used / u64::from(round_trips.max(1)),
        bytes,
    })
}

struct End {
    handle: NetworkHandle,
    events: NetworkEvents,
    other: PeerId,
}

async fn connect() -> Result<(End, End), LinkMeasureError> {
    let (left, right) = (Keypair::generate_ed25519(), Keypair::generate_ed25519());
    let (left_id, right_id) = (left.public().to_peer_id(), right.public().to_peer_id());
    let (handle, events) = Network::start(config(right_id, None), &left)?;
    let address = handle.listen_addr().clone();
    let mut here = End {
        handle,
        events,
        other: right_id,
    };
    let (handle, events) = Network::start(config(left_id, Some(address)), &right)?;
    let mut there = End {
        handle,
        events,
        other: left_id,
    };
    let (up, also_up) = tokio::join!(here.until_up(), there.until_up());
    up.and(also_up).map(|()| (here, there))
}

fn config(peer: PeerId, address: Option<crate::shell::network::Multiaddr>) -> NetworkConfig {
    let name = "peer".to_owned();
    let peers = vec![PeerConfig {
        name,
        peer,
        address,
    }];
    let listen = crate::shell::network::multiaddr(std::net::SocketAddr::from(([127, 0, 0, 1], 0)));
    let mut config = NetworkConfig::new(listen, peers, Bytes::from_static(b"measure"));
    // A lone message there and back must not meet a limit that is meant for a peer's flood.
    for class in Class::ALL {
        let limits = config.limits.classes.get_mut(class);
        limits.inbound_messages_per_s = u64::from(u32::MAX);
    }
    config
}

impl End {
    async fn next(&mut self) -> Result<NetworkEvent, LinkMeasureError> {
        let event = tokio::time::timeout(PATIENCE, self.events.recv()).await;
        event.ok().flatten().ok_or(LinkMeasureError::Lost)
    }

    async fn until_up(&mut self) -> Result<(), LinkMeasureError> {
        loop {
            match self.next().await? {
                NetworkEvent::Hello(request) => request.accept(),
                NetworkEvent::PeerUp { .. } => return Ok(()),
                NetworkEvent::PeerDown { .. } | NetworkEvent::Message { .. } => {}
            }
        }
    }

    async fn message(&mut self) -> Result<(Class, Bytes), LinkMeasureError> {
        match self.next().await? {
            NetworkEvent::Message { class, bytes, .. } => Ok((class, bytes)),
            NetworkEvent::Hello(_)
            | NetworkEvent::PeerUp { .. }
            | NetworkEvent::PeerDown { .. } => Err(LinkMeasureError::Lost),
        }
    }

    async fn there_and_back(&mut self, message: &Bytes) -> Result<Duration, LinkMeasureError> {
        let started = Instant::now();
        self.handle
            .send(self.other, Class::Votes, message.clone())?;
        self.message().await?;
        Ok(started.elapsed())
    }

    async fn echo(&mut self) -> Result<(), LinkMeasureError> {
        loop {
            let (class, bytes) = self.message().await?;
            self.handle.send(self.other, class, bytes)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: every message comes back, and both CPU and wall time were seen.
    #[tokio::test(flavor = "multi_thread")]
    async fn messages_go_there_and_back() {
        let samples = measure(20, 300).await.unwrap();
        assert_eq!((samples.round_trip_ns.len(), samples.bytes), (20, 300));
        assert!(samples.round_trip_ns.iter().all(|sample| *sample > 0));
        assert!(samples.cpu_ns > 0);
    }
}
