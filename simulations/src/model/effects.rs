//! What a rule does once it fires: votes, lock, valid value, the next round and its proposal.
//!
//! Invariant: the lock changes in 36 alone; the valid value changes in 36 alone.
//! Source: `docs/spec/consensus.md`, "Rules", right-hand column.

use super::mistake::Mistake;
use super::state::{Cast, Held, Node, State, Step};
use super::words::{Member, Prevote, Proposal, Round, Value, proposer};
use super::{Action, Protocol};

impl Protocol {
    pub(super) fn after(&self, state: &State, action: Action) -> State {
        let mut next = state.clone();
        match action {
            Action::Answer22(member, value) => self.answer_22(next.node_mut(member), value),
            Action::Answer28(member, proposal, polka) => {
                self.answer_28(next.node_mut(member), proposal, polka);
            }
            Action::Polka36(member, polka) => self.take_polka(next.node_mut(member), polka),
            Action::Nil44(member) | Action::Timeout61(member) => {
                next.node_mut(member).precommit(Cast::Nil);
            }
            Action::Decide49(member, _, value) => decide(next.node_mut(member), value),
            Action::Jump55(member, round) => self.enter(&mut next, member, round),
            Action::Timeout57(member) => next.node_mut(member).prevote(Cast::Nil),
            Action::Timeout65(member) => {
                let round = state.node(member).round + 1;
                self.enter(&mut next, member, round);
            }
            Action::Stabilise(round) => self.become_calm(&mut next, round),
            Action::Round(calm) => self.play(&mut next, calm),
        }
        self.order.advance(state, action, &mut next);
        self.forget(&mut next);
        next
    }

    /// 11–21: a proposer proposes its valid value, or else a fresh one.
    fn enter(&self, state: &mut State, member: Member, round: Round) {
        let node = state.node_mut(member);
        (node.round, node.step) = (round, Step::Propose);
        if proposer(round) == member {
            let proposal = self.proposal(state.node(member));
            state.proposals[usize::from(round)] = Some(proposal);
        }
    }

    /// What a correct node proposes in its round.
    pub(super) fn proposal(&self, node: &Node) -> Proposal {
        match node.valid.filter(|_| !self.makes(Mistake::FreshOverValid)) {
            Some(valid) => Proposal {
                value: valid.value,
                valid_round: Some(valid.round),
            },
            None => Proposal {
                value: Value::fresh(node.round),
                valid_round: None,
            },
        }
    }

    fn answer_22(&self, node: &mut Node, value: Value) {
        let fresh = Proposal {
            value,
            valid_round: None,
        };
        node.prevote(self.answer(node, fresh));
    }

    fn answer_28(&self, node: &mut Node, proposal: Proposal, polka: Option<Prevote>) {
        let answer = self.answer(node, proposal);
        if answer != Cast::Nil && !self.forgets {
            let justified = proposal.valid_round.zip(polka);
            node.justified[usize::from(node.round)] = justified;
        }
        node.prevote(answer);
    }

    /// The prevote that 22 or 28 gives to a proposal of a valid value.
    pub(super) fn answer(&self, node: &Node, proposal: Proposal) -> Cast<Prevote> {
        let accepts = match (node.locked, proposal.valid_round) {
            (None, _) => true,
            _ if self.makes(Mistake::LockForgotten) => true,
            (Some(_), None) => false,
            (Some(_), Some(_)) if self.makes(Mistake::LockForEver) => false,
            (Some(lock), Some(valid_round)) => {
                let is_same = lock.value == proposal.value;
                lock.round <= valid_round || is_same && self.makes(Mistake::SameValueDespiteLock)
            }
        };
        if accepts {
            Cast::For(proposal.accepted())
        } else {
            Cast::Nil
        }
    }

    /// 36–43.
    fn take_polka(&self, node: &mut Node, polka: Prevote) {
        let held = Held {
            round: node.round,
            value: polka.value,
        };
        node.valid = Some(held);
        if !self.forgets {
            node.seen[usize::from(node.round)] = Some(polka);
        }
        if node.step == Step::Prevote {
            node.locked = Some(held);
            node.precommit(Cast::For(polka.value));
        }
    }
}

/// 49: lock and valid value are void.
fn decide(node: &mut Node, value: Value) {
    (node.locked, node.valid) = (None, None);
    node.decided = Some(value);
}
