//! The thread that owns one framed log: appends what came, syncs once for all of it, proves it.
//!
//! Invariant: a proof is given only after a sync; a failed sync or write ends the process; no append or sync waits for a read,
//! which the [reader](super::log_reader) serves beside this thread.
//! A full disk is the one failure that is lived with: records stay collected, nothing is proven, so nothing that needs them leaves;
//! the replica is told, which stands still, and the write is tried again until there is room. A disk is called full while it still has
//! [`DISK_RESERVE_BYTES`], so that the guard and the ledger's store, which share it, do not meet its end.
//! Bounds: at most [`WAITING_BYTES_MAX`] wait beside one frame's worth in the log; what exceeds that ends the process.

use falaj_consensus::durable::{Disk, FramedLog, LogError, LogId};
use falaj_ledger::rejection::Rejection;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::fatal::Fatal;
use super::log_reader::{LogRead, LogReader};
use crate::core::Input;

/// How long a full disk is left alone before the next try.
const FULL_RETRY: Duration = Duration::from_millis(500);

/// Room on a disk below which it is called full.
pub const DISK_RESERVE_BYTES: u64 = 64 * 1024 * 1024;

/// Most bytes of records that wait for room. What a replica that stands still had under way is far less.
const WAITING_BYTES_MAX: usize = 256 * 1024 * 1024;

/// What the core asks of a log.
#[derive(Debug)]
pub enum LogCommand {
    /// Append a record.
    Append(Vec<u8>),
    /// Read, once what was appended before is proven.
    Read(LogRead),
}

/// What a log thread tells the world beside its results.
#[derive(Clone, Default)]
pub struct LogHealth {
    full: Arc<AtomicBool>,
}

impl LogHealth {
    /// Whether the disk is full.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    /// Says so, for tests of what others make of it.
    #[cfg(test)]
    pub(crate) fn tell(&self, full: bool) {
        self.full.store(full, Ordering::Relaxed);
    }
}

/// The thread of one log.
pub struct LogThread {
    commands: Option<Sender<LogCommand>>,
    thread: Option<JoinHandle<()>>,
    health: LogHealth,
}

impl LogThread {
    /// Starts it. Every sync's duration goes to `timed`, in seconds; `has_room` says whether the disk has more than its reserve.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start<D>(
        log: FramedLog<D>,
        id: LogId,
        results: impl Fn(Input) + Clone + Send + 'static,
        timed: impl Fn(f64) + Send + 'static,
        has_room: impl Fn() -> bool + Send + 'static,
        fatal: Fatal,
    ) -> std::io::Result<Self>
    where
        D: Disk + Clone + Send + Sync + 'static,
        D::File: Send + Sync,
    {
        let (commands, inbox) = channel();
        let health = LogHealth::default();
        let reader = LogReader::start(id, results.clone(), fatal.clone())?;
        let mut writer = Writer {
            log,
            id,
            // What a restart stands on waits for a proof too, and a node that is behind may append nothing for a long time.
            dirty: true,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            reader,
            reads: Vec::new(),
            has_room,
            health: health.clone(),
        };
        let thread = std::thread::Builder::new()
            .name(format!("log-{}", id.name()))
            .spawn(move || {
                if let Err(error) = writer.run(&inbox, &results, &timed) {
                    fatal.log_failed(&error);
                }
            })?;
        Ok(Self {
            commands: Some(commands),
            thread: Some(thread),
            health,
        })
    }

    /// Hands a command over.
    pub fn send(&self, command: LogCommand) {
        if let Some(commands) = &self.commands {
            // The thread ends only with the process or after this handle.
            drop(commands.send(command));
        }
    }

    /// How the log's disk is.
    #[must_use]
    pub fn health(&self) -> LogHealth {
        self.health.clone()
    }
}

