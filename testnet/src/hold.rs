//! A testnet's folder, held by the one command that makes it or runs it, and by the nodes that it runs.
//!
//! Invariant: at most one command holds a folder. The lock is the system's, on the file `lock`, and goes with the file from process to
//! process: it ends when the last one that has the file open ends, however that ends. So whoever takes the folder after a kill finds no
//! node at work in it. The file is there only while the folder is held, or after a kill, when it means nothing.
//! Shape: the first line of `lock` is the process id of the holder, for people.
//! Errors: [`Trouble::InUse`] at once when another command has the folder; [`Trouble::Stopping`] when it is gone and its nodes are not,
//! which [`Hold::take_over`] waits for.
//! Source: `docs/guide/testnet.md`, "The folder"; flock(2).

use anyhow::{Context as _, Result};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::cluster::Tell;
use crate::exit::Trouble;
use crate::process::is_gone;

/// Name of the file.
pub const LOCK_FILE: &str = "lock";
/// How long nodes may take to stop by themselves; on a busy machine some of them are still starting.
const STOPPING_PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(50);

/// A held folder, until this is dropped.
#[derive(Debug)]
pub struct Hold {
    folder: PathBuf,
    /// Whether there was no folder before.
    made: bool,
    lock: File,
}

impl Hold {
    /// Holds a folder, which is made if it is missing.
    ///
    /// # Errors
    /// When another command or its nodes hold it, or the disk fails.
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
                    writeln!(lock, "{}", std::process::id())?;
                    return Ok(Self { folder, made, lock });
                }
                // Whoever held it has just removed it.
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(in_use(&folder, &mut lock)?.into()),
                Err(TryLockError::Error(error)) => {
                    return Err(error).with_context(|| format!("cannot lock {}", path.display()));
                }
            }
        }
    }

    /// The same, and waits for the nodes of a command that is gone to stop.
    ///
    /// # Errors
    /// As [`Hold::take`], and when those nodes do not stop in time.
    pub async fn take_over(folder: &Path, tell: Tell<'_>) -> Result<Self> {
        Self::take_within(folder, STOPPING_PATIENCE, tell).await
    }

    async fn take_within(folder: &Path, patience: Duration, tell: Tell<'_>) -> Result<Self> {
        let begun = Instant::now();
        let mut told = false;
        loop {
            let error = match Self::take(folder) {
                Err(error) => error,
                taken => return taken,
            };
            let stopping = matches!(error.downcast_ref(), Some(Trouble::Stopping { .. }));
            if !stopping || begun.elapsed() > patience {
                return Err(error);
            }
            if !std::mem::replace(&mut told, true) {
                tell(&format!("waiting: {error}"));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The open file: whoever has it holds the folder with us.
    ///
    /// # Errors
    /// When the system gives no descriptor.
    pub fn share(&self) -> Result<File> {
        Ok(self.lock.try_clone()?)
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

fn in_use(folder: &Path, lock: &mut File) -> Result<Trouble> {
    let mut text = String::new();
    lock.read_to_string(&mut text)?;
    let process = text.lines().next().and_then(|line| line.parse().ok());
    let folder = folder.display().to_string();
    Ok(match process {
        Some(process) if is_gone(process)? => Trouble::Stopping { folder, process },
        process => Trouble::InUse { folder, process },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::{IN_USE, code};
    use std::process::{Child, Command, Stdio};
    use std::sync::Mutex;

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

    /// What a killed holder leaves: the lock with a number that nobody has any more, and a node that holds it until its input ends.
    fn left(folder: &Path) -> (Child, u32) {
        let mut gone = Command::new("true").spawn().unwrap();
        gone.wait().unwrap();
        let path = folder.join(LOCK_FILE);
        std::fs::write(&path, format!("{}\n", gone.id())).unwrap();
        let lock = open(&path).unwrap();
        lock.try_lock().unwrap();
        let mut node = Command::new("cat");
        let node = node.stdin(Stdio::piped()).stdout(lock).spawn().unwrap();
        (node, gone.id())
    }

    // Goal: a killed holder's nodes are waited for, and it is told; as long as they are there nobody has the folder.
    #[tokio::test]
    async fn the_nodes_of_a_killed_holder_are_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let (mut node, gone) = left(folder.path());
        let said = format!("is in use by nodes of process {gone}, which is gone");
        let error = Hold::take(folder.path()).unwrap_err();
        assert!(error.to_string().ends_with(&said), "{error}");
        assert_eq!(code(&error), IN_USE);

        let tell = |_: &str| ();
        let waited = Hold::take_within(folder.path(), Duration::ZERO, &tell).await;
        assert!(waited.is_err(), "it does not stop");

        let (input, told) = (Mutex::new(node.stdin.take()), Mutex::new(Vec::new()));
        let tell = |line: &str| {
            told.lock().unwrap().push(line.to_owned());
            drop(input.lock().unwrap().take());
        };
        let hold = Hold::take_over(folder.path(), &tell).await.unwrap();
        assert_eq!(*told.lock().unwrap(), [format!("waiting: {error}")]);
        assert!(node.wait().unwrap().success());
        drop(hold);
        assert!(!folder.path().join(LOCK_FILE).exists());
    }

    // Goal: nobody waits for a command that is at work.
    #[tokio::test]
    async fn a_holder_that_lives_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let _hold = Hold::take(folder.path()).unwrap();
        let tell = |line: &str| panic!("{line}");
        let error = Hold::take_over(folder.path(), &tell).await.unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(Trouble::InUse { .. })));
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
