//! The thread that writes final blocks to the ledger's store, in order, one atomic durable batch each.
//!
//! Invariant: it gets a block only after its certificate is on disk, so the store is never ahead of the block log by more than a crash can show;
//! a failed write ends the process, because the state of the disk is then unknown.
//! [Checkpoints](super::checkpoints) and [snapshots](super::snapshots) of the whole state are made beside it: a block never waits for one.
//! Bounds: the replica stands still before more than a few dozen blocks wait here.

use falaj_ledger::store::{Store, StoreError};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use super::checkpoints::Checkpoints;
use super::fatal::{Fatal, exit_code};
use super::snapshots::Snapshots;
use crate::core::{Committed, Input};
use crate::shell::history::block_write;

/// What the store thread is told.
pub enum StoreCommand {
    /// A block is final.
    Commit(Arc<Committed>),
}

/// The thread of the store.
pub struct StoreThread {
    commands: Option<Sender<StoreCommand>>,
    thread: Option<JoinHandle<()>>,
}

impl StoreThread {
    /// Starts it; [`Input::Persisted`] goes to `results`, durations in seconds to `timed`, blocks that are there to `snapshots`.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        store: Arc<dyn Store>,
        results: impl Fn(Input) + Send + 'static,
        timed: impl Fn(f64) + Send + 'static,
        mut snapshots: Option<Snapshots>,
        fatal: Fatal,
    ) -> std::io::Result<Self> {
        let (commands, inbox) = channel();
        let checkpoints = Checkpoints::start(Arc::clone(&store), fatal.clone())?;
        let thread = std::thread::Builder::new()
            .name("store".into())
            .spawn(move || {
                if let Err(error) = run(
                    &*store,
                    (&checkpoints, snapshots.as_mut()),
                    &inbox,
                    &results,
                    &timed,
                ) {
                    fatal.end(exit_code::DISK, format!("the ledger's store: {error}"));
                }
            })?;
        Ok(Self {
            commands: Some(commands),
            thread: Some(thread),
        })
    }

    /// A way to hand commands over.
    #[must_use]
    pub fn sender(&self) -> Option<Sender<StoreCommand>> {
        self.commands.clone()
    }

    /// Waits until everything handed over is written. Every other sender must be gone.
    pub fn finish(mut self) {
        self.close();
    }

    fn close(&mut self) {
        drop(self.commands.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Drop for StoreThread {
    fn drop(&mut self) {
        self.close();
    }
}

fn run(
    store: &dyn Store,
    (checkpoints, mut snapshots): (&Checkpoints, Option<&mut Snapshots>),
    inbox: &Receiver<StoreCommand>,
    results: &impl Fn(Input),
    timed: &impl Fn(f64),
) -> Result<(), StoreError> {
    while let Ok(StoreCommand::Commit(block)) = inbox.recv() {
        let started = std::time::Instant::now();
        let write = block_write(&block);
        store.commit(&write)?;
        timed(started.elapsed().as_secs_f64());
        results(Input::Persisted(block.header.height));
        checkpoints.offer(&write.marker, &block.executed);
        if let Some(snapshots) = &mut snapshots {
            snapshots.offer(&block);
        }
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests;