impl Drop for LogThread {
    fn drop(&mut self) {
        drop(self.commands.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

struct Writer<D: Disk, R> {
    log: FramedLog<D>,
    id: LogId,
    dirty: bool,
    /// Records that the log had no room for, in their order.
    waiting: VecDeque<Vec<u8>>,
    waiting_bytes: usize,
    reader: LogReader<D>,
    /// Reads that were asked for since the last sync.
    reads: Vec<LogRead>,
    has_room: R,
    health: LogHealth,
}

impl<D, R> Writer<D, R>
where
    D: Disk + Clone + Send + Sync + 'static,
    D::File: Send + Sync,
    R: Fn() -> bool,
{
    fn run(
        &mut self,
        inbox: &Receiver<LogCommand>,
        results: &impl Fn(Input),
        timed: &impl Fn(f64),
    ) -> Result<(), LogError> {
        self.sync(results, timed)?;
        loop {
            let first = if self.dirty {
                inbox.recv_timeout(FULL_RETRY)
            } else {
                inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
            };
            match first {
                Ok(command) => self.obey(command)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.sync(results, timed),
            }
            for command in inbox.try_iter() {
                self.obey(command)?;
            }
            self.sync(results, timed)?;
            self.hand_reads_over()?;
        }
    }

    fn obey(&mut self, command: LogCommand) -> Result<(), LogError> {
        match command {
            LogCommand::Append(record) => {
                self.dirty = true;
                self.append(record)
            }
            LogCommand::Read(read) => {
                self.reads.push(read);
                Ok(())
            }
        }
    }

    fn hand_reads_over(&mut self) -> Result<(), LogError> {
        if self.reads.is_empty() {
            return Ok(());
        }
        let view = Arc::new(self.log.view()?);
        for read in self.reads.drain(..) {
            self.reader.read(&view, read);
        }
        Ok(())
    }

    /// The replica has numbered its records already, so one that finds no room waits, and every later one behind it.
    fn append(&mut self, record: Vec<u8>) -> Result<(), LogError> {
        if self.waiting.is_empty() {
            match self.log.append(&record) {
                Ok(_) => return Ok(()),
                Err(error) if error.is_full() => {}
                Err(error) => return Err(error),
            }
        }
        self.waiting_bytes = self.waiting_bytes.saturating_add(record.len());
        self.waiting.push_back(record);
        if self.waiting_bytes > WAITING_BYTES_MAX {
            self.append_waiting()
        } else {
            Ok(())
        }
    }

    fn append_waiting(&mut self) -> Result<(), LogError> {
        while let Some(record) = self.waiting.front() {
            self.log.append(record)?;
            self.waiting_bytes = self.waiting_bytes.saturating_sub(record.len());
            self.waiting.pop_front();
        }
        Ok(())
    }

    fn sync(&mut self, results: &impl Fn(Input), timed: &impl Fn(f64)) -> Result<(), LogError> {
        if !self.dirty {
            return Ok(());
        }
        if !(self.has_room)() {
            self.set_full(true, results);
            return Ok(());
        }
        let started = Instant::now();
        match self.append_waiting().and_then(|()| self.log.sync()) {
            Ok(durable) => {
                timed(started.elapsed().as_secs_f64());
                self.dirty = false;
                // The proof first: what it releases was under way before the disk was full.
                results(Input::Synced(durable));
                self.set_full(false, results);
                Ok(())
            }
            Err(error) if error.is_full() => {
                self.set_full(true, results);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn set_full(&self, full: bool, results: &impl Fn(Input)) {
        let before = self.health.full.swap(full, Ordering::Relaxed);
        if full != before {
            results(if full {
                Input::DiskFull(self.id)
            } else {
                Input::DiskRoom(self.id)
            });
        }
        if full && !before {
            tracing::error!(
                code = Rejection::ReadOnly.code(),
                log = self.id.name(),
                "the disk is full: nothing is acknowledged or signed until there is room"
            );
        }
        if before && !full {
            tracing::info!(log = self.id.name(), "the disk has room again");
        }
    }
}

#[cfg(test)]
mod tests;
