//! A TCP relay whose every byte from the dialing to the listening side can be held back.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::*;

/// The most that is passed on at once.
const PIECE_BYTES: usize = 4096;

pub(super) struct Relay {
    pub(super) address: Multiaddr,
    /// One permit lets one byte pass from the dialing to the listening side.
    pub(super) gate: Arc<Semaphore>,
    /// And one, back.
    pub(super) gate_back: Arc<Semaphore>,
    held: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Relay {
    /// Listens, and connects whoever comes to the target. The gates are shut.
    pub(super) async fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = multiaddr(listener.local_addr().unwrap());
        let gates = [Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0))];
        let [gate, gate_back] = gates.clone();
        let held = Arc::new(AtomicUsize::new(0));
        let holding = Arc::clone(&held);
        let task = tokio::spawn(async move {
            let mut lines = tokio::task::JoinSet::new();
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let (near_read, near_write) = near.into_split();
                let Ok(far) = TcpStream::connect(target).await else {
                    continue;
                };
                let (far_read, far_write) = far.into_split();
                lines.spawn(pass(
                    near_read,
                    far_write,
                    Arc::clone(&gate),
                    Arc::clone(&holding),
                ));
                lines.spawn(pass(
                    far_read,
                    near_write,
                    Arc::clone(&gate_back),
                    Arc::clone(&holding),
                ));
            }
        });
        let [gate, gate_back] = gates;
        Self {
            address,
            gate,
            gate_back,
            held,
            task,
        }
    }

    /// How many pieces have come and wait at a gate.
    pub(super) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    pub(super) fn open(&self) {
        for gate in [&self.gate, &self.gate_back] {
            gate.add_permits(Semaphore::MAX_PERMITS / 2);
        }
    }

    /// Holds back every byte from now on, both ways; what is being passed on still passes.
    pub(super) fn shut(&self) {
        for gate in [&self.gate, &self.gate_back] {
            gate.forget_permits(Semaphore::MAX_PERMITS);
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    gate: Arc<Semaphore>,
    held: Arc<AtomicUsize>,
) {
    let mut piece = [0; PIECE_BYTES];
    while let Ok(bytes @ 1..) = from.read(&mut piece).await {
        held.fetch_add(1, Ordering::Relaxed);
        let permits = gate
            .acquire_many(u32::try_from(bytes).unwrap())
            .await
            .unwrap();
        permits.forget();
        held.fetch_sub(1, Ordering::Relaxed);
        if to.write_all(&piece[..bytes]).await.is_err() {
            return;
        }
    }
}
