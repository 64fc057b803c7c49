//! What the threads of a node are started with, each in a line.
//!
//! Invariant: every thread gives its results to the one core, is timed by the one watch, and ends the process for a fault by the same hand.
//! Errors: [`StartError::Thread`] when the system gives no thread; what was started before ends when its handle is dropped.

use falaj_consensus::durable::{FramedLog, LogId, OsDisk};
use falaj_consensus::verify::RealChecker;
use falaj_ledger::genesis::Genesis;
use falaj_ledger::store::Store;
use falaj_ledger::trust::Trust;
use falaj_ledger::validate::Rules;
use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;

use super::{Signing, StartError, free_bytes};
use crate::core::{Input, SnapshotShelf};
use crate::shell::runtime::{
    Clock, CoreHandle, DISK_RESERVE_BYTES, Fatal, LogThread, SignerThread, SnapshotThread,
    Snapshots, StoreThread, Taking, Workers,
};
use crate::shell::shelf::Shelf;
use crate::shell::view::View;
use crate::shell::watch::Watch;

/// What all threads share.
pub(super) struct Host<'a> {
    pub(super) core: CoreHandle,
    pub(super) clock: Clock,
    pub(super) watch: Arc<Watch>,
    pub(super) fatal: &'a Fatal,
}

impl Host<'_> {
    /// The thread that writes the store.
    pub(super) fn store(
        &self,
        store: &Arc<dyn Store>,
        snapshots: Option<Snapshots>,
    ) -> Result<StoreThread, StartError> {
        let timed = self.watch.timed_sync("store");
        let store = Arc::clone(store);
        StoreThread::start(store, self.results(), timed, snapshots, self.fatal.clone())
            .map_err(StartError::Thread)
    }

    /// The thread that takes snapshots into a data folder, if the interval is not 0.
    pub(super) fn snapshots(
        &self,
        interval: u64,
        data: &Path,
        genesis: &Genesis,
        view: &Arc<View>,
    ) -> Result<Option<Snapshots>, StartError> {
        let Some(interval) = NonZero::new(interval) else {
            return Ok(None);
        };
        let (view, watch) = (Arc::clone(view), Arc::clone(&self.watch));
        let disk = data.to_owned();
        let taking = Taking {
            interval,
            shelf: Shelf::of(data),
            trust: Trust::of_genesis(genesis),
            checker: Box::new(RealChecker),
            changes: Box::new(move |height, state| view.set_path().to(height, state)),
            // The logs' own reserve, and as much again, stays free.
            has_room: Box::new(move |bytes| {
                let least = bytes.saturating_add(DISK_RESERVE_BYTES.saturating_mul(2));
                free_bytes(&disk).is_none_or(|free| free >= least)
            }),
            told: Box::new(move |height, taken| watch.snapshot(height, &taken)),
        };
        let started = Snapshots::start(taking).map_err(StartError::Thread)?;
        self.watch.snapshot_at(started.newest());
        Ok(Some(started))
    }

    /// The thread that owns the guard and asks the key.
    pub(super) fn signer(&self, signing: Signing) -> Result<SignerThread, StartError> {
        SignerThread::start(
            signing.home,
            signing.memory,
            signing.backend,
            self.clock,
            self.results(),
            self.watch.clone(),
            self.fatal.clone(),
        )
        .map_err(StartError::Thread)
    }

    /// The threads that write and read a log, on the disk of that folder.
    pub(super) fn log(
        &self,
        log: FramedLog<OsDisk>,
        id: LogId,
        data: &Path,
    ) -> Result<LogThread, StartError> {
        let timed = self.watch.timed_log(id.name());
        let data = data.to_owned();
        // A system that does not say how much room there is does not keep the node from running.
        let has_room = move || free_bytes(&data).is_none_or(|free| free >= DISK_RESERVE_BYTES);
        LogThread::start(log, id, self.results(), timed, has_room, self.fatal.clone())
            .map_err(StartError::Thread)
    }

    /// The thread that reads snapshots for peers.
    pub(super) fn serve_snapshots(
        &self,
        shelf: impl SnapshotShelf + Send + 'static,
    ) -> Result<SnapshotThread, StartError> {
        SnapshotThread::start(shelf, self.results()).map_err(StartError::Thread)
    }

    /// The threads that check signatures and execute blocks, one for each processor.
    pub(super) fn workers(&self, rules: Arc<Rules>) -> Result<Workers, StartError> {
        let watch = Arc::clone(&self.watch);
        let executed = move |seconds| watch.executed(seconds);
        let count = std::thread::available_parallelism().map_or(2, NonZero::get);
        let checker = Arc::new(RealChecker);
        Workers::start(count, checker, rules, self.results(), executed, self.fatal)
            .map_err(StartError::Thread)
    }

    /// Where a thread's results go.
    fn results(&self) -> impl Fn(Input) + Clone + Send + 'static {
        let core = self.core.clone();
        move |input| core.result(input)
    }
}
