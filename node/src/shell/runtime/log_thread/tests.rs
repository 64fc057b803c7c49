//! A log on a disk that fills up, and gets room again, and one that many read.

use falaj_consensus::durable::{Disk, LogIdentity, MemDisk, Position};
use falaj_consensus::types::Hash32;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};

use super::*;
use crate::core::ReadFor;
use crate::shell::runtime::exit_code;

const IDENTITY: LogIdentity = LogIdentity {
    log: LogId::Batch,
    genesis_hash: Hash32::ZERO,
};

/// A log's thread, what it gives, and how it would end the process.
struct Running {
    thread: LogThread,
    inputs: Receiver<Input>,
    ended: Arc<Mutex<Option<i32>>>,
}

impl Running {
    fn start(disk: &MemDisk, has_room: impl Fn() -> bool + Send + 'static) -> Self {
        let log = FramedLog::create(disk.clone(), IDENTITY).unwrap();
        let (results, inputs) = channel();
        let ended = Arc::new(Mutex::new(None));
        let end = Arc::clone(&ended);
        let fatal = Fatal::with(move |code, _| *end.lock().unwrap() = Some(code));
        let results = move |input| drop(results.send(input));
        let thread = LogThread::start(log, IDENTITY.log, results, |_| {}, has_room, fatal).unwrap();
        Self {
            thread,
            inputs,
            ended,
        }
    }

    fn append(&self, record: &[u8]) {
        self.thread.send(LogCommand::Append(record.to_vec()));
    }

    /// Far longer than it takes, so that a thread that waits for ever fails its test.
    fn next(&self) -> Input {
        self.inputs.recv_timeout(Duration::from_secs(60)).unwrap()
    }

    /// The position that the next proof covers.
    fn proven(&self) -> u64 {
        let next = self.next();
        let Input::Synced(durable) = next else {
            panic!("{next:?}");
        };
        durable.upto().get()
    }

    /// Waits until so many records are proven and the replica was told of the room.
    fn proven_to(&self, upto: u64) {
        let (mut proven, mut room) = (0, false);
        while proven < upto || !room {
            let next = self.next();
            room |= matches!(next, Input::DiskRoom(log) if log == IDENTITY.log);
            if let Input::Synced(durable) = next {
                proven = durable.upto().get();
            }
        }
        assert_eq!(proven, upto);
    }
}

fn records<D: Disk>(disk: D) -> Vec<Vec<u8>> {
    let log = FramedLog::open(disk, IDENTITY).unwrap();
    log.iter_from(log.first())
        .map(|record| record.unwrap().1)
        .collect()
}

/// A record of which no two go into one frame.
fn large(byte: u8) -> Vec<u8> {
    vec![byte; 20 * 1024 * 1024]
}

// More comes than a frame holds while there is no room: all of it waits in its order, nothing is proven and nothing ends; with room
// it is written without a restart.
#[test]
fn a_full_disk_loses_nothing_and_heals_without_a_restart() {
    let disk = MemDisk::new();
    let running = Running::start(&disk, || true);
    assert_eq!(running.proven(), 0);
    disk.set_capacity(Some(disk.used_bytes() + 1024));
    let all = [large(1), large(2), large(3), b"small".to_vec()];
    for record in &all {
        running.append(record);
    }
    assert!(matches!(running.next(), Input::DiskFull(LogId::Batch)));
    assert!(running.thread.health().is_full());
    disk.set_capacity(None);
    running.proven_to(4);
    assert!(!running.thread.health().is_full());
    drop(running.thread);
    assert_eq!(*running.ended.lock().unwrap(), None);
    assert_eq!(records(disk), all);
}

// A disk below its reserve is called full before anything fails, and what comes meanwhile is not written.
#[test]
fn a_disk_below_its_reserve_is_full() {
    let disk = MemDisk::new();
    let room = Arc::new(AtomicBool::new(true));
    let has_room = Arc::clone(&room);
    let running = Running::start(&disk, move || has_room.load(Ordering::Relaxed));
    assert_eq!(running.proven(), 0);
    room.store(false, Ordering::Relaxed);
    let before = disk.used_bytes();
    running.append(b"later");
    assert!(matches!(running.next(), Input::DiskFull(LogId::Batch)));
    assert_eq!(disk.used_bytes(), before);
    room.store(true, Ordering::Relaxed);
    running.proven_to(1);
}

// After a failed sync the state of the disk is unknown: the process ends, and nothing is proven.
#[test]
fn a_failed_sync_ends_the_process() {
    let disk = MemDisk::new();
    let running = Running::start(&disk, || true);
    assert_eq!(running.proven(), 0);
    disk.fail_syncs();
    running.append(b"lost");
    assert!(running.inputs.recv().is_err());
    assert_eq!(*running.ended.lock().unwrap(), Some(exit_code::DISK));
}

// Reads that do not end hold up neither a write nor its sync and proof; each is answered, from what was proven when it was asked for.
#[test]
fn a_flood_of_reads_does_not_hold_up_a_sync() {
    const READS: usize = 1_000;
    let disk = MemDisk::new();
    let running = Running::start(&disk, || true);
    assert_eq!(running.proven(), 0);
    disk.hold_reads(true);
    for round in 1..=3 {
        running.append(b"record");
        for _ in 0..READS {
            let positions = vec![Position::new(round)];
            let purpose = ReadFor::NamedAgain;
            let read = LogRead::Records { positions, purpose };
            running.thread.send(LogCommand::Read(read));
        }
    }
    let mut proven = 0;
    while proven < 3 {
        proven = running.proven();
    }
    disk.hold_reads(false);
    for at in 0..3 * READS {
        let next = running.next();
        let Input::Read { records, .. } = next else {
            panic!("{next:?}");
        };
        let position = Position::new((at / READS) as u64 + 1);
        assert_eq!(records, [(position, b"record".to_vec())]);
    }
}
