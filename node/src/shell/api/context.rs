//! What every handler works with: the node, and how many of each kind of request may run at once.
//!
//! Invariant: a read takes a snapshot and never waits for execution; what reads the disk runs on a pool of its own, so that history and
//! proofs never delay a submission; nothing here holds a lock over an await.

use axum::http::StatusCode;
use falaj_consensus::types::Height;
use falaj_ledger::bundle::CertifiedOutcome;
use falaj_ledger::store::StoreError;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::body::Bodies;
use super::look::{Behind, behind};
use super::problem::Problem;
use super::serve::is_true;
use crate::shell::history::History;
use crate::shell::node::Node;
use crate::shell::view::Snapshot;

/// Requests that read the disk or compute for long, at once.
const ASIDE_MAX: usize = 4;
/// Requests of that kind that may wait for their turn.
const ASIDE_QUEUE_MAX: usize = 256;
/// Streams of events that are open at once.
pub(super) const STREAMS_MAX: usize = 64;

/// The state of the router.
pub(super) struct Api {
    pub(super) node: Arc<Node>,
    pub(super) bodies: Bodies,
    aside: Semaphore,
    aside_queue: Semaphore,
    streams: Arc<Semaphore>,
    stopping: watch::Receiver<bool>,
    behind: Behind,
}

impl Api {
    pub(super) fn new(node: Arc<Node>, bodies: Bodies, stopping: watch::Receiver<bool>) -> Self {
        Self {
            node,
            bodies,
            aside: Semaphore::new(ASIDE_MAX),
            aside_queue: Semaphore::new(ASIDE_QUEUE_MAX),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            stopping,
            behind: Behind::default(),
        }
    }

    /// The last final state.
    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        self.node.view.snapshot()
    }

    /// A final height: the one that is asked for, or the last.
    pub(super) fn final_height(&self, asked: Option<u64>) -> Result<Height, Problem> {
        let last = self.snapshot().height();
        let height = asked.map_or(last, Height::new);
        if height <= last {
            return Ok(height);
        }
        let detail = format!("heights up to {last} are final");
        Err(Problem::not_found(detail).at_height(last.get()))
    }

    /// The state after a final block that this node still has whole: the last one if none is asked for.
    pub(super) fn snapshot_at(&self, asked: Option<u64>) -> Result<Arc<Snapshot>, Problem> {
        if asked.is_none() {
            return Ok(self.snapshot());
        }
        let height = self.final_height(asked)?;
        self.node.view.at(height).ok_or_else(|| {
            let title = "the state after that block is no longer here";
            let (oldest, last) = (self.node.view.oldest(), self.snapshot().height());
            let detail = format!("this node has the states after heights {oldest} to {last}");
            Problem::new(StatusCode::GONE, "height-gone", title)
                .because(detail)
                .in_field("height")
                .at_height(last.get())
        })
    }

    /// Refuses a final height whose block this node never had, because it began with a snapshot.
    pub(super) fn expect_begun(&self, height: Height) -> Result<(), Problem> {
        if height > self.node.floor.height {
            return Ok(());
        }
        Err(Problem::before_snapshot(self.node.floor.height))
    }

    /// Header and outcome of a snapshot, proven from genesis. Genesis itself has no certificate.
    pub(super) fn certified(&self, snapshot: &Snapshot) -> Result<CertifiedOutcome, Problem> {
        let block = snapshot.block.as_ref();
        let certified = block.and_then(|(header, certificate)| {
            CertifiedOutcome::new(header.clone(), snapshot.outcome.clone(), certificate)
        });
        let certified = certified.ok_or_else(|| {
            Problem::not_found("no block is final yet, so nothing is certified").retry_after(1)
        })?;
        self.proven(certified)
    }

    /// The same after every change of validators by which a verifier comes to its own from those of genesis.
    pub(super) fn proven(&self, certified: CertifiedOutcome) -> Result<CertifiedOutcome, Problem> {
        let (view, height) = (&self.node.view, certified.header().height);
        let changes = view.set_path().to(height, &view.snapshot().state);
        let changes = changes.ok_or_else(|| {
            Problem::internal("a block that fixed another validator set is not here")
        })?;
        certified.after(changes).ok_or_else(|| {
            Problem::internal("the validators changed more often than a proof can show")
        })
    }

    /// Reads the store's history on a thread that may wait for the disk.
    pub(super) async fn history<T: Send + 'static>(
        &self,
        read: impl FnOnce(History<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Problem> {
        let (store, floor) = (Arc::clone(&self.node.store), self.node.floor);
        Ok(self
            .aside(move || read(History::new(&*store, floor)))
            .await??)
    }

    /// Does work that may take long on a thread of its own, a few at a time.
    pub(super) async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let queued = self.aside_queue.try_acquire();
        let _queued = queued.map_err(|_| Problem::busy("such requests come too often"))?;
        let stopping = |_| Problem::internal("the node stops");
        let _turn = self.aside.acquire().await.map_err(stopping)?;
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|_| Problem::internal("the work ended early"))
    }

    /// How far this node was behind its peers a moment ago.
    pub(super) fn behind(self: &Arc<Self>) -> u64 {
        let (heights, due) = self.behind.get(&self.node.clock);
        if due {
            let api = Arc::clone(self);
            tokio::spawn(async move {
                if let Some(heights) = behind(&api.node.core).await {
                    api.behind.set(heights);
                }
            });
        }
        heights
    }

    /// Ends when the node stops.
    pub(super) async fn stopping(&self) {
        is_true(&mut self.stopping.clone()).await;
    }

    /// Room for one more stream of events.
    pub(super) fn stream(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let room = Arc::clone(&self.streams).try_acquire_owned();
        room.map_err(|_| Problem::busy(format!("{STREAMS_MAX} streams are open")))
    }
}
