//! A state: instances, what is on its way, and how many timers may still run out early.
//!
//! Invariant: what can happen next, and in which order it is tried, is a function of the state alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use falaj_consensus::engine::{Input, TimerId, TimerKind};
use falaj_consensus::types::{BlockId, Round, ValidatorIndex};

use super::digest::{Digest, Feed, digest_of};
use super::{Case, Cast, liar};
use crate::exhaustive::{
    Act, Finding, Ground, Instance, Judge, block, input_in_words, now, statement_in_words,
};

/// Something that can happen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// A message is delivered.
    Deliver(Digest),
    /// A timer of a validator's runs out.
    RunOut(ValidatorIndex, TimerId),
}

/// Messages for one instance that travel together: a block is told of whole.
#[derive(Debug)]
struct Flight {
    to: ValidatorIndex,
    inputs: Vec<Input>,
}

/// An instance with the digest of its form, which changes with the instance alone.
#[derive(Clone)]
struct Player {
    instance: Arc<Instance>,
    digest: Digest,
}

/// A state of a case.
#[derive(Clone)]
pub(super) struct State<'a> {
    ground: &'a Ground,
    case: Case,
    players: Vec<Player>,
    flying: BTreeMap<Digest, Arc<Flight>>,
    timers: u32,
    judge: Judge,
    finding: Option<Finding>,
}

impl<'a> State<'a> {
    /// Before anything is delivered: everybody has something to order.
    pub(super) fn new(ground: &'a Ground, case: Case) -> Self {
        let faulty = case.cast.faulty(ground);
        let player = |validator| Player::new(Instance::new(ground, validator, 0));
        let players = case.cast.correct(ground).into_iter().map(player);
        let mut state = Self {
            ground,
            case,
            players: players.collect(),
            flying: BTreeMap::new(),
            timers: case.timers,
            judge: Judge::new(faulty),
            finding: None,
        };
        if case.cast == Cast::Liar {
            for message in liar::messages(ground, faulty) {
                state.post(faulty, None, &message);
            }
        }
        for place in 0..state.players.len() {
            state.give(place, [Input::WorkDue]);
        }
        state
    }

    /// What tells it from others.
    pub(super) fn digest(&self) -> Digest {
        let players: Vec<Digest> = self.players.iter().map(|player| player.digest).collect();
        let flying: Vec<Digest> = self.flying.keys().copied().collect();
        digest_of(&(players, flying, self.timers))
    }

    pub(super) const fn finding(&self) -> Option<&Finding> {
        self.finding.as_ref()
    }

    /// Whether all have decided.
    pub(super) fn is_decided(&self) -> bool {
        let mut instances = self.players.iter().map(|player| &player.instance);
        instances.all(|instance| instance.has_decided())
    }

    /// The highest round that anybody is in.
    pub(super) fn round(&self) -> Round {
        let rounds = self.players.iter().map(|player| player.instance.round());
        rounds.max().unwrap_or_default()
    }

    /// Everything that can happen, in order.
    pub(super) fn steps(&self) -> Vec<Step> {
        let deliveries = self.flying.keys().copied().map(Step::Deliver);
        let open = self.players.iter().map(|player| &player.instance);
        let open = open.filter(|instance| self.timers > 0 && !instance.has_decided());
        let timers = open.flat_map(|instance| {
            let timers = instance.timers().keys().filter(|id| is_of_round(id));
            timers.map(|id| Step::RunOut(instance.validator(), *id))
        });
        deliveries.chain(timers).collect()
    }

    /// The state after something happened.
    pub(super) fn after(&self, step: &Step) -> Self {
        let mut next = self.clone();
        match step {
            Step::Deliver(key) => {
                if let Some(flight) = next.flying.remove(key) {
                    next.give_to(flight.to, &flight.inputs);
                }
            }
            Step::RunOut(validator, id) => {
                next.timers = next.timers.saturating_sub(1);
                next.run_out(*validator, *id);
            }
        }
        next.drop_useless();
        next
    }

    /// A step in words.
    pub(super) fn in_words(&self, step: &Step) -> String {
        match step {
            Step::Deliver(key) => {
                let Some(flight) = self.flying.get(key) else {
                    return String::new();
                };
                let words = flight.inputs.iter().filter_map(input_in_words);
                let words: Vec<String> = words.collect();
                let what = if words.is_empty() {
                    "a block".to_owned()
                } else {
                    words.join(" and ")
                };
                format!("validator {} hears {what}", flight.to)
            }
            Step::RunOut(validator, id) => {
                let (kind, round) = (id.kind, id.round);
                format!("the {kind:?} timer of round {round} of validator {validator} runs out")
            }
        }
    }

