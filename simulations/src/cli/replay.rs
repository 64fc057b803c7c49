//! `falaj-sim replay`: a run again, by its token.
//!
//! Shape: a whole run ends with its verdict and exit code; up to an event it ends with where it stands then.

use std::process::ExitCode;

use clap::Args;
use falaj_simulations::run::run_to_event;

use super::exit::Failure;
use super::input::TokenArgs;
use super::print;
use super::run::alone;
use super::traced::traced;
use crate::report::Source;

#[derive(Args)]
pub(super) struct ReplayArgs {
    #[command(flatten)]
    token: TokenArgs,
    /// Print the trace up to this event, and stop there.
    #[arg(long, value_name = "EVENT", conflicts_with = "json")]
    until: Option<u64>,
    /// Print a line for every event.
    #[arg(long)]
    trace: bool,
    /// End with one line of JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn replay(args: &ReplayArgs) -> Result<ExitCode, Failure> {
    let (source, seed) = args.token.source()?;
    match args.until {
        None => alone(&source, seed, args.trace, args.json),
        Some(event) => until(&source, seed, event),
    }
}

fn until(source: &Source, seed: u64, event: u64) -> Result<ExitCode, Failure> {
    let scenario = source.plan.scenario(seed);
    let (now, events) = traced(&source.token(seed), |lines| {
        let world = run_to_event(seed, &scenario, Some(lines), event);
        (world.now(), world.trace().events())
    })?;
    if events < event {
        return Err(Failure::NoEvent { event, events });
    }
    print::line(&format!("stopped after event {event}, at {now}"))?;
    Ok(ExitCode::SUCCESS)
}
