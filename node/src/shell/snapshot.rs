//! A snapshot as a folder of files: `manifest`, and `00000.chunk` and on.
//!
//! Invariant: a folder under its own name is whole and on disk, since it is made under another and renamed; whatever is read of one is
//! proven before it is used, each file against the manifest and the manifest against a trust.
//! Errors: [`SnapshotFault`]; a file that is longer than it may be is refused before it is read.
//! Source: `docs/spec/snapshots.md`, "Files".

use falaj_consensus::verify::Checker;
use falaj_ledger::bundle::CertifiedOutcome;
use falaj_ledger::snapshot::{CHUNK_BYTES_MAX, MANIFEST_BYTES_MAX, Manifest, SnapshotError};
use falaj_ledger::state::State;
use falaj_ledger::trust::{Checkpoint, Trust};
use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::whole::sync_folder;

const MANIFEST_FILE: &str = "manifest";

/// Why a folder is no snapshot, or none was made.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotFault {
    /// What the files hold.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// A file that no snapshot has.
    #[error("{} is no file of this snapshot", .0.display())]
    Surplus(PathBuf),
    /// A file is longer than any of its kind.
    #[error("{} is longer than such a file can be", .0.display())]
    TooLong(PathBuf),
    /// The files are of another snapshot than the one that the block log names.
    #[error("{} is not the snapshot that the block log begins with", .0.display())]
    Another(PathBuf),
    /// There is something where the snapshot would be.
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl SnapshotFault {
    /// A name for programs, where the snapshot is at fault.
    #[must_use]
    pub const fn code(&self) -> Option<&'static str> {
        match self {
            Self::Snapshot(error) => Some(error.code()),
            Self::Surplus(_) => Some("snapshot-surplus"),
            Self::TooLong(_) => Some("snapshot-too-long"),
            Self::Another(_) => Some("snapshot-another"),
            Self::Exists(_) | Self::Read { .. } | Self::Write { .. } => None,
        }
    }
}

/// A snapshot that was proven, every byte of it.
#[derive(Debug)]
pub struct Proven {
    /// What it is proven by.
    pub proof: CertifiedOutcome,
    /// Its chunks.
    pub chunks: usize,
    /// The state.
    pub state: State,
}

/// Reads a folder and proves all of it.
///
/// # Errors
/// [`SnapshotFault`].
pub fn read(
    folder: &Path,
    trust: &Trust,
    checkpoints: &[Checkpoint],
    checker: &dyn Checker,
) -> Result<Proven, SnapshotFault> {
    let manifest = read_manifest(folder)?;
    let proven = manifest.verify(trust, checkpoints, checker)?;
    expect_nothing_else(folder, proven.chunks())?;
    let (proof, chunks) = (proven.manifest().proof().clone(), proven.chunks());
    let mut restoring = proven.restore();
    for index in 0..chunks {
        restoring.take(index, read_chunk(folder, index)?)?;
    }
    let state = restoring.finish()?;
    Ok(Proven {
        proof,
        chunks,
        state,
    })
}

/// Makes a folder of a manifest and its chunks.
///
/// # Errors
/// [`SnapshotFault`]; what is there is never overwritten.
pub fn write(
    folder: &Path,
    manifest: &Manifest,
    chunks: impl Iterator<Item = Vec<u8>>,
) -> Result<(), SnapshotFault> {
    if folder.exists() {
        return Err(SnapshotFault::Exists(folder.into()));
    }
    let draft = begin_draft(folder)?;
    write_file(&draft.join(MANIFEST_FILE), &manifest.to_bytes())?;
    for (index, bytes) in chunks.enumerate() {
        write_file(&draft.join(chunk_file(index)), &bytes)?;
    }
    finish_draft(&draft, folder)
}

