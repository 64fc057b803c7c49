//! Keys: a correct validator says nothing with another key than the one that the set of the height has for it.
//!
//! Shape: a rotated validator holds two keys for a while; whatever either signs, the height tells which of the two it had to be.
//! Source: `docs/spec/consensus.md`, "The key of a height".

use super::sets::Sets;
use super::{Finding, Observation};
use crate::types::NodeIndex;

pub(super) fn observe(sets: &Sets, node: NodeIndex, seen: &Observation<'_>) -> Finding {
    let Observation::Released { statement, key, .. } = seen else {
        return Ok(());
    };
    let height = statement.height();
    let set = sets.at(height);
    match set.index_of(node) {
        Some(own) if set.has_key(own, key) => Ok(()),
        Some(_) => Err(format!("a statement of height {height} with another key")),
        None => Err(format!(
            "a statement of height {height}, whose set has not its validator"
        )),
    }
}
