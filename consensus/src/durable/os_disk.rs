//! The one real disk: a folder of the operating system, held against a second process.
//!
//! Invariant: an [`OsDisk`] exists only while its process holds the lock of its folder, or of the folder above it.
//! A sync is `fdatasync` on the file (which carries its length) and `fsync` on the folder.
//! Errors: [`DiskError`]; [`FolderLockError::InUse`] when another process has the folder.
//! Source: `docs/spec/durable.md`, "The disk"; POSIX.1-2017, `fsync`, `fdatasync`, `rename`.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Disk, DiskError, DiskOperation};

const LOCK_FILE: &str = "lock";

/// A folder that no other process can hold at the same time. The lock ends with the last clone and with the process.
#[derive(Clone, Debug)]
pub struct FolderLock {
    folder: PathBuf,
    _held: Arc<File>,
}

/// A folder could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum FolderLockError {
    /// Another process works in the folder.
    #[error("folder {} is in use by another process", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder or its lock file could not be made or opened.
    #[error("folder {} cannot be used", folder.display())]
    Failed {
        /// The folder.
        folder: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
}

impl FolderLock {
    /// Makes the folder if it is missing, on disk with all names above it, and takes its lock.
    ///
    /// # Errors
    /// [`FolderLockError::InUse`] at once when another process has it; this never waits.
    pub fn acquire(folder: &Path) -> Result<Self, FolderLockError> {
        let failed = |source| FolderLockError::Failed {
            folder: folder.to_owned(),
            source,
        };
        make_folder(folder).map_err(failed)?;
        let options = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .clone();
        let file = options.open(folder.join(LOCK_FILE)).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self {
                folder: folder.to_owned(),
                _held: Arc::new(file),
            }),
            Err(TryLockError::WouldBlock) => Err(FolderLockError::InUse {
                folder: folder.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Files in a locked folder.
#[derive(Clone, Debug)]
pub struct OsDisk {
    folder: PathBuf,
    /// An open directory, to sync it.
    directory: Arc<File>,
    _lock: FolderLock,
}

/// An open file and its name for errors.
#[derive(Debug)]
pub struct OsFile {
    name: String,
    file: File,
}

impl OsDisk {
    /// The files of the locked folder itself.
    ///
    /// # Errors
    /// When the folder cannot be opened.
    pub fn new(lock: &FolderLock) -> Result<Self, DiskError> {
        Self::at(lock.folder.clone(), lock)
    }

    /// The files of a folder in the locked one, made if it is missing.
    ///
    /// # Errors
    /// When the folder cannot be made, synced or opened.
    pub fn subfolder(lock: &FolderLock, name: &str) -> Result<Self, DiskError> {
        let folder = lock.folder.join(name);
        make_folder(&folder)
            .map_err(|source| DiskError::from_io(DiskOperation::Create, name, source))?;
        Self::at(folder, lock)
    }

    fn at(folder: PathBuf, lock: &FolderLock) -> Result<Self, DiskError> {
        let directory = File::open(&folder).map_err(|source| {
            DiskError::from_io(DiskOperation::Open, &folder.to_string_lossy(), source)
        })?;
        Ok(Self {
            folder,
            directory: Arc::new(directory),
            _lock: lock.clone(),
        })
    }

    fn opened(
        &self,
        name: &str,
        operation: DiskOperation,
        options: &OpenOptions,
    ) -> Result<OsFile, DiskError> {
        let file = options
            .open(self.folder.join(name))
            .map_err(|source| DiskError::from_io(operation, name, source))?;
        Ok(OsFile {
            name: name.to_owned(),
            file,
        })
    }
}

impl OsFile {
    fn result<T>(&self, operation: DiskOperation, result: io::Result<T>) -> Result<T, DiskError> {
        result.map_err(|source| DiskError::from_io(operation, &self.name, source))
    }
}

impl Disk for OsDisk {
    type File = OsFile;

    fn create(&self, name: &str) -> Result<OsFile, DiskError> {
        self.opened(
            name,
            DiskOperation::Create,
            OpenOptions::new().read(true).append(true).create_new(true),
        )
    }

    fn open(&self, name: &str) -> Result<OsFile, DiskError> {
        self.opened(
            name,
            DiskOperation::Open,
            OpenOptions::new().read(true).append(true),
        )
    }

    fn length(&self, file: &OsFile) -> Result<u64, DiskError> {
        file.result(
            DiskOperation::Length,
            file.file.metadata().map(|metadata| metadata.len()),
        )
    }

    fn read(&self, file: &OsFile, offset: u64, buffer: &mut [u8]) -> Result<(), DiskError> {
        file.result(DiskOperation::Read, file.file.read_exact_at(buffer, offset))
    }

    fn append(&self, file: &mut OsFile, bytes: &[u8]) -> Result<(), DiskError> {
        let written = file.file.write_all(bytes);
        file.result(DiskOperation::Append, written)
    }

    fn truncate(&self, file: &mut OsFile, length_bytes: u64) -> Result<(), DiskError> {
        file.result(DiskOperation::Truncate, file.file.set_len(length_bytes))
    }

    fn sync_file(&self, file: &mut OsFile) -> Result<(), DiskError> {
        file.result(DiskOperation::SyncFile, file.file.sync_data())
    }

    fn sync_directory(&self) -> Result<(), DiskError> {
        self.directory
            .sync_all()
            .map_err(|source| DiskError::from_io(DiskOperation::SyncDirectory, ".", source))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), DiskError> {
        fs::rename(self.folder.join(from), self.folder.join(to))
            .map_err(|source| DiskError::from_io(DiskOperation::Rename, from, source))
    }

    fn remove(&self, name: &str) -> Result<(), DiskError> {
        fs::remove_file(self.folder.join(name))
            .map_err(|source| DiskError::from_io(DiskOperation::Remove, name, source))
    }

    fn list(&self) -> Result<Vec<String>, DiskError> {
        let names = fs::read_dir(&self.folder).and_then(|entries| {
            entries
                .map(|entry| entry.map(|entry| entry.file_name()))
                .collect()
        });
        let names: Vec<_> =
            names.map_err(|source| DiskError::from_io(DiskOperation::List, ".", source))?;
        // A name that is not UTF-8 is none of ours.
        let mut names: Vec<String> = names
            .into_iter()
            .filter_map(|name| name.into_string().ok())
            .collect();
        names.sort_unstable();
        Ok(names)
    }
}

/// Makes a folder and those above it, each synced into the one that holds it.
fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = folder
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    make_folder(parent)?;
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Ok(()) | Err(_) => File::open(parent)?.sync_all(),
    }
}
