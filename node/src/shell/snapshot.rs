//! A snapshot as a folder of files: `manifest`, and `00000.chunk` and on.
//!
//! Invariant: a folder under its own name is whole and on disk, since it is made under another and renamed; whatever is read of one is
//! proven before it is used, each file against the manifest and the manifest against a trust.
//! Errors: [`SnapshotFault`]; a file that is longer than it may be is refused before it is read.
//! Source: `docs/spec/snapshots.md`, "Files".

use falaj_consensus::message::{CommitCertificate, Header, Outcome};
use falaj_consensus::verify::Checker;
use falaj_ledger::bundle::{CertifiedOutcome, SetChange};
use falaj_ledger::snapshot::{CHUNK_BYTES_MAX, Cut, MANIFEST_BYTES_MAX, Manifest, SnapshotError};
use falaj_ledger::state::State;
use falaj_ledger::trust::{Checkpoint, Trust};
use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::whole::{sync_folder, write_whole};

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
    /// A certified outcome has room for fewer changes.
    #[error("the validators changed more often than a snapshot can show")]
    TooManyChanges,
    /// The block of a change of validators is not here.
    #[error("a change of validators on the way from genesis is not here")]
    NoPath,
    /// The disk would be left without room for the logs.
    #[error("a snapshot of up to {bytes} bytes would leave the disk without room for the logs")]
    NoRoom {
        /// How many bytes it has at most.
        bytes: u64,
    },
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
            Self::TooManyChanges => Some("snapshot-too-many-changes"),
            Self::NoPath => Some("snapshot-no-path"),
            Self::NoRoom { .. } => Some("snapshot-no-room"),
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
    let written = fill(&draft, manifest, chunks).and_then(|()| finish_draft(&draft, folder));
    // What is left of it takes room, and is of no use.
    written.inspect_err(|_| drop(std::fs::remove_dir_all(&draft)))
}

fn fill(
    draft: &Path,
    manifest: &Manifest,
    chunks: impl Iterator<Item = Vec<u8>>,
) -> Result<(), SnapshotFault> {
    write_file(&draft.join(MANIFEST_FILE), &manifest.to_bytes())?;
    for (index, bytes) in chunks.enumerate() {
        write_file(&draft.join(chunk_file(index)), &bytes)?;
    }
    Ok(())
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

/// Takes a folder that was filled piece by piece as the copy, once all of it is proven. A copy that was made before is replaced.
///
/// # Errors
/// [`SnapshotFault`]; then both are as they were.
pub fn adopt(
    draft: &Path,
    folder: &Path,
    trust: &Trust,
    checkpoints: &[Checkpoint],
    checker: &dyn Checker,
) -> Result<Proven, SnapshotFault> {
    let proven = read(draft, trust, checkpoints, checker)?;
    remove(folder)?;
    finish_draft(draft, folder)?;
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

/// A block as a snapshot of the state after it shows it.
pub struct Certified<'a> {
    /// Its header.
    pub header: &'a Header,
    /// Its outcome.
    pub outcome: &'a Outcome,
    /// Its certificate.
    pub certificate: &'a CommitCertificate,
    /// The changes of validators that lead from the trust to it.
    pub changes: Vec<SetChange>,
}

impl Certified<'_> {
    /// Cuts the state after the block, and makes the manifest, proven as whoever reads it proves it.
    ///
    /// # Errors
    /// [`SnapshotFault::TooManyChanges`], [`SnapshotFault::Snapshot`].
    pub fn of<'s>(
        self,
        state: &'s State,
        trust: &Trust,
        checker: &dyn Checker,
    ) -> Result<(Manifest, Cut<'s>), SnapshotFault> {
        let (header, outcome) = (self.header.clone(), self.outcome.clone());
        let proof = CertifiedOutcome::new(header, outcome, self.certificate)
            .and_then(|certified| certified.after(self.changes))
            .ok_or(SnapshotFault::TooManyChanges)?;
        let cut = Cut::of(state.map())?;
        let manifest = Manifest::of(state, &cut, proof)?;
        // What this node could not prove, nobody would believe.
        manifest.clone().verify(trust, &[], checker)?;
        Ok((manifest, cut))
    }
}

