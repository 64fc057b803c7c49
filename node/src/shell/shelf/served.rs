//! The snapshots of a shelf as peers ask for them: by height and cut, in pieces.
//!
//! Invariant: what is on a shelf under a height never changes while it is there, so its name is read once.
//! Source: `docs/spec/snapshots.md`, "Between peers".

use falaj_consensus::types::Height;
use std::cell::RefCell;
use std::collections::BTreeMap;

use super::Shelf;
use crate::core::{SnapshotName, SnapshotShelf, piece_of};

/// A shelf whose snapshots have names.
pub struct Served {
    shelf: Shelf,
    names: RefCell<BTreeMap<Height, SnapshotName>>,
}

impl Served {
    /// Nothing was asked for yet.
    #[must_use]
    pub const fn new(shelf: Shelf) -> Self {
        let names = RefCell::new(BTreeMap::new());
        Self { shelf, names }
    }

    /// The name of the snapshot of a height; those of snapshots that are gone are forgotten.
    fn name_of(&self, height: Height) -> Option<SnapshotName> {
        let heights = self.shelf.heights().ok()?;
        let mut names = self.names.borrow_mut();
        names.retain(|known, _| heights.contains(known));
        if !heights.contains(&height) {
            return None;
        }
        if let Some(name) = names.get(&height) {
            return Some(*name);
        }
        let name = SnapshotName::of(&self.shelf.manifest(height).ok()?);
        names.insert(height, name);
        Some(name)
    }

    fn has(&self, name: SnapshotName) -> bool {
        self.name_of(name.height) == Some(name)
    }
}

impl SnapshotShelf for Served {
    fn newest(&self) -> Option<SnapshotName> {
        self.name_of(self.shelf.newest().ok()??)
    }

    fn manifest(&self, name: SnapshotName, from: u32) -> Option<(u32, Vec<u8>)> {
        let manifest = || self.shelf.manifest(name.height).ok();
        let manifest = self.has(name).then(manifest)??;
        piece_of(&manifest.to_bytes(), from)
    }

    fn chunk(&self, name: SnapshotName, index: u32) -> Option<Vec<u8>> {
        let index = usize::try_from(index).ok()?;
        let chunk = || self.shelf.chunk(name.height, index).ok();
        self.has(name).then(chunk)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{SnapshotAnswer, SnapshotPart, answer_from};
    use crate::shell::snapshot::tests::sample;
    use falaj_consensus::types::Hash32;

    // docs/spec/snapshots.md, "Between peers": what is on the shelf is given as it is; what is not, or of another cut, is answered with what is.
    #[test]
    fn what_is_on_the_shelf_is_served() {
        let data = tempfile::tempdir().unwrap();
        let shelf = Shelf::of(data.path());
        shelf.tidy().unwrap();
        let served = Served::new(shelf.clone());
        assert_eq!(served.newest(), None);
        let put = |height| {
            let (manifest, chunks) = sample(height);
            shelf.put(&manifest, chunks.clone().into_iter()).unwrap();
            (SnapshotName::of(&manifest), manifest, chunks)
        };
        let (name, manifest, chunks) = put(8);
        assert_eq!(served.newest(), Some(name));
        let (length, bytes) = served.manifest(name, 0).unwrap();
        assert_eq!(bytes, manifest.to_bytes());
        assert_eq!(length as usize, bytes.len());
        assert_eq!(served.chunk(name, 0).as_ref(), Some(&chunks[0]));
        let cut = Hash32::new([1; 32]);
        let other = SnapshotName { cut, ..name };
        let beyond = u32::try_from(chunks.len()).unwrap();
        for part in [
            SnapshotPart::Newest,
            SnapshotPart::Chunk {
                name: other,
                index: 0,
            },
            SnapshotPart::Chunk {
                name,
                index: beyond,
            },
            SnapshotPart::Manifest { name, from: length },
        ] {
            let answer = SnapshotAnswer::Newest(Some(name));
            assert_eq!(answer_from(&served, part), answer, "{part:?}");
        }
        put(9);
        let (newest, ..) = put(10);
        let gone = SnapshotPart::Chunk { name, index: 0 };
        let answer = SnapshotAnswer::Newest(Some(newest));
        assert_eq!(answer_from(&served, gone), answer);
    }
}
