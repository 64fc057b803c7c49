//! Files that commands read and make.
//!
//! Invariant: nothing that exists is overwritten; a file that was made is on the disk; `-` is standard input.
//! Errors: a file that is not there or would be overwritten is wrong usage, one that may not be read is a permission, the rest is the disk.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write as _};
use std::path::Path;

use super::{Failure, print};
use crate::shell::whole::sync_folder;

/// Reads all of a file of at most so many bytes.
pub(super) fn read(path: &Path, bytes_max: usize) -> Result<Vec<u8>, Failure> {
    let failed = |source| failure("read", path, source);
    let input: Box<dyn Read> = if path == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(File::open(path).map_err(failed)?)
    };
    let limit = u64::try_from(bytes_max)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    let mut bytes = Vec::new();
    input.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > bytes_max {
        let text = format!("{} is longer than {bytes_max} bytes", path.display());
        return Err(Failure::new(Failure::CHECK, text).with("name", "too-long"));
    }
    Ok(bytes)
}

/// Makes a new file of a text, or prints it where none is named.
pub(super) fn write(path: Option<&Path>, text: &str) -> Result<(), Failure> {
    let Some(path) = path else {
        print::line(text.trim_end());
        return Ok(());
    };
    let failed = |source| failure("make", path, source);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .map_err(failed)?;
    let written = file.write_all(text.as_bytes());
    let written = written.and_then(|()| file.sync_all());
    if written.is_err() {
        // A part of a receipt must not pass for one; if it cannot be removed either, the error is told all the same.
        drop(std::fs::remove_file(path));
    }
    written.and_then(|()| sync_folder(path)).map_err(failed)
}

#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {path}")]
struct FileError {
    action: &'static str,
    path: String,
    #[source]
    source: std::io::Error,
}

fn failure(action: &'static str, path: &Path, source: std::io::Error) -> Failure {
    let kind = source.kind();
    let path = path.display().to_string();
    let error = FileError {
        action,
        path,
        source,
    };
    #[expect(clippy::wildcard_enum_match_arm, reason = "the rest is the disk's")]
    match kind {
        ErrorKind::NotFound | ErrorKind::IsADirectory => Failure::new(Failure::USAGE, error),
        ErrorKind::AlreadyExists => Failure::new(Failure::USAGE, error)
            .fix("name another file; nothing that exists is overwritten"),
        ErrorKind::PermissionDenied => Failure::new(Failure::PERMISSION, error),
        _ => Failure::new(Failure::DISK, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_to_its_limit_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        assert_eq!(read(&path, 9).unwrap_err().code(), Failure::USAGE);
        write(Some(&path), "12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        assert_eq!(read(&path, 4).unwrap_err().code(), Failure::CHECK);
        assert_eq!(write(Some(&path), "6").unwrap_err().code(), Failure::USAGE);
        let nowhere = folder.path().join("no").join("b");
        assert_eq!(
            write(Some(&nowhere), "6").unwrap_err().code(),
            Failure::USAGE
        );
        assert_eq!(read(folder.path(), 9).unwrap_err().code(), Failure::USAGE);
    }
}
