//! Removes a temporary folder once everybody who used it is gone, however they ended.
//!
//! Invariant: it works after `kill -9` too. A second process of this program holds the reading end of a pipe; we and every node hold the
//! writing end; the pipe ends when the last of us has ended, and only then is the folder removed.

use anyhow::{Context as _, Result};
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Name of the hidden command that it runs as.
pub const COMMAND: &str = "sweep";

/// A sweeper at work.
pub struct Sweeper {
    child: Child,
    held: Option<File>,
}

impl Sweeper {
    /// Starts it for a folder.
    ///
    /// # Errors
    /// When this program cannot be started again.
    pub fn start(folder: &Path) -> Result<Self> {
        let own = std::env::current_exe().context("where this program is")?;
        let mut command = Command::new(own);
        command.arg(COMMAND).arg(folder);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = command
            .process_group(0)
            .spawn()
            .context("cannot start the sweeper")?;
        let held = child
            .stdin
            .take()
            .map(|input| File::from(OwnedFd::from(input)));
        Ok(Self { child, held })
    }

    /// What every process that uses the folder must hold.
    ///
    /// # Errors
    /// When the system gives no descriptor.
    pub fn held(&self) -> Result<File> {
        let held = self.held.as_ref().context("the sweeper was told already")?;
        Ok(held.try_clone()?)
    }
}

impl Drop for Sweeper {
    /// Lets it go once nobody else holds the pipe, and waits for it.
    fn drop(&mut self) {
        drop(self.held.take());
        // There is nobody left to tell.
        drop(self.child.wait());
    }
}

/// What the second process does: waits for the input to end, then removes the folder.
///
/// # Errors
/// When the folder cannot be removed.
pub fn sweep(mut input: impl Read, folder: &Path) -> Result<()> {
    std::io::copy(&mut input, &mut std::io::sink())?;
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other.with_context(|| format!("cannot remove {}", folder.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_goes_when_the_input_ends() {
        let folder = tempfile::tempdir().unwrap().keep();
        std::fs::write(folder.join("file"), "text").unwrap();
        sweep(b"whatever the nodes wrote".as_slice(), &folder).unwrap();
        assert!(!folder.exists());
        sweep(b"".as_slice(), &folder).unwrap();
    }
}
