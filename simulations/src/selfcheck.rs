//! The oracles are tested too: each known-bad variant of the protocol has to be seen, by the oracle named for it, and the real
//! protocol by none.
//!
//! Invariant: a hunt is a function of its mutation: seeds are taken in order and scenarios in turn, on one thread, so neither the number
//! of jobs nor what else is hunted shows in it.
//! Shape: a mutation is hunted until the oracle named for it has caught it, and two seeds further for a shorter schedule; then the
//! real code runs under the same scenarios, and every finding is a false alarm.
//! Who calls it: `falaj-sim selfcheck`.
//! Errors: none; what is not caught is a survivor.
//! Source: `docs/guide/selfcheck.md`.

mod suit;
mod table;

pub use falaj_consensus::mutation::Mutation;
pub use suit::Suit;
pub use table::{Area, Case, case};

use crate::run::{Report, Verdict, run};
use crate::scenario::Scenario;

/// Seeds under which a mutation is hunted before it counts as a survivor.
pub const HUNT_SEEDS_MAX: u64 = 256;
/// Seeds after the first catch under which a shorter schedule is looked for.
const FURTHER_SEEDS: u64 = 2;

/// A run in which something was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catch {
    /// Who found it.
    pub oracle: &'static str,
    /// How many seeds it took, this one included.
    pub seeds: u64,
    /// The scenario.
    pub suit: Suit,
    /// The seed.
    pub seed: u64,
    /// How many events led to it.
    pub events: u64,
    /// What was wrong, in words.
    pub finding: String,
}

/// What became of one mutation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hunt {
    /// Which.
    pub mutation: Mutation,
    /// The first catch, by whatever oracle.
    pub first: Option<Catch>,
    /// The first by the oracle named for it.
    pub named: Option<Catch>,
    /// The shortest by that oracle.
    pub shortest: Option<Catch>,
    /// Every oracle that caught it on the way, and how often.
    pub seen_by: Vec<(&'static str, u64)>,
}

impl Hunt {
    fn new(mutation: Mutation) -> Self {
        Self {
            mutation,
            first: None,
            named: None,
            shortest: None,
            seen_by: Vec::new(),
        }
    }

    fn note(&mut self, caught: Catch, named: &'static str) {
        self.count(caught.oracle);
        self.first.get_or_insert_with(|| caught.clone());
        if caught.oracle != named {
            return;
        }
        let is_shorter = |before: &Catch| caught.events < before.events;
        if self.shortest.as_ref().is_none_or(is_shorter) {
            self.shortest = Some(caught.clone());
        }
        self.named.get_or_insert(caught);
    }

    fn count(&mut self, oracle: &'static str) {
        match self.seen_by.iter_mut().find(|(by, _)| *by == oracle) {
            Some((_, times)) => *times += 1,
            None => self.seen_by.push((oracle, 1)),
        }
    }

    fn is_over(&self, seeds: u64) -> bool {
        let caught = self.named.as_ref();
        caught.is_some_and(|caught| seeds >= caught.seeds + FURTHER_SEEDS)
    }
}

/// Hunts one mutation.
#[must_use]
pub fn hunt(mutation: Mutation) -> Hunt {
    let Case { oracle, suits, .. } = case(mutation);
    let mut hunt = Hunt::new(mutation);
    for (turn, suit) in (0..HUNT_SEEDS_MAX).zip(suits.iter().cycle()) {
        if hunt.is_over(turn) {
            break;
        }
        if let Some(caught) = attempt(mutation, *suit, turn) {
            hunt.note(caught, oracle);
        }
    }
    hunt
}

/// The mutation of a name.
#[must_use]
pub fn named(name: &str) -> Option<Mutation> {
    let mut mutations = Mutation::ALL.iter().copied();
    mutations.find(|known| known.name() == name)
}

/// Runs a scenario with a rule broken.
#[must_use]
pub fn broken(mutation: Mutation, seed: u64, scenario: &Scenario) -> Report {
    let chosen = mutation.choose();
    let report = run(seed, scenario, None);
    drop(chosen);
    report
}

fn attempt(mutation: Mutation, suit: Suit, turn: u64) -> Option<Catch> {
    let seed = suit.seed(turn);
    let report = broken(mutation, seed, &suit.scenario(seed));
    (report.verdict != Verdict::SafeLive).then_some(Catch {
        oracle: report.oracle,
        seeds: turn + 1,
        suit,
        seed,
        events: report.events,
        finding: report.finding,
    })
}

/// Runs the real code under the scenario that is a seed's turn.
#[must_use]
pub fn real(seed: u64) -> Report {
    run(seed, &Suit::of_seed(seed).scenario(seed), None)
}

#[cfg(test)]
mod tests;
