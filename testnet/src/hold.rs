//! A testnet's folder, held by the one command that makes it or runs it.
//!
//! Invariant: at most one process holds a folder. The lock is the system's, on the file `lock`, so it ends with the process however that
//! ends; the file is there only while the folder is held, or after a kill, when it means nothing.
//! Shape: `lock` holds the process id of its holder, for people.
//! Errors: [`Trouble::InUse`] at once when another process has the folder; nothing waits.
//! Source: `docs/guide/testnet.md`, "The folder"; flock(2).

use anyhow::{Context as _, Result};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::exit::Trouble;

/// Name of the file.
pub const LOCK_FILE: &str = "lock";

/// A held folder, until this is dropped.
#[derive(Debug)]
pub struct Hold {
    folder: PathBuf,
    /// Whether there was no folder before.
    made: bool,
    _lock: File,
}

impl Hold {
    /// Holds a folder, which is made if it is missing.
    ///
    /// # Errors
    /// When another process holds it, or the disk fails.
    pub fn take(folder: &Path) -> Result<Self> {
        let made = !folder.exists();
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        // The node processes work elsewhere, and a relative name means the same as long as we live.
        let folder = folder.canonicalize()?;
        let path = folder.join(LOCK_FILE);
        loop {
            let mut lock = open(&path)?;
            match lock.try_lock() {
                Ok(()) if is_at(&lock, &path) => {
                    lock.set_len(0)?;
                    write!(lock, "{}", std::process::id())?;
                    return Ok(Self {
                        folder,
                        made,
                        _lock: lock,
                    });
                }
                // Whoever held it has just removed it.
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(in_use(&folder, &mut lock).into()),
                Err(TryLockError::Error(error)) => {
                    return Err(error).with_context(|| format!("cannot lock {}", path.display()));
                }
            }
        }
    }

    /// The folder, by its whole name.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // Removed while it is locked, see `is_at`. A folder that came to nothing goes with it; one that holds anything stays.
        drop(std::fs::remove_file(self.folder.join(LOCK_FILE)));
        if self.made {
            drop(std::fs::remove_dir(&self.folder));
        }
    }
}

fn open(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    let file = options.read(true).append(true).create(true).open(path);
    file.with_context(|| format!("cannot open {}", path.display()))
}

/// Whether an open file is the one of that name still.
fn is_at(file: &File, path: &Path) -> bool {
    let own = file.metadata().map(|own| (own.dev(), own.ino()));
    let named = path.metadata().map(|named| (named.dev(), named.ino()));
    own.is_ok_and(|own| named.is_ok_and(|named| own == named))
}

fn in_use(folder: &Path, lock: &mut File) -> Trouble {
    let mut text = String::new();
    let read = lock.read_to_string(&mut text).ok();
    Trouble::InUse {
        folder: folder.display().to_string(),
        process: read.and_then(|_| text.parse().ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::{IN_USE, code};

    #[test]
    fn a_folder_is_held_once_and_its_holder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let hold = Hold::take(folder.path()).unwrap();
        let error = Hold::take(folder.path()).unwrap_err();
        let said = format!("is in use by process {}", std::process::id());
        assert!(error.to_string().ends_with(&said), "{error}");
        assert_eq!(code(&error), IN_USE);
        drop(hold);
        assert!(!folder.path().join(LOCK_FILE).exists());
        Hold::take(folder.path()).unwrap();
    }

    // Goal: a lock file that a killed holder left means nothing.
    #[test]
    fn a_lock_file_alone_holds_nothing() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(LOCK_FILE), "1").unwrap();
        Hold::take(folder.path()).unwrap();
    }

    // Goal: what was made for nothing goes again, and what holds something stays.
    #[test]
    fn a_folder_that_came_to_nothing_goes() {
        let folder = tempfile::tempdir().unwrap();
        let (empty, full) = (folder.path().join("empty"), folder.path().join("full"));
        drop(Hold::take(&empty).unwrap());
        assert!(!empty.exists());
        let hold = Hold::take(&full).unwrap();
        std::fs::write(full.join("file"), "").unwrap();
        drop(hold);
        assert!(full.join("file").exists());
        drop(Hold::take(folder.path()).unwrap());
        assert!(folder.path().exists());
    }
}
