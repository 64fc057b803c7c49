//! The store on disk, on sled: the only file that knows sled's name.
//!
//! Invariant: everything is in one tree, because only that commits together; nothing is flushed but by [`Medium::flush`]. A
//! folder that sled or our own seals call damaged is moved aside as it is, never mended and never deleted, and an empty store
//! takes its place, to be rebuilt from the block and batch logs.
//! Shapes and units: one folder a store; a damaged one is renamed to `<folder>.damaged-<n>` with the first free `n` from 1.
//! Errors: [`StoreError`]. A folder that another process has open is an [`StoreError::Io`], and is left alone.
//! Source: `docs/spec/storage.md`; spacejam/sled 0.34 and the faults reported against it: an interrupted snapshot file makes
//! opening fail for good (issues 1527, 1533; one that has not even its name yet is removed), memory follows the largest batch (1388), and only one tree is atomic.

use std::fs::{self, File};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use falaj_consensus::types::Hash32;

use super::medium::{Batch, Entry, Medium};
use super::{BlockStore, StoreError};

/// Pages that sled keeps in memory; the state is not read through it, only the index is.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;

/// The store over a sled folder.
pub type SledStore = BlockStore<SledMedium>;

/// A store that was opened, and what had to make way for it.
#[derive(Debug)]
pub struct Opened {
    /// The store; empty if something was set aside.
    pub store: SledStore,
    /// Where the damaged folder is now, and what was wrong with it.
    pub set_aside: Option<SetAside>,
}

/// A damaged folder that was moved.
#[derive(Debug)]
pub struct SetAside {
    /// Where it is now.
    pub folder: PathBuf,
    /// What was wrong with it.
    pub damage: StoreError,
}

/// Opens the store of a chain in a folder, which is made if it is not there; a damaged one is set aside first.
///
/// # Errors
/// [`StoreError::OtherChain`], [`StoreError::OtherVersion`], [`StoreError::Io`]; [`StoreError::Damaged`] only if even a new
/// folder is.
pub fn open(folder: &Path, genesis_hash: Hash32) -> Result<Opened, StoreError> {
    match open_as_it_is(folder, genesis_hash) {
        Ok(store) => Ok(Opened {
            store,
            set_aside: None,
        }),
        Err(damage @ StoreError::Damaged { .. }) => {
            let moved = set_aside(folder)?;
            let store = open_as_it_is(folder, genesis_hash)?;
            Ok(Opened {
                store,
                set_aside: Some(SetAside {
                    folder: moved,
                    damage,
                }),
            })
        }
        Err(error) => Err(error),
    }
}

/// Opens the store of a chain in a folder and leaves a damaged one where it is, for whoever only wants to look.
///
/// # Errors
/// As [`open`], and [`StoreError::Damaged`].
pub fn open_as_it_is(folder: &Path, genesis_hash: Hash32) -> Result<SledStore, StoreError> {
    SledStore::open(SledMedium::open(folder)?, genesis_hash)
}

/// Moves a folder out of the way and returns its new name; for damage that shows only when the store is read.
///
/// The store of that folder is closed before.
///
/// # Errors
/// [`StoreError::Io`].
pub fn set_aside(folder: &Path) -> Result<PathBuf, StoreError> {
    let failed = |source| StoreError::Io {
        action: "set a damaged folder aside",
        source,
    };
    let name = |number: u32| {
        let mut name = folder.as_os_str().to_owned();
        name.push(format!(".damaged-{number}"));
        PathBuf::from(name)
    };
    let free = (1..=u32::MAX).map(name).find(|name| !name.exists());
    let free = free.ok_or_else(|| failed(io::Error::from(io::ErrorKind::AlreadyExists)))?;
    fs::rename(folder, &free).map_err(failed)?;
    sync_parent(folder).map_err(failed)?;
    Ok(free)
}

