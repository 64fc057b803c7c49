//! Runs of the model on the shipped engine: after each rule the engine has asked for the same statements and stands at the same place.
//!
//! Compared: every statement that is to be signed, round, step, lock, valid value, decision; and that evidence names faulty ones alone.

use std::collections::BTreeSet;
use std::rc::Rc;

use falaj_consensus::message::Statement;
use falaj_consensus::round::Step as EngineStep;
use falaj_simulations::chance::{Chance, Draws, Site};
use falaj_simulations::model::{
    Action, CORNERS, Held, Member, Members, Mistake, Order, Protocol, State, Step,
};
use stateright::{Checker, Model, PathRecorder};

use crate::deliveries::deliver;
use crate::next;
use crate::replica::{Chain, Replica, round};

const WALK: Site = Site::new("model/walk");
const SEED: u64 = 0;
const WALKS: usize = 1_000;
/// 22, 28, 36, 44, 49, 55, 57, 61, 65.
const RULES: usize = 9;

/// One engine for each correct validator beside a state of the model.
struct Replay {
    protocol: Protocol,
    chain: Rc<Chain>,
    state: State,
    replicas: Vec<Replica>,
}

impl Replay {
    fn new(protocol: &Protocol, chain: &Rc<Chain>, state: State) -> Self {
        let members = Members::all().iter();
        let replicas = members.map(|member| Replica::new(chain, member)).collect();
        let mut replay = Self {
            protocol: protocol.clone(),
            chain: Rc::clone(chain),
            state,
            replicas,
        };
        for member in replay.state.correct().iter() {
            let proposed = replay.state.proposals[0].filter(|_| member == 0);
            let expected: Vec<_> = proposed
                .map(|proposal| replay.chain.proposal(0, proposal))
                .into_iter()
                .collect();
            assert_eq!(replay.replica(member).take_asked(), expected);
        }
        replay
    }

    fn replica(&mut self, member: Member) -> &mut Replica {
        &mut self.replicas[usize::from(member)]
    }

    /// The model takes the action, and the engine has to.
    fn step(&mut self, action: Action) {
        let member = actor(action);
        let after = next(&self.protocol, &self.state, action);
        let tally = self.protocol.tally(&self.state);
        let replica = &mut self.replicas[usize::from(member)];
        deliver(&self.chain, tally, &self.state, action, replica);
        let said = said(&self.chain, &self.state, &after, member);
        self.state = after;
        assert_eq!(self.replica(member).take_asked(), said, "{action:?}");
        self.compare(member, action);
    }

    fn compare(&mut self, member: Member, action: Action) {
        let chain = Rc::clone(&self.chain);
        let node = *self.state.node(member);
        let status = self.replica(member).status();
        let held = |held: Held| (round(held.round), chain.id(held.value));
        let locked = status.locked.map(|lock| (lock.round, lock.id));
        let valid = status.valid.map(|valid| (valid.round, valid.id));
        assert_eq!(locked, node.locked.map(held), "lock after {action:?}");
        assert_eq!(valid, node.valid.map(held), "valid value after {action:?}");
        let decided = status.decided.map(|(id, _)| id);
        assert_eq!(decided, node.decided.map(|value| chain.id(value)));
        if decided.is_none() {
            assert_eq!(
                (status.round, status.step),
                (round(node.round), step(node.step))
            );
        }
        let named = self.replica(member).named;
        assert!(
            named.iter().all(|named| self.state.faulty.contains(named)),
            "{named:?}"
        );
    }
}

/// What the action had the node say.
fn said(chain: &Chain, before: &State, after: &State, member: Member) -> Vec<Statement> {
    let (was, is) = (before.node(member), after.node(member));
    let mut said = Vec::new();
    for at in 0..after.proposals.len() {
        let number = u8::try_from(at).expect("a few rounds");
        if before.proposals[at] != after.proposals[at] {
            said.extend(after.proposals[at].map(|proposal| chain.proposal(number, proposal)));
        }
        if was.prevotes[at] != is.prevotes[at] {
            said.push(chain.prevote(number, is.prevotes[at]));
        }
        if was.precommits[at] != is.precommits[at] {
            said.push(chain.precommit(number, is.precommits[at]));
        }
    }
    said
}

