//! What happens next: events in order of (time, sequence).
//!
//! Invariant: events of one time come out in the order in which they were put in, and time never goes back.
//! Shape: the sequence counts what was put in, from 0; it names an event in traces.
//! Errors: none; an event in the past is a panic, because it is a mistake of the simulator's own.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::types::SimTime;

/// Events to come.
#[derive(Debug)]
pub struct Queue<E> {
    heap: BinaryHeap<Entry<E>>,
    now: SimTime,
    sequence: u64,
}

/// An event with its place in the order.
#[derive(Debug)]
pub struct Entry<E> {
    /// When it happens.
    pub at: SimTime,
    /// The how manieth event it was to be put in.
    pub sequence: u64,
    /// What happens.
    pub event: E,
}

impl<E> Queue<E> {
    /// An empty queue at the start of time.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            heap: BinaryHeap::new(),
            now: SimTime::START,
            sequence: 0,
        }
    }

    /// The time of the latest event taken out.
    #[must_use]
    pub const fn now(&self) -> SimTime {
        self.now
    }

    /// Puts an event in; it comes after everything already put in for that time. Gives its sequence.
    ///
    /// # Panics
    /// When the time has passed.
    pub fn push(&mut self, at: SimTime, event: E) -> u64 {
        assert!(
            at >= self.now,
            "an event at {at} comes too late, it is {}",
            self.now
        );
        let sequence = self.sequence;
        self.sequence += 1;
        self.heap.push(Entry {
            at,
            sequence,
            event,
        });
        sequence
    }

    /// Takes the next event out and moves time to it.
    pub fn pop(&mut self) -> Option<Entry<E>> {
        let entry = self.heap.pop()?;
        self.now = entry.at;
        Some(entry)
    }

    /// When the next event happens.
    #[must_use]
    pub fn next_at(&self) -> Option<SimTime> {
        self.heap.peek().map(|entry| entry.at)
    }

    /// How many events are to come.
    #[must_use]
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether nothing is to come.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}

impl<E> Default for Queue<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> Entry<E> {
    const fn key(&self) -> (SimTime, u64) {
        (self.at, self.sequence)
    }
}

// The heap gives the greatest first, so the earliest has to be the greatest.
impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.key().cmp(&self.key())
    }
}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<E> Eq for Entry<E> {}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(queue: &mut Queue<&'static str>) -> Vec<&'static str> {
        std::iter::from_fn(|| queue.pop().map(|entry| entry.event)).collect()
    }

    /// Goal: time first, then the order of putting in.
    #[test]
    fn events_come_in_order_of_time_and_sequence() {
        let mut queue = Queue::new();
        for (at_ns, event) in [(5, "d"), (1, "a"), (5, "e"), (1, "b"), (2, "c")] {
            queue.push(SimTime::new(at_ns), event);
        }
        assert_eq!(queue.next_at(), Some(SimTime::new(1)));
        assert_eq!(drain(&mut queue), ["a", "b", "c", "d", "e"]);
        assert_eq!((queue.now(), queue.len()), (SimTime::new(5), 0));
    }

    /// Goal: what an event causes at its own time comes after what was already due then.
    #[test]
    fn consequences_come_after_what_was_due() {
        let mut queue = Queue::new();
        queue.push(SimTime::new(1), "first");
        queue.push(SimTime::new(1), "second");
        let first = queue.pop().unwrap();
        assert_eq!((first.event, first.sequence), ("first", 0));
        queue.push(queue.now(), "caused");
        assert_eq!(drain(&mut queue), ["second", "caused"]);
    }

    /// Goal: the past is closed.
    #[test]
    #[should_panic(expected = "comes too late")]
    fn the_past_is_closed() {
        let mut queue = Queue::new();
        queue.push(SimTime::new(2), ());
        queue.pop();
        queue.push(SimTime::new(1), ());
    }
}
