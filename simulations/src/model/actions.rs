//! The rule table: which rules of a node are enabled by what it can have received.
//!
//! One function a line of the table. 34 and 47 start timers, which run out at any later time: they are the guards of 61 and 65.
//! The idle wait before round 0 ends at any time too and has no action.
//! Source: `docs/spec/consensus.md`, "Rules"; numbers are lines of the paper.

use super::Protocol;
use super::mistake::Mistake;
use super::state::{Cast, Node, State, Step};
use super::words::{Member, Members, Prevote, Proposal, Round, Value, proposer};

/// One rule fired by one node, or a step of the synchronous network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// 22: the node answers a fresh proposal of its round.
    Answer22(Member, Value),
    /// 28: the node answers a re-proposal; the polka is the one of the valid round that came with it.
    Answer28(Member, Proposal, Option<Prevote>),
    /// 36: a polka of its round, whose value is valid and executed.
    Polka36(Member, Prevote),
    /// 44: nil prevotes.
    Nil44(Member),
    /// 49: a commit certificate of a round.
    Decide49(Member, Round, Value),
    /// 55: votes of a later round.
    Jump55(Member, Round),
    /// 57: the propose timer.
    Timeout57(Member),
    /// 34 and 61: the prevote timer.
    Timeout61(Member),
    /// 47 and 65: the precommit timer.
    Timeout65(Member),
    /// The network is synchronous from now on, and all correct nodes enter this round.
    Stabilise(Round),
    /// A whole synchronous round.
    Round(CalmRound),
}

/// What the faulty validators make of a synchronous round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CalmRound {
    /// The polka that they complete, if any.
    pub polka: Option<Prevote>,
    /// To whom it comes before the prevote timer.
    pub lockers: Members,
    /// To whom it comes before the end of the round, these included.
    pub seers: Members,
}

impl Protocol {
    pub(super) fn enabled(&self, state: &State) -> Vec<Action> {
        if let Some(calm) = state.calm {
            return self.calm_rounds(state, calm);
        }
        let mut actions = Vec::new();
        for (member, node) in state.correct_nodes() {
            if node.decided.is_none() {
                self.of_node(state, member, node, &mut actions);
            }
        }
        actions.retain(|action| self.order.admits(state, *action));
        actions.extend(self.stabilise(state));
        actions
    }

    fn of_node(&self, state: &State, member: Member, node: &Node, actions: &mut Vec<Action>) {
        match node.step {
            Step::Propose => {
                actions.push(Action::Timeout57(member));
                self.line_22(state, member, node, actions);
                self.line_28(state, member, node, actions);
            }
            Step::Prevote => {
                self.line_44(state, member, node, actions);
                self.line_61(state, member, node, actions);
                self.line_36(state, member, node, actions);
            }
            Step::Precommit => self.line_36(state, member, node, actions),
        }
        self.line_65(state, member, node, actions);
        self.line_55(state, member, node, actions);
        if self.decides {
            self.line_49(state, member, actions);
        }
    }

    /// Fresh proposals with a header of this round.
    fn line_22(&self, state: &State, member: Member, node: &Node, actions: &mut Vec<Action>) {
        let fresh = self.fresh(state, node.round);
        actions.extend(fresh.map(|value| Action::Answer22(member, value)));
    }

    /// What a proposer of the round may have proposed: a correct one what it did, a faulty one this or that.
    /// Nothing tells its two values apart, so the one that is answered first is called `a`.
    fn fresh(&self, state: &State, round: Round) -> impl Iterator<Item = Value> + use<> {
        let is_faulty = state.faulty.contains(proposer(round));
        let proposed = state.proposals[usize::from(round)].filter(|_| !is_faulty);
        let proposed = proposed.filter(|proposal| proposal.valid_round.is_none());
        let [a, b] = ['a', 'b'].map(|letter| Value { round, letter });
        let answered = Cast::For(Prevote {
            value: a,
            valid_round: None,
        });
        let is_known = is_faulty && !self.tally(state).prevoters(round, answered).is_empty();
        let faulty = is_faulty
            .then_some(a)
            .into_iter()
            .chain(is_known.then_some(b));
        faulty.chain(proposed.map(|proposal| proposal.value))
    }

