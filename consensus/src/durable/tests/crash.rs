//! Power cuts before and after every change of the disk: what was proven is there, nothing else appears.

use crate::durable::tests::{FramedLog, IDENTITY, MemDisk, Position, created, opened, records};
use crate::durable::{LogError, Survives};

const SURVIVORS: [Survives; 8] = [
    Survives::Nothing,
    Survives::Everything,
    Survives::Bytes(1),
    Survives::Bytes(9),
    Survives::Bytes(40),
    Survives::Sectors {
        sector_bytes: 16,
        kept: 0x5555_5555_5555_5555,
    },
    Survives::Sectors {
        sector_bytes: 16,
        kept: 0xaaaa_aaaa_aaaa_aaaa,
    },
    Survives::Sectors {
        sector_bytes: 64,
        kept: 0xfff0_ff0f_f0ff_0ff6,
    },
];

/// Writes groups of records over several segments until the power is cut; gives what was appended and what was proven.
fn run(disk: &MemDisk) -> (Vec<Vec<u8>>, Position) {
    let mut appended = Vec::new();
    let mut proven = Position::START;
    let result: Result<(), LogError> = (|| {
        let mut log = FramedLog::create(disk.clone(), IDENTITY)?;
        log.set_segment_bytes(220);
        for group in 0..6_u8 {
            for index in 0..=group % 3 {
                let record = vec![group * 16 + index + 1; 20 + usize::from(group)];
                appended.push(record.clone());
                log.append(&record)?;
            }
            if group % 2 == 0 {
                log.flush()?;
            }
            proven = log.sync()?.upto();
        }
        Ok(())
    })();
    drop(result);
    (appended, proven)
}

/// How many changes an undisturbed run makes.
fn operations() -> u64 {
    let disk = MemDisk::new();
    let (appended, proven) = run(&disk);
    assert_eq!(appended.len() as u64, proven.get());
    disk.operations()
}

// After a cut at any moment the log opens, holds all that was proven, and nothing that was not appended in that order.
#[test]
fn a_power_cut_loses_nothing_that_was_proven() {
    for cut in 0..=operations() {
        for survives in SURVIVORS {
            for names_survive in [false, true] {
                let disk = MemDisk::new();
                disk.cut_power_after(cut);
                let (appended, proven) = run(&disk);
                disk.crash(survives, names_survive);
                check(
                    &disk,
                    &appended,
                    proven,
                    &format!("cut {cut}, {survives:?}, names {names_survive}"),
                );
            }
        }
    }
}

fn check(disk: &MemDisk, appended: &[Vec<u8>], proven: Position, place: &str) {
    let log = match opened(disk) {
        Err(LogError::Missing { .. }) if proven == Position::START => return,
        other => other.unwrap_or_else(|error| panic!("{place}: {error}")),
    };
    let found = records(&log);
    assert!(
        found.len() as u64 >= proven.get(),
        "{place}: a proven record is lost"
    );
    assert!(
        appended.starts_with(&found),
        "{place}: records appeared or changed"
    );
    drop(log);
    goes_on(disk, found, place);
}

/// What was recovered can be appended to, and is itself durable: it is there after the next cut too.
fn goes_on(disk: &MemDisk, mut found: Vec<Vec<u8>>, place: &str) {
    disk.crash(Survives::Nothing, false);
    assert_eq!(
        records(&opened(disk).unwrap()),
        found,
        "{place}: opening gave what was not on disk"
    );
    let mut log = opened(disk).unwrap();
    log.append(b"after").unwrap();
    let _ = log.sync().unwrap();
    found.push(b"after".to_vec());
    assert_eq!(records(&opened(disk).unwrap()), found, "{place}");
}

// A cut during recovery is recovered from in the same way.
#[test]
fn a_power_cut_during_recovery_loses_nothing() {
    let disk = MemDisk::new();
    let (appended, proven) = run(&disk);
    let mut log = opened(&disk).unwrap();
    log.append(&[9; 50]).unwrap();
    log.flush().unwrap();
    disk.crash(Survives::Bytes(30), true);
    for cut in 0..4 {
        let image = disk.image();
        image.cut_power_after(cut);
        drop(opened(&image));
        image.crash(Survives::Nothing, false);
        assert_eq!(records(&opened(&image).unwrap()), appended, "cut {cut}");
    }
    assert_eq!(appended.len() as u64, proven.get());
}

// The folder's sync makes a log's existence durable: created is on disk.
#[test]
fn a_created_log_survives() {
    let disk = MemDisk::new();
    drop(created(&disk));
    disk.crash(Survives::Nothing, false);
    assert_eq!(opened(&disk).unwrap().last(), Position::START);
}

// A process that is killed leaves written bytes in memory only; opening makes them durable before anybody builds on them.
#[test]
fn what_a_killed_process_left_is_synced_before_it_is_used() {
    let disk = MemDisk::new();
    let mut log = created(&disk);
    log.append(b"written, not synced").unwrap();
    log.flush().unwrap();
    drop(log);
    let read = records(&opened(&disk).unwrap());
    assert_eq!(read, vec![b"written, not synced".to_vec()]);
    disk.crash(Survives::Nothing, false);
    assert_eq!(records(&opened(&disk).unwrap()), read);
}
