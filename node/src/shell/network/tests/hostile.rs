//! Peers that pass the handshake and then misbehave, and strangers that do not even do that.

use futures::AsyncWriteExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::raw::RawPeer;
use super::*;
use crate::shell::network::control::Control;

/// A node with one peer on its list, and that peer's key.
fn node_with(change: impl FnOnce(&mut NetworkConfig)) -> (Node, Keypair) {
    let [a, b] = keys();
    let mut config = config(vec![listed(&b, None)]);
    change(&mut config);
    (Node::start(&a, config), b)
}

async fn greeted(change: impl FnOnce(&mut NetworkConfig)) -> (Node, RawPeer) {
    let (mut node, key) = node_with(change);
    let mut raw = RawPeer::connect(&key, node.address()).await;
    tokio::join!(node.up(), raw.greet());
    (node, raw)
}

/// Sends bytes on one class's stream of a greeted peer; gives why the node dropped it.
async fn dropped_for(class: Class, bytes: &[u8]) -> (LinkError, Node) {
    let (mut node, mut raw) = greeted(|_| {}).await;
    let mut stream = raw.class_out(class).await;
    within(stream.write_all(bytes)).await.unwrap();
    within(stream.flush()).await.unwrap();
    (node.down().await, node)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_oversized_length_prefix_drops_the_peer() {
    for class in Class::ALL {
        let bytes_max = Limits::default().classes.get(class).message_bytes_max;
        let (reason, mut node) = dropped_for(class, &(bytes_max + 1).to_le_bytes()).await;
        assert_eq!(
            reason,
            LinkError::Oversized {
                stream: class.name(),
                bytes: bytes_max + 1,
                bytes_max
            }
        );
        assert!(node.events.try_recv().is_none());
        assert!(node.peer(0).last_error.is_some());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_message_drops_the_peer() {
    let (reason, _) = dropped_for(Class::Batches, &[0; 4]).await;
    assert_eq!(reason, LinkError::Empty { stream: "batches" });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_class_stream_that_ends_drops_the_peer() {
    let (mut node, mut raw) = greeted(|_| {}).await;
    let mut stream = raw.class_out(Class::Sync).await;
    within(stream.write_all(&[9, 0, 0, 0, 1, 2])).await.unwrap();
    within(stream.close()).await.unwrap();
    assert_eq!(node.down().await, LinkError::Closed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_control_bytes_drop_the_peer() {
    for (bytes, detail) in [
        (&[1, 0, 0, 0, 9][..], "an unknown kind"),
        (&[2, 0, 0, 0, 2, 0], "bytes after an accept"),
        (&[1, 0, 0, 0, 2], "a greeting after the greeting"),
    ] {
        let (mut node, mut raw) = greeted(|_| {}).await;
        raw.say(bytes).await;
        assert_eq!(node.down().await, LinkError::Control { detail });
    }
    let (mut node, mut raw) = greeted(|_| {}).await;
    raw.say(&[0xff; 4]).await;
    assert!(matches!(
        node.down().await,
        LinkError::Oversized {
            stream: "control",
            bytes: u32::MAX,
            ..
        }
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_pings_drops_the_peer() {
    let (mut node, mut raw) = greeted(|_| {}).await;
    let flood = async { while raw.say_message(&Control::Ping(7)).await {} };
    let (reason, ()) = tokio::join!(node.down(), flood);
    assert!(matches!(reason, LinkError::Control { .. }));
}

/// Whatever comes first instead of a hello, the host never hears of the peer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_but_a_hello_comes_first() {
    let (mut node, key) = node_with(|_| {});
    let mut raw = RawPeer::connect(&key, node.address()).await;
    raw.say_message(&Control::Ping(1)).await;
    let expected = LinkError::Control {
        detail: "something else than a hello first",
    }
    .to_string();
    until(|| node.peer(0).last_error.as_ref() == Some(&expected)).await;
    assert!(node.events.try_recv().is_none());
}

/// Messages that run ahead of the hello are not delivered, and the peer is given up in time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_without_a_hello_is_not_delivered() {
    let (mut node, key) = node_with(|config| config.timing.hello_timeout_ms = 300);
    let mut raw = RawPeer::connect(&key, node.address()).await;
    let mut stream = raw.class_out(Class::Votes).await;
    within(stream.write_all(&[1, 0, 0, 0, 7])).await.unwrap();
    let expected = LinkError::HelloTimeout { ms: 300 }.to_string();
    until(|| node.peer(0).last_error.as_ref() == Some(&expected)).await;
    assert!(node.events.try_recv().is_none());
}

/// It answers pings, but reads no votes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_reads_no_votes_is_dropped() {
    let (mut node, mut raw) = greeted(|config| config.timing.stall_timeout_ms = 300).await;
    let peer = node.peer(0).peer;
    let pongs = async {
        while let Some(Control::Ping(nonce)) = raw.hear().await {
            raw.say_message(&Control::Pong(nonce)).await;
        }
    };
    let votes = async {
        loop {
            node.handle
                .send(peer, Class::Votes, vec![7; 100_000].into())
                .ok();
            if let Some(NetworkEvent::PeerDown { reason, .. }) = node.events.try_recv() {
                return reason;
            }
            tokio::task::yield_now().await;
        }
    };
    let (reason, ()) = tokio::join!(within(votes), pongs);
    assert_eq!(
        reason,
        LinkError::Stalled {
            class: Class::Votes,
            ms: 300
        }
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_connects_too_often_is_held_off() {
    let (node, key) = node_with(|config| {
        (
            config.limits.connections_burst,
            config.limits.connections_per_s,
        ) = (2, 1);
    });
    let mut peers = Vec::new();
    while node.handle.peers().refused.connection_limit == 0 {
        peers.push(RawPeer::connect(&key, node.address()).await);
    }
    assert!(peers.len() >= 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_instead_of_a_handshake_is_counted_and_closed() {
    let (node, _) = node_with(|_| {});
    let mut stream = TcpStream::connect(socket_addr(node.address()).unwrap())
        .await
        .unwrap();
    stream.write_all(&[0xa5; 4096]).await.unwrap();
    let mut rest = Vec::new();
    // However the system words it, the connection ends.
    within(stream.read_to_end(&mut rest)).await.ok();
    until(|| node.handle.peers().refused.handshake_failed == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handshakes_that_never_end_are_bounded_in_number_and_time() {
    let (node, _) = node_with(|config| {
        config.limits.handshakes_pending_max = 2;
        (
            config.timing.handshake_timeout_ms,
            config.timing.connect_timeout_ms,
        ) = (200, 1);
    });
    let address = socket_addr(node.address()).unwrap();
    let mut idle = Vec::new();
    while node.handle.peers().refused.handshake_limit == 0 {
        idle.push(TcpStream::connect(address).await.unwrap());
    }
    assert!(idle.len() >= 3);
    until(|| node.handle.peers().refused.handshake_failed >= 2).await;
}
