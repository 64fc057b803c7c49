//! What the transport costs on loopback: a lone message there and back, many in flight, bulk, and a vote under bulk.
//!
//! Two transports in one process, on two worker threads. Numbers are printed, one a line: name, value, unit.
//! `cargo bench -p falaj-node --bench network`; as a test (without `--bench`) it does nothing.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a measurement names the event it expects and ends on every other"
)]

use std::time::{Duration, Instant};

use bytes::Bytes;
use falaj_node::shell::network::{
    Class, Keypair, Network, NetworkConfig, NetworkEvent, NetworkEvents, NetworkHandle, PeerConfig,
    PeerId, SendError,
};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
const ROUND_TRIPS: usize = 20_000;
const IN_FLIGHT: usize = 32;
const BULK_MESSAGES: usize = 512;

struct Node {
    handle: NetworkHandle,
    events: NetworkEvents,
    other: PeerId,
}

impl Node {
    async fn next(&mut self) -> NetworkEvent {
        loop {
            match self
                .events
                .recv()
                .await
                .expect("the transport runs until the end")
            {
                NetworkEvent::Hello(request) => request.accept(),
                event => return event,
            }
        }
    }

    async fn message(&mut self) -> (Class, Bytes) {
        match self.next().await {
            NetworkEvent::Message { class, bytes, .. } => (class, bytes),
            event => panic!("instead of a message: {event:?}"),
        }
    }

