//! Upgrades: no program passes a feature gate that it lacks, and none stands before one that it supports.
//!
//! Shape: the words are those of the books, which follow the proposals that blocks execute; who runs what is told by the world.
//! Source: `docs/spec/consensus.md`, "Upgrades"; `docs/spec/ledger.md`, "Feature gates".

use std::collections::BTreeMap;

use falaj_consensus::types::Height;
use falaj_node::core::Event;

use super::conservation::Conservation;
use super::{Finding, Observation};
use crate::types::NodeIndex;

/// Which features each node's program supports; those that are not listed support none.
#[derive(Debug, Default)]
pub(super) struct Upgrades(BTreeMap<NodeIndex, u64>);

impl Upgrades {
    pub(super) fn program_changed(&mut self, node: NodeIndex, features: u64) {
        self.0.insert(node, features);
    }

    /// Asked before the books take in what is seen: the word of a height is fixed two heights before it.
    pub(super) fn observe(
        &self,
        books: &Conservation,
        node: NodeIndex,
        seen: &Observation<'_>,
    ) -> Finding {
        if let Observation::Reported(Event::GatesLacking(told)) = seen {
            let word = books.features_at(told.height);
            let lacking = word & !self.supported(node);
            if lacking == 0 || (told.features, told.lacking) != (word, lacking) {
                return Err(format!(
                    "stands before height {}: it says {:b} of {:b} is lacking, and that is {lacking:b} of {word:b}",
                    told.height, told.lacking, told.features
                ));
            }
            return Ok(());
        }
        if let Observation::Intended(statement) | Observation::Released { statement, .. } = seen {
            return self.passes(books, node, statement.height(), "signs for");
        }
        let Some(block) = seen.decided() else {
            return Ok(());
        };
        self.passes(books, node, block.header.height, "executes")
    }

    fn passes(&self, books: &Conservation, node: NodeIndex, height: Height, does: &str) -> Finding {
        let lacking = books.features_at(height) & !self.supported(node);
        if lacking == 0 {
            return Ok(());
        }
        Err(format!(
            "{does} height {height}, and its program lacks features {lacking:b}"
        ))
    }

    fn supported(&self, node: NodeIndex) -> u64 {
        self.0.get(&node).copied().unwrap_or_default()
    }
}
