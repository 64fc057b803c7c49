//! The rule table alone: every state that a small case can reach, under every input in every order.

use super::*;
use std::collections::BTreeMap;

const ROUNDS: u32 = 4;

fn block(letter: u8) -> BlockId {
    BlockId::new(crate::hash::sha256(&[letter]))
}

fn outcome(letter: u8) -> OutcomeHash {
    OutcomeHash::new(crate::hash::sha256(&[letter, letter]))
}

/// Every fact that two blocks and four rounds allow at a round. Facts of a round are offered in that round alone, as the driver does.
fn facts(round: Round) -> Vec<Input> {
    use Input::*;
    let mut facts = vec![Work, PrevotesAny, PolkaNil, PrecommitsAny];
    for id in [block(b'a'), block(b'b')] {
        for judgement in [Judgement::Unknown, Judgement::Invalid, Judgement::Valid] {
            facts.push(Proposal { id, judgement });
            facts.extend((0..ROUNDS).map(|valid| ProposalAndPolka {
                id,
                valid_round: Round::new(valid),
                judgement,
            }));
        }
        facts.push(PolkaValue {
            id,
            outcome: outcome(b'a'),
        });
    }
    facts.push(Certificate {
        id: block(b'a'),
        outcome: outcome(b'a'),
    });
    for other in 0..ROUNDS {
        let other = Round::new(other);
        facts.extend([
            HigherRound(other),
            TimeoutPropose(other),
            TimeoutPrevote(other),
        ]);
        if other.get() + 1 < ROUNDS {
            facts.push(TimeoutPrecommit(other));
        }
        let proposer = round.get().is_multiple_of(2);
        facts.push(StartRound {
            round: other,
            proposer,
        });
    }
    facts
}

fn apply(state: &RoundState, fact: Input) -> Option<(RoundState, Vec<Action>)> {
    let mut next = state.clone();
    let actions = next.apply(fact);
    if actions.is_none() {
        assert_eq!(&next, state, "what enables nothing changes nothing");
    }
    let mut actions = actions?;
    if let [Action::Enter(round)] = actions[..] {
        actions = next
            .apply(Input::StartRound {
                round,
                proposer: round.get().is_multiple_of(2),
            })
            .unwrap();
    }
    Some((next, actions))
}

/// What must hold across any one step.
fn judge(before: &RoundState, fact: Input, after: &RoundState, actions: &[Action]) {
    let lock = |state: &RoundState| state.locked().map(|lock| lock.round);
    let valid = |state: &RoundState| state.valid().map(|valid| valid.round);
    assert!(
        after.is_decided() || (lock(after) <= valid(after) && valid(after) <= Some(after.round()))
    );
    assert!(after.round() >= before.round(), "rounds never go back");
    assert!(
        after.round() > before.round() || after.step() >= before.step(),
        "steps never go back"
    );
    let is_36 = matches!(fact, Input::PolkaValue { .. });
    let is_49 = matches!(fact, Input::Certificate { .. });
    assert!(is_36 || is_49 || (before.locked(), before.valid()) == (after.locked(), after.valid()));
    for action in actions {
        match *action {
            Action::Prevote(value) => {
                assert_eq!(
                    (before.step(), after.step()),
                    (Step::Propose, Step::Prevote)
                );
                let keeps = value.is_none_or(|value| {
                    lock(before).is_none_or(|lock| value.valid_round >= Some(lock))
                });
                assert!(keeps, "no prevote of a value against a newer lock");
            }
            Action::Precommit(value) => {
                assert_eq!(
                    (before.step(), after.step()),
                    (Step::Prevote, Step::Precommit)
                );
                let locked = after.locked().map(|lock| PrecommitValue {
                    id: lock.id,
                    outcome: lock.outcome,
                });
                assert!(
                    value.is_none() || value == locked,
                    "what is precommitted is locked"
                );
            }
            Action::Propose(value) => assert_eq!(value, before.valid()),
            Action::Decide(..) => assert!(after.is_decided()),
            Action::StartTimer(_) => {}
            Action::Enter(_) => panic!("entering is applied at once"),
        }
    }
}

// Every reachable state, every fact: the invariants of the file's head, and a decision is final.
#[test]
fn the_table_keeps_its_invariants_in_every_reachable_state() {
    let mut seen: BTreeMap<String, ()> = BTreeMap::new();
    let mut open = vec![RoundState::new()];
    let mut rules = 0_usize;
    while let Some(state) = open.pop() {
        if seen.insert(format!("{state:?}"), ()).is_some() {
            continue;
        }
        for fact in facts(state.round()) {
            if let Some((next, actions)) = apply(&state, fact) {
                assert!(!state.is_decided(), "a decision is final");
                judge(&state, fact, &next, &actions);
                rules += 1;
                open.push(next);
            }
        }
    }
    assert!(
        seen.len() > 1_000 && rules > 9_000,
        "{} states, {rules} steps",
        seen.len()
    );
}

// A restart takes up lock, valid value, round and step, and never waits idly.
#[test]
fn a_resumed_state_goes_on_where_it_was() {
    let lock = Locked {
        round: Round::new(1),
        id: block(b'a'),
        outcome: outcome(b'a'),
    };
    let state = RoundState::resumed(Round::new(3), Step::Prevote, false, Some(lock));
    assert_eq!(
        (state.round(), state.step(), state.locked()),
        (Round::new(3), Step::Prevote, Some(lock))
    );
    assert_eq!(
        state.valid(),
        Some(ValidValue {
            round: lock.round,
            id: lock.id
        })
    );
    assert!(state.has_begun() && !state.has_value());
    assert!(RoundState::resumed(Round::new(1), Step::Precommit, false, Some(lock)).has_value());
}
