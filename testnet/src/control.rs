//! How another command asks a running `up` to start a node again: a file that it finds and removes.
//!
//! Invariant: a request is taken once; requests of an earlier run are forgotten when a run begins.
//! Shape: `control/start-INDEX`, empty.

use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};

use crate::files::remove_if_there;

const FOLDER: &str = "control";
const START: &str = "start-";

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
        let mut requests = Self {
            folder: testnet.join(FOLDER),
        };
        std::fs::create_dir_all(&requests.folder)
            .with_context(|| format!("cannot make {}", requests.folder.display()))?;
        while requests.take()?.is_some() {}
        Ok(requests)
    }

    /// Takes the next request: the index of a validator to start.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn take(&mut self) -> Result<Option<usize>> {
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            remove_if_there(&entry.path())?;
            let name = entry.file_name();
            let index = name
                .to_str()
                .and_then(|name| name.strip_prefix(START)?.parse().ok());
            if index.is_some() {
                return Ok(index);
            }
        }
        Ok(None)
    }
}

/// Asks the `up` that runs a folder to start a validator.
///
/// # Errors
/// When no `up` has ever run it.
pub fn ask_to_start(testnet: &Path, index: usize) -> Result<()> {
    let file = testnet.join(FOLDER).join(format!("{START}{index}"));
    std::fs::write(&file, []).with_context(|| format!("cannot write {}", file.display()))
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
    fn requests_of_an_earlier_run_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        Requests::open(folder.path()).unwrap();
        ask_to_start(folder.path(), 0).unwrap();
        let mut requests = Requests::open(folder.path()).unwrap();
        assert_eq!(requests.take().unwrap(), None);
    }
}
