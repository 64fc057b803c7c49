//! `falaj-sim twins`: every twin scenario of so many rounds, or one of them with all that happens in it.
//!
//! Shape: each failure is a line with the command that plays it again; `--json` ends with one line that sums up.
//! Source: `docs/guide/exhaustive.md`.

use std::num::NonZero;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use falaj_simulations::exhaustive::Ground;
use falaj_simulations::run::Verdict;
use falaj_simulations::sweep::{Shard, each};
use falaj_simulations::twins::{Failure, NAMINGS, Scenario, Search, Tally, replay};
use serde_json::{Value, json};

use super::exit;
use super::input::parse_shard;
use super::print;
use super::progress::scenarios;
use super::quiet::quietly;
use super::rate::per_second;
use super::run::jobs;

#[derive(Args)]
pub(super) struct TwinsArgs {
    /// Rounds of a scenario.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=6))]
    rounds: u32,
    /// Play this scenario alone and print what happens in it.
    #[arg(long, value_name = "SCENARIO", conflicts_with_all = ["rounds", "shard", "jobs", "json"])]
    only: Option<Scenario>,
    /// Judge what is said and decided, and not whether a network that became whole decides.
    #[arg(long)]
    agreement_alone: bool,
    /// Search a part only, as `INDEX/COUNT`, counted from 0.
    #[arg(long, value_parser = parse_shard, default_value_t = Shard::WHOLE)]
    shard: Shard,
    /// How many scenarios are played at a time; as many as there are processors if not said.
    #[arg(long)]
    jobs: Option<NonZero<usize>>,
    /// End with one line of JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &TwinsArgs) -> Result<ExitCode, exit::Failure> {
    let verdict = match &args.only {
        Some(scenario) => only(scenario, !args.agreement_alone)?,
        None => all(args)?,
    };
    Ok(ExitCode::from(verdict.exit_code()))
}

fn only(scenario: &Scenario, settles: bool) -> Result<Verdict, exit::Failure> {
    let (lines, finding) = quietly(|| replay(&Ground::new(), scenario, settles));
    for line in lines {
        print::line(&line)?;
    }
    let Some(finding) = finding else {
        print::line(Verdict::SafeLive.name())?;
        return Ok(Verdict::SafeLive);
    };
    let failure = Failure {
        scenario: scenario.clone(),
        scenarios: 1,
        finding,
    };
    print::line(&in_words(&failure))?;
    Ok(failure.verdict())
}

fn all(args: &TwinsArgs) -> Result<Verdict, exit::Failure> {
    let search = Search {
        rounds: args.rounds,
        settles: !args.agreement_alone,
        shard: args.shard,
    };
    let jobs = jobs(args.jobs);
    let started = Instant::now();
    let tally = quietly(|| tally(&search, jobs));
    let wall = started.elapsed();
    if args.json {
        print::line(&as_json(&search, &tally, wall, jobs).to_string())?;
    } else {
        for failure in &tally.failures {
            print::line(&in_words(failure))?;
        }
        print::line(&sums(&search, &tally, wall, jobs))?;
    }
    Ok(tally.verdict())
}

fn tally(search: &Search, jobs: usize) -> Tally {
    let (ground, tasks) = (Ground::new(), search.tasks());
    let bar = scenarios(tasks.len() as u64 * search.scenarios_in_task());
    let mut sum = Tally::default();
    each(
        &tasks,
        jobs,
        |task| search.search(&ground, task),
        |part| {
            bar.inc(part.scenarios);
            sum = std::mem::take(&mut sum).with(part);
            true
        },
    );
    bar.finish_and_clear();
    sum
}

fn in_words(failure: &Failure) -> String {
    let (verdict, finding) = (failure.verdict().name(), &failure.finding);
    let (scenario, scenarios) = (&failure.scenario, failure.scenarios);
    format!(
        "{scenario} ({scenarios} scenarios) is {verdict}: {}: {}\n  falaj-sim twins --only {scenario}",
        finding.oracle, finding.what
    )
}

fn sums(search: &Search, tally: &Tally, wall: Duration, jobs: usize) -> String {
    let Tally {
        scenarios,
        decided_early,
        runs,
        steps,
        rounds_max,
        ..
    } = tally;
    let (rounds, named, took) = (search.rounds, scenarios * NAMINGS, wall.as_secs_f64());
    format!(
        "{}: {scenarios} scenarios of {rounds} rounds, {named} with every naming of the correct validators; \
         {decided_early} were decided before their last round; {runs} runs to the end, {steps} steps, up to round {rounds_max}; \
         {took:.1} s on {jobs} threads ({} scenarios/s, {} steps/s)",
        tally.verdict().name(),
        per_second(*scenarios, wall),
        per_second(*steps, wall),
    )
}

fn as_json(search: &Search, tally: &Tally, wall: Duration, jobs: usize) -> Value {
    let failures: Vec<Value> = tally.failures.iter().map(failure_json).collect();
    json!({
        "verdict": tally.verdict().name(),
        "rounds": search.rounds,
        "shard": search.shard.to_string(),
        "agreement_alone": !search.settles,
        "scenarios": tally.scenarios,
        "scenarios_named": tally.scenarios * NAMINGS,
        "decided_early": tally.decided_early,
        "runs": tally.runs,
        "steps": tally.steps,
        "rounds_max": tally.rounds_max,
        "jobs": jobs,
        "wall_seconds": wall.as_secs_f64(),
        "scenarios_per_second": per_second(tally.scenarios, wall),
        "steps_per_second": per_second(tally.steps, wall),
        "failures": failures,
    })
}

fn failure_json(failure: &Failure) -> Value {
    json!({
        "scenario": failure.scenario.to_string(),
        "scenarios": failure.scenarios,
        "verdict": failure.verdict().name(),
        "oracle": failure.finding.oracle,
        "finding": failure.finding.what,
    })
}
