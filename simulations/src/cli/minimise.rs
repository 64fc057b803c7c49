//! `falaj-sim minimise`: the least scenario that still fails as a token's run does, as a file for the corpus.
//!
//! Invariant: what is written was read again, and its run fails in the same way.
//! Shape: the file goes to `--out` or to standard output, all words to standard error.

use std::io::{Write, stderr};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use falaj_simulations::minimise::{MinimiseError, Minimised, Tripped, minimise as make_small};
use falaj_simulations::run::run as run_one;
use falaj_simulations::scenario::Scenario;
use falaj_simulations::scenario::file::{Expect, File};

use super::exit::Failure;
use super::folder::write_whole;
use super::input::TokenArgs;
use super::print;
use super::progress::counter;

#[derive(Args)]
pub(super) struct MinimiseArgs {
    #[command(flatten)]
    token: TokenArgs,
    /// Where the scenario file goes; to standard output if not said.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// What the file says of itself; the oracle that it trips if not said.
    #[arg(long)]
    about: Option<String>,
    /// How many runs it may take at most.
    #[arg(long, default_value_t = 2_000)]
    runs: u64,
}

pub(super) fn minimise(args: &MinimiseArgs) -> Result<ExitCode, Failure> {
    let (source, seed) = args.token.source()?;
    let scenario = source.plan.scenario(seed);
    let bar = counter(args.runs);
    let judge = |scenario: &Scenario| Tripped::by(&run_one(seed, scenario, None));
    let minimised = make_small(seed, &scenario, args.runs, judge, |progress| {
        bar.set_position(progress.runs);
        let (events, faults) = (progress.events, progress.faults);
        let validators = progress.validators;
        bar.set_message(format!(
            "{events} events, {faults} faults, {validators} validators"
        ));
    });
    bar.finish_and_clear();
    let minimised = minimised?;
    let text = text(args, seed, &minimised);
    again(seed, &text, &minimised.after)?;
    say(&minimised);
    match &args.out {
        Some(path) => write_whole(path, &text)?,
        None => print::whole(&text)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The file with what it is and where it comes from.
fn text(args: &MinimiseArgs, seed: u64, minimised: &Minimised) -> String {
    let after = &minimised.after;
    let about = args.about.clone();
    let about = about.unwrap_or_else(|| format!("What trips the oracle {}.", after.oracle));
    let file = File {
        about,
        seed: Some(seed),
        expect: Expect {
            verdict: after.verdict,
            ..Expect::default()
        },
        ..minimised.file.clone()
    };
    let finding = after.finding.lines().next().unwrap_or_default();
    format!(
        "# Found by `{}`: {finding}\n{}",
        after.oracle,
        file.to_text()
    )
}

/// What was written has to fail as it did.
fn again(seed: u64, text: &str, wanted: &Tripped) -> Result<(), MinimiseError> {
    let scenario = File::parse(text)?.scenario(seed);
    let found = Tripped::by(&run_one(seed, &scenario, None));
    match found {
        Some(tripped) if tripped == *wanted => Ok(()),
        Some(_) | None => Err(MinimiseError::Otherwise),
    }
}

fn say(minimised: &Minimised) {
    let Minimised {
        before,
        after,
        runs,
        is_least,
        ..
    } = minimised;
    let end = if *is_least {
        "nothing more can be left out"
    } else {
        "its runs are used up: give it more with --runs"
    };
    let (oracle, verdict) = (after.oracle, after.verdict.name());
    let (was, is) = (before.events, after.events);
    // Nobody may be listening any more.
    let _gone = writeln!(
        stderr(),
        "{verdict} by {oracle}: from {was} to {is} events in {runs} runs; {end}"
    );
}
