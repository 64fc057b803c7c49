//! The thread that reads snapshots for peers, so that neither the replica nor a log waits for it.
//!
//! Invariant: every read is answered, in order; what is not there is answered with what is.
//! Bounds: the replica has one read under way for each peer.

use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use crate::core::{Input, Peer, SnapshotPart, SnapshotShelf, answer_from};

/// The hand on it.
pub struct SnapshotThread {
    reads: Option<Sender<(Peer, SnapshotPart)>>,
    thread: Option<JoinHandle<()>>,
}

impl SnapshotThread {
    /// Starts it; answers go to `results`.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        shelf: impl SnapshotShelf + Send + 'static,
        results: impl Fn(Input) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (reads, inbox) = channel();
        let thread = std::thread::Builder::new()
            .name("read-snapshots".into())
            .spawn(move || {
                for (to, part) in inbox {
                    let answer = Box::new(answer_from(&shelf, part));
                    results(Input::SnapshotRead { to, answer });
                }
            })?;
        Ok(Self {
            reads: Some(reads),
            thread: Some(thread),
        })
    }

    /// Reads a part for a peer.
    pub(super) fn read(&self, to: Peer, part: SnapshotPart) {
        if let Some(reads) = &self.reads {
            // The thread ends only with the process or after this handle.
            reads.send((to, part)).ok();
        }
    }
}

impl Drop for SnapshotThread {
    fn drop(&mut self) {
        drop(self.reads.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
