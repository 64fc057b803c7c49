//! What `falaj-sim` understands.
//!
//! Errors: a usage error exits with 2; each verdict and each kind of bad input has its own exit code, see [`exit`].
//! Source: `docs/simulation.md`, "The program".

mod compare;
mod exit;
mod folder;
mod input;
mod minimise;
mod progress;
mod provenance;
mod replay;
mod run;
mod step;
mod sweep;
mod traced;

use std::io::{Write, stderr, stdout};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
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
    /// Show where nodes stand after an event of a run, and what happens around it.
    Step(step::StepArgs),
    /// Name the first event that differs between two traces of one run.
    Compare(compare::CompareArgs),
    /// Make the scenario of a run that fails as small as it can be while it fails in the same way.
    Minimise(minimise::MinimiseArgs),
    /// Put the shards of a sweep together.
    Merge(sweep::MergeArgs),
    /// Print the JSON Schema of scenario files.
    Schema,
}

pub(crate) fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Run(args) => run::run(&args),
        Command::Replay(args) => replay::replay(&args),
        Command::Step(args) => step::step(&args),
        Command::Compare(args) => compare::compare(&args),
        Command::Minimise(args) => minimise::minimise(&args),
        Command::Merge(args) => sweep::merge(&args),
        Command::Schema => schema(),
    };
    done.unwrap_or_else(|failure| {
        // Nobody may be listening any more; the exit code says what has to be said.
        let _gone = writeln!(stderr(), "falaj-sim: {failure}");
        ExitCode::from(failure.exit_code())
    })
}

fn schema() -> Result<ExitCode, Failure> {
    let text = serde_json::to_string_pretty(&File::schema()).expect("a schema is JSON");
    let _gone = writeln!(stdout(), "{text}");
    Ok(ExitCode::SUCCESS)
}
