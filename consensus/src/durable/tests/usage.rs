//! Appending, reading back, rolling, pruning, and what a full or failing disk does.

use crate::durable::tests::{
    FIRST_FILE, FramedLog, IDENTITY, MemDisk, Position, created, opened, records, sync_groups,
    three_groups,
};
use crate::durable::{Disk, LogError, RECORD_BYTES_MAX};
use std::collections::BTreeSet;

fn numbered(count: u64) -> Vec<Vec<u8>> {
    (1..=count)
        .map(|number| format!("record {number}").into_bytes())
        .collect()
}

/// A log whose segments hold one group each.
fn log_of_small_segments(disk: &MemDisk, groups: u64) -> FramedLog<MemDisk> {
    let mut log = created(disk);
    log.set_segment_bytes(0);
    for record in numbered(groups) {
        log.append(&record).unwrap();
        let _ = log.sync().unwrap();
    }
    log
}

// Positions count records from 1, written or not, and records read back by position and in order.
#[test]
fn records_read_back_by_position() {
    let disk = MemDisk::new();
    let mut log = created(&disk);
    assert_eq!(log.last(), Position::START);
    for (index, record) in numbered(5).iter().enumerate() {
        assert_eq!(log.append(record).unwrap().get(), index as u64 + 1);
        if index == 2 {
            assert_eq!(log.sync().unwrap().upto(), Position::new(3));
        }
    }
    for (index, record) in numbered(5).iter().enumerate() {
        assert_eq!(&log.read(Position::new(index as u64 + 1)).unwrap(), record);
    }
    assert_eq!(records(&log), numbered(5));
    let from_four: Vec<_> = log
        .iter_from(Position::new(4))
        .map(Result::unwrap)
        .collect();
    assert_eq!(from_four.len(), 2);
    assert_eq!(from_four[0], (Position::new(4), b"record 4".to_vec()));
    for absent in [0, 6, u64::MAX] {
        assert!(matches!(
            log.read(Position::new(absent)),
            Err(LogError::NoRecord { .. })
        ));
    }
}

// docs/spec/durable.md, "Frames": what is kept in memory of where records stand grows with the megabytes of a log, not with its
// frames, and every record is found all the same, before and after the log is opened anew.
#[test]
fn a_log_of_many_frames_needs_few_marks() {
    const FRAMES: u64 = 2_500;
    let (disk, record) = (MemDisk::new(), |number: u64| {
        [&number.to_le_bytes()[..], &[7; 1_000]].concat()
    });
    let mut log = created(&disk);
    log.set_segment_bytes(2 << 20);
    for number in 1..=FRAMES {
        log.append(&record(number)).unwrap();
        let _ = log.sync().unwrap();
    }
    for log in [&log, &opened(&disk).unwrap()] {
        let marks = (1..=FRAMES).map(|number| log.mark_before(Position::new(number)));
        let distinct: BTreeSet<_> = marks.clone().collect();
        assert_eq!(distinct.len(), 3);
        assert!(
            (1..=FRAMES)
                .map(Position::new)
                .zip(marks)
                .all(|(at, mark)| mark <= at)
        );
        for number in (1..=FRAMES).step_by(211) {
            assert_eq!(log.read(Position::new(number)).unwrap(), record(number));
        }
        let all = log.iter_from(Position::START).map(|item| item.unwrap().1);
        assert!(all.eq((1..=FRAMES).map(record)));
    }
}

// docs/spec/durable.md, "Frames": what is read in order is read once, however many records are asked for; at least one record comes,
// and no more than so many bytes.
#[test]
fn positions_in_order_are_read_in_one_pass() {
    let disk = MemDisk::new();
    let mut log = created(&disk);
    let groups: Vec<_> = numbered(100)
        .into_iter()
        .map(|record| vec![record])
        .collect();
    sync_groups(&mut log, &groups);
    let all: Vec<_> = (1..=100).map(Position::new).collect();
    let before = disk.reads();
    let read = log.read_present(&all, usize::MAX).unwrap();
    assert!(
        read.iter()
            .map(|(_, record)| record)
            .eq(groups.iter().flatten())
    );
    // Length and content of each frame.
    assert_eq!(disk.reads() - before, 200);
    let sizes = [(0, 1), (groups[0][0].len() * 2, 2)];
    for (bytes_max, count) in sizes {
        assert_eq!(log.read_present(&all, bytes_max).unwrap(), read[..count]);
    }
    let (gone, mixed) = (Position::new(101), [7, 3, 99, 3].map(Position::new));
    assert_eq!(log.read_present(&[gone], 1).unwrap(), []);
    let read = log.read_present(&mixed, usize::MAX).unwrap();
    assert!(read.iter().map(|(position, _)| *position).eq(mixed));
}

