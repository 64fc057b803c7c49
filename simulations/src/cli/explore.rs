//! `falaj-sim explore`: every order of delivery of a small case, or one path of it with all that happens on it.
//!
//! Shape: a failure comes with the path that leads to it and the command that walks it again; `--json` ends with one line.
//! Source: `docs/guide/exhaustive.md`.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use falaj_simulations::exhaustive::{Finding, Ground};
use falaj_simulations::explore::{Bounds, Case, Cast, Explored, Failure, explore, replay};
use falaj_simulations::run::Verdict;
use serde_json::{Value, json};

use super::exit;
use super::print;
use super::progress::states;
use super::quiet::quietly;
use super::rate::per_second;

#[derive(Args)]
pub(super) struct ExploreArgs {
    /// Who takes part.
    #[arg(long, value_enum, default_value_t = Who::Absent)]
    cast: Who,
    /// How many timers may run out early, whenever they like.
    #[arg(long, default_value_t = 0)]
    timers: u32,
    /// The most steps from the beginning; what lies behind them is not looked at.
    #[arg(long, default_value_t = 1_000)]
    depth: u32,
    /// The most states; the search ends there.
    #[arg(long, default_value_t = 1_000_000)]
    states: u64,
    /// Walk one path, as a failure names it, and print what happens on it.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["depth", "states", "json"])]
    only: Option<Path>,
    /// End with one line of JSON.
    #[arg(long)]
    json: bool,
}

/// Who takes part, on the command line.
#[derive(Clone, Copy, ValueEnum)]
enum Who {
    /// All four, correct.
    Whole,
    /// Three; the last in the order of turns says nothing.
    Absent,
    /// Three; the proposer of round 0 says nothing.
    NoProposer,
    /// Three; the proposer of round 0 proposes two blocks and votes for both.
    Liar,
}

impl Who {
    const fn cast(self) -> Cast {
        match self {
            Self::Whole => Cast::Whole,
            Self::Absent => Cast::Absent,
            Self::NoProposer => Cast::NoProposer,
            Self::Liar => Cast::Liar,
        }
    }
}

/// Choices, one a step: `3.0.12`.
#[derive(Clone, Debug)]
struct Path(Vec<usize>);

impl std::str::FromStr for Path {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let choices: Result<_, _> = text.split('.').map(str::parse).collect();
        choices.map(Self)
    }
}

pub(super) fn run(args: &ExploreArgs) -> Result<ExitCode, exit::Failure> {
    let case = Case {
        cast: args.cast.cast(),
        timers: args.timers,
    };
    let verdict = match &args.only {
        Some(Path(path)) => only(case, path)?,
        None => all(args, case)?,
    };
    Ok(ExitCode::from(verdict.exit_code()))
}

fn only(case: Case, path: &[usize]) -> Result<Verdict, exit::Failure> {
    let (lines, finding) = quietly(|| replay(&Ground::new(), case, path));
    for line in lines {
        print::line(&line)?;
    }
    let failure = finding.map(|finding| Failure {
        path: path.to_vec(),
        finding,
    });
    let explored = Explored {
        failure,
        ..Explored::default()
    };
    let found = explored.failure.as_ref().map(|found| words(&found.finding));
    let verdict = explored.verdict();
    print::line(&format!("{}{}", verdict.name(), found.unwrap_or_default()))?;
    Ok(verdict)
}

fn all(args: &ExploreArgs, case: Case) -> Result<Verdict, exit::Failure> {
    let bounds = Bounds {
        depth_max: args.depth,
        states_max: args.states,
    };
    let bar = states(args.states);
    let started = Instant::now();
    let explored = quietly(|| explore(&Ground::new(), case, bounds, |seen| bar.set_position(seen)));
    let wall = started.elapsed();
    bar.finish_and_clear();
    if args.json {
        print::line(&as_json(case, bounds, &explored, wall).to_string())?;
    } else {
        print::line(&sums(case, bounds, &explored, wall))?;
    }
    Ok(explored.verdict())
}

fn words(finding: &Finding) -> String {
    format!(": {}: {}", finding.oracle, finding.what)
}

fn command(case: Case, failure: &Failure) -> String {
    let choices: Vec<String> = failure.path.iter().map(usize::to_string).collect();
    let (cast, timers) = (case.cast.name(), case.timers);
    format!(
        "falaj-sim explore --cast {cast} --timers {timers} --only {}",
        choices.join(".")
    )
}

fn sums(case: Case, bounds: Bounds, explored: &Explored, wall: Duration) -> String {
    let Explored {
        states,
        transitions,
        ends,
        ends_decided,
        depth_max,
        rounds_max,
        ..
    } = explored;
    let (cast, timers, took) = (case.cast.name(), case.timers, wall.as_secs_f64());
    let mut text = format!(
        "{}: {cast}, {timers} early timers: {states} states, {transitions} transitions, {ends} ends, {ends_decided} of them decided by all; \
         up to {depth_max} steps and round {rounds_max}; {took:.1} s ({} states/s, {} transitions/s)",
        explored.verdict().name(),
        per_second(*states, wall),
        per_second(*transitions, wall),
    );
    if explored.cut_by_states {
        text += &format!("\ncut: there are more than {} states", bounds.states_max);
    }
    if explored.cut_by_depth {
        text += &format!(
            "\ncut: nothing behind {} steps was looked at",
            bounds.depth_max
        );
    }
    if let Some(failure) = &explored.failure {
        let (what, how) = (words(&failure.finding), command(case, failure));
        text += &format!("\nafter {} steps{what}\n  {how}", failure.path.len());
    }
    text
}

fn as_json(case: Case, bounds: Bounds, explored: &Explored, wall: Duration) -> Value {
    let failure = explored.failure.as_ref().map(|failure| {
        json!({
            "oracle": failure.finding.oracle,
            "finding": failure.finding.what,
            "steps": failure.path.len(),
            "command": command(case, failure),
        })
    });
    json!({
        "verdict": explored.verdict().name(),
        "cast": case.cast.name(),
        "timers": case.timers,
        "states": explored.states,
        "transitions": explored.transitions,
        "ends": explored.ends,
        "ends_decided": explored.ends_decided,
        "depth_max": explored.depth_max,
        "rounds_max": explored.rounds_max,
        "depth_bound": bounds.depth_max,
        "states_bound": bounds.states_max,
        "cut_by_depth": explored.cut_by_depth,
        "cut_by_states": explored.cut_by_states,
        "wall_seconds": wall.as_secs_f64(),
        "states_per_second": per_second(explored.states, wall),
        "transitions_per_second": per_second(explored.transitions, wall),
        "failure": failure,
    })
}
