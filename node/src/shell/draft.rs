//! What is fetched of a snapshot, as it is kept over an end of the process: `data/joining`, with the files that a snapshot has.
//!
//! Invariant: a file is there whole or not at all, and a manifest comes alone, in the place of everything before it. Nothing that is read
//! here is believed: whoever reads it proves it again.
//! Errors: [`SnapshotFault`].
//! Source: `docs/spec/snapshots.md`, "Between peers".

use std::path::{Path, PathBuf};

use super::snapshot::{self, SnapshotFault};
use crate::core::Piece;

/// The folder.
#[derive(Clone, Debug)]
pub struct Draft {
    folder: PathBuf,
}

impl Draft {
    /// That of a data folder.
    #[must_use]
    pub fn of(data: &Path) -> Self {
        Self {
            folder: data.join("joining"),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The bytes of a piece; nothing where it is not there or cannot be read.
    #[must_use]
    pub fn read(&self, piece: Piece) -> Option<Vec<u8>> {
        match piece {
            Piece::Manifest => snapshot::read_manifest_bytes(&self.folder).ok(),
            Piece::Chunk(_, index) => {
                let index = usize::try_from(index).ok()?;
                snapshot::read_chunk(&self.folder, index).ok()
            }
        }
    }

    /// Puts a piece there; it is on disk when this returns.
    ///
    /// # Errors
    /// [`SnapshotFault::Write`].
    pub fn keep(&self, piece: Piece, bytes: &[u8]) -> Result<(), SnapshotFault> {
        match piece {
            Piece::Manifest => {
                self.forget()?;
                snapshot::make_folder(&self.folder)?;
                snapshot::write_manifest_bytes(&self.folder, bytes)
            }
            Piece::Chunk(_, index) => {
                let index = usize::try_from(index).unwrap_or(usize::MAX);
                snapshot::write_chunk(&self.folder, index, bytes)
            }
        }
    }

    /// Removes everything.
    ///
    /// # Errors
    /// [`SnapshotFault::Write`].
    pub fn forget(&self) -> Result<(), SnapshotFault> {
        snapshot::remove(&self.folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::SnapshotName;
    use crate::shell::snapshot::tests::sample;

    // docs/spec/snapshots.md, "Between peers": a manifest takes the place of everything that was kept.
    #[test]
    fn a_manifest_comes_alone() {
        let data = tempfile::tempdir().unwrap();
        let draft = Draft::of(data.path());
        let (manifest, chunks) = sample(3);
        let chunk = Piece::Chunk(SnapshotName::of(&manifest), 0);
        assert_eq!(
            (draft.read(Piece::Manifest), draft.read(chunk)),
            (None, None)
        );
        draft.keep(Piece::Manifest, &manifest.to_bytes()).unwrap();
        draft.keep(chunk, &chunks[0]).unwrap();
        // The same once more is no error: it comes again after an end that was not told.
        draft.keep(chunk, &chunks[0]).unwrap();
        assert_eq!(draft.read(Piece::Manifest), Some(manifest.to_bytes()));
        assert_eq!(draft.read(chunk).as_ref(), Some(&chunks[0]));
        let (other, _) = sample(4);
        draft.keep(Piece::Manifest, &other.to_bytes()).unwrap();
        assert_eq!(draft.read(Piece::Manifest), Some(other.to_bytes()));
        assert_eq!(draft.read(chunk), None);
        draft.forget().unwrap();
        assert_eq!(draft.read(Piece::Manifest), None);
        draft.forget().unwrap();
    }
}