// docs/spec/durable.md, "Looking": a view holds what was written when it was taken, and the log goes on beside it, into new segments too.
#[test]
fn a_view_is_read_while_the_log_goes_on() {
    let disk = MemDisk::new();
    let mut log = log_of_small_segments(&disk, 20);
    let before = records(&log);
    let view = log.view().unwrap();
    sync_groups(&mut log, &[numbered(50), numbered(50)]);
    assert_eq!(view.last().get(), before.len() as u64);
    let read = view.iter_from(Position::START).map(|item| item.unwrap().1);
    assert!(read.eq(before.iter().cloned()));
    assert_eq!(
        view.log().read(view.last()).unwrap(),
        before[before.len() - 1]
    );
    assert!(view.read(view.last().next()).is_err());
    assert_eq!(records(&log).len(), before.len() + 100);
}

// A proof covers all records appended before the sync, whether flushed before or not.
#[test]
fn a_sync_proves_everything_appended() {
    let disk = MemDisk::new();
    let mut log = created(&disk);
    log.append(b"one").unwrap();
    log.flush().unwrap();
    log.append(b"two").unwrap();
    assert_eq!(log.sync().unwrap().upto(), Position::new(2));
    assert_eq!(log.sync().unwrap().upto(), Position::new(2));
    assert_eq!(
        records(&opened(&disk).unwrap()),
        vec![b"one".to_vec(), b"two".to_vec()]
    );
}

// A sync of what is written leaves collected records for the next frame, and proves nothing of them.
#[test]
fn a_sync_of_what_is_written_leaves_the_rest() {
    let disk = MemDisk::new();
    let mut log = created(&disk);
    log.append(b"one").unwrap();
    log.flush().unwrap();
    log.append(b"two").unwrap();
    assert_eq!(log.sync_written().unwrap().upto(), Position::new(1));
    assert_eq!(log.last(), Position::new(2));
    assert_eq!(records(&opened(&disk).unwrap()), vec![b"one".to_vec()]);
    assert_eq!(log.sync().unwrap().upto(), Position::new(2));
}

// At most one frame is ever unsynced: flushing a second one syncs the first.
#[test]
fn a_flush_syncs_the_frame_before() {
    let disk = MemDisk::new();
    let mut log = created(&disk);
    log.append(b"one").unwrap();
    log.flush().unwrap();
    log.append(b"two").unwrap();
    log.flush().unwrap();
    disk.crash(crate::durable::Survives::Nothing, false);
    assert_eq!(records(&opened(&disk).unwrap()), vec![b"one".to_vec()]);
}

// A log is made once and opened afterwards; a missing one is never made by opening.
#[test]
fn create_and_open_are_not_interchangeable() {
    let disk = MemDisk::new();
    assert!(matches!(opened(&disk), Err(LogError::Missing { .. })));
    drop(created(&disk));
    assert!(matches!(
        FramedLog::create(disk.clone(), IDENTITY),
        Err(LogError::Exists { .. })
    ));
    assert_eq!(opened(&disk).unwrap().last(), Position::START);
}

// An empty record and one that no frame holds are refused, and the log goes on.
#[test]
fn records_of_impossible_size_are_refused() {
    let mut log = created(&MemDisk::new());
    assert!(matches!(
        log.append(b""),
        Err(LogError::RecordSize { bytes: 0, .. })
    ));
    assert!(matches!(
        log.append(&vec![0; RECORD_BYTES_MAX + 1]),
        Err(LogError::RecordSize { .. })
    ));
    assert_eq!(log.append(b"fits").unwrap(), Position::new(1));
}

// The largest record fits; the next one opens a new frame, and then a new segment, by itself.
#[test]
fn the_largest_records_roll_to_new_segments() {
    let disk = MemDisk::new();
    let mut log = created(&disk);
    let large = vec![0xa5; RECORD_BYTES_MAX];
    for count in 1..=3 {
        assert_eq!(log.append(&large).unwrap(), Position::new(count));
    }
    assert_eq!(log.sync().unwrap().upto(), Position::new(3));
    assert_eq!(disk.list().unwrap().len(), 3);
    let log = opened(&disk).unwrap();
    assert_eq!(log.last(), Position::new(3));
    assert!(log.read(Position::new(2)).unwrap() == large);
}

// Segments continue the count of positions, are checked against each other, and reading crosses them.
#[test]
fn a_log_of_many_segments_reads_as_one() {
    let disk = MemDisk::new();
    drop(log_of_small_segments(&disk, 5));
    assert_eq!(disk.list().unwrap().len(), 5);
    let mut log = opened(&disk).unwrap();
    assert_eq!(records(&log), numbered(5));
    assert_eq!(log.read(Position::new(2)).unwrap(), b"record 2");
    assert_eq!(log.append(b"record 6").unwrap(), Position::new(6));
    assert_eq!(log.sync().unwrap().upto(), Position::new(6));
    assert_eq!(records(&opened(&disk).unwrap()), numbered(6));
}

