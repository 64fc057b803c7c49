//! What liars know together: the twin of a block that one of them proposed, what each has said of late, and what they hear.

use std::collections::{BTreeMap, VecDeque};

use falaj_consensus::message::{Body, Header, Vote, VoteValue};
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

/// A height and a round.
type Place = (Height, Round);

/// The twins of a run, the last frames of each liar's replica, and what they hear: every proposal, and every vote, of everybody.
#[derive(Clone, Debug, Default)]
pub struct Plot {
    twins: BTreeMap<Place, Twin>,
    said: BTreeMap<NodeIndex, VecDeque<Frame>>,
    proposed: BTreeMap<Place, (BlockId, Option<Round>)>,
    heard: Option<Vote>,
    hidden: BTreeMap<NodeIndex, (Place, Frame)>,
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

    /// Hears what anybody says, and forgets what was proposed long ago.
    pub fn overhear(&mut self, frame: &Frame) {
        if let Some(Message::Proposal(bundle)) = &frame.message {
            let proposal = &bundle.proposal;
            let height = proposal.height();
            self.proposed
                .retain(|(known, _), _| known.get().saturating_add(4) > height.get());
            let words = (proposal.id(), proposal.valid_round);
            self.proposed.insert((height, proposal.round), words);
        }
        if let Some(Message::Votes(votes)) = &frame.message {
            let for_a_block = |vote: &&Vote| match vote.value {
                VoteValue::Prevote(value) => value.is_some(),
                VoteValue::Precommit(value) => value.is_some(),
            };
            let heard = votes.iter().find(for_a_block);
            self.heard = heard.cloned().or(self.heard.take());
        }
    }

    /// The block that was proposed in a round, with the valid round that was claimed for it.
    #[must_use]
    pub fn proposed(&self, height: Height, round: Round) -> Option<(BlockId, Option<Round>)> {
        self.proposed.get(&(height, round)).copied()
    }

    /// The last vote for a block that was heard.
    #[must_use]
    pub const fn heard_vote(&self) -> Option<&Vote> {
        self.heard.as_ref()
    }

    /// Keeps a liar's prevote for later.
    pub fn hide(&mut self, liar: NodeIndex, place: Place, frame: Frame) {
        self.hidden.insert(liar, (place, frame));
    }

    /// Where a liar hides a prevote.
    #[must_use]
    pub fn hidden(&self, liar: NodeIndex) -> Option<Place> {
        self.hidden.get(&liar).map(|(place, _)| *place)
    }

    /// A liar has come so far: the prevote that it hid in an earlier round of this height, for all to see.
    pub fn reveal(&mut self, liar: NodeIndex, (height, round): Place) -> Vec<Frame> {
        let is_later = |hidden: &(Place, Frame)| hidden.0 < (height, round);
        let Some(((hidden, _), frame)) = self
            .hidden
            .get(&liar)
            .filter(|hidden| is_later(hidden))
            .cloned()
        else {
            return Vec::new();
        };
        self.hidden.remove(&liar);
        if hidden == height {
            vec![frame]
        } else {
            Vec::new()
        }
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
