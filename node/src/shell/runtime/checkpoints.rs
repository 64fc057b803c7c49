//! The thread that writes checkpoints of the whole state, and prunes older write sets behind them, beside the writing of blocks.
//!
//! Invariant: a block never waits for a checkpoint. At most one is being made and one waits; one that finds no room is left out, and
//! the next one comes [`CHECKPOINT_HEIGHTS`] later. It is of a block that the store holds.
//! Errors: a failed write ends the process, because the state of the disk is then unknown.
//! Source: `docs/spec/storage.md`, "Order of writes".

use falaj_ledger::execute::Executed;
use falaj_ledger::store::{Marker, Store, StoreError};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::fatal::{Fatal, exit_code};

/// Heights between two checkpoints.
pub(super) const CHECKPOINT_HEIGHTS: u64 = 1_000;

/// A block, and what executing it gave.
type Wanted = (Marker, Arc<Executed>);

/// The hand on the thread, held by the one that writes blocks.
pub(super) struct Checkpoints {
    wanted: Option<SyncSender<Wanted>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpoints {
    /// Starts it.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn start(store: Arc<dyn Store>, fatal: Fatal) -> std::io::Result<Self> {
        let (wanted, inbox) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("checkpoints".into())
            .spawn(move || {
                if let Err(error) = run(&*store, &inbox) {
                    fatal.end(exit_code::DISK, format!("the ledger's store: {error}"));
                }
            })?;
        Ok(Self {
            wanted: Some(wanted),
            thread: Some(thread),
        })
    }

    /// A block was written; if it is its turn, a checkpoint of the state after it is made.
    pub(super) fn offer(&self, marker: &Marker, executed: &Arc<Executed>) {
        if marker.height.get().is_multiple_of(CHECKPOINT_HEIGHTS)
            && let Some(wanted) = &self.wanted
            && wanted.try_send((*marker, Arc::clone(executed))).is_err()
        {
            tracing::warn!(
                height = marker.height.get(),
                "a checkpoint of the ledger is left out: earlier ones are not done"
            );
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        drop(self.wanted.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn run(store: &dyn Store, inbox: &Receiver<Wanted>) -> Result<(), StoreError> {
    for (marker, executed) in inbox {
        store.checkpoint(&marker, executed.state.map())?;
        store.prune_below(marker.height)?;
    }
    Ok(())
}
