//! The same log on real files, and the lock of its folder.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::durable::tests::{FIRST_FILE, FramedLog, IDENTITY, Position, three_groups};
use crate::durable::{Disk, DiskError, FolderLock, FolderLockError, LogError, OsDisk};

/// A folder of this test alone, removed at its end.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("falaj-durable-{}-{number}", std::process::id())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

// Records written through real files are there after reopening, and a torn tail is cut.
#[test]
fn a_log_on_real_files_reads_back() {
    let folder = Folder::new();
    let lock = FolderLock::acquire(&folder.0.join("a/b")).unwrap();
    let disk = OsDisk::subfolder(&lock, "guard").unwrap();
    let mut log = FramedLog::create(disk.clone(), IDENTITY).unwrap();
    for record in three_groups().concat() {
        log.append(&record).unwrap();
        let _ = log.sync().unwrap();
    }
    drop(log);
    let path = folder.0.join("a/b/guard").join(FIRST_FILE);
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend_from_slice(b"torn");
    fs::write(&path, bytes).unwrap();
    let log = FramedLog::open(disk, IDENTITY).unwrap();
    assert_eq!(log.torn().unwrap().bytes, 4);
    let found: Vec<_> = log
        .iter_from(Position::START)
        .map(|item| item.unwrap().1)
        .collect();
    assert_eq!(found, three_groups().concat());
}

// The folder belongs to one holder at a time; clones of the lock keep it, its end frees it.
#[test]
fn a_folder_in_use_is_refused() {
    let folder = Folder::new();
    let lock = FolderLock::acquire(&folder.0).unwrap();
    let error = FolderLock::acquire(&folder.0).unwrap_err();
    assert!(
        matches!(&error, FolderLockError::InUse { folder: found } if *found == folder.0),
        "{error}"
    );
    let disk = OsDisk::new(&lock).unwrap();
    drop(lock);
    assert!(
        FolderLock::acquire(&folder.0).is_err(),
        "a disk keeps its folder"
    );
    drop(disk);
    FolderLock::acquire(&folder.0).unwrap();
}

// Errors of the system arrive as what a log tells apart.
#[test]
fn system_errors_are_sorted() {
    let folder = Folder::new();
    let disk = OsDisk::new(&FolderLock::acquire(&folder.0).unwrap()).unwrap();
    assert!(matches!(
        disk.open("absent").unwrap_err(),
        DiskError::Missing { .. }
    ));
    drop(disk.create("present").unwrap());
    assert!(matches!(
        disk.create("present").unwrap_err(),
        DiskError::Exists { .. }
    ));
    assert!(matches!(
        FramedLog::open(disk, IDENTITY).unwrap_err(),
        LogError::Missing { .. }
    ));
}
