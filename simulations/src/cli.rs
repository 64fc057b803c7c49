//! What `falaj-sim` understands.
//!
//! Errors: a usage error exits with 2; each verdict and each kind of bad input has its own exit code, see [`exit`].
//! Source: `docs/simulation.md`.

mod bench;
mod compare;
mod exit;
mod explore;
mod folder;
mod input;
mod interrupt;
mod minimise;
mod print;
mod progress;
mod provenance;
mod quiet;
mod rate;
mod replay;
mod report;
mod run;
mod selfcheck;
mod step;
mod sweep;
mod traced;
mod twins;

use std::io::{Write, stderr};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use falaj_node::usage::{self, WrongUsage};
use falaj_simulations::scenario::file::File;

use self::exit::Failure;

/// Runs whole Falaj networks in virtual time, under faults, and judges them from outside.
#[derive(Parser)]
#[command(name = "falaj-sim", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a scenario file, or the random scenario of each seed.
    Run(run::RunArgs),
    /// Run again what a token names.
    Replay(replay::ReplayArgs),
    /// Draw a run, or a sweep, as a page that needs nothing else.
    Report(report::ReportArgs),
    /// Show where nodes stand after an event of a run, and what happens around it.
    Step(step::StepArgs),
    /// Name the first event that differs between two traces of one run.
    Compare(compare::CompareArgs),
    /// Make the scenario of a run that fails as small as it can be while it fails in the same way.
    Minimise(minimise::MinimiseArgs),
    /// Measure how fast this machine simulates.
    Bench(bench::BenchArgs),
    /// Put the shards of a sweep together.
    Merge(sweep::MergeArgs),
    /// Print the JSON Schema of scenario files.
    Schema,
    /// Break the protocol in every known way, and see that the oracles see it.
    Selfcheck(selfcheck::SelfcheckArgs),
    /// Play every scenario in which one of four validators is two, and the network is split in each round.
    Twins(twins::TwinsArgs),
    /// Deliver the messages of a small case in every order.
    Explore(explore::ExploreArgs),
}

pub(crate) fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return wrong_usage(&error),
    };
    let done = match cli.command {
        Command::Run(args) => run::run(&args),
        Command::Replay(args) => replay::replay(&args),
        Command::Report(args) => report::report(&args),
        Command::Step(args) => step::step(&args),
        Command::Compare(args) => compare::compare(&args),
        Command::Minimise(args) => minimise::minimise(&args),
        Command::Bench(args) => bench::bench(&args),
        Command::Merge(args) => sweep::merge(&args),
        Command::Schema => schema(),
        Command::Selfcheck(args) => selfcheck::run(&args),
        Command::Twins(args) => twins::run(&args),
        Command::Explore(args) => explore::run(&args),
    };
    done.unwrap_or_else(|failure| {
        let (what, code) = (failure.to_string(), failure.exit_code());
        if usage::wants_json() {
            return tell(&what, None, code);
        }
        // Nobody may be listening any more; the exit code says what has to be said.
        let _gone = writeln!(stderr(), "falaj-sim: {what}");
        ExitCode::from(code)
    })
}

/// Tells of a command line that cannot be read; help and version are no errors.
fn wrong_usage(error: &clap::Error) -> ExitCode {
    if !usage::wants_json() || !error.use_stderr() {
        error.exit();
    }
    let WrongUsage { error, fix } = WrongUsage::of(&error.to_string());
    tell(&error, Some(&fix), usage::EXIT_CODE)
}

/// Tells a program why there is no verdict, in one object.
fn tell(error: &str, fix: Option<&str>, exit_code: u8) -> ExitCode {
    let object = serde_json::json!({
        "error": error, "causes": [], "fix": fix, "exit_code": exit_code,
    });
    if print::line(&object.to_string()).is_err() {
        // Where the output is full, people may still be told.
        let _gone = writeln!(stderr(), "falaj-sim: {error}");
    }
    ExitCode::from(exit_code)
}

fn schema() -> Result<ExitCode, Failure> {
    let text = serde_json::to_string_pretty(&File::schema()).expect("a schema is JSON");
    print::line(&text)?;
    Ok(ExitCode::SUCCESS)
}
