//! A disk that keeps what was synced and, of the rest, what chance leaves at a crash.
//!
//! Invariant: bytes count after the sync of their file, names after the sync of their folder, and never before; the shipped logs
//! run on this disk unchanged, as on the real one.
//! Shape and units: one folder of files; a handle, whose clones share the disk; sectors of 512 bytes. At a crash each file keeps
//! a drawn part of its unsynced tail, torn by sector; of unsynced names a drawn prefix in the order in which they were changed,
//! as on a file system with a journal.
//! Errors: those of a real disk: full, a failed sync (whose bytes are gone after the next crash even if a later sync succeeds),
//! and everything after the power went.
//! Source: `docs/spec/durable.md`, "The disk".

mod inode;
mod stray;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use falaj_consensus::durable::{Disk, DiskError, DiskOperation};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::inode::Inode;
use self::stray::Stray;
use crate::chance::{Chance, Draw, Draws, Site, Word};
use crate::types::Ppm;

const CRASH: Site = Site::new("disk/crash");
const SYNC: Site = Site::new("disk/sync");

/// How bad a disk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiskDials {
    /// Syncs that fail; the process has to end.
    #[serde(
        rename = "sync_fails_ppm",
        default,
        skip_serializing_if = "Ppm::is_never"
    )]
    pub sync_fails: Ppm,
    /// Syncs that report success and did nothing; after a crash the node counts as faulty.
    #[serde(
        rename = "sync_lies_ppm",
        default,
        skip_serializing_if = "Ppm::is_never"
    )]
    pub sync_lies: Ppm,
    /// The fastest sync.
    pub sync_min_ns: u64,
    /// The slowest sync; between the two the tail is heavy.
    pub sync_cap_ns: u64,
    /// What all files together may hold; whatever they need if not said.
    #[serde(default = "unlimited", skip_serializing_if = "is_unlimited")]
    pub capacity_bytes: u64,
}

const fn unlimited() -> u64 {
    DiskDials::CALM.capacity_bytes
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_unlimited(bytes: &u64) -> bool {
    *bytes == unlimited()
}

impl DiskDials {
    /// A disk on a good day: honest, 300 µs to 10 ms a sync, never full.
    pub const CALM: Self = Self {
        sync_fails: Ppm::NEVER,
        sync_lies: Ppm::NEVER,
        sync_min_ns: 300_000,
        sync_cap_ns: 10_000_000,
        capacity_bytes: u64::MAX,
    };
}

/// What happened on a disk so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiskTally {
    /// Syncs of files and folders that were asked for.
    pub syncs: u64,
    /// Syncs that failed.
    pub failed_syncs: u64,
    /// Syncs that lied.
    pub lying_syncs: u64,
    /// Files that lost unsynced bytes at a crash.
    pub lost_tails: u64,
    /// Files of which a crash kept some unsynced sectors and lost others before them.
    pub torn_files: u64,
    /// Unsynced changes of names that a crash undid.
    pub lost_names: u64,
    /// Files that lost bytes for which a sync had reported success: lies, and bytes of failed syncs.
    pub lost_synced: u64,
    /// Appends that found the disk full.
    pub full: u64,
    /// Bits flipped.
    pub rotten_bits: u64,
    /// Reads that met a sector which cannot be read.
    pub unreadable: u64,
    /// Writes that a sync called durable and that went elsewhere.
    pub misdirected: u64,
}

/// A simulated disk.
#[derive(Clone, Debug)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

/// An open file; dead after the next crash.
#[derive(Debug)]
pub struct SimFile {
    name: String,
    inode: u64,
    boot: u64,
}

#[derive(Clone, Debug)]
struct State {
    /// What sets it apart from all other disks.
    place: u64,
    dials: DiskDials,
    crashes: Draws,
    syncs: Draws,
    inodes: BTreeMap<u64, Inode>,
    names: BTreeMap<String, u64>,
    durable_names: BTreeMap<String, u64>,
    journal: Vec<NameChange>,
    next_inode: u64,
    boot: u64,
    fuse: Option<u64>,
    /// A sync has failed since the last crash.
    failing: bool,
    /// The next write goes elsewhere; these bits choose where.
    misdirects: Option<u64>,
    /// It has gone there.
    stray: Option<Stray>,
    tally: DiskTally,
}

/// A change of the folder that is not synced yet.
#[derive(Clone, Debug)]
enum NameChange {
    Add(String, u64),
    Rename(String, String),
    Remove(String),
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<String, u64>) {
        match self {
            Self::Add(name, inode) => {
                names.insert(name.clone(), *inode);
            }
            Self::Rename(from, to) => {
                if let Some(inode) = names.remove(from) {
                    names.insert(to.clone(), inode);
                }
            }
            Self::Remove(name) => {
                names.remove(name);
            }
        }
    }
}

