//! The pendings of one machine, released in the order in which the machine made them.
//!
//! Invariant: no output leaves before an output of an earlier step, whatever either waits for.
//! Who calls it: a host, one queue for each machine it drives.
//! Errors: none.
//! Source: `docs/spec/durable.md`, "Outbox and pending".

use std::collections::VecDeque;

use super::{Durable, LogId, Pending, Position};

/// Pendings in order, and the furthest proof of each log seen so far.
///
/// ```
/// use falaj_consensus::durable::{Pending, PendingQueue};
/// let mut queue = PendingQueue::new();
/// queue.push(Pending::free(vec!["first"]));
/// queue.push(Pending::free(vec!["second"]));
/// assert_eq!(queue.release(), vec!["first", "second"]);
/// ```
#[derive(Clone, Debug)]
pub struct PendingQueue<O> {
    waiting: VecDeque<Pending<O>>,
    proofs: Vec<Durable>,
}

impl<O> PendingQueue<O> {
    /// A queue without pendings and proofs.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            waiting: VecDeque::new(),
            proofs: Vec::new(),
        }
    }

    /// Puts a step's pending behind all earlier ones.
    pub fn push(&mut self, pending: Pending<O>) {
        if !pending.is_empty() {
            self.waiting.push_back(pending);
        }
    }

    /// Remembers a proof; it also serves pendings that come later.
    pub fn note(&mut self, proof: &Durable) {
        match self
            .proofs
            .iter_mut()
            .find(|known| known.log() == proof.log())
        {
            Some(known) if known.upto() < proof.upto() => *known = *proof,
            Some(_) => {}
            None => self.proofs.push(*proof),
        }
    }

    /// Takes the outputs that may leave now, in order, up to the first pending that still waits.
    #[must_use = "released outputs have left the queue"]
    pub fn release(&mut self) -> Vec<O> {
        let mut released = Vec::new();
        while let Some(pending) = self.waiting.pop_front() {
            match released_by(pending, &self.proofs) {
                Ok(outputs) => released.extend(outputs),
                Err(pending) => {
                    self.waiting.push_front(pending);
                    break;
                }
            }
        }
        released
    }

    /// Drops the pendings that wait for a record of `log` at `from` or later, and says how many outputs were lost.
    ///
    /// For a host whose log withdrew records that could not be written: their positions will name other records.
    pub fn discard(&mut self, log: LogId, from: Position) -> usize {
        let lost = |pending: &Pending<O>| {
            pending
                .waits()
                .iter()
                .any(|(waited, position)| *waited == log && *position >= from)
        };
        let outputs = self
            .waiting
            .iter()
            .filter(|pending| lost(pending))
            .map(Pending::len)
            .sum();
        self.waiting.retain(|pending| !lost(pending));
        outputs
    }

    /// How many pendings wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

impl<O> Default for PendingQueue<O> {
    fn default() -> Self {
        Self::new()
    }
}

/// Offers every proof to a pending.
fn released_by<O>(mut pending: Pending<O>, proofs: &[Durable]) -> Result<Vec<O>, Pending<O>> {
    for proof in proofs {
        match pending.release(proof) {
            Ok(outputs) => return Ok(outputs),
            Err(waiting) => pending = waiting,
        }
    }
    pending.ready()
}
