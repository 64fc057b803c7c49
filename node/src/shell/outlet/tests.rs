//! What the replica says about links is done by the transport.

use falaj_consensus::types::ValidatorId;
use falaj_ledger::receipt::receipts_root;
use falaj_ledger::state::State;
use falaj_ledger::testing;
use std::sync::mpsc::channel;

use super::*;
use crate::shell::network::{
    Keypair, LinkError, Network, NetworkConfig, NetworkEvent, NetworkEvents, PeerConfig,
};
use crate::shell::runtime::Clock;
use crate::shell::view::Snapshot;
use crate::shell::watch::Scrape;

fn key(number: u8) -> Keypair {
    Keypair::ed25519_from_bytes([number; 32]).unwrap()
}

/// A transport that knows one other.
fn start(
    own: &Keypair,
    other: &Keypair,
    dials: Option<&NetworkHandle>,
) -> (NetworkHandle, NetworkEvents) {
    let peer = PeerConfig {
        name: "peer".into(),
        peer: other.public().to_peer_id(),
        address: dials.map(|handle| handle.listen_addr().clone()),
    };
    let listen = "/ip4/127.0.0.1/tcp/0".parse().unwrap();
    let config = NetworkConfig::new(listen, vec![peer], Bytes::from_static(b"hello"));
    Network::start(config, own).unwrap()
}

/// The next change of a link; hellos are accepted on the way.
async fn changed(events: &mut NetworkEvents) -> Option<LinkError> {
    loop {
        match events.recv().await.unwrap() {
            NetworkEvent::Hello(request) => request.accept(),
            NetworkEvent::PeerUp { .. } => return None,
            NetworkEvent::PeerDown { reason, .. } => return Some(reason),
            NetworkEvent::Message { .. } => {}
        }
    }
}

fn outlet(network: NetworkHandle, peers: PeerBook) -> NodeOutlet {
    let state = State::open(&testing::genesis()).unwrap().state;
    let outcome = state.outcome(receipts_root(&[]));
    let block = None;
    NodeOutlet {
        network,
        peers,
        answers: Arc::default(),
        view: Arc::new(View::new(
            Snapshot {
                state,
                outcome,
                block,
            },
            Vec::new(),
        )),
        store: channel().0,
        watch: Arc::new(Watch::new(Clock::start(), None)),
    }
}

// docs/spec/dissemination.md, "Faults": the link is cut and made again when the replica says so, and the metric follows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shunned_peer_is_cut_off_until_the_replica_admits_it() {
    let (own, other) = (key(1), key(2));
    let (network, mut events) = start(&own, &other, None);
    let (_dialer, mut dialer_events) = start(&other, &own, Some(&network));
    tokio::spawn(async move {
        loop {
            changed(&mut dialer_events).await;
        }
    });
    let peer = Peer::of(ValidatorId::new(2)).unwrap();
    let mut peers = PeerBook::default();
    peers.insert(peer, other.public().to_peer_id());
    let mut outlet = outlet(network, peers);
    let shunned = |outlet: &NodeOutlet, value: u8| {
        let text = outlet.watch.metrics().text(&Scrape::default());
        text.contains(&format!("falaj_peer_shunned{{validator=\"2\"}} {value}\n"))
    };
    assert_eq!(changed(&mut events).await, None);
    let fault = PeerFault::Vote;
    let for_ns = 1;
    outlet.take(vec![Output::Shun {
        peer,
        fault,
        for_ns,
    }]);
    let what = fault.code();
    assert_eq!(
        changed(&mut events).await,
        Some(LinkError::Shunned { what })
    );
    assert!(shunned(&outlet, 1));
    outlet.take(vec![Output::Admit(peer)]);
    assert_eq!(changed(&mut events).await, None);
    assert!(shunned(&outlet, 0));
}
