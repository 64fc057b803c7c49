//! Small helpers for files.

use anyhow::{Context as _, Result};
use std::path::Path;

/// Writes a file so that readers see the old one or the whole new one.
///
/// # Errors
/// When the disk fails.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let draft = path.with_extension("draft");
    let written = std::fs::write(&draft, bytes).and_then(|()| std::fs::rename(&draft, path));
    written.with_context(|| format!("cannot write {}", path.display()))
}

/// Removes a file that may be missing.
///
/// # Errors
/// When the disk fails.
pub fn remove_if_there(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other.with_context(|| format!("cannot remove {}", path.display())),
    }
}
