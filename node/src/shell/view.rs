//! What readers see: the state after the last final block, and who waits for a transaction to become final.
//!
//! Invariant: a snapshot is shown only once its block's certificate is on disk; a waiter is woken by the block that answers it.
//! A read takes a snapshot in O(1) and never waits for execution or the disk.

use falaj_consensus::message::{CommitCertificate, Header, Outcome};
use falaj_consensus::types::{BlockId, Height, Now};
use falaj_ledger::bundle::SetChange;
use falaj_ledger::state::State;
use falaj_ledger::transaction::{BodyHash, TxKey};
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::{oneshot, watch};

use crate::core::Committed;

mod in_flight;
mod recent;
mod set_path;
mod waiters;

pub use in_flight::{IN_FLIGHT_MAX, InFlight, Waiting, body_of};
pub use recent::{Recent, RecentBlock, receipt_tree};
pub use set_path::SetPath;
pub use waiters::WAITERS_MAX;
use waiters::Waiters;

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
    waiters: Waiters<Final>,
    blocks: watch::Sender<Height>,
    recent: Recent,
    in_flight: InFlight,
    set_path: SetPath,
}

impl View {
    /// Begins with what the node recovered, and the changes of validators up to there.
    #[must_use]
    pub fn new(snapshot: Snapshot, set_changes: Vec<SetChange>) -> Self {
        let (blocks, _) = watch::channel(snapshot.height());
        let window_ms = snapshot.state.chain().constants.id_window_ms;
        Self {
            current: RwLock::new(Arc::new(snapshot)),
            waiters: Waiters::default(),
            blocks,
            recent: Recent::default(),
            in_flight: InFlight::new(window_ms),
            set_path: SetPath::new(set_changes),
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

    /// The changes of validators since genesis.
    #[must_use]
    pub const fn set_path(&self) -> &SetPath {
        &self.set_path
    }

    /// Waits for a transaction, and for the body that was submitted, if it was; `None` when too many wait already.
    pub fn wait_for(&self, key: TxKey, body: Option<BodyHash>) -> Option<oneshot::Receiver<Final>> {
        self.waiters.wait(key, body)
    }

    /// A block is final. Gives when those of its transactions came that came to this node.
    pub fn commit(&self, block: &Arc<Committed>) -> Vec<Now> {
        let snapshot = Snapshot::after(block);
        self.set_path.push(block);
        let recent = self.recent.push(block);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(snapshot);
        let receipts = &block.executed.receipts;
        let came = self.in_flight.finish(receipts, block.header.time_us);
        self.waiters.wake(recent.receipts(), |index| Final {
            block: Arc::clone(&recent),
            index,
        });
        self.blocks.send_replace(block.header.height);
        came
    }
}
