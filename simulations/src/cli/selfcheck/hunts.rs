//! What the command does: hunts, then the real code, and the exit code of both.

use std::process::ExitCode;

use falaj_simulations::run::{Report, Verdict};
use falaj_simulations::selfcheck::{Hunt, Mutation, broken as break_and_run, hunt, named, real};
use falaj_simulations::sweep::each;

use super::table;
use super::{Runner, SelfcheckArgs};
use crate::cli::exit::Failure;
use crate::cli::print;
use crate::cli::progress::progress;
use crate::cli::quiet::quietly;
use crate::cli::run::jobs;

/// Seeds of the real code when none are said.
const SEEDS: u64 = 1_000;

/// What a selfcheck came to.
pub(super) struct Outcome {
    /// In the order of the list.
    pub(super) hunts: Vec<Hunt>,
    /// Seeds of the real code.
    pub(super) seeds: u64,
    /// What oracles found where nothing is broken, in order of seed.
    pub(super) false_alarms: Vec<Report>,
}

impl Outcome {
    /// How many mutations some oracle caught.
    pub(super) fn caught(&self) -> usize {
        let caught = self.hunts.iter().filter(|hunt| hunt.first.is_some());
        caught.count()
    }

    /// How many were caught by the oracle named for them.
    pub(super) fn by_named_oracle(&self) -> usize {
        let named = self.hunts.iter().filter(|hunt| hunt.named.is_some());
        named.count()
    }

    /// A false alarm is as bad as what it says; a mutation that its oracle did not see leaves open what else it does not see.
    fn verdict(&self) -> Verdict {
        let worst = self.false_alarms.iter().map(|report| report.verdict).max();
        let is_blind = self.by_named_oracle() < self.hunts.len();
        let hunted = if is_blind {
            Verdict::Inconclusive
        } else {
            Verdict::SafeLive
        };
        worst.unwrap_or(hunted).max(hunted)
    }
}

pub(in crate::cli) fn run(args: &SelfcheckArgs) -> Result<ExitCode, Failure> {
    let mutations = chosen(args.mutation.as_deref())?;
    let seeds = match (args.seeds, &args.mutation) {
        (Some(seeds), _) => seeds,
        (None, Some(_)) => 0,
        (None, None) => SEEDS,
    };
    let jobs = jobs(args.jobs);
    let outcome = Outcome {
        hunts: hunts(&mutations, jobs),
        seeds,
        false_alarms: false_alarms(seeds, jobs),
    };
    let text = if args.json {
        table::json(&outcome)
    } else {
        table::text(&outcome)
    };
    print::line(&text)?;
    Ok(ExitCode::from(outcome.verdict().exit_code()))
}

fn chosen(name: Option<&str>) -> Result<Vec<Mutation>, Failure> {
    name.map_or_else(|| Ok(Mutation::ALL.to_vec()), |name| Ok(vec![known(name)?]))
}

/// Runs with that rule broken.
pub(super) fn broken(name: &str) -> Result<Runner, Failure> {
    let mutation = known(name)?;
    Ok(Box::new(move |seed, scenario| {
        quietly(|| break_and_run(mutation, seed, scenario))
    }))
}

fn known(name: &str) -> Result<Mutation, Failure> {
    let unknown = || {
        let likeness = |known: &&Mutation| strsim::osa_distance(known.name(), name);
        let nearest = Mutation::ALL.iter().min_by_key(likeness);
        Failure::UnknownMutation {
            name: name.to_owned(),
            nearest: nearest.map_or("", |known| known.name()),
        }
    };
    named(name).ok_or_else(unknown)
}

/// Broken code panics where it meets its own assertions; that is a finding, and nothing to print.
fn hunts(mutations: &[Mutation], jobs: usize) -> Vec<Hunt> {
    let bar = progress(mutations.len() as u64);
    let mut hunts = Vec::new();
    let ended = |hunt| {
        bar.inc(1);
        hunts.push(hunt);
        true
    };
    quietly(|| each(mutations, jobs, |one| hunt(*one), ended));
    bar.finish_and_clear();
    hunts.sort_by_key(|hunt| hunt.mutation);
    hunts
}

fn false_alarms(seeds: u64, jobs: usize) -> Vec<Report> {
    let bar = progress(seeds);
    let all: Vec<u64> = (0..seeds).collect();
    let mut alarms = Vec::new();
    each(
        &all,
        jobs,
        |seed| real(*seed),
        |report| {
            bar.inc(1);
            if report.verdict != Verdict::SafeLive {
                alarms.push(report);
            }
            true
        },
    );
    bar.finish_and_clear();
    alarms.sort_by_key(|report| report.seed);
    alarms
}
