//! Loading: the newest checkpoint, then the write sets of the blocks after it.
//!
//! Invariant: what is returned has the root that its marker names; the heights from the checkpoint to the marker are all there.
//! Shapes and units: write sets are gathered into one and applied at once, since only the last change of a key counts.
//! Errors: [`StoreError::Damaged`] with the first record that is missing or wrong.

use falaj_consensus::types::Height;

use super::Delta;
use super::checkpoint::{self, Manifest};
use crate::state_map::StateMap;
use crate::store::medium::Medium;
use crate::store::record::{self, Kind};
use crate::store::{Loaded, Marker, StoreError};
use crate::write_set::WriteSet;

/// How many records are read at a time.
const READ_AHEAD: usize = 64;

/// The state after the last block.
pub(super) fn load(medium: &impl Medium) -> Result<Option<Loaded>, StoreError> {
    let Some(marker) = marker(medium)? else {
        return Ok(None);
    };
    let manifest = checkpoint::newest(medium)?;
    let changes = changes_since(medium, manifest.as_ref(), &marker)?;
    let state = match &manifest {
        Some(manifest) => checkpoint::read(medium, manifest, &changes)?,
        None => changed(StateMap::new(), &changes),
    };
    if state.root() != marker.state_root {
        let key = Kind::Marker.key();
        return Err(record::damaged(
            &key,
            "the state has another root than the one it names",
        ));
    }
    Ok(Some(Loaded {
        marker,
        state,
        checkpoint: manifest.map(|manifest| manifest.marker.height),
    }))
}

fn changed(mut state: StateMap, changes: &WriteSet) -> StateMap {
    state.apply(changes);
    state
}

/// The last block; a store that holds blocks or whole checkpoints has one.
pub(super) fn marker(medium: &impl Medium) -> Result<Option<Marker>, StoreError> {
    let key = Kind::Marker.key();
    let marker = record::read(medium, &key)?;
    if marker.is_none()
        && !medium
            .range(&Kind::Delta.key(), &Kind::Manifest.end(), 1)?
            .is_empty()
    {
        return Err(record::damaged(
            &key,
            "it is missing in a store that holds blocks",
        ));
    }
    Ok(marker)
}

/// All changes of the blocks after the checkpoint, up to the marker.
fn changes_since(
    medium: &impl Medium,
    manifest: Option<&Manifest>,
    last: &Marker,
) -> Result<WriteSet, StoreError> {
    let mut changes = WriteSet::new();
    let mut before = manifest.map(|manifest| manifest.marker);
    while before.is_none_or(|before| before.height < last.height) {
        let height = before.map_or(Height::new(0), |before| before.height.next());
        let delta = read_delta(medium, height)?;
        changes.extend(delta.write_set);
        before = Some(delta.marker);
    }
    match before {
        Some(before) if before == *last => Ok(changes),
        _ => Err(record::damaged(
            &Kind::Marker.key(),
            "it names another block than the last write set",
        )),
    }
}

/// A block's write set, which must be there.
fn read_delta(medium: &impl Medium, height: Height) -> Result<Delta, StoreError> {
    let start = Kind::Delta.at(height);
    let content = read_chunks(medium, &start, &Kind::Delta.at(height.next()))?;
    let delta: Delta = record::decoded(&start, &content)?;
    if delta.marker.height != height {
        return Err(record::damaged(
            &start,
            "it holds the write set of another height",
        ));
    }
    Ok(delta)
}

/// The marker of a block whose write set is there.
pub(super) fn delta_marker(
    medium: &impl Medium,
    height: Height,
) -> Result<Option<Marker>, StoreError> {
    let key = Kind::Delta.chunk(height, 0);
    let Some(chunk) = record::content(medium, &key)? else {
        return Ok(None);
    };
    let marker = borsh::BorshDeserialize::deserialize(&mut chunk.as_slice());
    marker
        .map(Some)
        .map_err(|_| record::damaged(&key, "its marker does not decode"))
}

/// The contents of the chunks in a range of keys, joined.
fn read_chunks(medium: &impl Medium, start: &[u8], end: &[u8]) -> Result<Vec<u8>, StoreError> {
    let mut content = Vec::new();
    let mut next = start.to_vec();
    loop {
        let entries = medium.range(&next, end, READ_AHEAD)?;
        let Some((last, _)) = entries.last() else {
            return Ok(content);
        };
        next.clone_from(last);
        next.push(0);
        for (key, value) in entries {
            content.extend_from_slice(&record::opened(&key, value)?);
        }
    }
}
