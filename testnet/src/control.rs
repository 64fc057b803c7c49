//! How another command asks a running `up` to start a node again, and hears why it could not.
//!
//! Invariant: a request is taken once; what an earlier run left is forgotten when a run begins.
//! Shape: `control/start-INDEX`, empty, removed by `up`; `control/failed-INDEX`, the reason in words, removed by the next request.

use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};

use crate::files::{remove_if_there, write_atomically};

const FOLDER: &str = "control";
const START: &str = "start-";
const FAILED: &str = "failed-";

/// Requests to a running network.
pub struct Requests {
    folder: PathBuf,
}

impl Requests {
    /// Begins to listen, with nothing asked.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(testnet: &Path) -> Result<Self> {
        let folder = testnet.join(FOLDER);
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        for left in std::fs::read_dir(&folder)? {
            remove_if_there(&left?.path())?;
        }
        Ok(Self { folder })
    }

    /// Takes the next request: the index of a validator to start.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn take(&mut self) -> Result<Option<usize>> {
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let index = name
                .to_str()
                .and_then(|name| name.strip_prefix(START)?.parse().ok());
            if index.is_some() {
                remove_if_there(&entry.path())?;
                return Ok(index);
            }
        }
        Ok(None)
    }

    /// Tells whoever asked why a validator did not start.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn refuse(&self, index: usize, reason: &str) -> Result<()> {
        let file = self.folder.join(format!("{FAILED}{index}"));
        write_atomically(&file, reason.as_bytes())
    }
}

/// Asks the `up` that runs a folder to start a validator, as soon as its process has ended.
///
/// # Errors
/// When no `up` has ever run it.
pub fn ask_to_start(testnet: &Path, index: usize) -> Result<()> {
    let folder = testnet.join(FOLDER);
    remove_if_there(&folder.join(format!("{FAILED}{index}")))?;
    let file = folder.join(format!("{START}{index}"));
    std::fs::write(&file, []).with_context(|| format!("cannot write {}", file.display()))
}

/// Why the validator that was asked for did not start, once that is known.
#[must_use]
pub fn refusal(testnet: &Path, index: usize) -> Option<String> {
    let file = testnet.join(FOLDER).join(format!("{FAILED}{index}"));
    std::fs::read_to_string(file).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_taken_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut requests = Requests::open(folder.path()).unwrap();
        assert_eq!(requests.take().unwrap(), None);
        ask_to_start(folder.path(), 2).unwrap();
        assert_eq!(requests.take().unwrap(), Some(2));
        assert_eq!(requests.take().unwrap(), None);
    }

    #[test]
    fn a_refusal_lasts_until_the_next_request() {
        let folder = tempfile::tempdir().unwrap();
        let mut requests = Requests::open(folder.path()).unwrap();
        ask_to_start(folder.path(), 1).unwrap();
        assert_eq!(requests.take().unwrap(), Some(1));
        assert_eq!(refusal(folder.path(), 1), None);
        requests.refuse(1, "no disk").unwrap();
        assert_eq!(requests.take().unwrap(), None);
        assert_eq!(refusal(folder.path(), 1).as_deref(), Some("no disk"));
        ask_to_start(folder.path(), 1).unwrap();
        assert_eq!(refusal(folder.path(), 1), None);
    }

    #[test]
    fn what_an_earlier_run_left_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let earlier = Requests::open(folder.path()).unwrap();
        earlier.refuse(1, "no disk").unwrap();
        ask_to_start(folder.path(), 0).unwrap();
        let mut requests = Requests::open(folder.path()).unwrap();
        assert_eq!(requests.take().unwrap(), None);
        assert_eq!(refusal(folder.path(), 1), None);
    }
}