    /// Sends, and waits while a bulk queue is full.
    async fn send(&self, class: Class, message: Bytes) {
        loop {
            match self.handle.send(self.other, class, message.clone()) {
                Ok(()) => return,
                Err(SendError::QueueFull { .. }) => {
                    tokio::time::sleep(Duration::from_micros(200)).await
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
}

async fn pair() -> [Node; 2] {
    let keys = [Keypair::generate_ed25519(), Keypair::generate_ed25519()];
    let ids = keys.each_ref().map(|key| key.public().to_peer_id());
    let config = |peer, address| {
        let peers = vec![PeerConfig {
            name: "peer".to_owned(),
            peer,
            address,
        }];
        let listen = "/ip4/127.0.0.1/tcp/0".parse().expect("a literal address");
        let mut config = NetworkConfig::new(listen, peers, Bytes::from_static(b"bench"));
        for class in Class::ALL {
            let limits = config.limits.classes.get_mut(class);
            limits.inbound_bytes_per_s = 1 << 40;
            limits.inbound_messages_per_s = 1 << 40;
        }
        config
    };
    let (handle, events) =
        Network::start(config(ids[1], None), &keys[0]).expect("loopback is there");
    let address = handle.listen_addr().clone();
    let mut first = Node {
        handle,
        events,
        other: ids[1],
    };
    let (handle, events) =
        Network::start(config(ids[0], Some(address)), &keys[1]).expect("loopback is there");
    let mut second = Node {
        handle,
        events,
        other: ids[0],
    };
    tokio::join!(first.next(), second.next());
    [first, second]
}

fn print(name: &str, value: impl std::fmt::Display, unit: &str) {
    use std::io::Write;
    writeln!(std::io::stdout(), "{name:<44} {value:>12} {unit}").expect("standard output is there");
}

fn print_percentiles(name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    for (label, part) in [("p50", 50), ("p99", 99)] {
        print(
            &format!("{name}, {label}"),
            times[times.len() * part / 100].as_micros(),
            "us",
        );
    }
}

/// CPU time of this process so far, user and system, in ticks of 10 ms.
fn cpu_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.split_whitespace().collect();
    let ticks = |place: usize| {
        fields
            .get(place)
            .and_then(|field| field.parse::<u64>().ok())
            .unwrap_or(0)
    };
    (ticks(13) + ticks(14)) * 10
}

/// Sends every message back until it is aborted.
async fn echo(node: &mut Node) -> std::convert::Infallible {
    loop {
        let (class, bytes) = node.message().await;
        node.send(class, bytes).await;
    }
}

async fn lone_round_trips(here: &mut Node) {
    let message = Bytes::from(vec![7; KIB]);
    let mut times = Vec::with_capacity(ROUND_TRIPS);
    let cpu = cpu_ms();
    for _ in 0..ROUND_TRIPS {
        let start = Instant::now();
        here.send(Class::Votes, message.clone()).await;
        here.message().await;
        times.push(start.elapsed());
    }
    let cpu_us = (cpu_ms() - cpu) * 1_000;
    print_percentiles("1 KiB there and back, alone", times);
    print(
        "1 KiB there and back, CPU of both ends",
        cpu_us / ROUND_TRIPS as u64,
        "us",
    );
}

async fn many_in_flight(here: &mut Node) {
    let message = Bytes::from(vec![7; KIB]);
    let (start, cpu) = (Instant::now(), cpu_ms());
    for _ in 0..IN_FLIGHT {
        here.send(Class::Votes, message.clone()).await;
    }
    for _ in 0..ROUND_TRIPS {
        here.message().await;
        here.send(Class::Votes, message.clone()).await;
    }
    let cpu_us = (cpu_ms() - cpu) * 1_000;
    let elapsed_us = start.elapsed().as_micros();
    for _ in 0..IN_FLIGHT {
        here.message().await;
    }
    print(
        "1 KiB, 32 in flight, one way",
        2_000_000 * ROUND_TRIPS as u128 / elapsed_us,
        "messages/s",
    );
    print(
        "1 KiB, 32 in flight, CPU of both ends",
        cpu_us / (2 * ROUND_TRIPS as u64),
        "us/message",
    );
}

async fn bulk(here: &mut Node, there: &mut Node) {
    let message = Bytes::from(vec![7; MIB]);
    let (start, cpu) = (Instant::now(), cpu_ms());
    let sends = async {
        for _ in 0..BULK_MESSAGES {
            here.send(Class::Batches, message.clone()).await;
        }
    };
    let takes = async {
        for _ in 0..BULK_MESSAGES {
            there.message().await;
        }
    };
    tokio::join!(sends, takes);
    let elapsed_us = start.elapsed().as_micros();
    print(
        "1 MiB batches",
        (BULK_MESSAGES * MIB) as u128 / elapsed_us,
        "MB/s",
    );
    print(
        "1 MiB batches, CPU of both ends",
        (cpu_ms() - cpu) * 1_000 / BULK_MESSAGES as u64,
        "us/MiB",
    );
}

/// Votes go back and forth while bulk flows the same way as fast as it can.
async fn votes_under_bulk(here: &mut Node, there: &mut Node) {
    let batch = Bytes::from(vec![7; MIB]);
    let vote = Bytes::from(vec![7; KIB]);
    let mut times = Vec::new();
    let handle = here.handle.clone();
    let to = here.other;
    let flood = async {
        loop {
            handle.send(to, Class::Batches, batch.clone()).ok();
            tokio::time::sleep(Duration::from_micros(500)).await;
        }
    };
    let answers = async {
        loop {
            if let (Class::Votes, bytes) = there.message().await {
                there.send(Class::Votes, bytes).await;
            }
        }
    };
    let votes = async {
        for _ in 0..1_000 {
            let start = Instant::now();
            here.send(Class::Votes, vote.clone()).await;
            here.message().await;
            times.push(start.elapsed());
        }
    };
    tokio::select! { () = flood => {}, () = answers => {}, () = votes => {} }
    print_percentiles("1 KiB there and back, under bulk", times);
}

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime can be built");
    runtime.block_on(async {
        let start = Instant::now();
        let [mut here, mut there] = pair().await;
        print("start, connect, greet", start.elapsed().as_micros(), "us");
        let echoing = tokio::spawn(async move { echo(&mut there).await });
        lone_round_trips(&mut here).await;
        many_in_flight(&mut here).await;
        echoing.abort();
        let [mut here, mut there] = pair().await;
        bulk(&mut here, &mut there).await;
        votes_under_bulk(&mut here, &mut there).await;
    });
}
