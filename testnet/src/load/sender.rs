//! Sends transactions to the nodes over connections that stay open.
//!
//! Invariant: what a node did not take, because it is not there or cannot, goes to the next one, with the same bytes: the id makes it one
//! transaction. Nothing is given up here; what stays open is the tally's to tell.
//! Shape: whatever waits for a node when a connection is free goes in one request, one to [`BATCH_MAX`] transactions.
//! Source: `docs/spec/api.md`, "Submitting".

use anyhow::{Result, ensure};
use bytes::Bytes;
use serde::Deserialize;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use super::tally::Tally;
use crate::http::Connection;
use crate::wallet::Signed;

/// Most transactions of one request.
const BATCH_MAX: usize = 256;
/// Connections to each node.
const CONNECTIONS: usize = 8;
/// How long a node that is not there is left alone.
const GONE_PAUSE: Duration = Duration::from_millis(100);
/// How often open transactions are looked through.
const OVERDUE_LOOK: Duration = Duration::from_millis(500);
/// How long a node may have a transaction before it is sent to another.
const OVERDUE_PATIENCE: Duration = Duration::from_secs(10);
/// Codes that say nothing against the transaction: it exists, is on its way, or this node cannot tell.
const STILL_OPEN: [u16; 4] = [2001, 2003, 2004, 6006];
/// Codes of a node that cannot take anything now.
const NODE_CANNOT: [u16; 3] = [6003, 6004, 6005];

/// Connections to every node.
pub struct Senders {
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
}

struct Shared {
    nodes: Vec<NodeQueue>,
    next: AtomicUsize,
    tally: Arc<Tally>,
}

struct NodeQueue {
    address: SocketAddr,
    sender: UnboundedSender<Signed>,
    receiver: Mutex<UnboundedReceiver<Signed>>,
    /// Counts the times that it was found gone.
    life: AtomicU64,
}

#[derive(Deserialize)]
struct BatchAnswer {
    results: Vec<BatchResult>,
}

#[derive(Deserialize)]
struct BatchResult {
    state: String,
    code: Option<u16>,
}

impl Senders {
    /// Connects to nodes.
    #[must_use]
    pub fn start(addresses: &[SocketAddr], tally: Arc<Tally>) -> Self {
        let nodes = addresses
            .iter()
            .map(|address| NodeQueue::new(*address))
            .collect();
        let shared = Arc::new(Shared {
            nodes,
            next: AtomicUsize::new(0),
            tally,
        });
        let mut tasks = JoinSet::new();
        for node in 0..addresses.len() {
            for _ in 0..CONNECTIONS {
                tasks.spawn(work(Arc::clone(&shared), node));
            }
        }
        tasks.spawn(resend(Arc::clone(&shared)));
        Self { shared, tasks }
    }

    /// Sends a transaction to the node whose turn it is.
    pub fn send(&self, signed: Signed) {
        let node = self.shared.next.fetch_add(1, Ordering::Relaxed);
        self.shared.push(node, signed);
    }

    /// Sends a transaction to a node; if that is gone, to the next.
    pub fn send_to(&self, node: usize, signed: Signed) {
        self.shared.push(node, signed);
    }

    /// Sends nothing any more.
    pub fn stop(mut self) {
        self.tasks.abort_all();
    }
}

impl Shared {
    fn push(&self, node: usize, signed: Signed) {
        let queue = &self.nodes[node % self.nodes.len()];
        // The receiver lives as long as the sender.
        drop(queue.sender.send(signed));
    }

    fn pass_on(&self, from: usize, batch: Vec<Signed>) {
        batch
            .into_iter()
            .for_each(|signed| self.push(from + 1, signed));
    }
}

impl NodeQueue {
    fn new(address: SocketAddr) -> Self {
        let (sender, receiver) = unbounded_channel();
        Self {
            address,
            sender,
            receiver: Mutex::new(receiver),
            life: AtomicU64::new(0),
        }
    }

    /// What waits, at least one, at most [`BATCH_MAX`].
    async fn take(&self) -> Vec<Signed> {
        let mut batch = Vec::new();
        self.receiver
            .lock()
            .await
            .recv_many(&mut batch, BATCH_MAX)
            .await;
        batch
    }
}

/// One connection: takes what waits, sends it, reads what became of it.
async fn work(shared: Arc<Shared>, node: usize) {
    let queue = &shared.nodes[node];
    let mut connection = None;
    loop {
        let batch = queue.take().await;
        let life = queue.life.load(Ordering::Relaxed);
        match exchange(queue.address, &mut connection, &batch).await {
            Ok(answer) => digest(&shared, node, life, batch, answer),
            Err(_) => {
                connection = None;
                queue.life.fetch_add(1, Ordering::Relaxed);
                shared.pass_on(node, batch);
                tokio::time::sleep(GONE_PAUSE).await;
            }
        }
    }
}

async fn exchange(
    address: SocketAddr,
    connection: &mut Option<Connection>,
    batch: &[Signed],
) -> Result<BatchAnswer> {
    // A connection that idled too long was closed by the node; a new one decides whether it is there.
    let fresh = connection.as_ref().is_none_or(|open| !open.is_open());
    if fresh {
        *connection = Some(Connection::open(address).await?);
    }
    let Some(open) = connection else {
        unreachable!("it was opened above")
    };
    let bytes: Vec<&[u8]> = batch.iter().map(|signed| signed.bytes.as_ref()).collect();
    let body = Bytes::from(falaj_consensus::hash::encode(&bytes));
    let answer = open
        .post("/v1/transactions:batch", "application/octet-stream", body)
        .await?;
    let answer: BatchAnswer = answer.json()?;
    ensure!(
        answer.results.len() == batch.len(),
        "a result for each transaction"
    );
    Ok(answer)
}

fn digest(shared: &Shared, node: usize, life: u64, batch: Vec<Signed>, answer: BatchAnswer) {
    for (signed, result) in batch.into_iter().zip(answer.results) {
        match result.code.filter(|_| result.state != "admitted") {
            Some(code) if NODE_CANNOT.contains(&code) => shared.push(node + 1, signed),
            Some(code) if !STILL_OPEN.contains(&code) => {
                shared
                    .tally
                    .refused(signed.key, code, node % shared.nodes.len());
            }
            Some(_) | None => shared.tally.taken(signed.key, node, life),
        }
    }
}

/// Sends again what a node died with.
async fn resend(shared: Arc<Shared>) {
    loop {
        tokio::time::sleep(OVERDUE_LOOK).await;
        let is_dead = |node: usize, life| shared.nodes[node].life.load(Ordering::Relaxed) != life;
        let overdue = shared.tally.overdue(is_dead, OVERDUE_PATIENCE);
        for signed in overdue {
            let node = shared.next.fetch_add(1, Ordering::Relaxed);
            shared.push(node, signed);
        }
    }
}
