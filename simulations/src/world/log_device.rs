//! A node's framed log on its simulated disk, with the thread that owns it: commands in order, one sync for all that wait.
//!
//! Invariant: records are written when a sync begins and proven when it ends, so a crash in between tears or loses exactly them;
//! commands that come during a sync wait for its end, as they do for the real thread. A log that finds no room keeps its records,
//! tells the replica, and tries again every [`FULL_RETRY_NS`] and whenever it is asked something, as the real one does.
//! Errors: [`LogError`] of the disk; the process ends, as the real one does.

use std::collections::VecDeque;

use falaj_consensus::durable::{Durable, FramedLog, LogError, LogId, Position};
use falaj_consensus::types::Height;
use falaj_node::core::{FindFor, Input, ReadFor};
use falaj_node::storage::find_decided;

use crate::disk::SimDisk;

/// What a log's thread is asked.
#[derive(Debug)]
pub(super) enum Command {
    Append(Vec<u8>),
    Read(Vec<Position>, ReadFor),
    Find(Height, u16, FindFor),
}

/// A log with its thread.
pub(super) struct LogDevice {
    id: LogId,
    disk: SimDisk,
    log: FramedLog<SimDisk>,
    waiting: VecDeque<Command>,
    syncing: bool,
    /// Records are collected and not written.
    dirty: bool,
    /// The replica was told that there is no room.
    full: bool,
    /// A next try is on its way.
    retrying: bool,
}

/// How long a full disk is left alone before the next try.
pub(super) const FULL_RETRY_NS: u64 = 500_000_000;

/// What one turn of the thread gave.
#[derive(Default)]
pub(super) struct Turn {
    /// Records that were written, with their places.
    pub(super) appended: Vec<(Position, Vec<u8>)>,
    /// Answers for the replica.
    pub(super) inputs: Vec<Input>,
    /// How long the sync takes that has begun.
    pub(super) sync_ns: Option<u64>,
    /// Whether to try again in [`FULL_RETRY_NS`].
    pub(super) retries: bool,
}

impl LogDevice {
    pub(super) const fn new(id: LogId, disk: SimDisk, log: FramedLog<SimDisk>) -> Self {
        Self {
            id,
            disk,
            log,
            waiting: VecDeque::new(),
            syncing: false,
            dirty: false,
            full: false,
            retrying: false,
        }
    }

    /// The last record that was written.
    pub(super) fn last(&self) -> Position {
        self.log.last()
    }

    /// Whether all that it was given is on disk.
    pub(super) fn is_written(&self) -> bool {
        !self.syncing && !self.dirty && self.waiting.is_empty()
    }

    /// Proves what was found when the log was opened.
    pub(super) fn prove(&mut self) -> Result<Durable, LogError> {
        self.log.sync()
    }

    /// Takes a command, and begins a turn unless a sync is on its way.
    pub(super) fn ask(&mut self, command: Command) -> Result<Turn, LogError> {
        self.waiting.push_back(command);
        if self.syncing {
            return Ok(Turn::default());
        }
        self.turn()
    }

    /// The sync has ended: its proof, and the next turn.
    pub(super) fn synced(&mut self) -> Result<(Durable, Turn), LogError> {
        self.syncing = false;
        let durable = self.log.sync()?;
        let mut turn = self.turn()?;
        if self.full && !self.dirty && self.waiting.is_empty() {
            self.full = false;
            turn.inputs.push(Input::DiskRoom(self.id));
        }
        Ok((durable, turn))
    }

    /// Tries again what found no room.
    pub(super) fn retry(&mut self) -> Result<Turn, LogError> {
        self.retrying = false;
        if self.syncing {
            return Ok(Turn::default());
        }
        self.turn()
    }

    fn turn(&mut self) -> Result<Turn, LogError> {
        let mut turn = Turn::default();
        for command in std::mem::take(&mut self.waiting) {
            match command {
                Command::Append(record) => self.append(&mut turn, record)?,
                Command::Read(positions, purpose) => {
                    let records = self.log.read_present(&positions, purpose.bytes_max())?;
                    turn.inputs.push(Input::Read { purpose, records });
                }
                Command::Find(from, count, purpose) => {
                    let heights = find_decided(&self.log, from, count)?;
                    turn.inputs.push(Input::Found { purpose, heights });
                }
            }
        }
        if self.dirty {
            self.write(&mut turn)?;
        }
        Ok(turn)
    }

    /// The replica has numbered its records already, so one that finds no room waits, and every later one behind it.
    fn append(&mut self, turn: &mut Turn, record: Vec<u8>) -> Result<(), LogError> {
        self.dirty = true;
        if self.waiting.is_empty() {
            match self.log.append(&record) {
                Ok(position) => {
                    turn.appended.push((position, record));
                    return Ok(());
                }
                Err(error) if error.is_full() => {}
                Err(error) => return Err(error),
            }
        }
        self.waiting.push_back(Command::Append(record));
        Ok(())
    }

    fn write(&mut self, turn: &mut Turn) -> Result<(), LogError> {
        match self.log.flush() {
            Ok(()) => {
                (self.dirty, self.syncing) = (false, true);
                turn.sync_ns = Some(self.disk.sync_delay_ns());
                Ok(())
            }
            Err(error) if error.is_full() => {
                if !std::mem::replace(&mut self.full, true) {
                    turn.inputs.push(Input::DiskFull(self.id));
                }
                turn.retries = !std::mem::replace(&mut self.retrying, true);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}
