//! Five instances and the messages between them, round by round.
//!
//! Rounds. The split of round k is in force for the proposal and the prevotes of round k, and before them for the precommits of
//! round k − 1: so who locked and who heard of it differ, which is what the rules of locks are about. What is said beyond the
//! prevotes of round k waits for the next split, and so do the timers beyond them. A split ends when nothing can happen under it any
//! more: messages are delivered in the order in which they were sent, and when none is left the timer that is due first runs out.
//! A message between groups waits for a split that joins its sender and its receiver. Nothing is lost, and retransmit ticks are
//! late: they come when the network is whole again. Whoever has no quorum stays behind, and what nobody reaches shows nothing new.
//!
//! Invariant: within a group timers run out after messages: each group is as good as a network can be, so whatever goes wrong does
//! so by the splits.
//! Units: virtual nanoseconds, which only order the timers.

use std::collections::VecDeque;

use falaj_consensus::engine::{Input, TimerId, TimerKind};
use falaj_consensus::message::Kind;
use falaj_consensus::types::{BlockId, Round, ValidatorIndex};

use super::{INSTANCES, Scenario, Seat, Split};
use crate::exhaustive::{
    Act, Finding, Ground, Instance, Judge, block, input_in_words, now, short, statement_in_words,
};

/// The turns that everybody has after the network became whole, before a decision is late.
const TURNS_MAX: u32 = 2;

/// A message on its way.
#[derive(Clone, Debug)]
struct Flight {
    from: Seat,
    to: Seat,
    message: Input,
}

/// Five instances of four validators.
#[derive(Clone)]
pub struct Network<'a> {
    ground: &'a Ground,
    scenario: Scenario,
    instances: Vec<Instance>,
    split: Split,
    /// The round beyond whose prevotes nothing is heard, as long as there is one.
    cap: Option<Round>,
    flying: VecDeque<Flight>,
    /// What was said beyond that, or between groups, in order.
    held: Vec<Flight>,
    now_ns: u64,
    judge: Judge,
    finding: Option<Finding>,
    steps: u64,
    lines: Option<Vec<String>>,
}

impl<'a> Network<'a> {
    /// The instances before round 0; the splits of a scenario are for [`Network::play`].
    #[must_use]
    pub fn new(ground: &'a Ground, twinned: Seat) -> Self {
        let splits = Vec::new();
        let scenario = Scenario { twinned, splits };
        let validator = |seat| ground.turns()[scenario.place(seat)];
        let instances = Seat::ALL.into_iter().zip(0_u8..);
        let instances = instances.map(|(seat, salt)| Instance::new(ground, validator(seat), salt));
        Self {
            ground,
            instances: instances.collect(),
            split: Split::WHOLE,
            cap: Some(Round::new(0)),
            flying: VecDeque::new(),
            held: Vec::new(),
            now_ns: 0,
            judge: Judge::new(validator(twinned)),
            finding: None,
            steps: 0,
            lines: None,
            scenario,
        }
    }

    /// Writes down from now on what happens.
    #[must_use]
    pub fn traced(self) -> Self {
        let lines = Some(Vec::new());
        Self { lines, ..self }
    }

