//! The snapshots that a node takes while it runs: a folder each, under its height, of which the last two are kept.
//!
//! Invariant: a folder under its own name is whole, since [`snapshot::write`] renames it last; what is on the shelf is never changed, and
//! the older one goes only when two newer ones are there.
//! Shape: readers need no lock: a snapshot that goes while it is read ends in an error, and the newest does not go for another interval.
//! Errors: [`SnapshotFault`].
//! Source: `docs/spec/snapshots.md`, "Taken while the node runs".

mod served;

use falaj_consensus::types::Height;
use falaj_ledger::snapshot::Manifest;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::snapshot::{self, SnapshotFault};
pub use served::Served;

/// How many snapshots are kept.
const KEPT: usize = 2;

/// The folder of a node's snapshots.
#[derive(Clone, Debug)]
pub struct Shelf {
    folder: PathBuf,
}

impl Shelf {
    /// The shelf of a data folder.
    #[must_use]
    pub fn of(data: &Path) -> Self {
        Self {
            folder: data.join("snapshots"),
        }
    }

    /// Makes it ready for what is to come: what an end of the process left unfinished goes, and so does what cannot be read.
    ///
    /// # Errors
    /// [`SnapshotFault::Read`], [`SnapshotFault::Write`].
    pub fn tidy(&self) -> Result<(), SnapshotFault> {
        snapshot::make_folder(&self.folder)?;
        for path in snapshot::entries(&self.folder)? {
            let whole = height_of(&path).is_some() && snapshot::read_manifest(&path).is_ok();
            if !whole {
                tracing::warn!(path = %path.display(), "removed what is no whole snapshot");
                snapshot::remove(&path)?;
            }
        }
        self.keep_newest()
    }

    /// Heights of the snapshots, in order; none where none was ever taken.
    ///
    /// # Errors
    /// [`SnapshotFault::Read`].
    pub fn heights(&self) -> Result<Vec<Height>, SnapshotFault> {
        let found = match snapshot::entries(&self.folder) {
            Err(SnapshotFault::Read { source, .. }) if source.kind() == ErrorKind::NotFound => {
                return Ok(Vec::new());
            }
            found => found?,
        };
        let mut heights: Vec<Height> = found.iter().filter_map(|path| height_of(path)).collect();
        heights.sort_unstable();
        Ok(heights)
    }

    /// Height of the newest.
    ///
    /// # Errors
    /// [`SnapshotFault::Read`].
    pub fn newest(&self) -> Result<Option<Height>, SnapshotFault> {
        Ok(self.heights()?.pop())
    }

    /// The folder of the snapshot of a height, whether it is there or not.
    #[must_use]
    pub fn folder_of(&self, height: Height) -> PathBuf {
        self.folder.join(height.to_string())
    }

    /// What says which snapshot it is, not proven.
    ///
    /// # Errors
    /// [`SnapshotFault`].
    pub fn manifest(&self, height: Height) -> Result<Manifest, SnapshotFault> {
        snapshot::read_manifest(&self.folder_of(height))
    }

    /// Bytes of a chunk, not proven.
    ///
    /// # Errors
    /// [`SnapshotFault`].
    pub fn chunk(&self, height: Height, index: usize) -> Result<Vec<u8>, SnapshotFault> {
        snapshot::read_chunk(&self.folder_of(height), index)
    }

    /// Puts a snapshot there, and takes away the oldest when there are too many; one that is there stays as it is.
    ///
    /// # Errors
    /// [`SnapshotFault`]; then the shelf has what it had.
    pub fn put(
        &self,
        manifest: &Manifest,
        chunks: impl Iterator<Item = Vec<u8>>,
    ) -> Result<(), SnapshotFault> {
        let folder = self.folder_of(manifest.proof().header().height);
        snapshot::write(&folder, manifest, chunks)?;
        self.keep_newest()
    }

    fn keep_newest(&self) -> Result<(), SnapshotFault> {
        let heights = self.heights()?;
        let surplus = heights.len().saturating_sub(KEPT);
        for height in heights.into_iter().take(surplus) {
            snapshot::discard(&self.folder_of(height))?;
        }
        Ok(())
    }
}

/// The height that a folder is named after, in the one form that it has.
fn height_of(path: &Path) -> Option<Height> {
    let name = path.file_name()?.to_str()?;
    let height: u64 = name.parse().ok()?;
    (height.to_string() == name).then_some(Height::new(height))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::snapshot::tests::sample;
    use std::fs;

    fn heights(shelf: &Shelf) -> Vec<u64> {
        let heights = shelf.heights().unwrap();
        heights.into_iter().map(Height::get).collect()
    }

    fn put(shelf: &Shelf, height: u64) {
        let (manifest, chunks) = sample(height);
        shelf.put(&manifest, chunks.into_iter()).unwrap();
    }

    // docs/spec/snapshots.md, "Taken while the node runs": the last two are kept, in order of their heights and not of their names.
    #[test]
    fn the_last_two_are_kept() {
        let data = tempfile::tempdir().unwrap();
        let shelf = Shelf::of(data.path());
        assert_eq!(shelf.newest().unwrap(), None);
        shelf.tidy().unwrap();
        for height in 8..=11 {
            put(&shelf, height);
        }
        assert_eq!(heights(&shelf), [10, 11]);
        let newest = shelf.newest().unwrap().unwrap();
        let (manifest, chunks) = sample(11);
        assert_eq!(shelf.manifest(newest).unwrap(), manifest);
        assert_eq!(shelf.chunk(newest, 0).unwrap(), chunks[0]);
    }

    // The same: what is no whole snapshot goes with the next start, and what is whole stays.
    #[test]
    fn what_is_not_whole_goes_with_a_start() {
        let data = tempfile::tempdir().unwrap();
        let shelf = Shelf::of(data.path());
        shelf.tidy().unwrap();
        put(&shelf, 8);
        put(&shelf, 9);
        let folder = data.path().join("snapshots");
        for name in ["12.draft", "012", "13", "other"] {
            fs::create_dir(folder.join(name)).unwrap();
        }
        fs::write(folder.join("13").join("manifest"), "none").unwrap();
        fs::write(folder.join("14"), "a file").unwrap();
        shelf.tidy().unwrap();
        assert_eq!(heights(&shelf), [8, 9]);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
    }

    // A snapshot that goes while it is read is an error of its reader.
    #[test]
    fn what_is_gone_is_an_error() {
        let data = tempfile::tempdir().unwrap();
        let shelf = Shelf::of(data.path());
        shelf.tidy().unwrap();
        put(&shelf, 8);
        fs::remove_dir_all(shelf.folder_of(Height::new(8))).unwrap();
        assert!(shelf.manifest(Height::new(8)).is_err());
        let error = shelf.chunk(Height::new(8), 0).unwrap_err();
        assert_eq!(error.code(), Some("snapshot-chunk-missing"));
    }
}
