//! From a scenario that fails to the least that still fails in the same way.
//!
//! Invariant: what is kept trips the same oracle with the same verdict and kind of finding under the same seed, and is a scenario file that says everything
//! outright. Every random decision has a place of its own, so leaving one thing out moves no other.
//! Shape: horizon, classes of faults, single faults, nodes, clients, values; again and again until a whole round gains nothing, or
//! the runs are used up. Each candidate is run once.
//! Errors: [`MinimiseError`].
//! Source: Zeller, Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (2002), for the removal of parts; `docs/guide/replay.md`,
//! "Minimising".

mod nodes;
mod number;
mod parts;
mod values;

use std::collections::BTreeSet;

use crate::run::{Report, Verdict};
use crate::scenario::Scenario;
use crate::scenario::file::{File, FileError, Unsayable};
use crate::types::SimTime;

/// How a run failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tripped {
    /// What it came to.
    pub verdict: Verdict,
    /// Which oracle found it.
    pub oracle: &'static str,
    /// What kind of finding it is, where an oracle has more than one.
    pub kind: &'static str,
    /// What was wrong, in words.
    pub finding: String,
    /// When.
    pub at: SimTime,
    /// Its events until then.
    pub events: u64,
}

impl Tripped {
    /// How a run failed, if it did.
    #[must_use]
    pub fn by(report: &Report) -> Option<Self> {
        (report.verdict != Verdict::SafeLive).then(|| Self {
            verdict: report.verdict,
            oracle: report.oracle,
            kind: report.kind,
            finding: report.finding.clone(),
            at: SimTime::new(report.sim_ns),
            events: report.events,
        })
    }

    fn is_same(&self, other: &Self) -> bool {
        let what = |tripped: &Self| (tripped.verdict, tripped.oracle, tripped.kind);
        what(self) == what(other)
    }
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Runs so far.
    pub runs: u64,
    /// Events of the least failing run so far.
    pub events: u64,
    /// Its faults.
    pub faults: usize,
    /// Its validators.
    pub validators: u16,
}

/// What is left.
#[derive(Clone, Debug)]
pub struct Minimised {
    /// The least scenario that was found to fail in the same way.
    pub scenario: Scenario,
    /// The file that says it; it has neither seed, nor words, nor what is expected.
    pub file: File,
    /// How it failed before.
    pub before: Tripped,
    /// How it fails now.
    pub after: Tripped,
    /// How many runs it took.
    pub runs: u64,
    /// Whether nothing more could be left out; else the runs were used up.
    pub is_least: bool,
}

/// Why nothing was minimised.
#[derive(Debug, thiserror::Error)]
pub enum MinimiseError {
    /// Nothing is wrong with it.
    #[error("the run is safe_live: there is nothing to minimise")]
    NothingWrong,
    /// No file says it.
    #[error(transparent)]
    Unsayable(#[from] Unsayable),
    /// The file that says it is refused.
    #[error("as a file it is refused: {0}")]
    Refused(#[from] FileError),
    /// It does not fail when a file says it outright.
    #[error("said outright it fails otherwise or not at all")]
    Otherwise,
    /// It fails whether the rule is broken or not.
    #[error("the scenario fails with the rule too: {0}")]
    Unbroken(String),
}

/// Makes a failing scenario small.
///
/// `judge` runs a scenario and says how it failed; `tell` hears of each run.
///
/// # Errors
/// [`MinimiseError`]: nothing is wrong, or no file can say it.
pub fn minimise(
    seed: u64,
    scenario: &Scenario,
    runs_max: u64,
    mut judge: impl FnMut(&Scenario) -> Option<Tripped>,
    mut tell: impl FnMut(Progress),
) -> Result<Minimised, MinimiseError> {
    let before = judge(scenario).ok_or(MinimiseError::NothingWrong)?;
    let best = outright(seed, scenario)?;
    let tripped = judge(&best).filter(|tripped| tripped.is_same(&before));
    let mut search = Search {
        seed,
        tripped: tripped.ok_or(MinimiseError::Otherwise)?,
        judge: &mut judge,
        tell: &mut tell,
        seen: BTreeSet::from([name_of(&best)]),
        is_within_budget: best.is_within_budget(),
        best,
        runs: 2,
        runs_max,
    };
    let is_least = search.exhaust();
    let Search {
        best,
        tripped,
        runs,
        ..
    } = search;
    Ok(Minimised {
        file: File::of(&best)?,
        scenario: best,
        before,
        after: tripped,
        runs,
        is_least,
    })
}

/// The scenario that the file of a scenario gives.
fn outright(seed: u64, scenario: &Scenario) -> Result<Scenario, MinimiseError> {
    let file = File::of(scenario)?;
    file.check()?;
    Ok(file.scenario(seed))
}

/// The least failing scenario so far, and what was tried.
struct Search<'a> {
    seed: u64,
    best: Scenario,
    /// Whether no more nodes are faulty than consensus bears: then none of what is tried may have more, or it would fail for that.
    is_within_budget: bool,
    tripped: Tripped,
    judge: &'a mut dyn FnMut(&Scenario) -> Option<Tripped>,
    tell: &'a mut dyn FnMut(Progress),
    seen: BTreeSet<[u8; 32]>,
    runs: u64,
    runs_max: u64,
}

impl Search<'_> {
    /// Tries everything until nothing is gained; whether it came to that.
    fn exhaust(&mut self) -> bool {
        loop {
            let before = self.best.clone();
            self.horizon();
            self.classes();
            self.parts();
            self.nodes();
            self.clients();
            self.values();
            if self.runs >= self.runs_max {
                return false;
            }
            if self.best == before {
                return true;
            }
        }
    }

    /// Runs a candidate, and keeps it if it fails in the same way; whether it was kept.
    fn keep(&mut self, candidate: &Scenario) -> bool {
        if self.runs >= self.runs_max {
            return false;
        }
        let Ok(candidate) = outright(self.seed, candidate) else {
            return false;
        };
        if self.is_within_budget && !candidate.is_within_budget() {
            return false;
        }
        if candidate == self.best || !self.seen.insert(name_of(&candidate)) {
            return false;
        }
        self.runs += 1;
        let found = (self.judge)(&candidate);
        let same = found.filter(|tripped| tripped.is_same(&self.tripped));
        let is_kept = same.is_some();
        if let Some(tripped) = same {
            (self.best, self.tripped) = (candidate, tripped);
        }
        (self.tell)(Progress {
            runs: self.runs,
            events: self.tripped.events,
            faults: self.best.faults.len(),
            validators: self.best.validators,
        });
        is_kept
    }

    /// The same but for one thing.
    fn with(&mut self, change: impl FnOnce(&mut Scenario)) -> bool {
        let mut candidate = self.best.clone();
        change(&mut candidate);
        self.keep(&candidate)
    }
}

fn name_of(scenario: &Scenario) -> [u8; 32] {
    *blake3::hash(format!("{scenario:?}").as_bytes()).as_bytes()
}

#[cfg(test)]
mod tests;
