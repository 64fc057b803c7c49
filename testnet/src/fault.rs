//! Faults on a running network, by what its `network.json` says.
//!
//! Errors: a validator that does not exist is wrong usage; anything else is a state that the fault does not fit.
//! Invariant: a signal goes only to a process that still is the node it was when the file was written.
//! Source: `docs/guide/testnet.md`, "Faults".

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::Signal;
use serde::Serialize;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::cluster::READY_PATIENCE;
use crate::control::{ask_to_start, refusal};
use crate::network::{Network, ValidatorEntry};
use crate::process::{end, signal};
use crate::token;

/// Longer than `up` waits for a node, so that its answer comes first.
const START_PATIENCE: Duration = READY_PATIENCE.saturating_add(Duration::from_secs(30));
const LOOK: Duration = Duration::from_millis(50);

/// What can be done to a validator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// End its process as a power cut would, and wait until it is gone.
    Kill,
    /// Have the running `up` start it again, and wait until it answers.
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

/// What was done, and to whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Done {
    /// What was asked for.
    pub fault: Fault,
    /// Index of the validator, from 0.
    pub index: usize,
    /// Its name.
    pub name: String,
    /// Its process: the one that was ended, stopped or continued, or the new one; nothing for a fault of the token.
    pub pid: Option<u32>,
}

/// Does it.
///
/// # Errors
/// When there is no such validator, or it is not in the state that this needs.
pub fn inject(file: &Path, validator: usize, fault: Fault) -> Result<Done> {
    let network = Network::read(file)?;
    let entry = network.validator(validator)?;
    let pid = act(file, entry, fault).with_context(|| format!("{}: not done", entry.label()))?;
    Ok(Done {
        fault,
        index: entry.index,
        name: entry.name.clone(),
        pid,
    })
}

/// Does it, and says to which process.
fn act(file: &Path, entry: &ValidatorEntry, fault: Fault) -> Result<Option<u32>> {
    match fault {
        Fault::Kill => running(entry).and_then(|pid| end(pid).map(|()| Some(pid))),
        Fault::Pause => signalled(entry, Signal::STOP),
        Fault::Resume => signalled(entry, Signal::CONT),
        Fault::HsmGone => token::take_away(&entry.env).map(|()| None),
        Fault::HsmBack => token::bring_back(&entry.env).map(|()| None),
        Fault::Start => start(file, entry).map(Some),
    }
}

fn signalled(entry: &ValidatorEntry, which: Signal) -> Result<Option<u32>> {
    let pid = running(entry)?;
    signal(pid, which)?;
    Ok(Some(pid))
}

impl Done {
    /// It, in a line.
    #[must_use]
    pub fn words(&self) -> String {
        let Self {
            fault,
            index,
            name,
            pid,
        } = self;
        let process = pid.map_or_else(String::new, |pid| format!("process {pid} "));
        let what = match fault {
            Fault::Kill => "was killed",
            Fault::Start => "was started",
            Fault::Pause => "was paused",
            Fault::Resume => "goes on",
            Fault::HsmGone => "its token was taken away",
            Fault::HsmBack => "its token is back",
        };
        format!("{name} (index {index}): {process}{what}")
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

/// Has it started again, and gives the new process.
fn start(file: &Path, entry: &ValidatorEntry) -> Result<u32> {
    ensure!(!is_its_process(entry), "{} runs already", entry.name);
    let folder = file.parent().context("network.json is in a folder")?;
    ask_to_start(folder, entry.index)?;
    let asked = Instant::now();
    while asked.elapsed() < START_PATIENCE {
        let pid = Network::read(file)?.validator(entry.index)?.pid;
        if pid != entry.pid {
            return Ok(pid);
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
