//! Agreement and integrity: no two correct nodes decide differently at a height, ever, and what was let out is never lost.
//!
//! Source: `docs/simulation.md`, "Oracles".

use std::collections::BTreeMap;

use falaj_consensus::types::{BlockId, Height, OutcomeHash};
use falaj_node::core::Committed;

use super::{Facts, Finding, Observation};
use crate::types::NodeIndex;

type Decision = (BlockId, OutcomeHash);

#[derive(Debug)]
pub(super) struct Agreement {
    decided: BTreeMap<Height, (Decision, NodeIndex)>,
    nodes: Vec<Height>,
    fork: Option<Height>,
}

impl Agreement {
    pub(super) fn new(facts: &Facts) -> Self {
        Self {
            decided: BTreeMap::new(),
            nodes: vec![Height::new(0); usize::from(facts.validators)],
            fork: None,
        }
    }

    pub(super) fn height(&self) -> Height {
        self.decided
            .last_key_value()
            .map_or(Height::new(0), |(height, _)| *height)
    }

    /// The height at which two correct nodes decided differently.
    pub(super) const fn fork(&self) -> Option<Height> {
        self.fork
    }

    pub(super) fn observe(&mut self, node: NodeIndex, seen: &Observation<'_>) -> Finding {
        match seen {
            Observation::Started { height, .. } => self.started(node, *height),
            Observation::Replayed(block) => self.compare(node, block),
            Observation::Committed(block) => {
                self.in_sequence(node, block)?;
                self.compare(node, block)
            }
            Observation::Intended(_)
            | Observation::Released { .. }
            | Observation::Sent(_)
            | Observation::Received(_)
            | Observation::Appended { .. }
            | Observation::Durable { .. }
            | Observation::Reported(_)
            | Observation::Held { .. } => Ok(()),
        }
    }

    /// A restart finds every height that was let out as final, and possibly one more.
    fn started(&mut self, node: NodeIndex, height: Height) -> Finding {
        let known = &mut self.nodes[node.position()];
        if height < *known {
            return Err(format!(
                "height {known} was final, and is {height} after a restart"
            ));
        }
        *known = height;
        Ok(())
    }

    /// A state that was put together from chunks is the one that everybody has after that block.
    pub(super) fn restored(&mut self, node: NodeIndex, height: Height, block: Decision) -> Finding {
        let (first, by) = *self.decided.entry(height).or_insert((block, node));
        if first == block {
            Ok(())
        } else {
            Err(format!(
                "a snapshot gave {block:?} for height {height}, which is {first:?} at {by}"
            ))
        }
    }

    fn in_sequence(&mut self, node: NodeIndex, block: &Committed) -> Finding {
        let (height, known) = (block.header.height, &mut self.nodes[node.position()]);
        if height != known.next() {
            return Err(format!("height {height} became final after {known}"));
        }
        *known = height;
        Ok(())
    }

    fn compare(&mut self, node: NodeIndex, block: &Committed) -> Finding {
        let height = block.header.height;
        let decision = (block.certificate.id, block.certificate.outcome);
        if decision != (block.id, block.executed.outcome.hash()) {
            return Err(format!(
                "height {height} was executed with another result than certified"
            ));
        }
        let (first, by) = *self.decided.entry(height).or_insert((decision, node));
        if first == decision {
            Ok(())
        } else {
            self.fork = Some(height);
            Err(format!(
                "height {height} is {decision:?} here and {first:?} at {by}"
            ))
        }
    }
}
