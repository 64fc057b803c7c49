//! The thread that takes snapshots of the whole state at an interval, beside the writing of blocks.
//!
//! Invariant: a block never waits for a snapshot: at most one is being taken and one waits, and one that finds no room is left to the block
//! after it. What is put on the shelf was proven by this node as a reader would prove it.
//! Shape: at every multiple of the interval, or at the first block after it at which a snapshot can be taken: there is room for one, and no
//! change of validators is under way.
//! Errors: none ends the node. One is told, and the next snapshot is taken an interval later.
//! Source: `docs/spec/snapshots.md`, "Taken while the node runs".

use falaj_consensus::types::Height;
use falaj_consensus::verify::Checker;
use falaj_ledger::bundle::SetChange;
use falaj_ledger::snapshot::CHUNK_BYTES;
use falaj_ledger::state::State;
use falaj_ledger::trust::Trust;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Instant;

use crate::core::Committed;
use crate::shell::shelf::Shelf;
use crate::shell::snapshot::{self, SnapshotFault};

/// Gives the changes of validators in force at a height.
type SetPathTo = dyn Fn(Height, &State) -> Option<Vec<SetChange>> + Send;

/// What a thread that takes snapshots works with.
pub struct Taking {
    /// Heights between two snapshots.
    pub interval: NonZero<u64>,
    /// Where they go.
    pub shelf: Shelf,
    /// What they are proven from.
    pub trust: Trust,
    /// What checks signatures.
    pub checker: Box<dyn Checker + Send>,
    /// The changes of validators in force at a height; none if the block of one of them is not here.
    pub changes: Box<SetPathTo>,
    /// Whether the disk keeps enough room for everything else if so many bytes are written.
    pub has_room: Box<dyn Fn(u64) -> bool + Send>,
    /// Hears what became of each: how many seconds it took, or why it is not there.
    pub told: Box<dyn Fn(Height, Result<f64, SnapshotFault>) + Send>,
}

/// The hand on the thread, held by the one that writes blocks.
pub struct Snapshots {
    interval: NonZero<u64>,
    /// Height of the last one that was taken, or tried.
    last: Height,
    wanted: Option<SyncSender<Arc<Committed>>>,
    thread: Option<JoinHandle<()>>,
}

impl Snapshots {
    /// Tidies the shelf, and starts the thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(taking: Taking) -> std::io::Result<Self> {
        let tidied = taking.shelf.tidy().and_then(|()| taking.shelf.newest());
        let last = match tidied {
            Ok(newest) => newest.unwrap_or_default(),
            Err(error) => {
                tracing::warn!(%error, "the folder of snapshots cannot be used");
                Height::default()
            }
        };
        let interval = taking.interval;
        let (wanted, inbox) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("snapshots".into())
            .spawn(move || run(&taking, &inbox))?;
        Ok(Self {
            interval,
            last,
            wanted: Some(wanted),
            thread: Some(thread),
        })
    }

    /// Height of the newest, 0 if there is none.
    #[must_use]
    pub const fn newest(&self) -> Height {
        self.last
    }

    /// A block is in the store; if it is its turn, a snapshot of the state after it is taken.
    pub(super) fn offer(&mut self, block: &Arc<Committed>) {
        let height = block.header.height;
        let turn = |height: Height| height.get() / self.interval;
        let mut sets = block.executed.state.validator_sets();
        if turn(height) <= turn(self.last) || sets.any(|(from, _)| from > height) {
            return;
        }
        if let Some(wanted) = &self.wanted
            && wanted.try_send(Arc::clone(block)).is_ok()
        {
            self.last = height;
        }
    }
}

impl Drop for Snapshots {
    fn drop(&mut self) {
        drop(self.wanted.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn run(taking: &Taking, inbox: &Receiver<Arc<Committed>>) {
    for block in inbox {
        let started = Instant::now();
        let taken = take(taking, &block).map(|()| started.elapsed().as_secs_f64());
        (taking.told)(block.header.height, taken);
    }
}

fn take(taking: &Taking, block: &Committed) -> Result<(), SnapshotFault> {
    let state = &block.executed.state;
    let changes = (taking.changes)(block.header.height, state);
    let certified = snapshot::Certified {
        header: &block.header,
        outcome: &block.executed.outcome,
        certificate: &block.certificate,
        changes: changes.ok_or(SnapshotFault::NoPath)?,
    };
    let (manifest, cut) = certified.of(state, &taking.trust, &*taking.checker)?;
    let chunks = manifest.parts().len();
    let bytes = u64::try_from(chunks.saturating_mul(CHUNK_BYTES)).unwrap_or(u64::MAX);
    if !(taking.has_room)(bytes) {
        return Err(SnapshotFault::NoRoom { bytes });
    }
    let chunks = (0..chunks).map_while(|index| cut.chunk(index));
    taking.shelf.put(&manifest, chunks)
}

#[cfg(test)]
mod tests;
