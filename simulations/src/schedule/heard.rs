//! Which votes for blocks reach whom when, and who has precommitted what.
//!
//! Shape: all powers are one, so a quorum is more than two thirds of the validators; heights near the newest alone are kept.

use std::collections::{BTreeMap, BTreeSet};

use falaj_consensus::message::{Kind, Vote};
use falaj_consensus::types::{BlockId, Height, Round, ValidatorIndex};

use crate::types::{NodeIndex, SimTime};

/// What comes within this counts as there.
const AT_ONCE_NS: u64 = 5_000_000;
/// Heights that are remembered below the newest that anybody is at, and that are listened to above it.
const HEIGHTS_KEPT: u64 = 3;

/// The votes of a kind and a round at their recipient, or the timer that waits for them.
pub(super) type At = (Height, NodeIndex, Round, Kind);

/// Which votes there are, and from when on.
type Votes = BTreeMap<ValidatorIndex, (BlockId, SimTime)>;

/// Who has precommitted a block in a round, and who nil.
#[derive(Debug, Default)]
struct Precommits {
    block: BTreeSet<NodeIndex>,
    nil: BTreeSet<NodeIndex>,
}

/// What reaches whom.
#[derive(Debug)]
pub(super) struct Heard {
    validators: u16,
    newest: Height,
    votes: BTreeMap<At, Votes>,
    precommits: BTreeMap<(Height, Round), Precommits>,
}

impl Heard {
    pub(super) const fn new(validators: u16) -> Self {
        Self {
            validators,
            newest: Height::new(0),
            votes: BTreeMap::new(),
            precommits: BTreeMap::new(),
        }
    }

    /// Somebody is at this height: what is long below it is forgotten.
    pub(super) fn reached(&mut self, height: Height) {
        if height > self.newest {
            self.newest = height;
            let oldest = self.oldest();
            self.votes = self.votes.split_off(&oldest);
            self.precommits = self.precommits.split_off(&(oldest.0, oldest.2));
        }
    }

    /// Where what is kept begins.
    pub(super) fn oldest(&self) -> At {
        let oldest = Height::new(self.newest.get().saturating_sub(HEIGHTS_KEPT));
        (oldest, NodeIndex::new(0), Round::new(0), Kind::Proposal)
    }

    /// A vote reaches a node then.
    pub(super) fn hear(&mut self, node: NodeIndex, vote: &Vote, at: SimTime) {
        let statement = vote.statement();
        let Some(block) = statement.block().filter(|_| self.is_near(vote.height)) else {
            return;
        };
        let place = (vote.height, node, vote.round, statement.kind());
        let votes = self.votes.entry(place).or_default();
        let first = votes.entry(vote.validator).or_insert((block, at));
        first.1 = first.1.min(at);
    }

    /// A node says a vote of its own. Whether by that one node alone has locked in a round in which a quorum precommitted nil.
    pub(super) fn said(&mut self, node: NodeIndex, vote: &Vote, now: SimTime) -> bool {
        self.hear(node, vote, now);
        let statement = vote.statement();
        if statement.kind() != Kind::Precommit || !self.is_near(vote.height) {
            return false;
        }
        let said = self
            .precommits
            .entry((vote.height, vote.round))
            .or_default();
        let is_new = if statement.block().is_some() {
            said.block.insert(node)
        } else {
            said.nil.insert(node)
        };
        let (locked, nil) = (said.block.len(), said.nil.len());
        is_new && locked == 1 && self.is_quorum(nil)
    }

    /// Whether a vote for a block, with those that travel with it, gives its recipient a quorum that it would not soon have.
    pub(super) fn completes(
        &self,
        now: SimTime,
        to: NodeIndex,
        vote: &Vote,
        beside: &[Vote],
    ) -> bool {
        let statement = vote.statement();
        let Some(block) = statement.block() else {
            return false;
        };
        let place = (vote.height, to, vote.round, statement.kind());
        let soon = now.after_ns(AT_ONCE_NS);
        let votes = self.votes.get(&place).into_iter().flatten();
        let mut voters: BTreeSet<_> = votes
            .filter(|(_, (id, at))| *id == block && *at <= soon)
            .map(|(voter, _)| *voter)
            .collect();
        let has_one = self.is_quorum(voters.len());
        let alike = beside.iter().filter(|other| {
            let there = (other.height, to, other.round, other.statement().kind());
            there == place && other.statement().block() == Some(block)
        });
        voters.extend(alike.map(|other| other.validator));
        !has_one && self.is_quorum(voters.len())
    }

    fn is_near(&self, height: Height) -> bool {
        let newest = self.newest.get();
        height >= self.oldest().0 && height.get() <= newest.saturating_add(HEIGHTS_KEPT)
    }

    fn is_quorum(&self, voters: usize) -> bool {
        3 * voters > 2 * usize::from(self.validators)
    }
}
