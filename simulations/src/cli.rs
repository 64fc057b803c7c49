//! What `falaj-sim` understands.
//!
//! Errors: a usage error exits with 2; the verdict of a run has its own exit code, see `Verdict::exit_code`.
//! Source: `docs/simulation.md`, "The program".

use std::io::{IsTerminal, Write, stderr, stdout};
use std::num::NonZero;
use std::ops::Range;
use std::process::ExitCode;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use clap::{Args, Parser, Subcommand};
use falaj_simulations::campaign::{Campaign, campaign, of_one};
use falaj_simulations::run::run;
use falaj_simulations::scenario::Scenario;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::report;

/// Runs whole Falaj networks in virtual time, under faults, and judges them from outside.
#[derive(Parser)]
#[command(name = "falaj-sim", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the random scenario of one seed or of many.
    Run(RunArgs),
}

#[derive(Args)]
struct RunArgs {
    /// The one seed to run.
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Seeds to run, as `FIRST..END`; END is not among them.
    #[arg(long, value_parser = parse_seeds, required_unless_present = "seed")]
    seeds: Option<Range<u64>>,
    /// How many seeds run at a time; as many as there are processors if not said.
    #[arg(long)]
    jobs: Option<NonZero<usize>>,
    /// Print a line for every event of the one seed.
    #[arg(long, requires = "seed")]
    trace: bool,
    /// End with one line of JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn main() -> ExitCode {
    let Command::Run(args) = Cli::parse().command;
    let started = Instant::now();
    let campaign = match (args.seed, &args.seeds) {
        (Some(seed), _) => one(seed, args.trace),
        (None, seeds) => many(seeds.clone().unwrap_or_default(), jobs(&args)),
    };
    let text = if args.json {
        report::json(&campaign, started.elapsed())
    } else {
        report::text(&campaign, started.elapsed())
    };
    // Nobody may be listening any more; the exit code says what has to be said.
    let _gone = writeln!(stdout(), "{text}");
    ExitCode::from(campaign.verdict.exit_code())
}

fn parse_seeds(text: &str) -> Result<Range<u64>, String> {
    let number = |digits: &str| digits.parse::<u64>().map_err(|error| error.to_string());
    let (first, end) = text.split_once("..").ok_or("seeds are FIRST..END")?;
    let seeds = number(first)?..number(end)?;
    if seeds.is_empty() {
        Err("there is no seed in that range".to_owned())
    } else {
        Ok(seeds)
    }
}

fn jobs(args: &RunArgs) -> usize {
    let processors = || std::thread::available_parallelism().map_or(1, NonZero::get);
    args.jobs.map_or_else(processors, NonZero::get)
}

fn one(seed: u64, trace: bool) -> Campaign {
    let scenario = Scenario::swarm(seed);
    if !trace {
        return of_one(run(seed, &scenario, None));
    }
    let (lines, heard) = channel::<String>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut out = stdout().lock();
            for line in heard {
                if writeln!(out, "{line}").is_err() {
                    return;
                }
            }
        });
        of_one(run(seed, &scenario, Some(lines)))
    })
}

fn many(seeds: Range<u64>, jobs: usize) -> Campaign {
    let bar = progress(seeds.end - seeds.start);
    let campaign = campaign(seeds, jobs, |report| {
        bar.inc(1);
        if !report.finding.is_empty() {
            bar.println(report::failure(report));
        }
    });
    bar.finish_and_clear();
    campaign
}

/// A bar on a terminal, nothing elsewhere.
fn progress(seeds: u64) -> ProgressBar {
    if !stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(seeds), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} seeds, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
