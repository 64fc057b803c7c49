//! Which orders of the same events are told apart, and which votes are forgotten.
//!
//! *In lockstep*: a round at a time, all correct nodes enter it, then all prevote, then all precommit, each in order of index.
//! Nothing is lost by it, for two reasons.
//! First, rounds are closed in communication: a rule reads messages of its round and of earlier ones alone, and inside a round prevotes
//! read proposals and earlier rounds, precommits read prevotes. Of two neighbouring events of different nodes in the wrong order
//! neither reads the other, and swapping them ends in the same state (Elrad and Francez, 1982).
//! Second, silence gives nothing: a node that stays behind or does not vote can be replaced by one that enters, prevotes nil and
//! precommits nil, which 57, 61 and 65 allow it, and which adds messages, takes none away, and changes no lock and no valid value.
//! So 55 has no work here, and 49 none either: a decision takes away nothing that others could use, so agreement is judged by the
//! certificates that can be put together.
//! *Forgetting*: once a round is closed its prevotes are read through its polkas alone, and its nil precommits not at all.
//! That both lose nothing is also seen, against every order, in `simulations/tests/model/reductions.rs`.

use super::state::{Cast, State, Step};
use super::words::{Member, Round};
use super::{Action, Protocol};

/// Which orders are explored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// Every one.
    Any,
    /// One of those that end alike.
    Lockstep,
}

/// What all correct nodes do before any goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Phase {
    Enter,
    #[default]
    Prevote,
    Precommit,
}

/// Who acts next in lockstep, if it has not acted yet: those before it have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stage {
    round: Round,
    phase: Phase,
    member: Member,
}

impl Order {
    /// Whether an event may come now.
    pub(super) fn admits(self, state: &State, action: Action) -> bool {
        let Some(stage) = stage(state, action).filter(|_| self == Self::Lockstep) else {
            return self == Self::Any;
        };
        stage >= state.stage
            && state
                .correct()
                .iter()
                .all(|member| has_passed(state, member, stage))
    }

    /// Whether the network may become synchronous here: between rounds, when that is as good as anywhere.
    pub(super) fn admits_calm(self, state: &State) -> bool {
        let mut nodes = state.correct_nodes();
        let round = nodes.next().map(|(_, node)| node.round);
        self == Self::Any
            || nodes.all(|(_, node)| Some(node.round) == round)
                && state
                    .correct_nodes()
                    .all(|(_, node)| node.step == Step::Precommit)
    }

    /// Goes on to the place of an event that has happened.
    pub(super) fn advance(self, before: &State, action: Action, after: &mut State) {
        if let Some(stage) = stage(before, action).filter(|_| self == Self::Lockstep) {
            after.stage = after.stage.max(stage);
        }
    }
}

/// The place of an event; jumps and decisions have none.
fn stage(state: &State, action: Action) -> Option<Stage> {
    let (member, phase) = match action {
        Action::Timeout65(member) => (member, Phase::Enter),
        Action::Answer22(member, _) | Action::Answer28(member, ..) | Action::Timeout57(member) => {
            (member, Phase::Prevote)
        }
        Action::Polka36(member, _) | Action::Nil44(member) | Action::Timeout61(member) => {
            (member, Phase::Precommit)
        }
        Action::Jump55(..) | Action::Decide49(..) | Action::Stabilise(_) | Action::Round(_) => {
            return None;
        }
    };
    let round = state.node(member).round + Round::from(phase == Phase::Enter);
    Some(Stage {
        round,
        phase,
        member,
    })
}

/// Whether a node has done all that comes before a place.
fn has_passed(state: &State, member: Member, stage: Stage) -> bool {
    let node = state.node(member);
    let is_before = member < stage.member;
    let (round, step) = match (stage.phase, is_before) {
        (Phase::Enter, true) | (Phase::Prevote, false) => (stage.round, Step::Propose),
        (Phase::Enter, false) => (stage.round - 1, Step::Precommit),
        (Phase::Prevote, true) | (Phase::Precommit, false) => (stage.round, Step::Prevote),
        (Phase::Precommit, true) => (stage.round, Step::Precommit),
    };
    (node.round, node.step) >= (round, step)
}

impl Protocol {
    /// Drops what nothing can read any more once all are in a later round.
    pub(super) fn forget(&self, state: &mut State) {
        let rounds = state.correct_nodes().map(|(_, node)| node.round);
        let lowest = rounds.min().unwrap_or_default();
        if self.forgets && lowest > 0 && state.calm.is_none() {
            forget(self, state, lowest - 1);
        }
    }
}

fn forget(protocol: &Protocol, state: &mut State, closed: Round) {
    let polkas = protocol.tally(state).polkas(closed);
    state
        .polkas
        .extend(polkas.into_iter().map(|polka| (closed, polka)));
    let at = usize::from(closed);
    state.proposals[at] = None;
    for node in &mut state.nodes {
        node.prevotes[at] = Cast::Not;
        if node.precommits[at] == Cast::Nil {
            node.precommits[at] = Cast::Not;
        }
    }
}
