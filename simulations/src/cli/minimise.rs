//! `falaj-sim minimise`: the least scenario that still fails as a token's run does, as a file for the corpus.
//!
//! Invariant: what is written was read again, and its run fails in the same way.
//! Shape: the file goes to `--out` or to standard output, all words to standard error.

use std::io::{Write, stderr};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use falaj_simulations::minimise::{MinimiseError, Minimised, Tripped, minimise as make_small};
use falaj_simulations::run::{Verdict, run as run_one};
use falaj_simulations::scenario::Scenario;
use falaj_simulations::scenario::file::{Expect, File, Regression};

use super::exit::Failure;
use super::folder::write_whole;
use super::input::TokenArgs;
use super::print;
use super::progress::counter;
use super::selfcheck::runner;

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
    /// Break this rule, as `selfcheck` does: for a mistake that was mended, so that the file can show that nobody makes it again.
    #[arg(long, value_name = "NAME")]
    mutation: Option<String>,
    /// How many runs it may take at most.
    #[arg(long, default_value_t = 2_000)]
    runs: u64,
}

pub(super) fn minimise(args: &MinimiseArgs) -> Result<ExitCode, Failure> {
    let (source, seed) = args.token.source()?;
    let scenario = source.plan.scenario(seed);
    let bar = counter(args.runs);
    let runner = runner(args.mutation.as_deref())?;
    let judge = |scenario: &Scenario| Tripped::by(&runner(seed, scenario));
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
    again(seed, &text, &minimised.after, judge)?;
    if args.mutation.is_some() {
        unbroken(seed, &text)?;
    }
    say(&minimised);
    match &args.out {
        Some(path) => write_whole(path, &text)?,
        None => print::whole(&text)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The file with what it is and where it comes from. What a broken rule makes fail has to be live and safe with the rule.
fn text(args: &MinimiseArgs, seed: u64, minimised: &Minimised) -> String {
    let after = &minimised.after;
    let about = args.about.clone();
    let about = about.unwrap_or_else(|| format!("What trips the oracle {}.", after.oracle));
    let regression = args.mutation.as_ref().map(|mutation| Regression {
        mutation: mutation.clone(),
        oracle: after.oracle.to_owned(),
    });
    let verdict = match regression {
        Some(_) => Verdict::SafeLive,
        None => after.verdict,
    };
    let file = File {
        about,
        seed: Some(seed),
        regression,
        expect: Expect {
            verdict,
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
fn again(
    seed: u64,
    text: &str,
    wanted: &Tripped,
    judge: impl Fn(&Scenario) -> Option<Tripped>,
) -> Result<(), MinimiseError> {
    match judge(&File::parse(text)?.scenario(seed)) {
        Some(tripped) if tripped == *wanted => Ok(()),
        Some(_) | None => Err(MinimiseError::Otherwise),
    }
}

/// The real code has to be right where the broken one is not.
fn unbroken(seed: u64, text: &str) -> Result<(), MinimiseError> {
    let scenario = File::parse(text)?.scenario(seed);
    match Tripped::by(&run_one(seed, &scenario, None)) {
        None => Ok(()),
        Some(tripped) => Err(MinimiseError::Unbroken(tripped.finding)),
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
