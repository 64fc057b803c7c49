//! `falaj-sim selfcheck`: hunts every mutation, then runs the real code under the same scenarios.
//!
//! Shape: a table, or with `--json` a line for each mutation and each false alarm and a last line that sums up.
//! Errors: a build without the feature `mutations` has none to hunt; a name that nobody has is a usage error.
//! Source: `docs/guide/selfcheck.md`.

use std::num::NonZero;

use clap::Args;
use falaj_simulations::run::{Report, run as run_one};
use falaj_simulations::scenario::Scenario;

use super::exit::Failure;

#[cfg(feature = "mutations")]
mod hunts;
#[cfg(feature = "mutations")]
mod table;

#[cfg(feature = "mutations")]
use hunts::broken;
#[cfg(feature = "mutations")]
pub(super) use hunts::run;

#[derive(Args)]
pub(super) struct SelfcheckArgs {
    /// Hunt this mutation only, and leave the real code alone unless `--seeds` is said.
    #[arg(long, value_name = "NAME")]
    mutation: Option<String>,
    /// Seeds under which the real code has to be right; 1,000 if not said.
    #[arg(long)]
    seeds: Option<u64>,
    /// How many runs at a time; as many as there are processors if not said.
    #[arg(long)]
    jobs: Option<NonZero<usize>>,
    /// A line of JSON for each mutation, and one at the end.
    #[arg(long)]
    json: bool,
}

/// How a scenario is run under a seed.
pub(super) type Runner = Box<dyn Fn(u64, &Scenario) -> Report>;

/// Runs the real code, or with the rule broken that a name says.
pub(super) fn runner(mutation: Option<&str>) -> Result<Runner, Failure> {
    match mutation {
        None => Ok(Box::new(|seed, scenario| run_one(seed, scenario, None))),
        Some(name) => broken(name),
    }
}

/// A build without mutations says how to make one with them.
#[cfg(not(feature = "mutations"))]
pub(super) fn run(_args: &SelfcheckArgs) -> Result<std::process::ExitCode, Failure> {
    Err(Failure::NoMutations)
}

#[cfg(not(feature = "mutations"))]
fn broken(_name: &str) -> Result<Runner, Failure> {
    Err(Failure::NoMutations)
}
