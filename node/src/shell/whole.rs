//! Small files that are there whole or not at all.
//!
//! Invariant: what a call has written, or removed, is on disk when it returns; readers see the whole file or the one before.
//! Errors: the system's own.

use std::fs::{File, OpenOptions};
use std::io::{Result, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Writes a file in place of the one before.
///
/// # Errors
/// The system's.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let draft = draft(path, bytes, 0o644)?;
    std::fs::rename(draft, path)?;
    sync_folder(path)
}

/// Writes a file for its owner alone, which must not be there yet.
///
/// # Errors
/// The system's, also when it is there.
pub fn write_new_secret(path: &Path, bytes: &[u8]) -> Result<()> {
    let draft = draft(path, bytes, 0o600)?;
    let linked = std::fs::hard_link(&draft, path);
    std::fs::remove_file(draft)?;
    linked?;
    sync_folder(path)
}

/// Gives a file another name.
///
/// # Errors
/// The system's.
pub fn rename_synced(from: &Path, to: &Path) -> Result<()> {
    std::fs::rename(from, to)?;
    sync_folder(to)
}

/// Removes a file.
///
/// # Errors
/// The system's.
pub fn remove_synced(path: &Path) -> Result<()> {
    std::fs::remove_file(path)?;
    sync_folder(path)
}

/// A synced file of these bytes beside the path; what a stop in the middle left there is replaced.
fn draft(path: &Path, bytes: &[u8], mode: u32) -> Result<PathBuf> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".draft");
    let draft = path.with_file_name(name);
    match std::fs::remove_file(&draft) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(draft)
}

/// Makes what was done to a name in its folder last.
///
/// # Errors
/// The system's.
pub fn sync_folder(path: &Path) -> Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt as _;

    // Goal: a draft that a stop left behind hinders nobody, and a secret that is there is not overwritten.
    #[test]
    fn a_draft_is_replaced_and_a_secret_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(folder.path().join("key.draft"), "torn").unwrap();
        write_new_secret(&path, b"first").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let again = write_new_secret(&path, b"second").unwrap_err();
        assert_eq!(again.kind(), std::io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&path).unwrap(), b"first");
        write_whole(&path, b"third").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"third");
        remove_synced(&path).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
