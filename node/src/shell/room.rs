//! Room for submissions that the replica has in hand and has not answered.
//!
//! Invariant: their number and the sum of their bytes stay under their caps; room is held until the answer, however long its client waits.
//! Nothing waits for room: whoever finds none is told so.
//! Shape and units: a submission takes one place and as many bytes as its encoding has.
//! Source: `docs/spec/api.md`, "Problems".

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Most bytes that are not answered.
const BYTES_MAX: usize = 64 << 20;
/// Most submissions that are not answered.
const SUBMISSIONS_MAX: usize = 65_536;

/// The room of a node.
#[derive(Debug)]
pub struct Room {
    submissions: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
}

/// Room that somebody holds until it is dropped.
#[derive(Debug)]
pub struct Held {
    _submissions: OwnedSemaphorePermit,
    _bytes: OwnedSemaphorePermit,
}

impl Default for Room {
    fn default() -> Self {
        Self::new(SUBMISSIONS_MAX, BYTES_MAX)
    }
}

impl Room {
    fn new(submissions_max: usize, bytes_max: usize) -> Self {
        Self {
            submissions: Arc::new(Semaphore::new(submissions_max)),
            bytes: Arc::new(Semaphore::new(bytes_max)),
        }
    }

    /// Takes room for a submission of so many bytes; `None` if there is none.
    #[must_use]
    pub fn take(&self, bytes: usize) -> Option<Held> {
        let bytes = u32::try_from(bytes).ok()?;
        Some(Held {
            _submissions: Arc::clone(&self.submissions).try_acquire_owned().ok()?,
            _bytes: Arc::clone(&self.bytes).try_acquire_many_owned(bytes).ok()?,
        })
    }

    /// Takes all of it, as unanswered submissions would.
    #[cfg(test)]
    pub(super) fn take_all(&self) -> Option<Held> {
        self.take(self.bytes.available_permits())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_bounded() {
        let room = Room::new(10, 100);
        let (first, second) = (room.take(60), room.take(40));
        assert!(first.is_some() && second.is_some());
        assert!(room.take(1).is_none());
        drop(first);
        assert!(room.take(61).is_none());
        assert!(room.take(60).is_some());
    }

    #[test]
    fn their_number_is_bounded() {
        let room = Room::new(2, 100);
        let held = [room.take(1), room.take(1)];
        assert!(held.iter().all(Option::is_some));
        assert!(room.take(1).is_none());
        drop(held);
        assert!(room.take(1).is_some());
    }

    // Goal: what finds one kind of room and not the other keeps neither.
    #[test]
    fn a_refusal_holds_nothing() {
        let room = Room::new(1, 10);
        assert!(room.take(11).is_none());
        assert!(room.take(10).is_some());
    }
}