    /// Re-proposals of values with a header of the valid round or before, together with a polka of that round.
    fn line_28(&self, state: &State, member: Member, node: &Node, actions: &mut Vec<Action>) {
        if state.faulty.contains(proposer(node.round)) {
            let again = self.proposable_again(state, node.round);
            actions
                .extend(again.map(|(proposal, polka)| Action::Answer28(member, proposal, polka)));
        } else if let Some(proposal) = state.proposals[usize::from(node.round)]
            && let Some(valid_round) = proposal.valid_round
        {
            let polkas = self.tally(state).polkas(valid_round).into_iter();
            let of_value = polkas.filter(|polka| polka.value == proposal.value);
            let answers = of_value.map(|polka| Action::Answer28(member, proposal, Some(polka)));
            actions.extend(self.one_of_a_kind(answers));
        }
    }

    /// Everything that a faulty proposer of a round could propose again.
    pub(super) fn proposable_again(
        &self,
        state: &State,
        round: Round,
    ) -> impl Iterator<Item = (Proposal, Option<Prevote>)> {
        let tally = self.tally(state);
        let again = (0..round).flat_map(move |valid_round| {
            let polkas = tally.polkas(valid_round).into_iter();
            let sound = polkas.filter(move |polka| polka.value.round <= valid_round);
            sound.map(move |polka| (again(polka.value, valid_round), Some(polka)))
        });
        let mut all: Vec<_> = again.collect();
        if self.makes(Mistake::PolkaNotAsked) {
            all.extend(without_polka(state, round));
        }
        all.into_iter()
    }

    /// Where nobody asks which of several polkas came with a proposal, one stands for all.
    fn one_of_a_kind<T>(&self, answers: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
        let most = if self.forgets { 1 } else { usize::MAX };
        answers.take(most)
    }

    /// A polka of the round, once a round.
    fn line_36(&self, state: &State, member: Member, node: &Node, actions: &mut Vec<Action>) {
        if node.valid.is_none_or(|valid| valid.round < node.round) {
            let polkas = self.tally(state).polkas(node.round).into_iter();
            actions.extend(polkas.map(|polka| Action::Polka36(member, polka)));
        }
    }

    fn line_44(&self, state: &State, member: Member, node: &Node, actions: &mut Vec<Action>) {
        if self.tally(state).has_nil_polka(node.round) {
            actions.push(Action::Nil44(member));
        }
    }

    /// 34 with it: prevotes of a quorum started the timer.
    fn line_61(&self, state: &State, member: Member, node: &Node, actions: &mut Vec<Action>) {
        if self.tally(state).has_prevotes(node.round) {
            actions.push(Action::Timeout61(member));
        }
    }

    /// 47 with it: precommits of a quorum started the timer.
    fn line_65(&self, state: &State, member: Member, node: &Node, actions: &mut Vec<Action>) {
        let has_next = node.round + 1 < self.rounds;
        if has_next && self.tally(state).has_precommits(node.round) {
            actions.push(Action::Timeout65(member));
        }
    }

    fn line_55(&self, state: &State, member: Member, node: &Node, actions: &mut Vec<Action>) {
        let above = node.round + 1..self.rounds;
        let hinted = above.filter(|round| self.tally(state).has_hint(*round));
        actions.extend(hinted.map(|round| Action::Jump55(member, round)));
    }

    fn line_49(&self, state: &State, member: Member, actions: &mut Vec<Action>) {
        let certificates = self.tally(state).certificates().into_iter();
        actions.extend(certificates.map(|(round, value)| Action::Decide49(member, round, value)));
    }
}

const fn again(value: Value, valid_round: Round) -> Proposal {
    Proposal {
        value,
        valid_round: Some(valid_round),
    }
}

/// Re-proposals whose polka nobody asks for, of any value with a header that fits.
fn without_polka(state: &State, round: Round) -> impl Iterator<Item = (Proposal, Option<Prevote>)> {
    let faulty = state.faulty;
    let rounds = (0..round).flat_map(|valid| (0..=valid).map(move |header| (valid, header)));
    rounds.flat_map(move |(valid_round, header)| {
        let letters = if faulty.contains(proposer(header)) {
            "ab"
        } else {
            "a"
        };
        letters.chars().map(move |letter| {
            let value = Value {
                round: header,
                letter,
            };
            (again(value, valid_round), None)
        })
    })
}
