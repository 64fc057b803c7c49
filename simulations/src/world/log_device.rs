//! A node's framed log on its simulated disk, with the thread that owns it: commands in order, one sync for all that wait.
//!
//! Invariant: records are written when a sync begins and proven when it ends, so a crash in between tears or loses exactly them;
//! commands that come during a sync wait for its end, as they do for the real thread.
//! Errors: [`LogError`] of the disk; the process ends, as the real one does.

use std::collections::VecDeque;

use falaj_consensus::durable::{Durable, FramedLog, LogError, Position};
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
    disk: SimDisk,
    log: FramedLog<SimDisk>,
    waiting: VecDeque<Command>,
    syncing: bool,
}

/// What one turn of the thread gave.
#[derive(Default)]
pub(super) struct Turn {
    /// Records that were written, with their places.
    pub(super) appended: Vec<(Position, Vec<u8>)>,
    /// Answers for the replica.
    pub(super) inputs: Vec<Input>,
    /// How long the sync takes that has begun.
    pub(super) sync_ns: Option<u64>,
}

impl LogDevice {
    pub(super) const fn new(disk: SimDisk, log: FramedLog<SimDisk>) -> Self {
        Self {
            disk,
            log,
            waiting: VecDeque::new(),
            syncing: false,
        }
    }

    /// The last record that was written.
    pub(super) fn last(&self) -> Position {
        self.log.last()
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
        Ok((durable, self.turn()?))
    }

    fn turn(&mut self) -> Result<Turn, LogError> {
        let mut turn = Turn::default();
        let mut dirty = false;
        for command in std::mem::take(&mut self.waiting) {
            match command {
                Command::Append(record) => {
                    let position = self.log.append(&record)?;
                    turn.appended.push((position, record));
                    dirty = true;
                }
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
        if dirty {
            self.log.flush()?;
            self.syncing = true;
            turn.sync_ns = Some(self.disk.sync_delay_ns());
        }
        Ok(turn)
    }
}