// Pruning drops whole segments in front of a position; positions stay, what is gone is gone, the last segment stays.
#[test]
fn pruning_drops_whole_segments_and_keeps_positions() {
    let disk = MemDisk::new();
    let mut log = log_of_small_segments(&disk, 5);
    assert_eq!(log.prune(Position::new(1)).unwrap(), 0);
    assert_eq!(log.prune(Position::new(3)).unwrap(), 2);
    assert_eq!(log.first(), Position::new(3));
    assert!(matches!(
        log.read(Position::new(2)),
        Err(LogError::NoRecord { .. })
    ));
    let log_again = opened(&disk).unwrap();
    assert_eq!(log_again.first(), Position::new(3));
    assert_eq!(records(&log_again), numbered(5)[2..]);
    assert_eq!(log.prune(Position::new(99)).unwrap(), 2);
    assert_eq!(records(&opened(&disk).unwrap()), numbered(5)[4..]);
}

// A full disk leaves no trace: nothing half written, the records withdrawn or written later, positions as if nothing had been.
#[test]
fn a_full_disk_is_undone() {
    let disk = MemDisk::new();
    let mut log = created(&disk);
    sync_groups(&mut log, &three_groups());
    let before = disk.contents(FIRST_FILE).unwrap();
    for room in 0..20 {
        disk.set_capacity(Some(disk.used_bytes() + room));
        let position = log.append(b"a record that does not fit").unwrap();
        let error = log.sync().unwrap_err();
        assert!(error.is_full(), "{error}");
        assert_eq!(disk.contents(FIRST_FILE).unwrap(), before);
        assert_eq!(log.withdraw(position), 1);
        assert_eq!(log.last(), Position::new(4));
    }
    log.append(b"kept for later").unwrap();
    log.flush().unwrap_err();
    disk.set_capacity(None);
    assert_eq!(log.sync().unwrap().upto(), Position::new(5));
    assert_eq!(records(&opened(&disk).unwrap())[4], b"kept for later");
}

// A disk that fills up while a segment is begun leaves the log as it was, and the segment is begun later.
#[test]
fn a_full_disk_at_the_start_of_a_segment_is_undone() {
    let disk = MemDisk::new();
    let mut log = log_of_small_segments(&disk, 1);
    for room in 0..64 {
        disk.set_capacity(Some(disk.used_bytes().saturating_sub(room / 2)));
        let position = log.append(b"record 2").unwrap();
        assert!(log.sync().unwrap_err().is_full());
        assert_eq!(log.withdraw(position), 1);
    }
    disk.set_capacity(None);
    log.append(b"record 2").unwrap();
    let _ = log.sync().unwrap();
    assert_eq!(records(&opened(&disk).unwrap()), numbered(2));
}

// Only records that are not written can be withdrawn, and only from the end.
#[test]
fn withdrawing_leaves_written_records() {
    let mut log = created(&MemDisk::new());
    log.append(b"written").unwrap();
    log.flush().unwrap();
    log.append(b"kept").unwrap();
    log.append(b"dropped").unwrap();
    assert_eq!(log.withdraw(Position::new(4)), 0);
    assert_eq!(log.withdraw(Position::new(3)), 1);
    assert_eq!(records(&log), vec![b"written".to_vec(), b"kept".to_vec()]);
    assert_eq!(log.withdraw(Position::new(1)), 1);
    assert_eq!(log.last(), Position::new(1));
}

// After a failed sync the log answers nothing any more, not even that an older record is on disk.
#[test]
fn a_failed_sync_poisons_the_log() {
    let disk = MemDisk::new();
    let mut log = created(&disk);
    sync_groups(&mut log, &three_groups());
    log.append(b"lost").unwrap();
    disk.fail_syncs();
    assert!(matches!(log.sync(), Err(LogError::Disk { .. })));
    assert!(matches!(log.sync(), Err(LogError::Poisoned { .. })));
    assert!(matches!(
        log.append(b"more"),
        Err(LogError::Poisoned { .. })
    ));
    assert!(matches!(log.flush(), Err(LogError::Poisoned { .. })));
    assert!(matches!(
        log.read(Position::new(1)),
        Err(LogError::Poisoned { .. })
    ));
    assert!(matches!(
        log.prune(Position::new(1)),
        Err(LogError::Poisoned { .. })
    ));
    assert!(matches!(
        log.iter_from(Position::START).next(),
        Some(Err(LogError::Poisoned { .. }))
    ));
}

// A write that fails for another reason than a full disk poisons the log too: how much of it happened is unknown.
#[test]
fn a_failed_write_poisons_the_log() {
    let disk = MemDisk::new();
    let mut log = created(&disk);
    log.append(b"lost").unwrap();
    disk.cut_power_after(0);
    let error = log.flush().unwrap_err();
    assert!(!error.is_full());
    assert!(matches!(log.flush(), Err(LogError::Poisoned { .. })));
}
