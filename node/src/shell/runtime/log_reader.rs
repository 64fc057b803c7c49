//! The thread that reads one framed log for peers and for the replica, beside the thread that writes it.
//!
//! Invariant: whoever reads, and however much, an append or sync never waits for it: reads go over a view of the log with a file handle of
//! its own. A read sees all that was appended before it was asked for and is proven.
//! Reads are served one after the other; that nobody takes more than a turn is the replica's care.
//! Errors: a failed read or a damaged record ends the process, as it does where the log is written.

use falaj_consensus::durable::{Disk, LogError, LogId, LogView, Position};
use falaj_consensus::types::Height;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use super::fatal::Fatal;
use crate::core::{FindFor, Input, ReadFor};
use crate::storage::find_decided;

/// What is read.
#[derive(Debug)]
pub enum LogRead {
    /// Records by their positions; answered by [`Input::Read`].
    Records {
        /// Which.
        positions: Vec<Position>,
        /// What for.
        purpose: ReadFor,
    },
    /// Decided heights in the block log; answered by [`Input::Found`].
    Heights {
        /// The first.
        from: Height,
        /// How many at most.
        count: u16,
        /// What for.
        purpose: FindFor,
    },
}

impl LogRead {
    fn answer<D: Disk>(self, view: &LogView<D>) -> Result<Input, LogError> {
        match self {
            Self::Records { positions, purpose } => {
                let records = view.log().read_present(&positions, purpose.bytes_max())?;
                Ok(Input::Read { purpose, records })
            }
            Self::Heights {
                from,
                count,
                purpose,
            } => {
                let heights = find_decided(view.log(), from, count)?;
                Ok(Input::Found { purpose, heights })
            }
        }
    }
}

/// What the reader is handed: a read, and the log as it is to be read.
type Handed<D> = (Arc<LogView<D>>, LogRead);

/// The hand on the reading thread, held by the one that writes.
pub(super) struct LogReader<D: Disk> {
    reads: Option<Sender<Handed<D>>>,
    thread: Option<JoinHandle<()>>,
}

impl<D> LogReader<D>
where
    D: Disk + Send + Sync + 'static,
    D::File: Send + Sync,
{
    /// Starts it.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn start(
        id: LogId,
        results: impl Fn(Input) + Send + 'static,
        fatal: Fatal,
    ) -> std::io::Result<Self> {
        let (reads, inbox) = channel();
        let thread = std::thread::Builder::new()
            .name(format!("read-{}", id.name()))
            .spawn(move || {
                if let Err(error) = run(&inbox, &results) {
                    fatal.log_failed(&error);
                }
            })?;
        Ok(Self {
            reads: Some(reads),
            thread: Some(thread),
        })
    }
}

impl<D: Disk> LogReader<D> {
    /// Hands a read over.
    pub(super) fn read(&self, view: &Arc<LogView<D>>, read: LogRead) {
        if let Some(reads) = &self.reads {
            // The thread ends only with the process or after this handle.
            drop(reads.send((Arc::clone(view), read)));
        }
    }
}

impl<D: Disk> Drop for LogReader<D> {
    fn drop(&mut self) {
        drop(self.reads.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn run<D: Disk>(inbox: &Receiver<Handed<D>>, results: &impl Fn(Input)) -> Result<(), LogError> {
    for (view, read) in inbox {
        results(read.answer(&view)?);
    }
    Ok(())
}
