//! What says which snapshot it is and proves it: certificates from a trust to the outcome, and the roots of the chunks.
//!
//! Invariant: of a [`ProvenManifest`] the header, the outcome and every chunk's root are certified; only the counts of entries are not, and
//! they are checked with their chunks. There is no other way to make one than to check it.
//! Layout: version (`u16`, 1) ‖ certified outcome ‖ list of parts (`u32`, at most 65,536).
//! Source: `docs/spec/snapshots.md`, "Manifest".

use borsh::{BorshDeserialize, BorshSerialize, io};
use falaj_consensus::bounded;
use falaj_consensus::hash::{self, Tag};
use falaj_consensus::message::{Header, Outcome, decode};
use falaj_consensus::types::{Hash32, Height};
use falaj_consensus::verify::Checker;

use super::parts::{CHUNKS_MAX, Part, Prefix, fold};
use super::{Cut, Restoring, SnapshotError, chunk};
use crate::bundle::CertifiedOutcome;
use crate::proof::Certified;
use crate::state::State;
use crate::trust::{Checkpoint, Trust};

const VERSION: u16 = 1;

const CUT_TAG: Tag = Tag::new("falaj/snapshot-cut/1");

/// The longest manifest: all of its chunks, and more set changes than any network of usual size has.
pub const MANIFEST_BYTES_MAX: usize = 32 * 1024 * 1024;

/// A snapshot's manifest, as somebody says it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Manifest {
    #[borsh(deserialize_with = "read_version")]
    version: u16,
    proof: CertifiedOutcome,
    #[borsh(deserialize_with = "read_parts")]
    parts: Vec<Part>,
}

/// A manifest whose outcome is certified and whose chunks fold into it.
#[derive(Clone, Debug)]
pub struct ProvenManifest {
    manifest: Manifest,
    prefixes: Vec<Prefix>,
    certified: Certified,
}

impl Manifest {
    /// The manifest of a state, with what proves the block that left it.
    ///
    /// # Errors
    /// [`SnapshotError::OtherState`] if the proof is of another one, [`SnapshotError::ChangeUnderWay`].
    pub fn of(
        state: &State,
        cut: &Cut<'_>,
        proof: CertifiedOutcome,
    ) -> Result<Self, SnapshotError> {
        check_state(state, proof.header(), proof.outcome())?;
        Ok(Self {
            version: VERSION,
            proof,
            parts: cut.parts().collect(),
        })
    }

    /// Reads a manifest, from all of the bytes.
    ///
    /// # Errors
    /// [`SnapshotError::Manifest`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SnapshotError> {
        Ok(decode("snapshot manifest", bytes, MANIFEST_BYTES_MAX)?)
    }

    /// The byte form.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        hash::encode(self)
    }

    /// What it is proven by.
    #[must_use]
    pub const fn proof(&self) -> &CertifiedOutcome {
        &self.proof
    }

    /// Its chunks, in order.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Names the cut: which chunk has which number, by the manifest's word.
    ///
    /// Certificates of one height differ from node to node, so manifests do; chunks are the same wherever the cut is. And a state has more
    /// than one true cut, so without this name a chunk of another one would look like a wrong one.
    #[must_use]
    pub fn cut_hash(&self) -> Hash32 {
        hash::tagged_borsh(CUT_TAG, &self.parts)
    }

    /// Entries of all chunks, by its word.
    #[must_use]
    pub fn entries(&self) -> u64 {
        let entries = self.parts.iter().map(|part| u64::from(part.entries));
        entries.fold(0, u64::saturating_add)
    }

    /// Checks everything but the chunks: from the trust over every change of validators to the outcome, and from there to the chunks.
    ///
    /// # Errors
    /// [`SnapshotError`], with the first thing that does not hold.
    pub fn verify(
        self,
        trust: &Trust,
        checkpoints: &[Checkpoint],
        checker: &dyn Checker,
    ) -> Result<ProvenManifest, SnapshotError> {
        let proof = &self.proof;
        let certified = proof.verify(trust, checker).map_err(SnapshotError::Proof)?;
        for checkpoint in checkpoints {
            checkpoint.check(trust, proof)?;
        }
        let (prefixes, found) = fold(&self.parts).ok_or(SnapshotError::Cover)?;
        let expected = certified.outcome().state_root;
        if found != expected {
            return Err(SnapshotError::StateRoot { found, expected });
        }
        Ok(ProvenManifest {
            manifest: self,
            prefixes,
            certified,
        })
    }
}

impl ProvenManifest {
    /// The manifest itself.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The certified block.
    #[must_use]
    pub const fn header(&self) -> &Header {
        self.certified.header()
    }

    /// What a quorum certified of it.
    #[must_use]
    pub const fn outcome(&self) -> &Outcome {
        self.certified.outcome()
    }

    /// The block after which this is the state.
    #[must_use]
    pub const fn height(&self) -> Height {
        self.header().height
    }

    /// How many chunks there are.
    #[must_use]
    pub fn chunks(&self) -> usize {
        self.prefixes.len()
    }

    /// Checks that bytes are a chunk of this state, whatever became of the others.
    ///
    /// # Errors
    /// [`SnapshotError`] with the chunk's number.
    pub fn check_chunk(&self, index: usize, bytes: &[u8]) -> Result<(), SnapshotError> {
        let part = self.manifest.parts.get(index).zip(self.prefixes.get(index));
        let (part, prefix) = part.ok_or(SnapshotError::NoChunk {
            index,
            chunks: self.chunks(),
        })?;
        chunk::check(index, part, prefix, bytes)
    }

    /// Begins to put the chunks together.
    #[must_use]
    pub fn restore(self) -> Restoring {
        Restoring::new(self)
    }
}

/// Whether a state is the whole of what a block's outcome says, and governed on by the validators that certified it.
pub(super) fn check_state(
    state: &State,
    header: &Header,
    outcome: &Outcome,
) -> Result<(), SnapshotError> {
    let height = header.height;
    let recomputed = state.outcome(outcome.receipts_root);
    let found = [
        (
            state.chain().genesis_hash == header.genesis_hash,
            "the genesis",
        ),
        (state.height() == height, "the height"),
        (state.time_us() == header.time_us, "the time"),
        (recomputed == *outcome, "the outcome"),
    ];
    if let Some((_, what)) = found.into_iter().find(|(holds, _)| !holds) {
        return Err(SnapshotError::OtherState { what });
    }
    // The sets of h, h + 1 and h + 2 are one, so the certificates of the manifest prove all that the next heights need.
    if state.validator_sets().any(|(from, _)| from > height) {
        return Err(SnapshotError::ChangeUnderWay(height));
    }
    if state.validators_at(height).hash() == header.set_hash {
        Ok(())
    } else {
        let what = "the validator set";
        Err(SnapshotError::OtherState { what })
    }
}

fn read_version<R: io::Read>(reader: &mut R) -> io::Result<u16> {
    bounded::version(reader, VERSION)
}

fn read_parts<R: io::Read>(reader: &mut R) -> io::Result<Vec<Part>> {
    bounded::list(reader, CHUNKS_MAX)
}
