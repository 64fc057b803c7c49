//! Who connects with whom, and how connections come back.

use super::relay::Relay;
use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_of_its_own_is_chosen_and_told() {
    let [a, b] = keys();
    let nodes = [
        Node::start(&a, config(vec![])),
        Node::start(&b, config(vec![])),
    ];
    let ports = nodes
        .each_ref()
        .map(|node| socket_addr(node.address()).unwrap().port());
    assert!(ports[0] != 0 && ports[1] != 0 && ports[0] != ports[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_in_use_is_told_apart_from_other_failures() {
    let [a, b] = keys();
    let first = Node::start(&a, config(vec![]));
    let start = |listen: &Multiaddr| {
        Network::start(
            NetworkConfig {
                listen: listen.clone(),
                ..config(vec![])
            },
            &b,
        )
        .err()
    };
    assert!(
        matches!(start(first.address()), Some(NetworkError::AddressInUse { address }) if address == *first.address())
    );
    let elsewhere = "/ip4/192.0.2.1/tcp/0".parse().unwrap();
    assert!(matches!(
        start(&elsewhere),
        Some(NetworkError::AddressNotAvailable { .. })
    ));
    let name = "/dns4/localhost/tcp/0".parse().unwrap();
    assert!(matches!(
        start(&name),
        Some(NetworkError::Config(ConfigError::AddressForm { .. }))
    ));
}

#[test]
fn without_a_runtime_nothing_starts() {
    let [key] = keys();
    assert!(matches!(
        Network::start(config(vec![]), &key),
        Err(NetworkError::NoRuntime)
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_not_on_the_list_does_not_get_past_the_handshake() {
    let [a, b, stranger] = keys();
    let mut node = Node::start(&a, config(vec![listed(&b, None)]));
    let at = Some(node.address().clone());
    let mut refused = Node::start(&stranger, config(vec![listed(&a, at.as_ref())]));
    until(|| node.handle.peers().refused.unknown_peer >= 2).await;
    let mut welcome = Node::start(&b, config(vec![listed(&a, at.as_ref())]));
    // The first thing the host hears of is the peer on the list; the stranger never got so far as a hello.
    assert_eq!(tokio::join!(node.up(), welcome.up()), (id(&b), id(&a)));
    assert!(refused.events.try_recv().is_none());
    assert!(refused.peer(0).last_error.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_identity_at_the_peers_address_is_refused() {
    let [a, b, impostor] = keys();
    let other = Node::start(&impostor, config(vec![listed(&a, None)]));
    let node = Node::start(&a, config(vec![listed(&b, Some(other.address()))]));
    let expected = LinkError::WrongIdentity {
        found: id(&impostor),
    }
    .to_string();
    until(|| node.peer(0).last_error.as_ref() == Some(&expected)).await;
    assert!(!node.peer(0).up);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hello_is_judged_before_anything_else_is_delivered() {
    let [a, b] = keys();
    let mut node = Node::start(&a, config(vec![listed(&b, None)]));
    let mut dialer = Node::start(&b, config(vec![listed(&a, Some(node.address()))]));
    let Some(NetworkEvent::Hello(request)) = within(node.events.recv()).await else {
        panic!("no hello")
    };
    assert_eq!(
        (request.peer(), &request.bytes()[..]),
        (id(&b), &b"hello"[..])
    );
    let unsent = dialer
        .handle
        .send(id(&a), Class::Votes, Bytes::from_static(b"too early"));
    assert_eq!(unsent, Err(SendError::NotConnected { peer: id(&a) }));
    assert!(node.events.try_recv().is_none());
    request.accept();
    assert_eq!(tokio::join!(node.up(), dialer.up()), (id(&b), id(&a)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_hello_is_told_to_both_ends() {
    let [a, b] = keys();
    let mut node = Node::start(&a, config(vec![listed(&b, None)]));
    let dialer = Node::start(&b, config(vec![listed(&a, Some(node.address()))]));
    let mut dialer_events = dialer.events;
    let accepts = tokio::spawn(async move {
        while let Some(event) = dialer_events.recv().await {
            match event {
                NetworkEvent::Hello(request) => request.accept(),
                event => panic!("nothing else can happen: {event:?}"),
            }
        }
    });
    let refuse = |event| match event {
        Some(NetworkEvent::Hello(request)) => request.refuse("another genesis"),
        event => panic!("no hello: {event:?}"),
    };
    refuse(within(node.events.recv()).await);
    let there = LinkError::HelloRefusedThere {
        reason: "another genesis".to_owned(),
    }
    .to_string();
    until(|| dialer.handle.peers().peers[0].last_error.as_ref() == Some(&there)).await;
    let here = LinkError::HelloRefusedHere {
        reason: "another genesis".to_owned(),
    }
    .to_string();
    until(|| node.peer(0).last_error.as_ref() == Some(&here)).await;
    // It is tried again, and judged again.
    refuse(within(node.events.recv()).await);
    assert_eq!(node.peer(0).connects, 0);
    accepts.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hello_that_is_dropped_is_refused() {
    let [a, b] = keys();
    let mut node = Node::start(&a, config(vec![listed(&b, None)]));
    let mut dialer = Node::start(&b, config(vec![listed(&a, Some(node.address()))]));
    drop(within(node.events.recv()).await);
    match within(dialer.events.recv()).await {
        Some(NetworkEvent::Hello(request)) => request.accept(),
        event => panic!("no hello: {event:?}"),
    }
    until(|| {
        dialer
            .peer(0)
            .last_error
            .is_some_and(|error| error.contains("no answer from the host"))
    })
    .await;
}

/// Both dials are under way before either may go on; the pair ends up with one connection that works both ways.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_simultaneous_dial_leaves_one_connection() {
    let [a, b] = keys();
    for _ in 0..8 {
        let mut nodes = [&a, &b].map(|key| Node::start(key, config(vec![])));
        let mut relays = Vec::new();
        for node in &nodes {
            relays.push(Relay::start(socket_addr(node.address()).unwrap()).await);
        }
        for (node, (other, relay)) in nodes.iter().zip([(&b, &relays[1]), (&a, &relays[0])]) {
            node.handle
                .set_peers(vec![listed(other, Some(&relay.address))])
                .unwrap();
        }
        until(|| relays.iter().all(|relay| relay.held() > 0)).await;
        relays.iter().for_each(Relay::open);
        let [first, second] = &mut nodes;
        talk([first, second], [id(&a), id(&b)]).await;
    }
}

/// Both ask until an answer comes, through every up and down on the way, and answer each other until both have theirs: what one has said
/// over the connection that gives way is lost, and it is asked again.
async fn talk([first, second]: [&mut Node; 2], [first_id, second_id]: [PeerId; 2]) {
    let (mut one, mut other) = (Talk::default(), Talk::default());
    while !(one.is_over() && other.is_over()) {
        tokio::select! {
            event = first.next() => one.take(first, second_id, event),
            event = second.next() => other.take(second, first_id, event),
        }
    }
}

/// What one of two has got.
#[derive(Default)]
struct Talk {
    heard: bool,
    answered: bool,
}

impl Talk {
    const fn is_over(&self) -> bool {
        self.heard && self.answered
    }

    fn take(&mut self, node: &Node, peer: PeerId, event: NetworkEvent) {
        let say = |words| {
            node.handle
                .send(peer, Class::Votes, Bytes::from_static(words))
        };
        match event {
            NetworkEvent::PeerUp { .. } => {
                say(b"ask").ok();
            }
            NetworkEvent::PeerDown { .. } => {}
            NetworkEvent::Message { bytes, .. } if &bytes[..] == b"ask" => {
                self.heard = true;
                say(b"answer").ok();
            }
            NetworkEvent::Message { .. } => self.answered = true,
            NetworkEvent::Hello(_) => unreachable!("hellos are accepted before"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_peers_make_a_full_mesh() {
    let keys: [Keypair; 4] = keys();
    let mut nodes = keys.each_ref().map(|key| Node::start(key, config(vec![])));
    let addresses = nodes.each_ref().map(|node| node.address().clone());
    for (own, node) in nodes.iter().enumerate() {
        let others = (0..4).filter(|other| *other != own);
        node.handle
            .set_peers(
                others
                    .map(|other| listed(&keys[other], Some(&addresses[other])))
                    .collect(),
            )
            .unwrap();
    }
    let ups = nodes
        .iter_mut()
        .map(|node| async { [node.up().await, node.up().await, node.up().await] });
    futures::future::join_all(ups).await;
    let unsent = nodes[0]
        .handle
        .broadcast(Class::Proposals, &Bytes::from_static(b"to all"));
    assert_eq!(unsent, []);
    for node in &mut nodes[1..] {
        loop {
            if let NetworkEvent::Message { bytes, class, peer } = node.next().await {
                assert_eq!(
                    (class, peer, &bytes[..]),
                    (Class::Proposals, id(&keys[0]), &b"to all"[..])
                );
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_restarts_is_connected_again() {
    let [a, b] = keys();
    for (restarted, other) in [(&a, &b), (&b, &a)] {
        let mut stays = Node::start(other, config(vec![]));
        let again = |listen: &Multiaddr| NetworkConfig {
            listen: listen.clone(),
            ..config(vec![listed(other, Some(stays.handle.listen_addr()))])
        };
        let mut first = Node::start(restarted, again(&loopback()));
        let address = first.address().clone();
        let next = again(&address);
        stays
            .handle
            .set_peers(vec![listed(restarted, Some(&address))])
            .unwrap();
        tokio::join!(first.up(), stays.up());
        first.handle.shutdown().await;
        stays.down().await;
        let mut second = Node::start(restarted, next);
        tokio::join!(second.up(), stays.up());
        stays
            .handle
            .send(id(restarted), Class::Votes, Bytes::from_static(b"again"))
            .unwrap();
        assert_eq!(second.message().await.1, Bytes::from_static(b"again"));
        assert_eq!(stays.peer(0).connects, 2);
    }
}

/// The path goes dead without a word; both ends notice, and come back when it does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_connection_is_given_up_and_made_again() {
    let [a, b] = keys();
    let timing = Timing {
        ping_period_ms: 50,
        connect_timeout_ms: 200,
        handshake_timeout_ms: 200,
        ..Timing::default()
    };
    let with = |peers| NetworkConfig {
        timing,
        ..config(peers)
    };
    let mut node = Node::start(&a, with(vec![listed(&b, None)]));
    let relay = Relay::start(socket_addr(node.address()).unwrap()).await;
    relay.open();
    let mut dialer = Node::start(&b, with(vec![listed(&a, Some(&relay.address))]));
    talk([&mut node, &mut dialer], [id(&a), id(&b)]).await;
    relay.shut();
    until(|| !node.peer(0).up && !dialer.peer(0).up).await;
    relay.open();
    talk([&mut node, &mut dialer], [id(&a), id(&b)]).await;
}

/// The peer has lost its end and connects anew, while our end still looks alive. We keep ours by the rule for two
/// connections, but see at once that nobody is there, long before silence would have told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_connection_is_found_when_the_peer_connects_anew() {
    let [a, b] = keys();
    let timing = Timing {
        ping_period_ms: 3_600_000,
        ..Timing::default()
    };
    let with = |peers| NetworkConfig {
        timing,
        ..config(peers)
    };
    let mut frozen = Node::start(&b, with(vec![listed(&a, None)]));
    let relay = Relay::start(socket_addr(frozen.address()).unwrap()).await;
    relay.open();
    let mut node = Node::start(&a, with(vec![listed(&b, Some(&relay.address))]));
    tokio::join!(frozen.up(), node.up());
    relay.shut();
    let mut again = Node::start(&b, with(vec![listed(&a, Some(node.address()))]));
    assert!(matches!(node.down().await, LinkError::Silent { .. }));
    assert!(node.handle.peers().refused.duplicate > 0);
    tokio::join!(node.up(), again.up());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_round_trip_is_measured() {
    let [node, _other] = pair().await;
    until(|| node.peer(0).rtt_us.is_some()).await;
    assert!(node.peer(0).rtt_us.unwrap() < 10_000_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_taken_off_the_list_is_disconnected_and_one_put_on_it_connected() {
    let [mut node, mut other] = pair().await;
    let (peer, address) = (other.handle.local(), other.address().clone());
    node.handle.set_peers(vec![]).unwrap();
    assert_eq!(node.down().await, LinkError::Removed);
    other.down().await;
    let unknown = node
        .handle
        .send(peer, Class::Votes, Bytes::from_static(b"x"));
    assert_eq!(unknown, Err(SendError::UnknownPeer { peer }));
    let back = PeerConfig {
        name: "back".to_owned(),
        peer,
        address: Some(address),
    };
    node.handle.set_peers(vec![back]).unwrap();
    tokio::join!(node.up(), other.up());
    assert_eq!(node.peer(0).name, "back");
}

/// Of a pair, the end that is dialed shuns the one that dials, and the other way round.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shunned_peer_is_cut_off_until_it_is_admitted() {
    let [mut dialed, mut dialer] = pair().await;
    let (dialed_id, dialer_id) = (dialed.handle.local(), dialer.handle.local());
    dialed.handle.shun(dialer_id, "vote").unwrap();
    assert_eq!(dialed.down().await, LinkError::Shunned { what: "vote" });
    dialer.down().await;
    until(|| dialed.handle.peers().refused.shunned >= 2).await;
    assert_eq!((dialed.peer(0).up, dialed.peer(0).connects), (false, 1));
    dialed.handle.admit(dialer_id).unwrap();
    tokio::join!(dialed.up(), dialer.up());
    dialer.handle.shun(dialed_id, "batch").unwrap();
    assert_eq!(dialer.down().await, LinkError::Shunned { what: "batch" });
    dialed.down().await;
    dialer.handle.admit(dialed_id).unwrap();
    tokio::join!(dialed.up(), dialer.up());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_that_cannot_work_are_refused_and_the_old_one_stays() {
    let [node, other] = pair().await;
    let peer = |peer, address: &str| PeerConfig {
        name: "p".to_owned(),
        peer,
        address: Some(address.parse().unwrap()),
    };
    let (own, theirs) = (node.handle.local(), other.handle.local());
    let tcp = "/ip4/127.0.0.1/tcp/1";
    let foreign = format!("{tcp}/p2p/{own}");
    let refused = |list| match node.handle.set_peers(list) {
        Err(NetworkError::Config(error)) => error,
        other => panic!("not refused: {other:?}"),
    };
    assert!(matches!(
        refused(vec![peer(own, tcp)]),
        ConfigError::PeerIsSelf { .. }
    ));
    assert!(matches!(
        refused(vec![peer(theirs, tcp); 2]),
        ConfigError::PeerTwice { .. }
    ));
    assert!(matches!(
        refused(vec![peer(theirs, "/ip4/127.0.0.1/udp/1")]),
        ConfigError::AddressForm { .. }
    ));
    assert!(matches!(
        refused(vec![peer(theirs, &foreign)]),
        ConfigError::AddressIdentity { .. }
    ));
    assert!(node.peer(0).up);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_ends_the_events_and_frees_the_port() {
    let [mut node, mut other] = pair().await;
    let listen = node.address().clone();
    node.handle.shutdown().await;
    assert!(matches!(
        node.next().await,
        NetworkEvent::PeerDown {
            reason: LinkError::ShutDown,
            ..
        }
    ));
    assert!(within(node.events.recv()).await.is_none());
    assert!(matches!(
        node.handle.set_peers(vec![]),
        Err(NetworkError::ShutDown)
    ));
    other.down().await;
    let [key, _] = keys();
    Node::start(
        &key,
        NetworkConfig {
            listen,
            ..config(vec![])
        },
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_drops_its_events_ends_the_network() {
    let [node, mut other] = pair().await;
    drop(node.events);
    other.down().await;
    until(|| node.handle.set_peers(vec![]).is_err()).await;
}
