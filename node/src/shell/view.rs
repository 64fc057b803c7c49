//! What readers see: the state after the last final block, and who waits for a transaction to become final.
//!
//! Invariant: a snapshot is shown only once its block's certificate is on disk; a waiter is woken by the block that carries its transaction.
//! A read takes a snapshot in O(1) and never waits for execution or the disk.

use falaj_consensus::message::{CommitCertificate, Header, Outcome};
use falaj_consensus::types::{BlockId, Height};
use falaj_ledger::state::State;
use falaj_ledger::transaction::TxKey;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use tokio::sync::{oneshot, watch};

use crate::core::Committed;

/// Most requests that wait for finality at once.
pub const WAITERS_MAX: usize = 1024;

/// The ledger after a final block.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The state.
    pub state: State,
    /// The outcome.
    pub outcome: Outcome,
    /// Header and certificate of the block; none at genesis.
    pub block: Option<(Header, CommitCertificate)>,
}

impl Snapshot {
    /// Height of the block, 0 at genesis.
    #[must_use]
    pub const fn height(&self) -> Height {
        self.state.height()
    }

    /// Id of the block.
    #[must_use]
    pub fn block_id(&self) -> BlockId {
        self.block
            .as_ref()
            .map_or_else(BlockId::default, |(header, _)| header.id())
    }
}

/// A transaction's place in a final block.
#[derive(Clone, Debug)]
pub struct Final {
    /// The block.
    pub block: Arc<Committed>,
    /// Index of the transaction and its receipt.
    pub index: usize,
}

/// The readers' side of the node.
pub struct View {
    current: RwLock<Arc<Snapshot>>,
    waiters: Mutex<BTreeMap<TxKey, Vec<oneshot::Sender<Final>>>>,
    blocks: watch::Sender<Option<Arc<Committed>>>,
}

impl View {
    /// Begins with what the node recovered.
    #[must_use]
    pub fn new(snapshot: Snapshot) -> Self {
        let (blocks, _) = watch::channel(None);
        Self {
            current: RwLock::new(Arc::new(snapshot)),
            waiters: Mutex::new(BTreeMap::new()),
            blocks,
        }
    }

    /// The last final state.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Final blocks as they come; a slow reader sees the newest and asks the store for those between.
    #[must_use]
    pub fn blocks(&self) -> watch::Receiver<Option<Arc<Committed>>> {
        self.blocks.subscribe()
    }

    /// Waits for a transaction; `None` when too many wait already.
    pub fn wait_for(&self, key: TxKey) -> Option<oneshot::Receiver<Final>> {
        let mut waiters = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        waiters.retain(|_, waiting| {
            waiting.retain(|waiter| !waiter.is_closed());
            !waiting.is_empty()
        });
        if waiters.values().map(Vec::len).sum::<usize>() >= WAITERS_MAX {
            return None;
        }
        let (sender, receiver) = oneshot::channel();
        waiters.entry(key).or_default().push(sender);
        Some(receiver)
    }

    /// A block is final.
    pub fn commit(&self, block: &Arc<Committed>) {
        let snapshot = Snapshot {
            state: block.executed.state.clone(),
            outcome: block.executed.outcome.clone(),
            block: Some((block.header.clone(), block.certificate.clone())),
        };
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(snapshot);
        self.wake(block);
        self.blocks.send_replace(Some(Arc::clone(block)));
    }

    fn wake(&self, block: &Arc<Committed>) {
        let mut waiters = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        if waiters.is_empty() {
            return;
        }
        for (index, receipt) in block.executed.receipts.iter().enumerate() {
            for waiter in waiters.remove(&receipt.key).unwrap_or_default() {
                // A waiter that gave up is told in vain.
                drop(waiter.send(Final {
                    block: Arc::clone(block),
                    index,
                }));
            }
        }
    }
}
