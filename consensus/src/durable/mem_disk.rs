//! A disk in memory that forgets what was not synced, for tests.
//!
//! Invariant: after [`MemDisk::crash`] the disk holds what was synced, and of the rest only what the test says survives.
//! Shape: a handle; clones share one disk. Files opened before a crash are dead after it.
//! Errors: those a test asks for.
//! Source: `docs/spec/durable.md`, "The disk".

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use super::{Disk, DiskError, DiskOperation};

/// What a crash leaves of the bytes that were written and not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survives {
    /// None of them.
    Nothing,
    /// All of them.
    Everything,
    /// The first so many of each file.
    Bytes(u64),
    /// Every sector of the file whose bit, modulo 64, is set in `kept`; the others read as zeros.
    Sectors {
        /// The size of a sector.
        sector_bytes: u64,
        /// Which ones are kept.
        kept: u64,
    },
}

/// A disk in memory.
#[derive(Clone, Debug, Default)]
pub struct MemDisk {
    state: Arc<Mutex<State>>,
    may_read: Arc<Condvar>,
}

/// A file of a [`MemDisk`].
#[derive(Debug)]
pub struct MemFile {
    name: String,
    inode: u64,
    boot: u64,
}

#[derive(Debug, Default)]
struct State {
    inodes: BTreeMap<u64, Inode>,
    names: BTreeMap<String, u64>,
    durable_names: BTreeMap<String, u64>,
    next_inode: u64,
    /// How often the power was cut.
    boot: u64,
    capacity_bytes: Option<u64>,
    /// How many more changes succeed before the power is gone.
    fuse: Option<u64>,
    /// How many changes were asked for.
    operations: u64,
    sync_fails: bool,
    /// How often a file was read.
    reads: u64,
    reads_held: bool,
}

#[derive(Clone, Debug, Default)]
struct Inode {
    durable: Vec<u8>,
    current: Vec<u8>,
}

impl Inode {
    fn after_crash(&self, survives: Survives) -> Vec<u8> {
        let synced = self.durable.len();
        match survives {
            Survives::Nothing => self.durable.clone(),
            Survives::Everything => self.current.clone(),
            Survives::Bytes(_) | Survives::Sectors { .. } if self.current.len() < synced => {
                self.durable.clone()
            }
            Survives::Bytes(count) => {
                let end = synced.saturating_add(usize::try_from(count).unwrap_or(usize::MAX));
                self.current.get(..end).unwrap_or(&self.current).to_vec()
            }
            Survives::Sectors { sector_bytes, kept } => {
                let lost = |at: usize| {
                    let sector = (at as u64).checked_div(sector_bytes).unwrap_or(0);
                    at >= synced
                        && kept.rotate_right(u32::try_from(sector % 64).unwrap_or(0)) & 1 == 0
                };
                self.current
                    .iter()
                    .enumerate()
                    .map(|(at, byte)| if lost(at) { 0 } else { *byte })
                    .collect()
            }
        }
    }
}

impl MemDisk {
    /// An empty disk without faults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Cuts the power and gives it back: of unsynced bytes remains what `survives` says, of unsynced names all or nothing.
    pub fn crash(&self, survives: Survives, names_survive: bool) {
        let mut state = self.lock();
        state.boot = state.boot.saturating_add(1);
        state.fuse = None;
        state.sync_fails = false;
        if !names_survive {
            state.names = state.durable_names.clone();
        }
        state.durable_names = state.names.clone();
        for inode in state.inodes.values_mut() {
            inode.durable = inode.after_crash(survives);
            inode.current = inode.durable.clone();
        }
    }

    /// Lets `operations` more changes succeed; all later calls fail until [`MemDisk::crash`].
    pub fn cut_power_after(&self, operations: u64) {
        self.lock().fuse = Some(operations);
    }

    /// How many changes (create, append, truncate, sync, rename, remove) were asked for so far.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.lock().operations
    }

    /// Limits what all files together may hold.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.lock().capacity_bytes = bytes;
    }

    /// Makes syncs fail, until a crash.
    pub fn fail_syncs(&self) {
        self.lock().sync_fails = true;
    }

    /// Has readers wait in their reads, or lets them go on.
    pub fn hold_reads(&self, held: bool) {
        self.lock().reads_held = held;
        self.may_read.notify_all();
    }

    /// How often a file was read.
    #[must_use]
    pub fn reads(&self) -> u64 {
        self.lock().reads
    }

    /// The bytes all files hold together.
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        self.lock().used_bytes()
    }

    /// A file's bytes as a reader sees them.
    #[must_use]
    pub fn contents(&self, name: &str) -> Option<Vec<u8>> {
        let state = self.lock();
        state
            .names
            .get(name)
            .and_then(|inode| state.inodes.get(inode))
            .map(|inode| inode.current.clone())
    }

    /// Makes a file hold `bytes`, synced, as a fault or a hand would.
    pub fn overwrite(&self, name: &str, bytes: &[u8]) {
        let mut state = self.lock();
        let known = state.names.get(name).copied();
        let inode = known.unwrap_or_else(|| state.new_inode(name));
        state.durable_names.insert(name.to_owned(), inode);
        state.inodes.insert(
            inode,
            Inode {
                durable: bytes.to_vec(),
                current: bytes.to_vec(),
            },
        );
    }

    /// A disk of its own with what this one would hold after a crash that loses nothing.
    #[must_use]
    pub fn image(&self) -> Self {
        let copy = Self::new();
        for name in self.list().unwrap_or_default() {
            copy.overwrite(&name, &self.contents(&name).unwrap_or_default());
        }
        copy
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no test panics while it holds the disk")
    }

    /// The state for a change, unless the power is gone.
    fn change(
        &self,
        operation: DiskOperation,
        name: &str,
    ) -> Result<MutexGuard<'_, State>, DiskError> {
        let mut state = self.powered(operation, name)?;
        state.operations = state.operations.saturating_add(1);
        state.fuse = state.fuse.map(|left| left.saturating_sub(1));
        if operation.is_sync() && state.sync_fails {
            return Err(failed(operation, name));
        }
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

