//! Faults on a running network, by what its `network.json` says.
//!
//! Invariant: a signal goes only to a process that still is the node it was when the file was written.
//! Source: `docs/guide/testnet.md`, "Faults".

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::Signal;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::control::{ask_to_start, refusal};
use crate::network::{Network, ValidatorEntry};
use crate::process::{end, signal};
use crate::token;

/// Longer than `up` waits for a node, so that its answer comes first.
const START_PATIENCE: Duration = Duration::from_secs(90);
const LOOK: Duration = Duration::from_millis(50);

/// What can be done to a validator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Fault {
    /// End its process as a power cut would, and wait until it is gone.
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
        Fault::Kill => end(running(entry)?),
        Fault::Pause => signal(running(entry)?, Signal::STOP),
        Fault::Resume => signal(running(entry)?, Signal::CONT),
        Fault::HsmGone => token::take_away(&entry.env),
        Fault::HsmBack => token::bring_back(&entry.env),
        Fault::Start => start(file, entry),
    }
}

/// The process, if it is the node's.
fn running(entry: &ValidatorEntry) -> Result<u32> {
    ensure!(
        is_its_process(entry),
        "{} does not run: process {} is not its node",
        entry.name,
        entry.pid
    );
    Ok(entry.pid)
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
        if let Some(reason) = refusal(folder, entry.index) {
            bail!("{} did not start: {reason}", entry.name);
        }
        std::thread::sleep(LOOK);
    }
    bail!(
        "{} did not come back within {START_PATIENCE:?}; does `falaj-testnet up` run?",
        entry.name
    )
}
