//! The network becomes synchronous: from then on a message that a correct node has reaches all before their timers run out.
//!
//! What is assumed of a synchronous round, and no more. All correct nodes enter it together. What a correct proposer proposes, with the
//! polka of its valid round, reaches all in time, and so do their votes. A faulty proposer shows what it likes to whom it likes.
//! Faulty validators vote last: they may complete a polka, bring it to some before their prevote timer, to others before the round
//! ends, or to nobody yet. A node that locks pushes its polka, so it reaches all before the round ends ("Relaying").
//! What was hidden from a node before stays hidden from it: a polka of an earlier round comes only with a re-proposal.
//! Votes of these rounds are not kept; a node's rules are those of every other round.

use std::collections::BTreeSet;

use super::actions::CalmRound;
use super::state::{Calm, Cast, Held, Node, State, Step};
use super::words::{MEMBERS, Members, Prevote, Proposal, ROUNDS_MAX, Round, Value, proposer};
use super::{Action, Protocol};

impl Protocol {
    /// At any moment without a decision, and after any number of rounds in which nothing happened, so that any turn comes first.
    pub(super) fn stabilise(&self, state: &State) -> Vec<Action> {
        let may = self.synchrony && self.order.admits_calm(state);
        if !may || !self.tally(state).certificates().is_empty() {
            return Vec::new();
        }
        let entered = state.correct_nodes().map(|(_, node)| node.round).max();
        let first = entered.map_or(0, |round| round + 1);
        (first..first + MEMBERS).map(Action::Stabilise).collect()
    }

    pub(super) fn become_calm(&self, state: &mut State, round: Round) {
        let tally = self.tally(state);
        let polkas: BTreeSet<_> = (0..round)
            .flat_map(|of| known(of, &tally.polkas(of)))
            .collect();
        state.polkas = polkas;
        state.proposals = [None; ROUNDS_MAX];
        state.calm = Some(Calm {
            rounds: 0,
            decided: false,
        });
        for member in state.correct().iter() {
            let node = state.node_mut(member);
            *node = Node {
                round,
                step: Step::Propose,
                prevotes: [Cast::Not; ROUNDS_MAX],
                precommits: [Cast::Not; ROUNDS_MAX],
                ..*node
            };
        }
    }

    /// Every way in which the faulty can spoil the next round, until every validator has had a turn.
    pub(super) fn calm_rounds(&self, state: &State, calm: Calm) -> Vec<Action> {
        if calm.decided || calm.rounds == MEMBERS {
            return Vec::new();
        }
        let mut rounds = BTreeSet::new();
        let mut may_fail = true;
        for (proposal, is_correct) in self.calm_proposals(state) {
            let prevoters = self.accepting(state, proposal);
            if is_correct && self.is_quorum(prevoters.len()) {
                may_fail = false;
                rounds.insert(CalmRound {
                    polka: Some(proposal.accepted()),
                    lockers: state.correct(),
                    seers: state.correct(),
                });
            } else if self.tally(state).reaches_quorum(prevoters) {
                rounds.extend(spoilt(state.correct(), proposal.accepted()));
            }
        }
        if may_fail {
            rounds.insert(CalmRound {
                polka: None,
                lockers: Members::default(),
                seers: Members::default(),
            });
        }
        rounds.into_iter().map(Action::Round).collect()
    }

    /// What may be proposed in the round, and whether everybody gets it.
    fn calm_proposals(&self, state: &State) -> Vec<(Proposal, bool)> {
        let round = calm_round(state);
        let turn = proposer(round);
        if !state.faulty.contains(turn) {
            return vec![(self.proposal(state.node(turn)), true)];
        }
        let fresh = Proposal {
            value: Value::fresh(round),
            valid_round: None,
        };
        let again = self.proposable_again(state, round);
        let mut proposals: Vec<_> = again.map(|(proposal, _)| (proposal, false)).collect();
        proposals.push((fresh, false));
        proposals
    }

    fn accepting(&self, state: &State, proposal: Proposal) -> Members {
        let correct = state.correct_nodes();
        let accepting = correct.filter(|(_, node)| self.answer(node, proposal) != Cast::Nil);
        accepting.map(|(member, _)| member).collect()
    }

    pub(super) fn play(&self, state: &mut State, calm: CalmRound) {
        let round = calm_round(state);
        if let Some(polka) = calm.polka {
            state.polkas.extend(known(round, &BTreeSet::from([polka])));
            let held = Some(Held {
                round,
                value: polka.value,
            });
            for member in calm.seers.iter() {
                state.node_mut(member).valid = held;
            }
            for member in calm.lockers.iter() {
                state.node_mut(member).locked = held;
            }
        }
        for member in state.correct().iter() {
            state.node_mut(member).round = round + 1;
        }
        let decided = self.is_quorum(calm.lockers.len());
        state.calm = state.calm.map(|before| Calm {
            rounds: before.rounds + 1,
            decided,
        });
    }
}

/// A polka that only faulty votes complete: some lock it and push it to all, or nobody locks and some or none see it.
fn spoilt(correct: Members, polka: Prevote) -> impl Iterator<Item = CalmRound> {
    correct.subsets().flat_map(move |part| {
        let locked = (!part.is_empty()).then_some(CalmRound {
            polka: Some(polka),
            lockers: part,
            seers: correct,
        });
        let seen = CalmRound {
            polka: Some(polka),
            lockers: Members::default(),
            seers: part,
        };
        locked.into_iter().chain([seen])
    })
}

/// The round that all correct nodes are in.
fn calm_round(state: &State) -> Round {
    let rounds = state.correct_nodes().map(|(_, node)| node.round);
    rounds.max().unwrap_or_default()
}

/// Polkas by round and value: what 28 asks for.
fn known(
    round: Round,
    polkas: &BTreeSet<Prevote>,
) -> impl Iterator<Item = (Round, Prevote)> + use<> {
    let values: Vec<Value> = polkas.iter().map(|polka| polka.value).collect();
    values.into_iter().map(move |value| {
        let polka = Prevote {
            value,
            valid_round: None,
        };
        (round, polka)
    })
}