/// Reads what says which snapshot a folder holds, not proven.
///
/// # Errors
/// [`SnapshotFault`].
pub(super) fn read_manifest(folder: &Path) -> Result<Manifest, SnapshotFault> {
    Ok(Manifest::from_bytes(&read_manifest_bytes(folder)?)?)
}

/// Reads the file that says which snapshot a folder holds.
///
/// # Errors
/// [`SnapshotFault`].
pub(super) fn read_manifest_bytes(folder: &Path) -> Result<Vec<u8>, SnapshotFault> {
    read_file(&folder.join(MANIFEST_FILE), MANIFEST_BYTES_MAX)
}

/// Puts a manifest into a folder that is filled piece by piece.
///
/// # Errors
/// [`SnapshotFault::Write`].
pub(super) fn write_manifest_bytes(folder: &Path, bytes: &[u8]) -> Result<(), SnapshotFault> {
    write_in_place(&folder.join(MANIFEST_FILE), bytes)
}

/// Puts a chunk into such a folder.
///
/// # Errors
/// [`SnapshotFault::Write`].
pub(super) fn write_chunk(folder: &Path, index: usize, bytes: &[u8]) -> Result<(), SnapshotFault> {
    write_in_place(&folder.join(chunk_file(index)), bytes)
}

fn write_in_place(path: &Path, bytes: &[u8]) -> Result<(), SnapshotFault> {
    write_whole(path, bytes).map_err(|source| SnapshotFault::Write {
        path: path.into(),
        source,
    })
}

/// Reads a chunk of a folder, not proven.
///
/// # Errors
/// [`SnapshotFault`], [`SnapshotError::Missing`] if there is none.
pub(super) fn read_chunk(folder: &Path, index: usize) -> Result<Vec<u8>, SnapshotFault> {
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
    for path in entries(folder)? {
        let name = path.file_name().unwrap_or_default();
        let index = name.to_str().and_then(|name| name.strip_suffix(".chunk"));
        let index = index.and_then(|index| index.parse::<usize>().ok());
        let is_chunk = index.is_some_and(|index| index < chunks && *name == *chunk_file(index));
        if name != MANIFEST_FILE && !is_chunk {
            return Err(SnapshotFault::Surplus(path));
        }
    }
    Ok(())
}

/// The paths of what is in a folder.
///
/// # Errors
/// [`SnapshotFault::Read`].
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>, SnapshotFault> {
    let read = || -> std::io::Result<Vec<PathBuf>> {
        let entries = std::fs::read_dir(folder)?;
        entries.map(|entry| Ok(entry?.path())).collect()
    };
    read().map_err(|source| SnapshotFault::Read {
        path: folder.into(),
        source,
    })
}

/// Makes a folder, if it is not there.
///
/// # Errors
/// [`SnapshotFault::Write`].
pub(super) fn make_folder(folder: &Path) -> Result<(), SnapshotFault> {
    let made = std::fs::create_dir_all(folder).and_then(|()| sync_folder(folder));
    made.map_err(|source| SnapshotFault::Write {
        path: folder.into(),
        source,
    })
}

/// The name under which a folder is made, and removed.
fn draft_of(folder: &Path) -> PathBuf {
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(".draft");
    folder.with_file_name(name)
}

fn begin_draft(folder: &Path) -> Result<PathBuf, SnapshotFault> {
    let draft = draft_of(folder);
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

/// Removes a snapshot, under another name: what an end of the process leaves of it is no snapshot.
///
/// # Errors
/// [`SnapshotFault::Write`].
pub(super) fn discard(folder: &Path) -> Result<(), SnapshotFault> {
    let draft = draft_of(folder);
    remove(&draft)?;
    std::fs::rename(folder, &draft).map_err(|source| SnapshotFault::Write {
        path: folder.into(),
        source,
    })?;
    remove(&draft)
}

/// Removes a folder or a file, if it is there.
///
/// # Errors
/// [`SnapshotFault::Write`].
pub(super) fn remove(folder: &Path) -> Result<(), SnapshotFault> {
    let removed = if folder.is_file() {
        std::fs::remove_file(folder)
    } else {
        std::fs::remove_dir_all(folder)
    };
    match removed {
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

#[cfg(test)]
pub(super) mod tests;
