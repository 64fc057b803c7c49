//! What a log needs of a disk: one flat folder of files.
//!
//! Invariant: bytes count as kept only after [`Disk::sync_file`], names only after [`Disk::sync_directory`]; before that a crash
//! may keep any part of them.
//! Shape and units: a disk is a handle on one folder, its methods take `&self`; names are plain file names without a separator;
//! offsets and lengths in bytes.
//! Errors: [`DiskError::Full`] is the only one a log lives on with.
//! Source: `docs/spec/durable.md`, "The disk".

use std::{fmt, io};

/// One folder of files.
pub trait Disk {
    /// An open file.
    type File;

    /// Creates an empty file that must not exist yet.
    ///
    /// # Errors
    /// [`DiskError::Exists`] when it does.
    fn create(&self, name: &str) -> Result<Self::File, DiskError>;

    /// Opens a file for reading and appending.
    ///
    /// # Errors
    /// [`DiskError::Missing`] when there is none.
    fn open(&self, name: &str) -> Result<Self::File, DiskError>;

    /// The file's length in bytes.
    ///
    /// # Errors
    /// When the disk fails.
    fn length(&self, file: &Self::File) -> Result<u64, DiskError>;

    /// Fills `buffer` from `offset`.
    ///
    /// # Errors
    /// When the disk fails or the file ends before the buffer does.
    fn read(&self, file: &Self::File, offset: u64, buffer: &mut [u8]) -> Result<(), DiskError>;

    /// Writes all of `bytes` at the end of the file.
    ///
    /// # Errors
    /// After an error any prefix of `bytes` may have been written.
    fn append(&self, file: &mut Self::File, bytes: &[u8]) -> Result<(), DiskError>;

    /// Cuts the file to `length_bytes`.
    ///
    /// # Errors
    /// When the disk fails.
    fn truncate(&self, file: &mut Self::File, length_bytes: u64) -> Result<(), DiskError>;

    /// Returns when the file's bytes and length are on disk.
    ///
    /// # Errors
    /// After an error nothing is known about the file, and a second sync proves nothing.
    fn sync_file(&self, file: &mut Self::File) -> Result<(), DiskError>;

    /// Returns when the folder's names are on disk.
    ///
    /// # Errors
    /// After an error nothing is known about the folder.
    fn sync_directory(&self) -> Result<(), DiskError>;

    /// Gives a file another name, replacing the file that had it.
    ///
    /// # Errors
    /// When the disk fails.
    fn rename(&self, from: &str, to: &str) -> Result<(), DiskError>;

    /// Removes a file.
    ///
    /// # Errors
    /// When the disk fails.
    fn remove(&self, name: &str) -> Result<(), DiskError>;

    /// The names of all files, in order.
    ///
    /// # Errors
    /// When the disk fails.
    fn list(&self) -> Result<Vec<String>, DiskError>;
}

/// What was being done when a disk failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DiskOperation {
    /// Creating a file.
    Create,
    /// Opening a file or folder.
    Open,
    /// Asking for a length.
    Length,
    /// Reading.
    Read,
    /// Appending.
    Append,
    /// Truncating.
    Truncate,
    /// Syncing a file.
    SyncFile,
    /// Syncing a folder.
    SyncDirectory,
    /// Renaming.
    Rename,
    /// Removing.
    Remove,
    /// Listing a folder.
    List,
}

impl DiskOperation {
    /// Whether this is the sync of a file or folder, after whose failure nothing is known.
    #[must_use]
    pub const fn is_sync(self) -> bool {
        matches!(self, Self::SyncFile | Self::SyncDirectory)
    }
}

impl fmt::Display for DiskOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Open => "open",
            Self::Length => "length",
            Self::Read => "read",
            Self::Append => "append",
            Self::Truncate => "truncate",
            Self::SyncFile => "file sync",
            Self::SyncDirectory => "directory sync",
            Self::Rename => "rename",
            Self::Remove => "remove",
            Self::List => "list",
        })
    }
}

/// A disk did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// No space or no quota is left. What was there is intact.
    #[error("no space left: {operation} of {name}")]
    Full {
        /// What was being done.
        operation: DiskOperation,
        /// The file.
        name: String,
    },
    /// There is no file of that name.
    #[error("no such file: {name}")]
    Missing {
        /// The file.
        name: String,
    },
    /// There is already a file of that name.
    #[error("file exists: {name}")]
    Exists {
        /// The file.
        name: String,
    },
    /// Anything else. The state of the file is unknown.
    #[error("{operation} of {name} failed")]
    Failed {
        /// What was being done.
        operation: DiskOperation,
        /// The file.
        name: String,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
}

impl DiskError {
    /// Sorts a system error into the kinds a log tells apart.
    #[must_use]
    pub fn from_io(operation: DiskOperation, name: &str, source: io::Error) -> Self {
        let name = name.to_owned();
        let kind = source.kind();
        if matches!(
            kind,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        ) && !operation.is_sync()
        {
            Self::Full { operation, name }
        } else if kind == io::ErrorKind::NotFound {
            Self::Missing { name }
        } else if kind == io::ErrorKind::AlreadyExists {
            Self::Exists { name }
        } else {
            Self::Failed {
                operation,
                name,
                source,
            }
        }
    }

    /// Whether the disk is full, the one failure after which a log can go on. A full disk that shows in a sync is not:
    /// bytes already taken are lost then.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        matches!(self, Self::Full { operation, .. } if !operation.is_sync())
    }
}
