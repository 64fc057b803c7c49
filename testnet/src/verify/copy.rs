//! Copies of a node's logs, which may be written meanwhile.
//!
//! Invariant: the copy of the batch log has every batch that the copy of the block log names: the block log is copied first, and a batch is
//! on disk before any block that names it. A file that grows while it is copied gives a prefix, which is a torn tail at worst.

use anyhow::{Context as _, Result};
use std::path::Path;

/// The node's logs, in the order in which they must be copied.
const LOGS: [&str; 2] = ["block", "batch"];

/// Copies the logs of a data folder into another folder.
///
/// # Errors
/// When there are none or the disk fails.
pub(super) fn logs(data: &Path, target: &Path) -> Result<()> {
    for log in LOGS {
        folder(&data.join(log), &target.join(log))?;
    }
    Ok(())
}

fn folder(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    let entries =
        std::fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))?;
    let mut files = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<Vec<_>>>()?;
    files.sort();
    for file in files.iter().filter(|file| file.is_file()) {
        let name = file.file_name().context("a file has a name")?;
        std::fs::copy(file, to.join(name))
            .with_context(|| format!("cannot copy {}", file.display()))?;
    }
    Ok(())
}
