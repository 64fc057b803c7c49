//! What is said of snapshots between peers: which there is, pieces of its manifest, its chunks.
//!
//! Invariant: a snapshot is asked for by its height and the name of its cut, so a chunk is only given by whoever cut the state alike, and one
//! that is wrong then speaks against whoever gave it. What is asked for and not here is answered with what is.
//! Bounds: a piece of a manifest has [`MANIFEST_PIECE_BYTES`], a chunk [`CHUNK_BYTES_MAX`].
//! Who calls it: the replica serves, through its host; a node that [joins](super::joining) asks.
//! Source: `docs/spec/snapshots.md`, "Between peers".

use borsh::{BorshDeserialize, BorshSerialize};
use falaj_consensus::types::{Hash32, Height};
use falaj_ledger::snapshot::{CHUNK_BYTES_MAX, MANIFEST_BYTES_MAX, Manifest};
use std::collections::BTreeMap;

/// How long every piece of a manifest is but the last.
pub const MANIFEST_PIECE_BYTES: usize = 1024 * 1024;

/// Which snapshot.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct SnapshotName {
    /// The block after which it is the state.
    pub height: Height,
    /// The name of its cut.
    pub cut: Hash32,
}

impl SnapshotName {
    /// What a manifest is the manifest of.
    #[must_use]
    pub fn of(manifest: &Manifest) -> Self {
        Self {
            height: manifest.proof().header().height,
            cut: manifest.cut_hash(),
        }
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum SnapshotPart {
    /// The name of the newest snapshot.
    Newest = 1,
    /// A piece of a manifest.
    Manifest {
        /// Of which snapshot.
        name: SnapshotName,
        /// How many bytes of it are here already.
        from: u32,
    } = 2,
    /// A chunk.
    Chunk {
        /// Of which snapshot.
        name: SnapshotName,
        /// Its number.
        index: u32,
    } = 3,
}

/// What there is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum SnapshotAnswer {
    /// The newest snapshot, if there is any: what was asked for, or what there is in the place of what was.
    Newest(Option<SnapshotName>) = 1,
    /// A piece of a manifest.
    Manifest {
        /// Of which snapshot.
        name: SnapshotName,
        /// How long the manifest is, in bytes.
        length: u32,
        /// Where the piece begins.
        from: u32,
        /// The piece.
        bytes: Vec<u8>,
    } = 2,
    /// A chunk.
    Chunk {
        /// Of which snapshot.
        name: SnapshotName,
        /// Its number.
        index: u32,
        /// The chunk.
        bytes: Vec<u8>,
    } = 3,
}

impl SnapshotAnswer {
    pub(super) fn is_bounded(&self) -> bool {
        match self {
            Self::Newest(_) => true,
            Self::Manifest { length, bytes, .. } => {
                let fits = usize::try_from(*length).is_ok_and(|it| it <= MANIFEST_BYTES_MAX);
                fits && bytes.len() <= MANIFEST_PIECE_BYTES
            }
            Self::Chunk { bytes, .. } => bytes.len() <= CHUNK_BYTES_MAX,
        }
    }
}

/// The snapshots that a host has taken.
pub trait SnapshotShelf {
    /// The newest.
    fn newest(&self) -> Option<SnapshotName>;
    /// The bytes of a manifest from one on, at most [`MANIFEST_PIECE_BYTES`], and how long it is.
    fn manifest(&self, name: SnapshotName, from: u32) -> Option<(u32, Vec<u8>)>;
    /// A chunk.
    fn chunk(&self, name: SnapshotName, index: u32) -> Option<Vec<u8>>;
}

/// The last snapshots of a host that keeps them in memory, which simulations and tests do.
#[derive(Clone, Debug, Default)]
pub struct ShelfInMemory {
    kept: BTreeMap<SnapshotName, (Vec<u8>, Vec<Vec<u8>>)>,
}

impl ShelfInMemory {
    /// How many are kept.
    const KEPT: usize = 2;

    /// Takes one in; the oldest goes when there are too many.
    pub fn put(&mut self, manifest: &Manifest, chunks: Vec<Vec<u8>>) {
        let name = SnapshotName::of(manifest);
        self.kept.insert(name, (manifest.to_bytes(), chunks));
        if self.kept.len() > Self::KEPT {
            self.kept.pop_first();
        }
    }
}

impl SnapshotShelf for ShelfInMemory {
    fn newest(&self) -> Option<SnapshotName> {
        self.kept.last_key_value().map(|(name, _)| *name)
    }

    fn manifest(&self, name: SnapshotName, from: u32) -> Option<(u32, Vec<u8>)> {
        let (manifest, _) = self.kept.get(&name)?;
        piece_of(manifest, from)
    }

    fn chunk(&self, name: SnapshotName, index: u32) -> Option<Vec<u8>> {
        let (_, chunks) = self.kept.get(&name)?;
        chunks.get(usize::try_from(index).ok()?).cloned()
    }
}

/// What a host answers.
pub fn answer_from(shelf: &(impl SnapshotShelf + ?Sized), part: SnapshotPart) -> SnapshotAnswer {
    let found = match part {
        SnapshotPart::Newest => None,
        SnapshotPart::Manifest { name, from } => {
            let piece = shelf.manifest(name, from);
            piece.map(|(length, bytes)| SnapshotAnswer::Manifest {
                name,
                length,
                from,
                bytes,
            })
        }
        SnapshotPart::Chunk { name, index } => {
            let bytes = shelf.chunk(name, index);
            bytes.map(|bytes| SnapshotAnswer::Chunk { name, index, bytes })
        }
    };
    found.unwrap_or_else(|| SnapshotAnswer::Newest(shelf.newest()))
}

/// The piece of a manifest that begins there; none behind its end.
#[must_use]
pub fn piece_of(manifest: &[u8], from: u32) -> Option<(u32, Vec<u8>)> {
    let length = u32::try_from(manifest.len()).ok()?;
    let rest = manifest.get(usize::try_from(from).ok()?..)?;
    let piece = rest.get(..MANIFEST_PIECE_BYTES).unwrap_or(rest);
    (!piece.is_empty()).then(|| (length, piece.to_vec()))
}
