//! Putting a state together from its chunks.
//!
//! Invariant: only chunks that were checked are held; the state that comes out gives the certified outcome again, every part of it.
//! Shapes and units: chunks come in any order, each once; those that are there are never asked for again.
//! Memory: the chunks' bytes, and then the map beside them.
//! Source: `docs/spec/snapshots.md`, "Restoring".

use super::manifest::check_state;
use super::{ProvenManifest, SnapshotError, chunk};
use crate::state::State;
use crate::state_map::Builder;

/// A state on its way.
#[derive(Debug)]
pub struct Restoring {
    proven: ProvenManifest,
    chunks: Vec<Option<Vec<u8>>>,
}

impl Restoring {
    pub(super) fn new(proven: ProvenManifest) -> Self {
        let chunks = vec![None; proven.chunks()];
        Self { proven, chunks }
    }

    /// What it is made by.
    #[must_use]
    pub const fn proven(&self) -> &ProvenManifest {
        &self.proven
    }

    /// The first chunk that is not here; `None` once all are.
    #[must_use]
    pub fn missing(&self) -> Option<usize> {
        self.chunks.iter().position(Option::is_none)
    }

    /// Takes a chunk, in any order; one that comes again is checked and changes nothing.
    ///
    /// # Errors
    /// [`SnapshotError`] with the chunk's number; what was taken before stays.
    pub fn take(&mut self, index: usize, bytes: Vec<u8>) -> Result<(), SnapshotError> {
        self.proven.check_chunk(index, &bytes)?;
        if let Some(place) = self.chunks.get_mut(index) {
            *place = Some(bytes);
        }
        Ok(())
    }

    /// The state.
    ///
    /// # Errors
    /// [`SnapshotError`]: a chunk is missing, or all of them are not the state that the outcome says.
    pub fn finish(self) -> Result<State, SnapshotError> {
        if let Some(index) = self.missing() {
            return Err(SnapshotError::Missing { index });
        }
        let mut entries = Vec::new();
        for (index, bytes) in self.chunks.iter().flatten().enumerate() {
            let taken = chunk::decode(bytes);
            entries.extend(taken.map_err(|what| SnapshotError::Malformed { index, what })?);
        }
        entries.sort_unstable();
        let mut builder = Builder::new();
        let in_order = entries.iter().all(|(key, value)| builder.push(key, value));
        let map = builder.finish();
        let outcome = self.proven.outcome();
        if !in_order || map.root() != outcome.state_root {
            let what = "the state root";
            return Err(SnapshotError::OtherState { what });
        }
        let state = State::from_map(map)?;
        check_state(&state, self.proven.header(), outcome)?;
        Ok(state)
    }
}
