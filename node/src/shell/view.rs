//! What readers see: the state after the last final block, and who waits for a transaction to become final.
//!
//! Invariant: a snapshot is shown only once its block's certificate is on disk; a waiter is woken by the block that carries its transaction.
//! A read takes a snapshot in O(1) and never waits for execution or the disk.

use falaj_consensus::message::{CommitCertificate, Header, Outcome};
use falaj_consensus::types::{BlockId, Height, Now};
use falaj_ledger::state::State;
use falaj_ledger::transaction::TxKey;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use tokio::sync::{oneshot, watch};

use crate::core::Committed;

mod in_flight;
mod recent;

pub use in_flight::{IN_FLIGHT_MAX, InFlight, Waiting};
pub use recent::{Recent, RecentBlock, receipt_tree};

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
    /// After a final block.
    fn after(block: &Committed) -> Self {
        Self {
            state: block.executed.state.clone(),
            outcome: block.executed.outcome.clone(),
            block: Some((block.header.clone(), block.certificate.clone())),
        }
    }

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
    pub block: Arc<RecentBlock>,
    /// Index of the transaction and its receipt.
    pub index: u32,
}

/// The readers' side of the node.
pub struct View {
    current: RwLock<Arc<Snapshot>>,
    waiters: Mutex<BTreeMap<TxKey, Vec<oneshot::Sender<Final>>>>,
    blocks: watch::Sender<Height>,
    recent: Recent,
    in_flight: InFlight,
}

impl View {
    /// Begins with what the node recovered.
    #[must_use]
    pub fn new(snapshot: Snapshot) -> Self {
        let (blocks, _) = watch::channel(snapshot.height());
        let window_ms = snapshot.state.chain().constants.id_window_ms;
        Self {
            current: RwLock::new(Arc::new(snapshot)),
            waiters: Mutex::new(BTreeMap::new()),
            blocks,
            recent: Recent::default(),
            in_flight: InFlight::new(window_ms),
        }
    }

    /// The last final state.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The state after one of the last final blocks, if it is kept: at most as many as [`Recent`] keeps, and none from before this start.
    #[must_use]
    pub fn at(&self, height: Height) -> Option<Arc<Snapshot>> {
        let newest = self.snapshot();
        if newest.height() == height {
            return Some(newest);
        }
        let recent = self.recent.get(height)?;
        Some(Arc::new(Snapshot::after(&recent.block)))
    }

    /// The lowest height that [`View::at`] has, and those above it up to the last final one.
    #[must_use]
    pub fn oldest(&self) -> Height {
        self.recent
            .oldest()
            .unwrap_or_else(|| self.snapshot().height())
    }

    /// The last final height, as it changes.
    #[must_use]
    pub fn heights(&self) -> watch::Receiver<Height> {
        self.blocks.subscribe()
    }

    /// The last final blocks.
    #[must_use]
    pub const fn recent(&self) -> &Recent {
        &self.recent
    }

    /// What this node admitted and is not final.
    #[must_use]
    pub const fn in_flight(&self) -> &InFlight {
        &self.in_flight
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

    /// A block is final. Gives when those of its transactions came that came to this node.
    pub fn commit(&self, block: &Arc<Committed>) -> Vec<Now> {
        let snapshot = Snapshot::after(block);
        let recent = self.recent.push(block);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(snapshot);
        let receipts = &block.executed.receipts;
        let came = self.in_flight.finish(receipts, block.header.time_us);
        self.wake(&recent);
        self.blocks.send_replace(block.header.height);
        came
    }

    fn wake(&self, block: &Arc<RecentBlock>) {
        let mut waiters = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        if waiters.is_empty() {
            return;
        }
        for (index, receipt) in (0_u32..).zip(block.receipts()) {
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