    /// What happened, if it was written down.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        self.lines.as_deref().unwrap_or_default()
    }

    /// What was played so far.
    #[must_use]
    pub const fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// What an oracle found.
    #[must_use]
    pub const fn finding(&self) -> Option<&Finding> {
        self.finding.as_ref()
    }

    /// How many inputs instances were given.
    #[must_use]
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    /// Whether every correct instance has decided: then no split changes anything any more.
    #[must_use]
    pub fn is_decided(&self) -> bool {
        self.correct().all(|instance| instance.has_decided())
    }

    /// The highest round that a correct instance is in.
    #[must_use]
    pub fn round(&self) -> Round {
        self.correct()
            .map(Instance::round)
            .max()
            .unwrap_or_default()
    }

    /// Plays the next round under a split.
    pub fn play(&mut self, split: Split) {
        let number = u32::try_from(self.scenario.splits.len()).unwrap_or(u32::MAX);
        let is_first = number == 0;
        self.scenario = self.scenario.then(split);
        let groups = self.scenario.groups(split);
        self.note(|| format!("round {number}: {groups}"));
        self.change(split, Some(Round::new(number)));
        if is_first {
            self.give_to_all(&Input::WorkDue);
        }
        self.deliver();
        while let Some((seat, id)) = self.due() {
            self.run_out(seat, id);
            self.deliver();
        }
    }

    /// Makes the network whole: every correct instance has to decide before everybody has had its turn twice.
    pub fn settle(&mut self) {
        self.note(|| "whole".to_owned());
        self.change(Split::WHOLE, None);
        let validators = u32::from(crate::exhaustive::VALIDATORS);
        let last = Round::new(self.round().get() + TURNS_MAX * validators);
        loop {
            self.tick();
            self.deliver();
            if self.finding.is_some() || self.is_decided() {
                return;
            }
            let due = self.due();
            let (Some((seat, id)), true) = (due, self.round() <= last) else {
                return self.late(last);
            };
            self.run_out(seat, id);
            self.deliver();
        }
    }

    fn late(&mut self, last: Round) {
        let standing: Vec<String> = Seat::ALL
            .into_iter()
            .zip(&self.instances)
            .map(|(seat, instance)| {
                let letter = self.scenario.letter(seat);
                format!("{letter} in round {}", instance.round())
            })
            .collect();
        let what = format!(
            "the network is whole, and not everybody has decided by round {last}: {}",
            standing.join(", ")
        );
        self.finding
            .get_or_insert(Finding::new(crate::run::LIVENESS, what));
    }

    fn correct(&self) -> impl Iterator<Item = &Instance> {
        let all = Seat::ALL.into_iter().zip(&self.instances);
        let correct = all.filter(|(seat, _)| self.scenario.is_correct(*seat));
        correct.map(|(_, instance)| instance)
    }

    /// Another split, and another round: what waited for it leaves now.
    fn change(&mut self, split: Split, cap: Option<Round>) {
        (self.split, self.cap) = (split, cap);
        for flight in std::mem::take(&mut self.held) {
            self.send(flight);
        }
    }

    fn send(&mut self, flight: Flight) {
        let place = place_of(&flight.message);
        let is_early = self.cap.is_some_and(|cap| place > (cap, Kind::Prevote));
        if is_early || !self.split.joins(flight.from, flight.to) {
            self.held.push(flight);
        } else {
            self.flying.push_back(flight);
        }
    }

    fn deliver(&mut self) {
        while let Some(Flight { to, message, .. }) = self.flying.pop_front() {
            self.give(to, message);
        }
    }

    /// Everybody asks for what it lacks.
    fn tick(&mut self) {
        for seat in Seat::ALL {
            let timers = self.instances[seat.position()].timers();
            let tick = timers.keys().find(|id| id.kind == TimerKind::Tick);
            if let Some(id) = tick.copied() {
                self.run_out(seat, id);
            }
        }
    }

    /// The timer of a round that runs out first, of those that may.
    fn due(&self) -> Option<(Seat, TimerId)> {
        if self.finding.is_some() {
            return None;
        }
        let of_seat = |(seat, instance): (Seat, &'_ Instance)| {
            let may = |id: &TimerId| match id.kind {
                TimerKind::Propose | TimerKind::Prevote | TimerKind::Precommit => {
                    let last = |cap| (cap, TimerKind::Prevote);
                    self.cap.is_none_or(|cap| (id.round, id.kind) <= last(cap))
                }
                TimerKind::Tick | TimerKind::Heartbeat => false,
            };
            let timers = instance.timers().iter().filter(|(id, _)| may(id));
            timers.map(|(id, at)| (*at, seat, *id)).min()
        };
        let all = Seat::ALL.into_iter().zip(&self.instances);
        let first = all.filter_map(of_seat).min();
        first.map(|(_, seat, id)| (seat, id))
    }

    fn run_out(&mut self, seat: Seat, id: TimerId) {
        let instance = &mut self.instances[seat.position()];
        if id.kind != TimerKind::Tick {
            let at = instance.timers().get(&id).copied().unwrap_or_default();
            self.now_ns = self.now_ns.max(at);
            let letter = self.scenario.letter(seat);
            self.note(|| format!("  {letter}: {:?} timer of round {}", id.kind, id.round));
        }
        self.steps += 1;
        let acts = self.instances[seat.position()].run_out(self.ground, now(self.now_ns), id);
        self.perform(seat, acts);
    }

    fn give_to_all(&mut self, input: &Input) {
        for seat in Seat::ALL {
            self.give(seat, input.clone());
        }
    }

    fn give(&mut self, seat: Seat, input: Input) {
        if self.finding.is_some() {
            return;
        }
        if let Some(words) = self.lines.as_ref().and_then(|_| input_in_words(&input)) {
            let letter = self.scenario.letter(seat);
            self.note(|| format!("  {letter} hears {words}"));
        }
        self.steps += 1;
        let acts = self.instances[seat.position()].take(self.ground, now(self.now_ns), input);
        self.perform(seat, acts);
    }

    fn perform(&mut self, seat: Seat, acts: Vec<Act>) {
        let validator = self.instances[seat.position()].validator();
        for act in acts {
            self.note_act(seat, &act);
            if let Err(finding) = self.judge.observe(validator, &act) {
                self.finding.get_or_insert(finding);
            }
            match act {
                Act::Sent { to, message } => self.post(seat, to, &message),
                Act::Wants { id, of } => self.fetch(seat, id, &of),
                Act::Said(_) | Act::Decided(_) | Act::Proved(_) | Act::Wrong(_) => {}
            }
        }
    }

    /// A message for a validator reaches each of its instances.
    fn post(&mut self, from: Seat, to: Option<ValidatorIndex>, message: &Input) {
        for seat in Seat::ALL {
            let validator = self.instances[seat.position()].validator();
            if seat != from && to.is_none_or(|to| to == validator) {
                let message = message.clone();
                let to = seat;
                self.send(Flight { from, to, message });
            }
        }
    }

    /// A block comes from whoever has it in the same group; what nobody has is asked for again at a tick.
    fn fetch(&mut self, seat: Seat, id: BlockId, of: &[ValidatorIndex]) {
        let holds = |other: &Seat| {
            let instance = &self.instances[other.position()];
            let is_asked = of.contains(&instance.validator());
            is_asked && self.split.joins(seat, *other) && instance.header(id).is_some()
        };
        let Some(from) = Seat::ALL.into_iter().find(holds) else {
            return;
        };
        let header = self.instances[from.position()].header(id).cloned();
        for message in header.iter().flat_map(|header| block(id, header)) {
            let to = seat;
            self.flying.push_back(Flight { from, to, message });
        }
    }

    fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            lines.push(line());
        }
    }

    fn note_act(&mut self, seat: Seat, act: &Act) {
        let letter = self.scenario.letter(seat);
        match act {
            Act::Said(statement) => {
                self.note(|| format!("  {letter} says {}", statement_in_words(statement)));
            }
            Act::Decided(found) => {
                let (id, round) = (found.id, found.round);
                self.note(|| format!("  {letter} decides {} of round {round}", short(id)));
            }
            Act::Proved(evidence) => {
                let key = evidence.key();
                self.note(|| format!("  {letter} has evidence {key:?}"));
            }
            Act::Wrong(what) => self.note(|| format!("  {letter}: {what}")),
            Act::Sent { .. } | Act::Wants { .. } => {}
        }
    }
}

/// Where in the course of a height a message stands: who asks for votes stands where its round begins, and a certificate of
/// votes where they do.
fn place_of(message: &Input) -> (Round, Kind) {
    match message {
        Input::Proposal { proposal, .. } => (proposal.get().round, Kind::Proposal),
        Input::Vote(vote) => (vote.get().round, vote.get().value.kind()),
        Input::Polka(polka) => (polka.get().round, Kind::Prevote),
        Input::Certificate(found) => (found.get().round, Kind::Precommit),
        Input::VotesWanted { wanted, .. } => (wanted.round, Kind::Proposal),
        Input::Header(_)
        | Input::Body { .. }
        | Input::Executed { .. }
        | Input::ExecutionFailed { .. }
        | Input::Built { .. }
        | Input::OwnReleased(_)
        | Input::SignRefused { .. }
        | Input::Timer(_)
        | Input::WorkDue
        | Input::Diverged { .. }
        | Input::NextHeight(_) => (Round::new(0), Kind::Proposal),
    }
}

const _: () = assert!(INSTANCES == crate::exhaustive::VALIDATORS as usize + 1);
