//! What liars know together: the twin of a block that one of them proposed.

use std::collections::BTreeMap;

use falaj_consensus::message::{Body, Header};
use falaj_consensus::types::{BlockId, Height, OutcomeHash, Round};

/// A second block of a round, beside the one that its proposer's replica made.
#[derive(Clone, Debug)]
pub struct Twin {
    /// The block that the replica made.
    pub of: BlockId,
    /// Its twin's header.
    pub header: Header,
    /// Its twin's body, which is empty.
    pub body: Body,
    /// What executing the twin gives.
    pub outcome: OutcomeHash,
}

/// The twins of a run.
#[derive(Clone, Debug, Default)]
pub struct Plot {
    twins: BTreeMap<(Height, Round), Twin>,
}

impl Plot {
    /// Remembers a twin, and forgets those of long ago.
    pub fn add(&mut self, round: Round, twin: Twin) {
        let height = twin.header.height;
        self.twins
            .retain(|(known, _), _| known.get().saturating_add(4) > height.get());
        self.twins.insert((height, round), twin);
    }

    /// The twin proposed in a round.
    #[must_use]
    pub fn twin(&self, height: Height, round: Round) -> Option<&Twin> {
        self.twins.get(&(height, round))
    }
}
