//! What liars know together: the twin of a block that one of them proposed, and what each has said of late.

use std::collections::{BTreeMap, VecDeque};

use falaj_consensus::message::{Body, Header};
use falaj_consensus::types::{BlockId, Height, OutcomeHash, Round};
use falaj_node::core::{Frame, Message};

use crate::chance::Word;
use crate::types::NodeIndex;

/// How many frames of each liar are remembered.
const SAID_MAX: usize = 64;

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

/// The twins of a run, and the last frames of each liar's replica.
#[derive(Clone, Debug, Default)]
pub struct Plot {
    twins: BTreeMap<(Height, Round), Twin>,
    said: BTreeMap<NodeIndex, VecDeque<Frame>>,
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

    /// Remembers what a liar's replica was about to say, and forgets what it said long ago.
    pub fn remember(&mut self, liar: NodeIndex, frame: &Frame) {
        let said = self.said.entry(liar).or_default();
        if said.len() == SAID_MAX {
            said.pop_front();
        }
        said.push_back(frame.clone());
    }

    /// The last message of a liar in which this finds something.
    pub fn last<T>(&self, liar: NodeIndex, find: impl Fn(&Message) -> Option<T>) -> Option<T> {
        let said = self.said.get(&liar)?.iter().rev();
        said.filter_map(|frame| frame.message.as_ref())
            .find_map(find)
    }

    /// Some frame that a liar has said.
    #[must_use]
    pub fn any(&self, liar: NodeIndex, word: Word) -> Option<Frame> {
        let said = self.said.get(&liar)?;
        let place = usize::try_from(word.below(said.len() as u64)).ok()?;
        said.get(place).cloned()
    }
}
