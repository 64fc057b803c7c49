//! The search: depth first, each state once, or once more when it is reached by fewer steps.
//!
//! Invariant: unless a bound cut it, every state that the case can be in was judged. With the bound on depth alone, every state that
//! takes at most so many steps was.
//! Errors: a panic of what is explored is a finding.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Case;
use super::digest::Digest;
use super::state::{State, Step};
use crate::exhaustive::{Finding, Ground};
use crate::run::{LIVENESS, PANIC, Verdict};

/// How far a search goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Steps from the beginning.
    pub depth_max: u32,
    /// Different states.
    pub states_max: u64,
}

/// What an exploration came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explored {
    /// Different states.
    pub states: u64,
    /// Steps taken from them.
    pub transitions: u64,
    /// States in which nothing can happen any more.
    pub ends: u64,
    /// How many of those had all decided.
    pub ends_decided: u64,
    /// The most steps from the beginning.
    pub depth_max: u32,
    /// The highest round that anybody was in.
    pub rounds_max: u32,
    /// Whether the bound on depth left states out.
    pub cut_by_depth: bool,
    /// Whether the bound on states did.
    pub cut_by_states: bool,
    /// The first thing that was wrong; the search ends with it.
    pub failure: Option<Failure>,
}

/// Something wrong, and how to get there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which of all possible steps was taken, from the beginning.
    pub path: Vec<usize>,
    /// What was found.
    pub finding: Finding,
}

impl Explored {
    /// What it proves.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match &self.failure {
            None if self.cut_by_depth || self.cut_by_states => Verdict::Inconclusive,
            None => Verdict::SafeLive,
            Some(failure) => match failure.finding.oracle {
                LIVENESS => Verdict::NotLive,
                PANIC => Verdict::Error,
                _ => Verdict::Unsafe,
            },
        }
    }
}

struct Search {
    bounds: Bounds,
    /// Whether nothing but messages can be waited for, so that whoever has all of them has decided.
    owes_decision: bool,
    known: BTreeMap<Digest, u32>,
    path: Vec<usize>,
    explored: Explored,
}

/// Explores a case; `progress` is told of the number of states now and then.
pub fn explore(
    ground: &Ground,
    case: Case,
    bounds: Bounds,
    mut progress: impl FnMut(u64),
) -> Explored {
    let mut search = Search {
        bounds,
        owes_decision: case.decides_without_timers(),
        known: BTreeMap::new(),
        path: Vec::new(),
        explored: Explored::default(),
    };
    match begin(ground, case) {
        Ok(first) => search.visit(&first, &mut progress),
        Err(finding) => search.fail(finding),
    }
    search.explored
}

/// How many states go by between two words of progress.
const PROGRESS_EVERY: u64 = 1_000;

impl Search {
    fn visit(&mut self, state: &State<'_>, progress: &mut impl FnMut(u64)) {
        if !self.is_news(state) {
            return;
        }
        if self.explored.states.is_multiple_of(PROGRESS_EVERY) {
            progress(self.explored.states);
        }
        if let Some(finding) = self.judge(state) {
            return self.fail(finding);
        }
        let steps = state.steps();
        let depth = self.depth();
        if depth == self.bounds.depth_max && !steps.is_empty() {
            self.explored.cut_by_depth = true;
            return;
        }
        for (choice, step) in steps.iter().enumerate() {
            self.path.push(choice);
            self.explored.transitions += 1;
            match after(state, step) {
                Ok(next) => self.visit(&next, progress),
                Err(finding) => self.fail(finding),
            }
            self.path.pop();
            if self.is_over() {
                return;
            }
        }
    }

    fn is_over(&self) -> bool {
        self.explored.failure.is_some() || self.explored.cut_by_states
    }

    fn depth(&self) -> u32 {
        u32::try_from(self.path.len()).unwrap_or(u32::MAX)
    }

    /// Whether a state was not seen yet, or only by more steps; a new one is counted.
    fn is_news(&mut self, state: &State<'_>) -> bool {
        let (digest, depth) = (state.digest(), self.depth());
        if let Some(before) = self.known.get_mut(&digest) {
            let is_nearer = depth < *before;
            *before = depth.min(*before);
            return is_nearer;
        }
        if self.explored.states == self.bounds.states_max {
            self.explored.cut_by_states = true;
            return false;
        }
        self.known.insert(digest, depth);
        self.count(state, depth);
        true
    }

    fn count(&mut self, state: &State<'_>, depth: u32) {
        let explored = &mut self.explored;
        explored.states += 1;
        explored.depth_max = explored.depth_max.max(depth);
        explored.rounds_max = explored.rounds_max.max(state.round().get());
        if state.steps().is_empty() {
            explored.ends += 1;
            explored.ends_decided += u64::from(state.is_decided());
        }
    }

    fn judge(&self, state: &State<'_>) -> Option<Finding> {
        let stuck = || {
            let is_stuck = self.owes_decision && state.steps().is_empty() && !state.is_decided();
            let what = "every message was delivered, and not everybody has decided";
            is_stuck.then(|| Finding::new(LIVENESS, what.to_owned()))
        };
        state.finding().cloned().or_else(stuck)
    }

    fn fail(&mut self, finding: Finding) {
        let path = self.path.clone();
        self.explored
            .failure
            .get_or_insert(Failure { path, finding });
    }
}

/// One path alone, step by step, and what was said by its end.
#[must_use]
pub fn replay(ground: &Ground, case: Case, path: &[usize]) -> (Vec<String>, Option<Finding>) {
    let mut lines = Vec::new();
    let mut state = match begin(ground, case) {
        Ok(state) => state,
        Err(finding) => return (lines, Some(finding)),
    };
    for choice in path {
        let steps = state.steps();
        let Some(step) = steps.get(*choice) else {
            lines.push(format!("no step {choice}: there are {}", steps.len()));
            break;
        };
        lines.push(state.in_words(step));
        match after(&state, step) {
            Ok(next) => state = next,
            Err(finding) => return (lines, Some(finding)),
        }
    }
    lines.extend(state.said());
    let finding = state.finding().cloned();
    (lines, finding)
}

fn begin(ground: &Ground, case: Case) -> Result<State<'_>, Finding> {
    unbroken(|| State::new(ground, case))
}

fn after<'a>(state: &State<'a>, step: &Step) -> Result<State<'a>, Finding> {
    unbroken(|| state.after(step))
}

/// What something gives, unless an assertion of what is explored does not hold.
fn unbroken<R>(work: impl FnOnce() -> R) -> Result<R, Finding> {
    let done = catch_unwind(AssertUnwindSafe(work));
    done.map_err(|_| Finding::broken_belief())
}
