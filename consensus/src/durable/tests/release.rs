//! Outputs leave when every record they wait for is proven, in the order of the steps.

use crate::durable::tests::{FramedLog, IDENTITY, LogId, LogIdentity, MemDisk, Position};
use crate::durable::{Durable, Outbox, Pending, PendingQueue};

/// A proof that the first `count` records of `log` are on disk, from a real log.
fn proof(log: LogId, count: u64) -> Durable {
    let mut framed = FramedLog::create(MemDisk::new(), LogIdentity { log, ..IDENTITY }).unwrap();
    for _ in 0..count {
        framed.append(b"record").unwrap();
    }
    framed.sync().unwrap()
}

fn wait(log: LogId, count: u64) -> (LogId, Position) {
    (log, Position::new(count))
}

// A proof releases only what it covers: same log, same or later position.
#[test]
fn a_proof_covers_its_log_up_to_its_position() {
    let pending = || Pending::after([wait(LogId::Guard, 2)], vec!["vote"]);
    assert!(pending().release(&proof(LogId::Guard, 1)).is_err());
    assert!(pending().release(&proof(LogId::Block, 2)).is_err());
    assert_eq!(pending().release(&proof(LogId::Guard, 2)), Ok(vec!["vote"]));
    assert_eq!(pending().release(&proof(LogId::Guard, 3)), Ok(vec!["vote"]));
}

// Of several waits each needs its proof, in any order; a wait that was covered is not asked for again.
#[test]
fn all_waits_must_be_covered() {
    let pending = Pending::after(
        [
            wait(LogId::Block, 1),
            wait(LogId::Batch, 2),
            wait(LogId::Block, 3),
        ],
        vec!["vote"],
    );
    assert_eq!(
        pending.waits(),
        [wait(LogId::Block, 3), wait(LogId::Batch, 2)]
    );
    let pending = pending.release(&proof(LogId::Batch, 2)).unwrap_err();
    assert_eq!(pending.waits(), [wait(LogId::Block, 3)]);
    let pending = pending.release(&proof(LogId::Block, 2)).unwrap_err();
    assert_eq!(pending.release(&proof(LogId::Block, 3)), Ok(vec!["vote"]));
}

// What waits for nothing is ready at once.
#[test]
fn a_free_pending_is_ready() {
    assert_eq!(Pending::free(vec![1, 2]).ready(), Ok(vec![1, 2]));
    assert!(Outbox::<(), ()>::empty().pending.is_empty());
}

// A later step never overtakes an earlier one, even if its own record is on disk already.
#[test]
fn the_queue_releases_in_order() {
    let mut queue = PendingQueue::new();
    queue.push(Pending::after(
        [wait(LogId::Guard, 2)],
        vec!["second record"],
    ));
    queue.push(Pending::after(
        [wait(LogId::Guard, 1)],
        vec!["first record"],
    ));
    queue.push(Pending::free(vec!["free"]));
    queue.note(&proof(LogId::Guard, 1));
    assert_eq!(queue.release(), Vec::<&str>::new());
    queue.note(&proof(LogId::Guard, 2));
    assert_eq!(
        queue.release(),
        vec!["second record", "first record", "free"]
    );
    assert!(queue.is_empty());
}

// A proof is remembered: what is queued later and covered by it leaves at once, and an older proof takes nothing back.
#[test]
fn the_queue_remembers_the_furthest_proof() {
    let mut queue = PendingQueue::new();
    queue.note(&proof(LogId::Guard, 3));
    queue.note(&proof(LogId::Guard, 1));
    queue.push(Pending::after([wait(LogId::Guard, 3)], vec!["vote"]));
    assert_eq!(queue.release(), vec!["vote"]);
}

// Outputs of records that were withdrawn are dropped, the others stay.
#[test]
fn the_queue_discards_what_waits_for_withdrawn_records() {
    let mut queue = PendingQueue::new();
    queue.push(Pending::after([wait(LogId::Batch, 1)], vec!["kept"]));
    queue.push(Pending::after(
        [wait(LogId::Batch, 2), wait(LogId::Block, 1)],
        vec!["lost", "lost too"],
    ));
    assert_eq!(queue.discard(LogId::Batch, Position::new(2)), 2);
    queue.note(&proof(LogId::Batch, 2));
    assert_eq!(queue.release(), vec!["kept"]);
    assert!(queue.is_empty());
}
