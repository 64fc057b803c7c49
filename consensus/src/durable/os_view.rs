//! A folder of the operating system, to be read beside the process that may hold it.
//!
//! Invariant: no file or folder is made, changed or removed, and no lock is taken.
//! Errors: [`DiskError`]; every change is refused as on a read-only file system. A folder that is not there holds no files.
//! Source: `docs/spec/durable.md`, "The disk".

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use super::{Disk, DiskError, DiskOperation};

/// Files of a folder, as they are now.
#[derive(Clone, Debug)]
pub struct FolderView {
    folder: PathBuf,
}

/// An open file and its name for errors.
#[derive(Debug)]
pub struct ViewedFile {
    name: String,
    file: File,
}

impl FolderView {
    /// The files of a folder.
    #[must_use]
    pub const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }
}

fn refused<T>(operation: DiskOperation, name: &str) -> Result<T, DiskError> {
    let source = io::ErrorKind::ReadOnlyFilesystem.into();
    Err(DiskError::from_io(operation, name, source))
}

impl Disk for FolderView {
    type File = ViewedFile;

    fn create(&self, name: &str) -> Result<ViewedFile, DiskError> {
        refused(DiskOperation::Create, name)
    }

    fn open(&self, name: &str) -> Result<ViewedFile, DiskError> {
        let file = File::open(self.folder.join(name))
            .map_err(|source| DiskError::from_io(DiskOperation::Open, name, source))?;
        Ok(ViewedFile {
            name: name.to_owned(),
            file,
        })
    }

    fn length(&self, file: &ViewedFile) -> Result<u64, DiskError> {
        let metadata = file.file.metadata();
        metadata
            .map(|metadata| metadata.len())
            .map_err(|source| DiskError::from_io(DiskOperation::Length, &file.name, source))
    }

    fn read(&self, file: &ViewedFile, offset: u64, buffer: &mut [u8]) -> Result<(), DiskError> {
        let read = file.file.read_exact_at(buffer, offset);
        read.map_err(|source| DiskError::from_io(DiskOperation::Read, &file.name, source))
    }

    fn append(&self, file: &mut ViewedFile, _: &[u8]) -> Result<(), DiskError> {
        refused(DiskOperation::Append, &file.name)
    }

    fn truncate(&self, file: &mut ViewedFile, _: u64) -> Result<(), DiskError> {
        refused(DiskOperation::Truncate, &file.name)
    }

    fn sync_file(&self, file: &mut ViewedFile) -> Result<(), DiskError> {
        refused(DiskOperation::SyncFile, &file.name)
    }

    fn sync_directory(&self) -> Result<(), DiskError> {
        refused(DiskOperation::SyncDirectory, ".")
    }

    fn rename(&self, from: &str, _: &str) -> Result<(), DiskError> {
        refused(DiskOperation::Rename, from)
    }

    fn remove(&self, name: &str) -> Result<(), DiskError> {
        refused(DiskOperation::Remove, name)
    }

    fn list(&self) -> Result<Vec<String>, DiskError> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other,
        };
        let names = entries.and_then(|entries| {
            entries
                .map(|entry| entry.map(|entry| entry.file_name()))
                .collect::<io::Result<Vec<_>>>()
        });
        let names = names.map_err(|source| DiskError::from_io(DiskOperation::List, ".", source))?;
        let names = names.into_iter().filter_map(|name| name.into_string().ok());
        let mut names: Vec<String> = names.collect();
        names.sort_unstable();
        Ok(names)
    }
}
