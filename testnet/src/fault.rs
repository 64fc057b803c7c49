//! Faults on a running network, by what its `network.json` says.
//!
//! Invariant: a signal goes only to a process that still is the node it was when the file was written.
//! Source: `docs/guide/testnet.md`, "Faults".

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::Signal;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::control::ask_to_start;
use crate::network::{Network, ValidatorEntry};
use crate::process::signal;
use crate::token;

const START_PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(50);

/// What can be done to a validator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Fault {
    /// End its process as a power cut would.
    Kill,
    /// Have the running `up` start it again, and wait until it is ready.
    Start,
    /// Stop its process without ending it.
    Pause,
    /// Let a paused process go on.
    Resume,
    /// Take its token away.
    HsmGone,
    /// Bring its token back.
    HsmBack,
}

/// Does it.
///
/// # Errors
/// When there is no such validator, or it is not in the state that this needs.
pub fn inject(file: &Path, validator: usize, fault: Fault) -> Result<()> {
    let network = Network::read(file)?;
    let entry = network.validator(validator)?;
    match fault {
        Fault::Kill => send(entry, Signal::KILL),
        Fault::Pause => send(entry, Signal::STOP),
        Fault::Resume => send(entry, Signal::CONT),
        Fault::HsmGone => token::take_away(&entry.env),
        Fault::HsmBack => token::bring_back(&entry.env),
        Fault::Start => start(file, entry),
    }
}

fn send(entry: &ValidatorEntry, what: Signal) -> Result<()> {
    ensure!(
        is_its_process(entry),
        "{} does not run: process {} is not its node",
        entry.name,
        entry.pid
    );
    signal(entry.pid, what)
}

/// Whether the process has the node's home on its command line.
fn is_its_process(entry: &ValidatorEntry) -> bool {
    let command = std::fs::read(format!("/proc/{}/cmdline", entry.pid)).unwrap_or_default();
    let home = entry.home.as_os_str().as_encoded_bytes();
    command.split(|byte| *byte == 0).any(|word| word == home)
}

fn start(file: &Path, entry: &ValidatorEntry) -> Result<()> {
    ensure!(!is_its_process(entry), "{} runs already", entry.name);
    let folder = file.parent().context("network.json is in a folder")?;
    ask_to_start(folder, entry.index)?;
    let asked = Instant::now();
    while asked.elapsed() < START_PATIENCE {
        if Network::read(file)?.validator(entry.index)?.pid != entry.pid {
            return Ok(());
        }
        std::thread::sleep(LOOK);
    }
    bail!(
        "{} did not come back within {START_PATIENCE:?}; does `falaj-testnet up` run?",
        entry.name
    )
}
