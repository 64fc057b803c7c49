//! What waits to be written to one peer over one connection.
//!
//! Invariant: no class holds more than its limit of messages or bytes. A full urgent class drops its oldest messages,
//! a full bulk class refuses the new one; whichever it is, the caller learns the number.
//! Units: messages and bytes of payload.
//! Called by [`super::NetworkHandle::send`] on one side and the connection's writer on the other.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use bytes::Bytes;
use futures::task::AtomicWaker;

use super::class::{Class, PerClass};
use super::config::ClassLimits;

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pushed {
    /// It waits; so many older ones had to go.
    Queued { dropped: u64 },
    /// There is no room.
    Refused,
}

#[derive(Debug, Default)]
struct Queue {
    messages: VecDeque<Bytes>,
    bytes: u64,
}

impl Queue {
    fn push(&mut self, message: Bytes, drops_oldest: bool, limits: &ClassLimits) -> Pushed {
        let mut dropped = 0;
        while !self.has_room(&message, limits) {
            if !drops_oldest || self.pop().is_none() {
                return Pushed::Refused;
            }
            dropped += 1;
        }
        self.bytes += message.len() as u64;
        self.messages.push_back(message);
        Pushed::Queued { dropped }
    }

    fn has_room(&self, message: &Bytes, limits: &ClassLimits) -> bool {
        self.messages.len() < limits.queue_messages_max as usize
            && self.bytes + message.len() as u64 <= limits.queue_bytes_max
    }

    fn pop(&mut self) -> Option<Bytes> {
        let message = self.messages.pop_front()?;
        self.bytes -= message.len() as u64;
        Some(message)
    }
}

/// How much waits in one class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Length {
    pub(super) messages: u64,
    pub(super) bytes: u64,
}

#[derive(Debug, Default)]
pub(super) struct Outbound {
    queues: Mutex<PerClass<Queue>>,
    writer: AtomicWaker,
}

impl Outbound {
    pub(super) fn push(&self, class: Class, message: Bytes, limits: &ClassLimits) -> Pushed {
        let pushed = self
            .lock()
            .get_mut(class)
            .push(message, class.is_urgent(), limits);
        self.writer.wake();
        pushed
    }

    pub(super) fn pop(&self, class: Class) -> Option<Bytes> {
        self.lock().get_mut(class).pop()
    }

    pub(super) fn lengths(&self) -> PerClass<Length> {
        let queues = self.lock();
        PerClass::from_fn(|class| {
            let queue = queues.get(class);
            Length {
                messages: queue.messages.len() as u64,
                bytes: queue.bytes,
            }
        })
    }

    /// Has the writer woken at the next push.
    pub(super) fn register(&self, writer: &Waker) {
        self.writer.register(writer);
    }

    /// Nothing that could panic runs under this lock, so a poisoned one is as good as any.
    fn lock(&self) -> MutexGuard<'_, PerClass<Queue>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: ClassLimits = ClassLimits {
        message_bytes_max: 4,
        queue_messages_max: 3,
        queue_bytes_max: 8,
        inbound_bytes_max: 4,
        inbound_bytes_per_s: 1,
        inbound_messages_per_s: 1,
    };

    fn push(outbound: &Outbound, class: Class, message: &'static [u8]) -> Pushed {
        outbound.push(class, Bytes::from_static(message), &LIMITS)
    }

    #[test]
    fn a_full_urgent_queue_drops_its_oldest() {
        let outbound = Outbound::default();
        for message in [b"1", b"2", b"3"] {
            assert_eq!(
                push(&outbound, Class::Votes, message),
                Pushed::Queued { dropped: 0 }
            );
        }
        assert_eq!(
            push(&outbound, Class::Votes, b"4"),
            Pushed::Queued { dropped: 1 }
        );
        assert_eq!(outbound.pop(Class::Votes).as_deref(), Some(&b"2"[..]));
    }

    #[test]
    fn a_full_bulk_queue_refuses_the_newest() {
        let outbound = Outbound::default();
        for message in [b"1", b"2", b"3"] {
            assert_eq!(
                push(&outbound, Class::Batches, message),
                Pushed::Queued { dropped: 0 }
            );
        }
        assert_eq!(push(&outbound, Class::Batches, b"4"), Pushed::Refused);
        assert_eq!(outbound.pop(Class::Batches).as_deref(), Some(&b"1"[..]));
    }

    #[test]
    fn bytes_are_bounded_as_well_as_messages() {
        let outbound = Outbound::default();
        assert_eq!(
            push(&outbound, Class::Sync, b"1234"),
            Pushed::Queued { dropped: 0 }
        );
        assert_eq!(
            push(&outbound, Class::Sync, b"1234"),
            Pushed::Queued { dropped: 0 }
        );
        assert_eq!(push(&outbound, Class::Sync, b"1"), Pushed::Refused);
        assert_eq!(
            outbound.lengths().sync,
            Length {
                messages: 2,
                bytes: 8
            }
        );
        assert_eq!(
            push(&outbound, Class::Proposals, b"1234"),
            Pushed::Queued { dropped: 0 }
        );
        assert_eq!(
            push(&outbound, Class::Proposals, b"1234"),
            Pushed::Queued { dropped: 0 }
        );
        assert_eq!(
            push(&outbound, Class::Proposals, b"12"),
            Pushed::Queued { dropped: 1 }
        );
        assert_eq!(
            outbound.lengths().proposals,
            Length {
                messages: 2,
                bytes: 6
            }
        );
    }

    #[test]
    fn what_could_never_fit_is_refused_even_by_an_urgent_queue() {
        let outbound = Outbound::default();
        assert_eq!(push(&outbound, Class::Votes, b"123456789"), Pushed::Refused);
    }
}