    /// Everything that correct validators said, in order of validator, round and kind.
    pub(super) fn said(&self) -> Vec<String> {
        let said = self.judge.statements();
        said.map(|(by, statement)| format!("validator {by} said {}", statement_in_words(statement)))
            .collect()
    }

    fn place_of(&self, validator: ValidatorIndex) -> Option<usize> {
        let mut instances = self.players.iter().map(|player| &player.instance);
        instances.position(|instance| instance.validator() == validator)
    }

    fn give_to(&mut self, validator: ValidatorIndex, inputs: &[Input]) {
        if let Some(place) = self.place_of(validator) {
            self.give(place, inputs.iter().cloned());
        }
    }

    fn give(&mut self, place: usize, inputs: impl IntoIterator<Item = Input>) {
        for input in inputs {
            let ground = self.ground;
            let acts = self.players[place].change(|instance| instance.take(ground, now(0), input));
            self.perform(place, acts);
        }
    }

    fn run_out(&mut self, validator: ValidatorIndex, id: TimerId) {
        if let Some(place) = self.place_of(validator) {
            let ground = self.ground;
            let acts = self.players[place].change(|instance| instance.run_out(ground, now(0), id));
            self.perform(place, acts);
        }
    }

    fn perform(&mut self, place: usize, acts: Vec<Act>) {
        let by = self.players[place].instance.validator();
        for act in acts {
            if let Err(finding) = self.judge.observe(by, &act) {
                self.finding.get_or_insert(finding);
            }
            match act {
                Act::Sent { to, message, .. } => self.post(by, to, &message),
                Act::Wants { id, of } => self.fetch(by, id, &of),
                Act::Said(_) | Act::Decided(_) | Act::Proved(_) | Act::Wrong(_) => {}
            }
        }
    }

    fn post(&mut self, from: ValidatorIndex, to: Option<ValidatorIndex>, message: &Input) {
        let validators: Vec<ValidatorIndex> = self
            .players
            .iter()
            .map(|player| player.instance.validator())
            .collect();
        for validator in validators {
            if validator != from && to.is_none_or(|to| to == validator) {
                self.send(validator, vec![message.clone()]);
            }
        }
    }

    /// A block comes from whoever has it of those who must.
    fn fetch(&mut self, by: ValidatorIndex, id: BlockId, of: &[ValidatorIndex]) {
        let held = of.iter().find_map(|validator| {
            let place = self.place_of(*validator)?;
            self.players[place].instance.header(id).cloned()
        });
        let faulty = self.case.cast.faulty(self.ground);
        let lied = || liar::blocks(self.ground, faulty).find(|header| header.id() == id);
        if let Some(header) = held.or_else(lied) {
            self.send(by, block(id, &header).to_vec());
        }
    }

    /// A copy of what is on its way already says nothing new.
    fn send(&mut self, to: ValidatorIndex, inputs: Vec<Input>) {
        let key = digest_of(&(to, &inputs));
        let flight = || Arc::new(Flight { to, inputs });
        self.flying.entry(key).or_insert_with(flight);
    }

    /// Who has decided is done with the height.
    fn drop_useless(&mut self) {
        let done: Vec<ValidatorIndex> = self
            .players
            .iter()
            .filter(|player| player.instance.has_decided())
            .map(|player| player.instance.validator())
            .collect();
        self.flying.retain(|_, flight| !done.contains(&flight.to));
    }
}

impl Player {
    fn new(instance: Instance) -> Self {
        let digest = digest(&instance);
        Self {
            instance: Arc::new(instance),
            digest,
        }
    }

    fn change(&mut self, work: impl FnOnce(&mut Instance) -> Vec<Act>) -> Vec<Act> {
        let instance = Arc::make_mut(&mut self.instance);
        let acts = work(instance);
        self.digest = digest(instance);
        acts
    }
}

fn digest(instance: &Instance) -> Digest {
    let mut feed = Feed::default();
    instance.hash_state(&mut feed);
    feed.digest()
}

const fn is_of_round(id: &TimerId) -> bool {
    match id.kind {
        TimerKind::Propose | TimerKind::Prevote | TimerKind::Precommit => true,
        TimerKind::Tick | TimerKind::Heartbeat => false,
    }
}