impl SimDisk {
    /// An empty disk; `place` sets its draws apart from those of all other disks.
    #[must_use]
    pub fn new(chance: &Chance, place: u64, dials: DiskDials) -> Self {
        let state = State {
            place,
            dials,
            crashes: chance.draws(CRASH, place),
            syncs: chance.draws(SYNC, place),
            inodes: BTreeMap::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            journal: Vec::new(),
            next_inode: 0,
            boot: 0,
            fuse: None,
            failing: false,
            misdirects: None,
            stray: None,
            tally: DiskTally::default(),
        };
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// Cuts the power and gives it back: every open file is dead, and chance says what is left of what was not synced.
    pub fn crash(&self) {
        self.lock().crash();
    }

    /// Ends whoever had files open, and leaves all that was written, synced or not; says whether something was not.
    pub fn kill(&self) -> bool {
        let mut state = self.lock();
        state.boot += 1;
        state.failing = false;
        let unsynced = |inode: &Inode| !inode.is_synced();
        !state.journal.is_empty() || state.inodes.values().any(unsynced)
    }

    /// Lets so many more changes succeed; all later calls fail until [`SimDisk::crash`].
    pub fn cut_power_after(&self, changes: u64) {
        self.lock().fuse = Some(changes);
    }

    /// Takes back what [`SimDisk::cut_power_after`] has set, if the power is still there.
    pub fn keep_power(&self) {
        let mut state = self.lock();
        if state.fuse != Some(0) {
            state.fuse = None;
        }
    }

    /// Whether the power is there.
    #[must_use]
    pub fn has_power(&self) -> bool {
        self.lock().fuse != Some(0)
    }

    /// Turns the dials.
    pub fn set_dials(&self, dials: DiskDials) {
        self.lock().dials = dials;
    }

    /// Fills the disk: no byte more fits until [`SimDisk::make_room`], or the dials are turned.
    pub fn fill(&self) {
        let mut state = self.lock();
        state.dials.capacity_bytes = state.used_bytes();
    }

    /// Gives a full disk room.
    pub fn make_room(&self) {
        self.lock().dials.capacity_bytes = u64::MAX;
    }

    /// Flips a bit of a file, chosen by the word; says whether there was one to flip.
    pub fn rot(&self, name: &str, word: Word) -> bool {
        let mut state = self.lock();
        let Some(inode) = state.names.get(name).copied() else {
            return false;
        };
        let rotten = state
            .inodes
            .get_mut(&inode)
            .is_some_and(|inode| inode.rot(word));
        state.tally.rotten_bits += u64::from(rotten);
        rotten
    }

    /// Flips a bit of a file, both chosen by the words; says whether there was one.
    pub fn rot_any(&self, file: Word, bit: Word) -> bool {
        let name = {
            let state = self.lock();
            let place = usize::try_from(file.below(state.names.len() as u64)).unwrap_or_default();
            state.names.keys().nth(place).cloned()
        };
        name.is_some_and(|name| self.rot(&name, bit))
    }

    /// Makes a sector of a file unreadable, file and sector chosen by the words; says whether there was one.
    pub fn spoil_sector(&self, file: Word, sector: Word) -> bool {
        let mut state = self.lock();
        let place = usize::try_from(file.below(state.names.len() as u64)).unwrap_or_default();
        let Some(inode) = state.names.values().nth(place).copied() else {
            return false;
        };
        let inode = state.inodes.get_mut(&inode);
        inode.is_some_and(|inode| inode.spoil(sector))
    }

    /// Whether a sync has failed since the last crash: whoever asked for it has to end.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.lock().failing
    }

    /// How long the sync takes that was asked for last.
    #[must_use]
    pub fn sync_delay_ns(&self) -> u64 {
        let state = self.lock();
        let draw = state.syncs.at(state.syncs.count().saturating_sub(1));
        draw.word(2)
            .heavy_tail(state.dials.sync_min_ns, state.dials.sync_cap_ns)
    }