fn failed(operation: DiskOperation, name: &str) -> DiskError {
    DiskError::from_io(operation, name, io::Error::other("the power is gone"))
}

impl State {
    fn new_inode(&mut self, name: &str) -> u64 {
        let inode = self.next_inode;
        self.next_inode = inode.saturating_add(1);
        self.inodes.insert(inode, Inode::default());
        self.names.insert(name.to_owned(), inode);
        inode
    }

    fn used_bytes(&self) -> u64 {
        self.names
            .values()
            .filter_map(|inode| self.inodes.get(inode))
            .map(|inode| inode.current.len() as u64)
            .sum()
    }

    fn inode(&self, operation: DiskOperation, file: &MemFile) -> Result<&Inode, DiskError> {
        let inode = self
            .inodes
            .get(&file.inode)
            .filter(|_| self.boot == file.boot);
        inode.ok_or_else(|| failed(operation, &file.name))
    }

    fn inode_mut(
        &mut self,
        operation: DiskOperation,
        file: &MemFile,
    ) -> Result<&mut Inode, DiskError> {
        let alive = self.boot == file.boot;
        let inode = self.inodes.get_mut(&file.inode).filter(|_| alive);
        inode.ok_or_else(|| failed(operation, &file.name))
    }
}

impl Disk for MemDisk {
    type File = MemFile;

    fn create(&self, name: &str) -> Result<MemFile, DiskError> {
        let mut state = self.change(DiskOperation::Create, name)?;
        if state.names.contains_key(name) {
            return Err(DiskError::Exists {
                name: name.to_owned(),
            });
        }
        let inode = state.new_inode(name);
        Ok(MemFile {
            name: name.to_owned(),
            inode,
            boot: state.boot,
        })
    }

    fn open(&self, name: &str) -> Result<MemFile, DiskError> {
        let state = self.powered(DiskOperation::Open, name)?;
        let inode = state.names.get(name).ok_or_else(|| DiskError::Missing {
            name: name.to_owned(),
        })?;
        Ok(MemFile {
            name: name.to_owned(),
            inode: *inode,
            boot: state.boot,
        })
    }

    fn length(&self, file: &MemFile) -> Result<u64, DiskError> {
        let state = self.powered(DiskOperation::Length, &file.name)?;
        Ok(state.inode(DiskOperation::Length, file)?.current.len() as u64)
    }

    fn read(&self, file: &MemFile, offset: u64, buffer: &mut [u8]) -> Result<(), DiskError> {
        let mut state = self.powered(DiskOperation::Read, &file.name)?;
        state.reads = state.reads.saturating_add(1);
        let waited = self.may_read.wait_while(state, |state| state.reads_held);
        let state = waited.expect("no test panics while it holds the disk");
        let bytes = &state.inode(DiskOperation::Read, file)?.current;
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let source = bytes
            .get(start..start.saturating_add(buffer.len()))
            .ok_or_else(|| failed(DiskOperation::Read, &file.name))?;
        buffer.copy_from_slice(source);
        Ok(())
    }

    fn append(&self, file: &mut MemFile, bytes: &[u8]) -> Result<(), DiskError> {
        let mut state = self.change(DiskOperation::Append, &file.name)?;
        let room = state.capacity_bytes.map_or(u64::MAX, |capacity| {
            capacity.saturating_sub(state.used_bytes())
        });
        let fits = bytes
            .get(..usize::try_from(room).unwrap_or(usize::MAX))
            .unwrap_or(bytes);
        state
            .inode_mut(DiskOperation::Append, file)?
            .current
            .extend_from_slice(fits);
        if fits.len() < bytes.len() {
            return Err(DiskError::Full {
                operation: DiskOperation::Append,
                name: file.name.clone(),
            });
        }
        Ok(())
    }

    fn truncate(&self, file: &mut MemFile, length_bytes: u64) -> Result<(), DiskError> {
        let mut state = self.change(DiskOperation::Truncate, &file.name)?;
        let inode = state.inode_mut(DiskOperation::Truncate, file)?;
        inode
            .current
            .truncate(usize::try_from(length_bytes).unwrap_or(usize::MAX));
        Ok(())
    }

    fn sync_file(&self, file: &mut MemFile) -> Result<(), DiskError> {
        let mut state = self.change(DiskOperation::SyncFile, &file.name)?;
        let inode = state.inode_mut(DiskOperation::SyncFile, file)?;
        inode.durable = inode.current.clone();
        Ok(())
    }

    fn sync_directory(&self) -> Result<(), DiskError> {
        let mut state = self.change(DiskOperation::SyncDirectory, ".")?;
        state.durable_names = state.names.clone();
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), DiskError> {
        let mut state = self.change(DiskOperation::Rename, from)?;
        let inode = state.names.remove(from).ok_or_else(|| DiskError::Missing {
            name: from.to_owned(),
        })?;
        state.names.insert(to.to_owned(), inode);
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<(), DiskError> {
        let mut state = self.change(DiskOperation::Remove, name)?;
        state
            .names
            .remove(name)
            .map(|_| ())
            .ok_or_else(|| DiskError::Missing {
                name: name.to_owned(),
            })
    }

    fn list(&self) -> Result<Vec<String>, DiskError> {
        Ok(self
            .powered(DiskOperation::List, ".")?
            .names
            .keys()
            .cloned()
            .collect())
    }
}
