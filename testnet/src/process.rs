//! One node's process.
//!
//! Invariant: it never outlives us: dropping the handle kills it, and if we are killed ourselves its standard input closes, which it was
//! told to take as the order to stop. It has a process group of its own, so a terminal's interrupt reaches us alone and we stop it in order;
//! a paused one is continued by the system when its group is orphaned, and then sees its input closed.
//! Source: `docs/guide/testnet.md`, "Processes"; POSIX.1-2017, §11.1.4 on orphaned process groups.

use anyhow::{Context as _, Result, ensure};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};
use std::fs::OpenOptions;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::program::{Environment, Program};

/// How long a node may take to stop in order.
const STOP_PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(10);

/// A node that was started.
#[derive(Debug)]
pub struct NodeProcess {
    child: Child,
    /// Closing it stops the node.
    input: Option<ChildStdin>,
}

impl NodeProcess {
    /// Starts the node of a home; its log is appended to a file. What it has of `held` lives as long as it does.
    ///
    /// # Errors
    /// When the program or the log cannot be opened.
    pub fn start(
        program: &Program,
        home: &Path,
        environment: &Environment,
        log: &Path,
        held: Stdio,
    ) -> Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(log);
        let file = file.with_context(|| format!("cannot open {}", log.display()))?;
        let mut command = program.command(home, environment);
        command
            .args(["start", "--stop-with-stdin"])
            .stdin(Stdio::piped())
            .stdout(held)
            .stderr(file)
            .process_group(0);
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {}", program.path().display()))?;
        let input = child.stdin.take();
        Ok(Self { child, input })
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Ends it as a power cut would, and waits until it is gone.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Tells it to stop, without waiting.
    pub fn ask_to_stop(&mut self) {
        drop(self.input.take());
    }

    /// Stops it in order; kills it when that takes too long. Says whether it did what it was told; one that had ended before did.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn stop(&mut self) -> Result<bool> {
        if self.ended()?.is_some() {
            return Ok(true);
        }
        self.ask_to_stop();
        // A paused node could not stop.
        drop(signal(self.pid(), Signal::CONT));
        let started = Instant::now();
        while started.elapsed() < STOP_PATIENCE {
            if let Some(status) = self.ended()? {
                return Ok(status.success());
            }
            std::thread::sleep(LOOK);
        }
        self.kill()?;
        Ok(false)
    }
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        // It may be gone already, and there is nobody left to tell.
        drop(self.kill());
    }
}

/// Sends a signal to a process.
///
/// # Errors
/// When there is no such process.
pub fn signal(pid: u32, signal: Signal) -> Result<()> {
    kill_process(identifier(pid)?, signal).with_context(|| format!("process {pid}"))
}

/// Ends a process, be it somebody else's child, as a power cut would, and waits until all of its threads are gone.
///
/// # Errors
/// When there is no such process, or a thread of it stays in the system for long.
pub fn end(pid: u32) -> Result<()> {
    let said = || format!("process {pid}");
    let process = pidfd_open(identifier(pid)?, PidfdFlags::empty()).with_context(said)?;
    pidfd_send_signal(&process, Signal::KILL).with_context(said)?;
    ensure!(
        ends_within(&process, STOP_PATIENCE).with_context(said)?,
        "process {pid} was killed and is not gone after {STOP_PATIENCE:?}"
    );
    Ok(())
}

/// Whether a process is gone, be its parent yet to hear of it.
///
/// # Errors
/// When the system does not say.
pub fn is_gone(pid: u32) -> Result<bool> {
    match pidfd_open(identifier(pid)?, PidfdFlags::empty()) {
        Ok(process) => ends_within(&process, Duration::ZERO),
        // The number may be that of a thread by now.
        Err(Errno::SRCH | Errno::INVAL | Errno::NOENT) => Ok(true),
        Err(error) => Err(error).with_context(|| format!("process {pid}")),
    }
}

fn ends_within(process: &OwnedFd, patience: Duration) -> Result<bool> {
    let patience = Timespec::try_from(patience).context("a patience of seconds")?;
    Ok(poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&patience))? == 1)
}

fn identifier(pid: u32) -> Result<Pid> {
    let process = i32::try_from(pid).ok().and_then(Pid::from_raw);
    process.with_context(|| format!("{pid} is no process id"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn an_ended_process_is_gone_at_once() {
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        assert!(!is_gone(child.id()).unwrap());
        end(child.id()).unwrap();
        assert!(
            is_gone(child.id()).unwrap(),
            "nobody has asked yet how it ended"
        );
        assert!(child.try_wait().unwrap().is_some());
        assert!(is_gone(child.id()).unwrap());
        assert!(end(child.id()).is_err(), "there is no such process");
    }
}
