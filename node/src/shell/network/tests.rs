//! Two and more real transports over loopback. Nothing here waits for a time to pass: each step awaits the event it
//! needs, and [`within`] only keeps a failure from hanging.

mod connections;
mod hostile;
mod messages;
mod raw;
mod relay;

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;

use super::*;

/// Much longer than anything here takes.
const DEADLINE: Duration = Duration::from_secs(60);

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future)
        .await
        .expect("the deadline of the test has passed")
}

/// Waits for something that has no event, only a counter.
async fn until(mut holds: impl FnMut() -> bool) {
    within(async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// Keys in the order of their identities, so that a test knows who is the smaller.
fn keys<const N: usize>() -> [Keypair; N] {
    let mut keys: [Keypair; N] = std::array::from_fn(|number| {
        Keypair::ed25519_from_bytes([u8::try_from(number).unwrap() + 1; 32]).unwrap()
    });
    keys.sort_by_key(id);
    keys
}

fn id(key: &Keypair) -> PeerId {
    key.public().to_peer_id()
}

fn loopback() -> Multiaddr {
    "/ip4/127.0.0.1/tcp/0".parse().unwrap()
}

fn listed(key: &Keypair, address: Option<&Multiaddr>) -> PeerConfig {
    PeerConfig {
        name: "peer".to_owned(),
        peer: id(key),
        address: address.cloned(),
    }
}

fn config(peers: Vec<PeerConfig>) -> NetworkConfig {
    NetworkConfig::new(loopback(), peers, Bytes::from_static(b"hello"))
}

/// A transport under test.
struct Node {
    handle: NetworkHandle,
    events: NetworkEvents,
}

impl Node {
    fn start(key: &Keypair, config: NetworkConfig) -> Self {
        let (handle, events) = Network::start(config, key).unwrap();
        Self { handle, events }
    }

    fn address(&self) -> &Multiaddr {
        self.handle.listen_addr()
    }

    /// The next event; hellos are accepted on the way.
    async fn next(&mut self) -> NetworkEvent {
        within(async {
            loop {
                match self.events.recv().await.expect("the network has ended") {
                    NetworkEvent::Hello(request) => request.accept(),
                    event => return event,
                }
            }
        })
        .await
    }

    async fn up(&mut self) -> PeerId {
        match self.next().await {
            NetworkEvent::PeerUp { peer } => peer,
            event => panic!("instead of up: {event:?}"),
        }
    }

    async fn down(&mut self) -> LinkError {
        match self.next().await {
            NetworkEvent::PeerDown { reason, .. } => reason,
            event => panic!("instead of down: {event:?}"),
        }
    }

    async fn message(&mut self) -> (Class, Bytes) {
        match self.next().await {
            NetworkEvent::Message { class, bytes, .. } => (class, bytes),
            event => panic!("instead of a message: {event:?}"),
        }
    }

    fn peer(&self, number: usize) -> PeerStatus {
        self.handle.peers().peers[number].clone()
    }

    fn class(&self, class: Class) -> ClassStatus {
        *self.peer(0).classes.get(class)
    }
}

/// Two transports that know one another and are up. The first listens, the second dials.
async fn pair_with(
    first: impl FnOnce(&mut NetworkConfig),
    second: impl FnOnce(&mut NetworkConfig),
) -> [Node; 2] {
    let [a, b] = keys();
    let mut config_a = config(vec![listed(&b, None)]);
    first(&mut config_a);
    let mut node_a = Node::start(&a, config_a);
    let mut config_b = config(vec![listed(&a, Some(node_a.address()))]);
    second(&mut config_b);
    let mut node_b = Node::start(&b, config_b);
    assert_eq!(tokio::join!(node_a.up(), node_b.up()), (id(&b), id(&a)));
    [node_a, node_b]
}

async fn pair() -> [Node; 2] {
    pair_with(|_| {}, |_| {}).await
}
