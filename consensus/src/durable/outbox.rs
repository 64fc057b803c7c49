//! What one step of a machine asks for: effects at once, outputs when their records are on disk.
//!
//! Invariant: the outputs in a [`Pending`] can be taken out only when every (log, position) it waits for was covered by a
//! [`Durable`]. There is no other way to them, not even by reference.
//! Who calls it: machines build, hosts release, normally through [`PendingQueue`](super::PendingQueue).
//! Errors: none; a pending that still waits comes back as `Err`.
//! Source: `docs/spec/durable.md`, "Outbox and pending".

use super::{Durable, LogId, Position};

/// The result of one step of a machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use = "effects that are not started and outputs that are not queued are lost"]
pub struct Outbox<E, O> {
    /// Effects that may begin at once: sign, execute, verify, fetch, append, timer.
    pub start: Vec<E>,
    /// Outputs that leave when their records are on disk.
    pub pending: Pending<O>,
}

impl<E, O> Outbox<E, O> {
    /// Nothing to start and nothing to release.
    pub fn empty() -> Self {
        Self {
            start: Vec::new(),
            pending: Pending::free(Vec::new()),
        }
    }
}

impl<E, O> Default for Outbox<E, O> {
    fn default() -> Self {
        Self::empty()
    }
}

/// Outputs kept back until the records they depend on are on disk.
///
/// The outputs cannot be read, nor taken without the proofs:
/// ```compile_fail,E0616
/// use falaj_consensus::durable::{LogId, Pending, Position};
/// let pending = Pending::after([(LogId::Guard, Position::new(1))], vec!["vote"]);
/// let leaked = pending.outputs;
/// ```
/// ```compile_fail,E0308
/// use falaj_consensus::durable::{LogId, Pending, Position};
/// let pending = Pending::after([(LogId::Guard, Position::new(1))], vec!["vote"]);
/// let leaked: Vec<&str> = pending.release(&Position::new(1));
/// ```
/// ```compile_fail,E0277
/// use falaj_consensus::durable::{LogId, Pending, Position};
/// let pending = Pending::after([(LogId::Guard, Position::new(1))], vec!["vote"]);
/// for leaked in pending {}
/// ```
/// [`Pending::ready`] gives them only when nothing is waited for:
/// ```
/// use falaj_consensus::durable::{LogId, Pending, Position};
/// assert_eq!(Pending::free(vec!["event"]).ready(), Ok(vec!["event"]));
/// assert!(Pending::after([(LogId::Guard, Position::new(1))], vec!["vote"]).ready().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use = "outputs that are not queued are lost"]
pub struct Pending<O> {
    waits: Vec<(LogId, Position)>,
    outputs: Vec<O>,
}

impl<O> Pending<O> {
    /// Outputs that wait for nothing.
    pub const fn free(outputs: Vec<O>) -> Self {
        Self {
            waits: Vec::new(),
            outputs,
        }
    }

    /// Outputs that wait for all of `waits`. Of several waits on one log the furthest counts.
    pub fn after(waits: impl IntoIterator<Item = (LogId, Position)>, outputs: Vec<O>) -> Self {
        let mut pending = Self::free(outputs);
        for (log, position) in waits {
            pending.wait_for(log, position);
        }
        pending
    }

    /// Adds a record to wait for.
    pub fn wait_for(&mut self, log: LogId, position: Position) {
        match self.waits.iter_mut().find(|(waited, _)| *waited == log) {
            Some((_, furthest)) => *furthest = position.max(*furthest),
            None => {
                self.waits.push((log, position));
                self.waits.sort_unstable();
            }
        }
    }

    /// Adds an output behind those already here.
    pub fn push(&mut self, output: O) {
        self.outputs.push(output);
    }

    /// The records still waited for, one a log, in order of log.
    #[must_use]
    pub fn waits(&self) -> &[(LogId, Position)] {
        &self.waits
    }

    /// How many outputs are kept back.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.outputs.len()
    }

    /// Whether there is nothing to release.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.outputs.is_empty()
    }

    /// Drops the waits that `proof` covers, and gives the outputs when none is left.
    ///
    /// # Errors
    /// The pending itself, with the waits that are left.
    pub fn release(mut self, proof: &Durable) -> Result<Vec<O>, Self> {
        self.waits
            .retain(|(log, position)| !proof.covers(*log, *position));
        self.ready()
    }

    /// Gives the outputs when nothing is waited for.
    ///
    /// # Errors
    /// The pending itself when it waits for a record.
    pub fn ready(self) -> Result<Vec<O>, Self> {
        if self.waits.is_empty() {
            Ok(self.outputs)
        } else {
            Err(self)
        }
    }
}