    /// A disk of its own that holds what is certain to survive a crash of this one now, and has no faults.
    #[must_use]
    pub fn durable_image(&self) -> Self {
        let mut state = self.lock().clone();
        state.dials = DiskDials::CALM;
        state.fuse = None;
        (state.misdirects, state.stray) = (None, None);
        state.keep_durable_only();
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// Makes this disk hold what `image` holds, as when a copy is restored; open files are dead.
    pub fn restore(&self, image: &Self) {
        let image = image.lock().clone();
        let mut state = self.lock();
        state.boot += 1;
        state.fuse = None;
        (state.misdirects, state.stray) = (None, None);
        state.journal.clear();
        state.next_inode = state.next_inode.max(image.next_inode);
        state.inodes = image.inodes;
        state.names = image.names.clone();
        state.durable_names = image.names;
    }

    /// What happened so far.
    #[must_use]
    pub fn tally(&self) -> DiskTally {
        self.lock().tally
    }

    /// A file's bytes as a reader sees them.
    #[must_use]
    pub fn contents(&self, name: &str) -> Option<Vec<u8>> {
        let state = self.lock();
        let inode = state.names.get(name)?;
        state.inodes.get(inode).map(|inode| inode.bytes().to_vec())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("nothing panics while it holds the disk")
    }

    /// The state for a change of `file`, unless the power is gone.
    fn change(
        &self,
        operation: DiskOperation,
        name: &str,
    ) -> Result<MutexGuard<'_, State>, DiskError> {
        let mut state = self.powered(operation, name)?;
        state.fuse = state.fuse.map(|left| left - 1);
        Ok(state)
    }

    fn powered(
        &self,
        operation: DiskOperation,
        name: &str,
    ) -> Result<MutexGuard<'_, State>, DiskError> {
        let state = self.lock();
        if state.fuse == Some(0) {
            Err(failed(operation, name))
        } else {
            Ok(state)
        }
    }
}

impl State {
    fn crash(&mut self) {
        self.boot += 1;
        self.fuse = None;
        self.failing = false;
        self.crash_names();
        for inode in self.inodes.values_mut() {
            let fate = inode.crash(&mut self.crashes);
            self.tally.lost_tails += u64::from(fate.lost_tail);
            self.tally.torn_files += u64::from(fate.torn);
            self.tally.lost_synced += u64::from(fate.lost_synced);
        }
    }

    /// Keeps a drawn prefix of the unsynced changes of names: none, all, or any number, each a third of the time.
    fn crash_names(&mut self) {
        let changes = self.journal.len() as u64;
        let draw = self.crashes.next();
        let kept = match draw.word(0).below(3) {
            0 => 0,
            1 => changes,
            _ => draw.word(1).within(0, changes),
        };
        self.tally.lost_names += changes - kept;
        let kept = usize::try_from(kept).expect("it is at most the length of a vector");
        for change in &self.journal[..kept] {
            change.apply(&mut self.durable_names);
        }
        self.journal.clear();
        self.names = self.durable_names.clone();
        self.drop_nameless();
    }

    fn keep_durable_only(&mut self) {
        self.journal.clear();
        self.names = self.durable_names.clone();
        self.drop_nameless();
        self.inodes.values_mut().for_each(Inode::keep_durable_only);
    }

    fn drop_nameless(&mut self) {
        let named: Vec<u64> = self.names.values().copied().collect();
        self.inodes.retain(|inode, _| named.contains(inode));
    }

    fn rename(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.journal.push(change);
    }

    fn used_bytes(&self) -> u64 {
        let inodes = self
            .names
            .values()
            .filter_map(|inode| self.inodes.get(inode));
        inodes.map(|inode| inode.bytes().len() as u64).sum()
    }

    /// The draw for one sync, and whether it succeeds, which it is counted for.
    fn sync_draw(&mut self, operation: DiskOperation, name: &str) -> Result<Draw, DiskError> {
        let draw = self.syncs.next();
        self.tally.syncs += 1;
        if draw.word(0).happens(self.dials.sync_fails) {
            self.tally.failed_syncs += 1;
            self.failing = true;
            return Err(failed(operation, name));
        }
        Ok(draw)
    }

    fn lies(&mut self, draw: &Draw) -> bool {
        let lies = draw.word(1).happens(self.dials.sync_lies);
        self.tally.lying_syncs += u64::from(lies);
        lies
    }

    fn inode(&self, operation: DiskOperation, file: &SimFile) -> Result<&Inode, DiskError> {
        let inode = self
            .inodes
            .get(&file.inode)
            .filter(|_| self.boot == file.boot);
        inode.ok_or_else(|| failed(operation, &file.name))
    }

    fn inode_mut(
        &mut self,
        operation: DiskOperation,
        file: &SimFile,
    ) -> Result<&mut Inode, DiskError> {
        let alive = self.boot == file.boot;
        let inode = self.inodes.get_mut(&file.inode).filter(|_| alive);
        inode.ok_or_else(|| failed(operation, &file.name))
    }

    fn file(&self, name: &str, inode: u64) -> SimFile {
        SimFile {
            name: name.to_owned(),
            inode,
            boot: self.boot,
        }
    }
}

fn failed(operation: DiskOperation, name: &str) -> DiskError {
    DiskError::from_io(
        operation,
        name,
        io::Error::other("the simulated disk failed"),
    )
}

