//! `falaj-sim run`: one seed or many, of a scenario file or of the random scenarios.
//!
//! Shape: a file without seeds is run for as many as it promises its marks from, beginning at 0.

use std::num::NonZero;
use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use falaj_simulations::campaign::{Campaign, campaign, of_one};
use falaj_simulations::run::run as run_one;
use falaj_simulations::scenario::Plan;
use falaj_simulations::sweep::Shard;

use super::exit::Failure;
use super::input::{parse_range, parse_shard, read_scenario};
use super::print;
use super::progress::progress;
use super::sweep;
use super::traced::traced;
use crate::report::{self, Source, Told};

#[derive(Args)]
pub(super) struct RunArgs {
    /// The scenario file, or the name of a scenario that ships; without one each seed has its random scenario.
    scenario: Option<PathBuf>,
    /// The one seed to run.
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Seeds to run, as `FIRST..END`; END is not among them.
    #[arg(long, value_parser = parse_range, required_unless_present_any = ["seed", "scenario"])]
    seeds: Option<Range<u64>>,
    /// How many seeds run at a time; as many as there are processors if not said.
    #[arg(long)]
    jobs: Option<NonZero<usize>>,
    /// Print a line for every event of the one seed.
    #[arg(long, requires = "seed")]
    trace: bool,
    /// Keep the runs in this folder, of every point of the scenario's sweep under every seed; what was interrupted goes on.
    #[arg(long, conflicts_with = "seed")]
    out: Option<PathBuf>,
    /// Run a part of the sweep only, as `INDEX/COUNT`, counted from 0.
    #[arg(long, value_parser = parse_shard, requires = "out")]
    shard: Option<Shard>,
    /// End with one line of JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &RunArgs) -> Result<ExitCode, Failure> {
    if let Some(out) = &args.out {
        return sweep::run(&sweep::Part {
            scenario: args.scenario.as_deref(),
            out,
            seeds: args.seeds.clone(),
            shard: args.shard.unwrap_or(Shard::WHOLE),
            jobs: jobs(args.jobs),
            json: args.json,
        });
    }
    let source = source(args)?;
    if let Some(seed) = args.seed {
        return alone(&source, seed, args.trace, args.json);
    }
    let started = Instant::now();
    let jobs = jobs(args.jobs);
    let seeds = args.seeds.clone();
    let seeds = seeds.unwrap_or_else(|| source.plan.seeds());
    let campaign = many(&source, seeds, jobs);
    let told = Told {
        campaign: &campaign,
        source: &source,
        wall: started.elapsed(),
        jobs,
        seed: None,
    };
    tell(&told, args.json)
}

/// Runs one seed and tells what it came to.
pub(super) fn alone(
    source: &Source,
    seed: u64,
    trace: bool,
    json: bool,
) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    let campaign = one(source, seed, trace)?;
    let told = Told {
        campaign: &campaign,
        source,
        wall: started.elapsed(),
        jobs: 1,
        seed: Some(seed),
    };
    tell(&told, json)
}

fn tell(told: &Told<'_>, json: bool) -> Result<ExitCode, Failure> {
    let text = if json {
        report::json(told)
    } else {
        report::text(told)
    };
    print::line(&text)?;
    Ok(ExitCode::from(told.campaign.verdict.exit_code()))
}

fn source(args: &RunArgs) -> Result<Source, Failure> {
    let plan = match &args.scenario {
        None => Plan::Swarm,
        Some(path) => {
            let file = read_scenario(path)?;
            if !file.sweep.is_empty() {
                let path = path.clone();
                return Err(Failure::NeedsOut { path });
            }
            Plan::File(Box::new(file))
        }
    };
    Ok(Source { plan })
}

pub(super) fn jobs(jobs: Option<NonZero<usize>>) -> usize {
    let processors = || std::thread::available_parallelism().map_or(1, NonZero::get);
    jobs.map_or_else(processors, NonZero::get)
}

fn one(source: &Source, seed: u64, trace: bool) -> Result<Campaign, Failure> {
    let scenario = source.plan.scenario(seed);
    let report = if trace {
        traced(&source.token(seed), |lines| {
            run_one(seed, &scenario, Some(lines))
        })?
    } else {
        run_one(seed, &scenario, None)
    };
    Ok(of_one(&source.plan, report))
}

fn many(source: &Source, seeds: Range<u64>, jobs: usize) -> Campaign {
    let bar = progress(seeds.end - seeds.start);
    let campaign = campaign(&source.plan, seeds, jobs, |report| {
        bar.inc(1);
        if !report.finding.is_empty() {
            bar.println(report::failure(report, source));
        }
    });
    bar.finish_and_clear();
    campaign
}