fn actor(action: Action) -> Member {
    match action {
        Action::Answer22(member, _)
        | Action::Answer28(member, ..)
        | Action::Polka36(member, _)
        | Action::Nil44(member)
        | Action::Decide49(member, ..)
        | Action::Jump55(member, _)
        | Action::Timeout57(member)
        | Action::Timeout61(member)
        | Action::Timeout65(member) => member,
        Action::Stabilise(_) | Action::Round(_) => panic!("{action:?} is no rule"),
    }
}

const fn step(step: Step) -> EngineStep {
    match step {
        Step::Propose => EngineStep::Propose,
        Step::Prevote => EngineStep::Prevote,
        Step::Precommit => EngineStep::Precommit,
    }
}

/// Every order of everything, decisions included.
fn every_order(rounds: u8) -> Protocol {
    Protocol {
        order: Order::Any,
        forgets: false,
        decides: true,
        synchrony: false,
        ..Protocol::tolerated(rounds)
    }
}

/// Goal: the engine follows the model to every state that one round has, in whatever order it came about.
#[test]
fn every_state_of_one_round_is_reached_by_the_engine() {
    let (protocol, chain) = (every_order(1), Rc::new(Chain::new()));
    let (recorder, paths) = PathRecorder::new_with_accessor();
    let checker = protocol
        .clone()
        .checker()
        .visitor(recorder)
        .spawn_dfs()
        .join();
    let paths = paths();
    assert_eq!(paths.len(), checker.unique_state_count());
    for path in paths {
        let start = path.clone().into_states().swap_remove(0);
        let mut replay = Replay::new(&protocol, &chain, start);
        for action in path.into_actions() {
            replay.step(action);
        }
    }
}

/// Goal: whatever the model does in a random order over three rounds, the engine does; the walks come to every rule and every corner:
/// decisions, re-proposals, a hidden lock, a valid value without its lock, unlocking by a newer polka, a lock on another value.
#[test]
fn random_walks_over_three_rounds_are_walked_by_the_engine() {
    let protocol = every_order(3);
    let (mut rules, mut corners) = (BTreeSet::new(), BTreeSet::<&str>::new());
    walk(&protocol, |action, state| {
        rules.insert(rule(action));
        let reached = CORNERS.iter();
        corners.extend(reached.filter(|corner| holds(&protocol, state, corner)));
    });
    assert_eq!(rules.len(), RULES, "{rules:?}");
    assert_eq!(corners.len(), CORNERS.len(), "{corners:?}");
}

/// Goal: the comparison can fail: a model that forgets its locks says what no engine says.
#[test]
#[should_panic(expected = "left == right")]
fn a_model_that_forgets_its_locks_parts_from_the_engine() {
    walk(&every_order(3).with(Mistake::LockForgotten), |_, _| ());
}

/// Random runs on model and engine; tells each action and the state that it led to.
fn walk(protocol: &Protocol, mut tell: impl FnMut(Action, &State)) {
    let chain = Rc::new(Chain::new());
    for walk in 0..WALKS {
        let starts = protocol.init_states();
        let start = starts.into_iter().cycle().nth(walk);
        let mut replay = Replay::new(protocol, &chain, start.expect("there are starts"));
        let place = u64::try_from(walk).expect("a count fits");
        let mut draws = Chance::new(SEED).draws(WALK, place);
        while let Some(action) = any(protocol, &replay.state, &mut draws) {
            replay.step(action);
            tell(action, &replay.state);
        }
    }
}

/// One of the enabled actions.
fn any(protocol: &Protocol, state: &State, draws: &mut Draws) -> Option<Action> {
    let mut enabled = Vec::new();
    protocol.actions(state, &mut enabled);
    let count = u64::try_from(enabled.len()).expect("a count fits");
    let chosen = draws.next().word(0).below(count);
    enabled
        .get(usize::try_from(chosen).expect("below a length"))
        .copied()
}

fn holds(protocol: &Protocol, state: &State, corner: &'static str) -> bool {
    (protocol.property(corner).condition)(protocol, state)
}

/// The name of the rule.
fn rule(action: Action) -> String {
    let name = format!("{action:?}");
    name.split('(').next().unwrap_or_default().to_owned()
}