/// Copies a snapshot and proves the copy before it counts. A copy that was made before is replaced.
///
/// # Errors
/// [`SnapshotFault`]; then there is no new copy.
pub fn keep(
    from: &Path,
    folder: &Path,
    trust: &Trust,
    checkpoints: &[Checkpoint],
    checker: &dyn Checker,
) -> Result<Proven, SnapshotFault> {
    let manifest = read_manifest(from)?;
    let chunks = manifest.parts().len();
    expect_nothing_else(from, chunks)?;
    let draft = begin_draft(folder)?;
    let copied = copy(from, &draft, &manifest, chunks)
        .and_then(|()| read(&draft, trust, checkpoints, checker));
    let proven = copied.inspect_err(|_| {
        // The next one begins with removing it, whatever becomes of this.
        drop(std::fs::remove_dir_all(&draft));
    })?;
    remove(folder)?;
    finish_draft(&draft, folder)?;
    Ok(proven)
}

fn copy(
    from: &Path,
    draft: &Path,
    manifest: &Manifest,
    chunks: usize,
) -> Result<(), SnapshotFault> {
    write_file(&draft.join(MANIFEST_FILE), &manifest.to_bytes())?;
    for index in 0..chunks {
        write_file(&draft.join(chunk_file(index)), &read_chunk(from, index)?)?;
    }
    Ok(())
}

fn read_manifest(folder: &Path) -> Result<Manifest, SnapshotFault> {
    let bytes = read_file(&folder.join(MANIFEST_FILE), MANIFEST_BYTES_MAX)?;
    Ok(Manifest::from_bytes(&bytes)?)
}

fn read_chunk(folder: &Path, index: usize) -> Result<Vec<u8>, SnapshotFault> {
    match read_file(&folder.join(chunk_file(index)), CHUNK_BYTES_MAX) {
        Err(SnapshotFault::Read { source, .. }) if source.kind() == ErrorKind::NotFound => {
            Err(SnapshotError::Missing { index }.into())
        }
        read => read,
    }
}

fn chunk_file(index: usize) -> String {
    format!("{index:05}.chunk")
}

fn read_file(path: &Path, bytes_max: usize) -> Result<Vec<u8>, SnapshotFault> {
    let failed = |source| SnapshotFault::Read {
        path: path.into(),
        source,
    };
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    let mut file = file.take(limit.saturating_add(1));
    file.read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > bytes_max {
        return Err(SnapshotFault::TooLong(path.into()));
    }
    Ok(bytes)
}

fn expect_nothing_else(folder: &Path, chunks: usize) -> Result<(), SnapshotFault> {
    let failed = |source| SnapshotFault::Read {
        path: folder.into(),
        source,
    };
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let index = name.to_str().and_then(|name| name.strip_suffix(".chunk"));
        let index = index.and_then(|index| index.parse::<usize>().ok());
        let is_chunk = index.is_some_and(|index| index < chunks && name == *chunk_file(index));
        if name != MANIFEST_FILE && !is_chunk {
            return Err(SnapshotFault::Surplus(entry.path()));
        }
    }
    Ok(())
}

fn begin_draft(folder: &Path) -> Result<PathBuf, SnapshotFault> {
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(".draft");
    let draft = folder.with_file_name(name);
    remove(&draft)?;
    std::fs::create_dir(&draft).map_err(|source| SnapshotFault::Write {
        path: draft.clone(),
        source,
    })?;
    Ok(draft)
}

fn finish_draft(draft: &Path, folder: &Path) -> Result<(), SnapshotFault> {
    let failed = |source| SnapshotFault::Write {
        path: folder.into(),
        source,
    };
    sync_folder(&draft.join(MANIFEST_FILE)).map_err(failed)?;
    std::fs::rename(draft, folder).map_err(failed)?;
    sync_folder(folder).map_err(failed)
}

fn remove(folder: &Path) -> Result<(), SnapshotFault> {
    match std::fs::remove_dir_all(folder) {
        Err(source) if source.kind() != ErrorKind::NotFound => Err(SnapshotFault::Write {
            path: folder.into(),
            source,
        }),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<(), SnapshotFault> {
    let written = File::create_new(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(|source| SnapshotFault::Write {
        path: path.into(),
        source,
    })
}
