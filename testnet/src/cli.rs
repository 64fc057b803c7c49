//! The command line: one file a command.
//!
//! Exit codes: 0 ok, 1 a check failed or a step did, 2 usage, and those of [`crate::exit`].
//! Source: `docs/guide/testnet.md`.

mod bench;
mod demo;
mod fault;
mod load;
mod new;
mod number;
mod print;
mod sweep;
mod up;
mod usage;
mod verify;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

use crate::exit;

/// Testnets of real Falaj nodes on one machine.
#[derive(Parser)]
#[command(name = "falaj-testnet", version, about, propagate_version = true)]
struct Cli {
    /// Print JSON instead of text.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a testnet's folder: tokens, homes, keys, genesis.
    New(new::New),
    /// Run every node of a folder until interrupted; an empty folder is made a testnet first.
    Up(up::Up),
    /// Send transfers to a running network and count what becomes of them.
    Load(load::Load),
    /// Re-execute all blocks of every node from genesis.
    Verify(verify::Verify),
    /// Make a fault on a running network, or end one.
    Fault(fault::FaultCommand),
    /// Show a network under load and faults.
    Demo(demo::Demo),
    /// Measure costs as ratios to floors of the same run.
    Bench(bench::Bench),
    #[command(hide = true)]
    Sweep(sweep::Sweep),
}

/// Runs the command line of this process.
#[must_use]
pub fn run() -> ExitCode {
    let Cli { json, command } = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage::tell(&error),
    };
    let result = match command {
        Command::New(new) => new.run(json),
        Command::Up(up) => up.run(json),
        Command::Load(load) => load.run(json),
        Command::Verify(verify) => verify.run(json),
        Command::Fault(fault) => fault.run(json),
        Command::Demo(demo) => demo.run(json),
        Command::Bench(bench) => bench.run(json),
        Command::Sweep(sweep) => sweep.run(),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            print::error(&error, json);
            ExitCode::from(exit::code(&error))
        }
    }
}

/// The runtime of the commands that talk to nodes.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?)
}
