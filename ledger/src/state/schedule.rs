//! Validator sets and parameters, decided and in force, decoded once and shared by all states that have the same.
//!
//! Invariant: each list ascends by the first height in force, and the first entry holds from height 1.
//! Source: `docs/spec/ledger.md`, "Sets and parameters".

use borsh::BorshDeserialize;
use falaj_consensus::params::Parameters;
use falaj_consensus::types::Height;
use falaj_consensus::validator_set::ValidatorSet;
use std::sync::Arc;

use super::{StateError, decode_record, key};
use crate::state_map::StateMap;
use crate::write_set::WriteSet;

/// What holds from which height on.
#[derive(Debug)]
pub(super) struct Schedule {
    sets: Vec<(Height, Arc<ValidatorSet>)>,
    parameters: Vec<(Height, Parameters)>,
}

impl Schedule {
    /// Reads both lists from the state.
    pub(super) fn load(map: &StateMap) -> Result<Self, StateError> {
        let sets: Vec<(Height, ValidatorSet)> = list(map, key::SETS, "validator sets")?;
        let sets = sets
            .into_iter()
            .map(|(from, set)| (from, Arc::new(set)))
            .collect();
        Ok(Self {
            sets,
            parameters: list(map, key::PARAMETERS, "parameters")?,
        })
    }

    /// Whether a block's writes hold a set or parameters.
    pub(super) fn is_changed_by(writes: &WriteSet) -> bool {
        [key::SETS, key::PARAMETERS].into_iter().any(|prefix| {
            let mut changes = writes.range_from(prefix);
            changes
                .next()
                .is_some_and(|(key, _)| key.starts_with(prefix))
        })
    }

    /// Every set with the first height that it governs, in order.
    pub(super) fn sets(&self) -> impl Iterator<Item = (Height, &Arc<ValidatorSet>)> {
        self.sets.iter().map(|(from, set)| (*from, set))
    }

    /// From which height the last decided set is in force.
    pub(super) fn set_from(&self) -> Height {
        self.sets.last().map_or(Height::new(1), |(from, _)| *from)
    }

    /// From which height the last decided parameters are in force.
    pub(super) fn parameters_from(&self) -> Height {
        let last = self.parameters.last();
        last.map_or(Height::new(1), |(from, _)| *from)
    }

    pub(super) fn validators_at(&self, height: Height) -> Arc<ValidatorSet> {
        Arc::clone(in_force(&self.sets, height))
    }

    pub(super) fn parameters_at(&self, height: Height) -> Parameters {
        *in_force(&self.parameters, height)
    }
}

fn list<T: BorshDeserialize>(
    map: &StateMap,
    prefix: &'static [u8],
    name: &'static str,
) -> Result<Vec<(Height, T)>, StateError> {
    let entries = map.iter_prefix(prefix).map(|(key, value)| {
        let height = key
            .get(prefix.len()..)
            .and_then(|height| <[u8; 8]>::try_from(height).ok());
        let height = height.ok_or(StateError::Malformed(name))?;
        let value = decode_record(value).ok_or(StateError::Malformed(name))?;
        Ok((Height::new(u64::from_be_bytes(height)), value))
    });
    let entries: Vec<_> = entries.collect::<Result<_, _>>()?;
    if entries
        .first()
        .is_some_and(|(from, _)| *from == Height::new(1))
    {
        return Ok(entries);
    }
    Err(StateError::Missing(name))
}

fn in_force<T>(entries: &[(Height, T)], height: Height) -> &T {
    let entry = entries.iter().rev().find(|(from, _)| *from <= height);
    &entry.expect("the first entry holds from height 1").1
}
