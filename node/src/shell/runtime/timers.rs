//! The core thread's timers, earliest first.
//!
//! Invariant: timers that are due come out in order of time, then of start.
//! Units: nanoseconds of the monotonic clock.

use crate::core::Timer;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Timers that run.
#[derive(Debug, Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<(u64, u64, Timer)>>,
    started: u64,
}

impl Timers {
    pub(super) fn start(&mut self, at_ns: u64, timer: Timer) {
        self.started = self.started.wrapping_add(1);
        self.heap.push(Reverse((at_ns, self.started, timer)));
    }

    /// When the next one is due.
    pub(super) fn next_ns(&self) -> Option<u64> {
        self.heap.peek().map(|Reverse((at, _, _))| *at)
    }

    /// Takes one that is due.
    pub(super) fn take_due(&mut self, now_ns: u64) -> Option<Timer> {
        if self.next_ns()? > now_ns {
            return None;
        }
        self.heap.pop().map(|Reverse((_, _, timer))| timer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use falaj_consensus::message::Lane;

    #[test]
    fn timers_come_in_order_of_time_then_of_start() {
        let mut timers = Timers::default();
        timers.start(20, Timer::Tick);
        timers.start(10, Timer::CloseBatch(Lane::Retail));
        timers.start(10, Timer::CloseBatch(Lane::Governance));
        assert_eq!(timers.take_due(9), None);
        assert_eq!(timers.take_due(10), Some(Timer::CloseBatch(Lane::Retail)));
        assert_eq!(
            timers.take_due(10),
            Some(Timer::CloseBatch(Lane::Governance))
        );
        assert_eq!(timers.take_due(10), None);
        assert_eq!(timers.next_ns(), Some(20));
    }
}
