//! What correct validators have said and what they hold: all that a rule or a property reads.
//!
//! Invariant: a correct node has at most one prevote and one precommit a round; a second is a panic, so double votes cannot hide.
//! Places of faulty validators stay as they were at the start.
//! Source: `docs/spec/consensus.md`, "Rules".

use std::collections::BTreeSet;

use super::order::Stage;
use super::words::{
    MEMBERS, Member, Members, Prevote, Proposal, ROUNDS_MAX, Round, Value, proposer,
};

/// Where in a round a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Waiting for the proposal.
    Propose,
    /// It prevoted.
    Prevote,
    /// It precommitted.
    Precommit,
}

/// A vote: none yet, nil, or for something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cast<T> {
    /// None yet.
    #[default]
    Not,
    /// Nil.
    Nil,
    /// For this.
    For(T),
}

impl<T: Copy> Cast<T> {
    /// What it is for.
    #[must_use]
    pub const fn value(self) -> Option<T> {
        match self {
            Self::Not | Self::Nil => None,
            Self::For(value) => Some(value),
        }
    }

    /// Whether there is one, nil or not.
    #[must_use]
    pub const fn is_cast(self) -> bool {
        !matches!(self, Self::Not)
    }
}

/// A value with the round of its polka: a lock, or a valid value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Held {
    /// Round of the polka.
    pub round: Round,
    /// The value.
    pub value: Value,
}

/// One correct validator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// Paper: round.
    pub round: Round,
    /// Paper: step.
    pub step: Step,
    /// Paper: lockedRound, lockedValue.
    pub locked: Option<Held>,
    /// Paper: validRound, validValue.
    pub valid: Option<Held>,
    /// By round.
    pub prevotes: [Cast<Prevote>; ROUNDS_MAX],
    /// By round.
    pub precommits: [Cast<Value>; ROUNDS_MAX],
    /// The polka of the round that fired rule 36, by round; kept where culprits are looked for.
    pub seen: [Option<Prevote>; ROUNDS_MAX],
    /// The earlier polka that came with the re-proposal it accepted (28), by round of its prevote; kept as `seen`.
    pub justified: [Option<(Round, Prevote)>; ROUNDS_MAX],
    /// Rule 49.
    pub decided: Option<Value>,
}

impl Node {
    const fn opened() -> Self {
        Self {
            round: 0,
            step: Step::Propose,
            locked: None,
            valid: None,
            prevotes: [Cast::Not; ROUNDS_MAX],
            precommits: [Cast::Not; ROUNDS_MAX],
            seen: [None; ROUNDS_MAX],
            justified: [None; ROUNDS_MAX],
            decided: None,
        }
    }

    pub(super) fn prevote(&mut self, vote: Cast<Prevote>) {
        cast(&mut self.prevotes, self.round, vote);
        self.step = Step::Prevote;
    }

    pub(super) fn precommit(&mut self, vote: Cast<Value>) {
        cast(&mut self.precommits, self.round, vote);
        self.step = Step::Precommit;
    }
}

fn cast<T: Copy>(votes: &mut [Cast<T>; ROUNDS_MAX], round: Round, vote: Cast<T>) {
    let slot = &mut votes[usize::from(round)];
    assert!(!slot.is_cast(), "a correct validator votes once a round");
    *slot = vote;
}

/// The synchronous end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Calm {
    /// Rounds since the network became synchronous.
    pub rounds: u8,
    /// Whether all correct nodes decided.
    pub decided: bool,
}

/// A moment of the whole network.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// Who may have said anything.
    pub faulty: Members,
    /// By index.
    pub nodes: [Node; MEMBERS as usize],
    /// What correct proposers proposed, by round.
    pub proposals: [Option<Proposal>; ROUNDS_MAX],
    /// Polkas of rounds whose prevotes are forgotten.
    pub polkas: BTreeSet<(Round, Prevote)>,
    /// How far an ordered exploration is.
    pub stage: Stage,
    /// Set once the network is synchronous.
    pub calm: Option<Calm>,
}

impl State {
    /// All in round 0; a correct first proposer has proposed.
    pub(super) fn opened(faulty: Members) -> Self {
        let mut state = Self {
            faulty,
            nodes: [Node::opened(); MEMBERS as usize],
            proposals: [None; ROUNDS_MAX],
            polkas: BTreeSet::new(),
            stage: Stage::default(),
            calm: None,
        };
        if !faulty.contains(proposer(0)) {
            state.proposals[0] = Some(Proposal {
                value: Value::fresh(0),
                valid_round: None,
            });
        }
        state
    }

    /// Who keeps the rules.
    #[must_use]
    pub const fn correct(&self) -> Members {
        self.faulty.others()
    }

    /// A correct node.
    #[must_use]
    pub fn node(&self, member: Member) -> &Node {
        &self.nodes[usize::from(member)]
    }

    pub(super) fn node_mut(&mut self, member: Member) -> &mut Node {
        &mut self.nodes[usize::from(member)]
    }

    /// Correct nodes with their index.
    pub fn correct_nodes(&self) -> impl Iterator<Item = (Member, &Node)> {
        self.correct()
            .iter()
            .map(|member| (member, self.node(member)))
    }
}
