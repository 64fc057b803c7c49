//! The search: all scenarios of so many rounds, those with a common beginning together.
//!
//! Invariant: a scenario is judged by the rounds it plays and, unless agreement alone is asked for, by what happens once the network
//! is whole again. Rounds that scenarios have in common are played once, and the network is copied; once every correct instance
//! has decided, no split changes anything, and all that begins so is judged.
//! Shape: tasks are the beginnings of [`Search::tasks`], in order; shard `i` of `n` has those whose number leaves `i`.
//! Errors: a panic of what is searched is a finding.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Network, Scenario, Split};
use crate::exhaustive::{Finding, Ground};
use crate::run::{LIVENESS, PANIC, Verdict};
use crate::sweep::Shard;

/// Rounds below a task: it has so many splits to the power of this.
const ROUNDS_IN_TASK: u32 = 2;

/// What is to be searched.
#[derive(Clone, Copy, Debug)]
pub struct Search {
    /// Rounds of a scenario.
    pub rounds: u32,
    /// Whether the network becomes whole at the end, and everybody has to decide.
    pub settles: bool,
    /// Which part.
    pub shard: Shard,
}

/// A scenario that failed, or the beginning of several that did.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Failure {
    /// What was played when it was found.
    pub scenario: Scenario,
    /// How many scenarios begin so.
    pub scenarios: u64,
    /// What was found.
    pub finding: Finding,
}

/// What a search came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Scenarios judged.
    pub scenarios: u64,
    /// How many of them were decided by all before their last round, together with others.
    pub decided_early: u64,
    /// Copies of the network that were played to their end.
    pub runs: u64,
    /// Inputs that instances were given.
    pub steps: u64,
    /// The highest round that a correct instance decided in or stood in at the end.
    pub rounds_max: u32,
    /// What failed, in order.
    pub failures: Vec<Failure>,
}

impl Failure {
    /// What kind of failure it is.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self.finding.oracle {
            LIVENESS => Verdict::NotLive,
            PANIC => Verdict::Error,
            _ => Verdict::Unsafe,
        }
    }
}

impl Tally {
    /// The sum of two parts.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.scenarios += other.scenarios;
        self.decided_early += other.decided_early;
        self.runs += other.runs;
        self.steps += other.steps;
        self.rounds_max = self.rounds_max.max(other.rounds_max);
        self.failures.extend(other.failures);
        self.failures.sort();
        self
    }

    /// The worst of all verdicts.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let worst = self.failures.iter().map(Failure::verdict).max();
        worst.unwrap_or(Verdict::SafeLive)
    }
}

impl Search {
    /// The beginnings to search, of this shard.
    #[must_use]
    pub fn tasks(&self) -> Vec<Scenario> {
        let numbered = (0..).zip(Scenario::all(self.task_rounds()));
        let ours = numbered.filter(|(number, _)| self.shard.holds(*number));
        ours.map(|(_, scenario)| scenario).collect()
    }

    /// How many scenarios begin as a task does.
    #[must_use]
    pub const fn scenarios_in_task(&self) -> u64 {
        self.continuations(self.task_rounds())
    }

    /// Searches what begins so.
    #[must_use]
    pub fn search(&self, ground: &Ground, task: &Scenario) -> Tally {
        let mut tally = Tally::default();
        let mut network = Network::new(ground, task.twinned);
        let beginning = task.splits.iter().try_for_each(|split| {
            let goes_on = self.play(&mut network, *split, &mut tally);
            if goes_on { Ok(()) } else { Err(()) }
        });
        if beginning.is_ok() {
            self.go_on(&network, &mut tally);
        } else {
            // A round before the task's last ended all of it, as it did other tasks.
            tally.confine(task, self.scenarios_in_task());
        }
        tally.steps += network.steps();
        tally
    }

    /// Plays what follows from here in every way.
    fn go_on(&self, network: &Network<'_>, tally: &mut Tally) {
        if self.rounds_played(network) == self.rounds {
            return self.end(network, tally);
        }
        for split in Split::all() {
            let mut next = network.clone();
            let before = next.steps();
            if self.play(&mut next, split, tally) {
                self.go_on(&next, tally);
            }
            tally.steps += next.steps() - before;
        }
    }

    /// Plays a round; false when all that begins so is judged with it.
    fn play(&self, network: &mut Network<'_>, split: Split, tally: &mut Tally) -> bool {
        let scenario = network.scenario().then(split);
        let played = catch_unwind(AssertUnwindSafe(|| network.play(split)));
        let panicked = played.is_err().then(Finding::broken_belief);
        let finding = panicked.or_else(|| network.finding().cloned());
        let scenarios = self.continuations(u32::try_from(scenario.splits.len()).unwrap_or(0));
        if let Some(finding) = finding {
            tally.fail(scenario, scenarios, finding);
            return false;
        }
        let is_early = network.is_decided() && self.rounds_played(network) < self.rounds;
        if is_early {
            tally.count(network, scenarios);
            tally.decided_early += scenarios;
        }
        !is_early
    }

    /// The end of a scenario.
    fn end(&self, network: &Network<'_>, tally: &mut Tally) {
        if !self.settles || network.is_decided() {
            return tally.count(network, 1);
        }
        let mut network = network.clone();
        let before = network.steps();
        let settled = catch_unwind(AssertUnwindSafe(|| network.settle()));
        let panicked = settled.is_err().then(Finding::broken_belief);
        tally.steps += network.steps() - before;
        match panicked.or_else(|| network.finding().cloned()) {
            Some(finding) => tally.fail(network.scenario().clone(), 1, finding),
            None => tally.count(&network, 1),
        }
    }

    fn rounds_played(&self, network: &Network<'_>) -> u32 {
        u32::try_from(network.scenario().splits.len()).unwrap_or(u32::MAX)
    }

    const fn task_rounds(&self) -> u32 {
        self.rounds.saturating_sub(ROUNDS_IN_TASK)
    }

    /// How many scenarios begin with so many rounds played.
    const fn continuations(&self, played: u32) -> u64 {
        Scenario::count(self.rounds) / Scenario::count(played)
    }
}

impl Tally {
    fn count(&mut self, network: &Network<'_>, scenarios: u64) {
        self.scenarios += scenarios;
        self.runs += 1;
        self.rounds_max = self.rounds_max.max(network.round().get());
    }

    fn fail(&mut self, scenario: Scenario, scenarios: u64, finding: Finding) {
        self.scenarios += scenarios;
        self.runs += 1;
        self.failures.push(Failure {
            scenario,
            scenarios,
            finding,
        });
    }

    /// A round that tasks have in common ended them all; each counts its own scenarios alone.
    fn confine(&mut self, task: &Scenario, scenarios: u64) {
        self.scenarios = scenarios;
        self.decided_early = self.decided_early.min(scenarios);
        for failure in &mut self.failures {
            failure.scenario = task.clone();
            failure.scenarios = scenarios;
        }
    }
}

/// One scenario alone, with everything that happens in it.
#[must_use]
pub fn replay(
    ground: &Ground,
    scenario: &Scenario,
    settles: bool,
) -> (Vec<String>, Option<Finding>) {
    let mut network = Network::new(ground, scenario.twinned).traced();
    let played = catch_unwind(AssertUnwindSafe(|| {
        for split in &scenario.splits {
            network.play(*split);
        }
        if settles && network.finding().is_none() && !network.is_decided() {
            network.settle();
        }
    }));
    let panicked = played.is_err().then(Finding::broken_belief);
    let finding = panicked.or_else(|| network.finding().cloned());
    (network.lines().to_vec(), finding)
}