fn missing(name: &str) -> DiskError {
    DiskError::Missing {
        name: name.to_owned(),
    }
}

impl Disk for SimDisk {
    type File = SimFile;

    fn create(&self, name: &str) -> Result<SimFile, DiskError> {
        let mut state = self.change(DiskOperation::Create, name)?;
        if state.names.contains_key(name) {
            return Err(DiskError::Exists {
                name: name.to_owned(),
            });
        }
        let inode = state.next_inode;
        state.next_inode += 1;
        state.inodes.insert(inode, Inode::default());
        state.rename(NameChange::Add(name.to_owned(), inode));
        Ok(state.file(name, inode))
    }

    fn open(&self, name: &str) -> Result<SimFile, DiskError> {
        let state = self.powered(DiskOperation::Open, name)?;
        let inode = state.names.get(name).ok_or_else(|| missing(name))?;
        Ok(state.file(name, *inode))
    }

    fn length(&self, file: &SimFile) -> Result<u64, DiskError> {
        let state = self.powered(DiskOperation::Length, &file.name)?;
        Ok(state.inode(DiskOperation::Length, file)?.bytes().len() as u64)
    }

    fn read(&self, file: &SimFile, offset: u64, buffer: &mut [u8]) -> Result<(), DiskError> {
        let mut state = self.powered(DiskOperation::Read, &file.name)?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let wanted = start..start.saturating_add(buffer.len());
        if state.inode(DiskOperation::Read, file)?.is_spoilt(&wanted) {
            state.tally.unreadable += 1;
            return Err(failed(DiskOperation::Read, &file.name));
        }
        let bytes = state.inode(DiskOperation::Read, file)?.bytes();
        let source = bytes.get(wanted);
        buffer.copy_from_slice(source.ok_or_else(|| failed(DiskOperation::Read, &file.name))?);
        Ok(())
    }

    fn append(&self, file: &mut SimFile, bytes: &[u8]) -> Result<(), DiskError> {
        let mut state = self.change(DiskOperation::Append, &file.name)?;
        let room = state
            .dials
            .capacity_bytes
            .saturating_sub(state.used_bytes());
        let fits = bytes
            .get(..usize::try_from(room).unwrap_or(usize::MAX))
            .unwrap_or(bytes);
        state.inode_mut(DiskOperation::Append, file)?.append(fits);
        if fits.len() == bytes.len() {
            return Ok(());
        }
        state.tally.full += 1;
        Err(DiskError::Full {
            operation: DiskOperation::Append,
            name: file.name.clone(),
        })
    }

    fn truncate(&self, file: &mut SimFile, length_bytes: u64) -> Result<(), DiskError> {
        let mut state = self.change(DiskOperation::Truncate, &file.name)?;
        let length = usize::try_from(length_bytes).unwrap_or(usize::MAX);
        state
            .inode_mut(DiskOperation::Truncate, file)?
            .truncate(length);
        Ok(())
    }

    fn sync_file(&self, file: &mut SimFile) -> Result<(), DiskError> {
        let mut state = self.change(DiskOperation::SyncFile, &file.name)?;
        let drawn = state.sync_draw(DiskOperation::SyncFile, &file.name);
        let lies = drawn.as_ref().is_ok_and(|draw| state.lies(draw));
        let strays = drawn.is_ok() && !lies && state.goes_astray(file);
        let inode = state.inode_mut(DiskOperation::SyncFile, file)?;
        match (&drawn, lies || strays) {
            (Ok(_), false) => inode.sync(),
            (Ok(_), true) => inode.sync_in_name_only(),
            (Err(_), _) => inode.fail_sync(),
        }
        drawn.map(|_| ())
    }

    fn sync_directory(&self) -> Result<(), DiskError> {
        let mut state = self.change(DiskOperation::SyncDirectory, ".")?;
        let draw = state.sync_draw(DiskOperation::SyncDirectory, ".")?;
        if !state.lies(&draw) {
            state.durable_names = state.names.clone();
            state.journal.clear();
        }
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), DiskError> {
        let mut state = self.change(DiskOperation::Rename, from)?;
        if !state.names.contains_key(from) {
            return Err(missing(from));
        }
        state.rename(NameChange::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<(), DiskError> {
        let mut state = self.change(DiskOperation::Remove, name)?;
        if !state.names.contains_key(name) {
            return Err(missing(name));
        }
        state.rename(NameChange::Remove(name.to_owned()));
        Ok(())
    }

    fn list(&self) -> Result<Vec<String>, DiskError> {
        let state = self.powered(DiskOperation::List, ".")?;
        Ok(state.names.keys().cloned().collect())
    }
}

#[cfg(test)]
mod tests;