/// Makes a rename in the folder above durable.
fn sync_parent(folder: &Path) -> io::Result<()> {
    let parent = folder
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

/// A sled folder, open.
#[derive(Debug)]
pub struct SledMedium {
    tree: sled::Db,
    flushes: AtomicU64,
}

impl SledMedium {
    /// Opens or makes a folder.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if sled finds corruption or gives up on what it reads, [`StoreError::Io`].
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let tree = match open_tree(folder) {
            Err(StoreError::Damaged { .. }) if remove_unfinished_snapshots(folder)? => {
                open_tree(folder)?
            }
            opened => opened?,
        };
        Ok(Self {
            tree,
            flushes: AtomicU64::new(0),
        })
    }

    /// How often this was flushed since it was opened.
    #[must_use]
    pub fn flushes(&self) -> u64 {
        self.flushes.load(Ordering::Relaxed)
    }

    /// Bytes on disk.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn disk_bytes(&self) -> Result<u64, StoreError> {
        self.tree
            .size_on_disk()
            .map_err(|error| failed("measure", error))
    }
}

impl Medium for SledMedium {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let value = self.tree.get(key).map_err(|error| failed("read", error))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn range(&self, start: &[u8], end: &[u8], limit: usize) -> Result<Vec<Entry>, StoreError> {
        if start >= end {
            return Ok(Vec::new());
        }
        let entries = self.tree.range(start..end).take(limit);
        entries
            .map(|entry| entry.map(|(key, value)| (key.to_vec(), value.to_vec())))
            .collect::<Result<_, _>>()
            .map_err(|error| failed("read", error))
    }

    fn write(&self, batch: Batch) -> Result<(), StoreError> {
        let mut changes = sled::Batch::default();
        for (key, value) in batch {
            match value {
                Some(value) => changes.insert(key, value),
                None => changes.remove(key),
            }
        }
        self.tree
            .apply_batch(changes)
            .map_err(|error| failed("write", error))
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.tree.flush().map_err(|error| failed("flush", error))?;
        self.flushes.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// Opens the database, with sled's panics taken for the damage that they are.
///
/// Some damaged files make sled panic where others make it return corruption; nothing of an unfinished database is used
/// afterwards.
fn open_tree(folder: &Path) -> Result<sled::Db, StoreError> {
    let config = sled::Config::new()
        .path(folder)
        .flush_every_ms(None)
        .cache_capacity(CACHE_BYTES);
    let opened = catch_unwind(AssertUnwindSafe(|| config.open()));
    opened
        .map_err(|_| gave_up(folder))?
        .map_err(|error| failed("open", error))
}

/// Removes snapshots that a killed process was still writing; whether there was one.
///
/// sled gives a snapshot its name only once it is whole, and then takes an unfinished one for a whole one when it opens. It
/// had the folder's lock when it said so, so nobody else is writing it.
fn remove_unfinished_snapshots(folder: &Path) -> Result<bool, StoreError> {
    let failed = |source| StoreError::Io {
        action: "remove an unfinished snapshot",
        source,
    };
    let mut removed = false;
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "generating")
        {
            fs::remove_file(&path).map_err(failed)?;
            removed = true;
        }
    }
    Ok(removed)
}

fn gave_up(folder: &Path) -> StoreError {
    StoreError::Damaged {
        place: folder.display().to_string(),
        what: "sled gave up on reading it",
    }
}

fn failed(action: &'static str, error: sled::Error) -> StoreError {
    use sled::Error as Sled;
    let damaged = |what| StoreError::Damaged {
        place: format!("{error}"),
        what,
    };
    match error {
        Sled::Io(source) => StoreError::Io { action, source },
        Sled::Corruption { .. } => damaged("sled found corruption"),
        Sled::ReportableBug(_) => damaged("sled found its own records in disorder"),
        Sled::CollectionNotFound(_) | Sled::Unsupported(_) => StoreError::Io {
            action,
            source: io::Error::other(error.to_string()),
        },
    }
}

#[cfg(test)]
mod tests;
