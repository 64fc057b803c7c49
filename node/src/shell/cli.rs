//! The command line: one file a command, one place for exit codes and for how an error is told.
//!
//! Invariant: an error says what happened, why, and what to type next; a secret is never a flag.
//! Exit codes: 0 ok, 1 a check failed, 2 usage, 65 damaged data, 69 peer or API unavailable, 70 a broken belief, 73 folder in use,
//! 74 disk, 77 PIN or permission, 78 configuration.
//! Source: `docs/guide/cli.md`.

mod account;
mod audit;
mod chance;
mod client;
mod completions;
mod doctor;
mod endpoint;
mod exit;
mod files;
mod genesis;
mod init;
mod inspect;
mod keys;
mod measure;
mod names;
mod openapi;
mod print;
mod proof;
mod receipt;
mod remedy;
mod sibling;
mod snapshot;
mod start;
mod status;
mod time;
mod tx;
mod upgrade;
mod verify;

use clap::{CommandFactory as _, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

pub use exit::Failure;

use crate::usage::{self, WrongUsage};

/// A validator's node of a Falaj network, and the tools around it.
#[derive(Parser)]
#[command(name = "falaj", version, about, propagate_version = true)]
struct Cli {
    /// The node's home.
    #[arg(long, global = true, default_value = "falaj", env = "FALAJ_HOME")]
    home: PathBuf,
    /// Print JSON instead of text.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    #[command(subcommand, hide = true)]
    Measure(measure::Measure),
    /// Make a node's home, or set it on a genesis.
    Init(Box<init::Init>),
    /// Run the node until it is told to stop.
    Start(start::Start),
    /// Make and show the node's keys.
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Show where the node stands, whether it is well, and why it is not moving if it is not.
    Status(status::Status),
    /// Look at accounts.
    #[command(subcommand)]
    Account(Box<account::Account>),
    /// Make, sign, submit and look at transactions.
    #[command(subcommand)]
    Tx(Box<tx::Tx>),
    /// Get proofs of what became of transactions.
    #[command(subcommand)]
    Receipt(Box<receipt::Receipt>),
    /// Check a receipt, an account or a proof of no execution offline.
    Verify(verify::Verify),
    /// Take the state as proven chunks, check them, and begin a node with them.
    #[command(subcommand)]
    Snapshot(snapshot::Snapshot),
    /// Look at upgrades.
    #[command(subcommand)]
    Upgrade(upgrade::Upgrade),
    /// Print the OpenAPI document of the API.
    Openapi(openapi::OpenApi),
    /// Print a shell's completions.
    Completions(completions::Completions),
    /// Show what lies in the home, beside a running node or without one.
    #[command(subcommand)]
    Inspect(inspect::Inspect),
    /// Look into what went wrong between nodes.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Examine what the node depends on, and say what to do.
    #[command(subcommand)]
    Doctor(doctor::Doctor),
    /// Run networks of nodes on this machine: falaj-testnet.
    #[command(disable_help_flag = true, disable_version_flag = true)]
    Testnet(sibling::Sibling),
    /// Run the replica under simulated faults: falaj-sim.
    #[command(disable_help_flag = true, disable_version_flag = true)]
    Sim(sibling::Sibling),
}

/// What every command is given.
struct Scene {
    home: PathBuf,
    json: bool,
}

/// Runs the command line of this process.
#[must_use]
pub fn run() -> ExitCode {
    let Cli {
        home,
        json,
        command,
    } = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return wrong_usage(&error),
    };
    let scene = Scene { home, json };
    let result = match command {
        Command::Measure(measure) => measure.run(&scene),
        Command::Init(init) => init.run(&scene),
        Command::Start(start) => start.run(&scene),
        Command::Keys(keys) => keys.run(&scene),
        Command::Status(status) => status.run(&scene),
        Command::Account(account) => account.run(&scene),
        Command::Tx(tx) => tx.run(&scene),
        Command::Receipt(receipt) => receipt.run(&scene),
        Command::Verify(verify) => verify.run(&scene),
        Command::Snapshot(snapshot) => snapshot.run(&scene),
        Command::Upgrade(upgrade) => upgrade.run(&scene),
        Command::Audit(audit) => audit.run(&scene),
        Command::Openapi(openapi) => openapi.run(&scene),
        Command::Completions(completions) => completions.run(Cli::command()),
        Command::Doctor(doctor) => doctor.run(&scene),
        Command::Inspect(inspect) => inspect.run(&scene),
        Command::Testnet(testnet) => testnet.run(&scene, "falaj-testnet"),
        Command::Sim(sim) => sim.run(&scene, "falaj-sim"),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(json),
    }
}

/// Tells of a command line that cannot be read; help and version are no errors.
fn wrong_usage(error: &clap::Error) -> ExitCode {
    if !usage::wants_json() || !error.use_stderr() {
        error.exit();
    }
    let WrongUsage { error, fix } = WrongUsage::of(&error.to_string());
    Failure::new(usage::EXIT_CODE, error).fix(fix).tell(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    // What clap can find wrong with the commands themselves: two flags of one name, a default that is refused.
    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
