//! The disk keeps its word about what was synced and no other, and the shipped log lives on it.

use std::collections::BTreeSet;

use falaj_consensus::durable::{FramedLog, LogId, LogIdentity, Position};
use falaj_consensus::types::Hash32;

use super::*;

fn disk(seed: u64) -> SimDisk {
    SimDisk::new(&Chance::new(seed), 0, DiskDials::CALM)
}

fn write(disk: &SimDisk, name: &str, bytes: &[u8]) -> SimFile {
    let mut file = disk.create(name).unwrap();
    disk.append(&mut file, bytes).unwrap();
    file
}

/// Writes a file and syncs it with its name.
fn write_synced(disk: &SimDisk, name: &str, bytes: &[u8]) -> SimFile {
    let mut file = write(disk, name, bytes);
    disk.sync_file(&mut file).unwrap();
    disk.sync_directory().unwrap();
    file
}

/// Goal: what was synced, file and folder, is there after every crash.
#[test]
fn synced_bytes_survive_every_crash() {
    for seed in 0..50 {
        let disk = disk(seed);
        let mut file = write_synced(&disk, "a", &[7; 1_300]);
        disk.append(&mut file, &[9; 2_000]).unwrap();
        disk.crash();
        let left = disk.contents("a").unwrap();
        assert!(
            left.len() >= 1_300 && left[..1_300] == [7; 1_300],
            "seed {seed}"
        );
        assert!(left[1_300..].iter().all(|byte| [0, 9].contains(byte)));
    }
}

/// Goal: unsynced bytes are lost whole, kept whole, cut and torn by sector, each in some crash.
#[test]
fn unsynced_bytes_meet_every_fate() {
    let mut fates = BTreeSet::new();
    for seed in 0..200 {
        let disk = disk(seed);
        let mut file = write_synced(&disk, "a", b"");
        disk.append(&mut file, &[9; 2_048]).unwrap();
        disk.crash();
        let left = disk.contents("a").unwrap();
        let whole = |sector: &[u8]| sector.iter().all(|byte| *byte == sector[0]);
        assert!(left.chunks(512).all(whole), "a sector is there or not");
        fates.insert((left.contains(&0), left.len() / 1_024));
    }
    for fate in [(false, 0), (false, 1), (false, 2), (true, 1), (true, 2)] {
        assert!(fates.contains(&fate), "{fate:?} of {fates:?}");
    }
}

/// Goal: a name that was not synced may be gone although the file's bytes were synced.
#[test]
fn names_need_a_sync_of_their_own() {
    let there = |seed: &u64| {
        let disk = disk(*seed);
        let mut file = write(&disk, "a", b"x");
        disk.sync_file(&mut file).unwrap();
        disk.crash();
        disk.contents("a").is_some()
    };
    let kept = (0..100).filter(there).count();
    assert!((20..80).contains(&kept), "{kept}");
}

/// Goal: renames and removals survive in order: a later one never without an earlier one.
#[test]
fn unsynced_names_survive_as_a_prefix() {
    let mut seen = BTreeSet::new();
    for seed in 0..100 {
        let disk = disk(seed);
        write(&disk, "a", b"");
        write(&disk, "b", b"");
        disk.sync_directory().unwrap();
        disk.rename("a", "c").unwrap();
        disk.remove("b").unwrap();
        disk.crash();
        seen.insert(disk.list().unwrap().join(" "));
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["a b", "b c", "c"]);
}

/// Goal: a cut that was not synced may be undone by a crash, and then all of it is.
#[test]
fn an_unsynced_cut_may_come_back() {
    let mut lengths = BTreeSet::new();
    for seed in 0..50 {
        let disk = disk(seed);
        let mut file = write_synced(&disk, "a", &[7; 100]);
        disk.truncate(&mut file, 60).unwrap();
        disk.truncate(&mut file, 40).unwrap();
        disk.crash();
        let left = disk.contents("a").unwrap();
        assert!(left.iter().all(|byte| *byte == 7));
        lengths.insert(left.len());
    }
    assert_eq!(lengths.into_iter().collect::<Vec<_>>(), [40, 100]);
}

/// Goal: a failed sync spoils its bytes for ever, also when a later sync succeeds; a lie does so without saying it.
#[test]
fn failed_and_lying_syncs_lose_their_bytes() {
    let fails = DiskDials {
        sync_fails: Ppm::ALWAYS,
        ..DiskDials::CALM
    };
    let lies = DiskDials {
        sync_lies: Ppm::ALWAYS,
        ..DiskDials::CALM
    };
    for dials in [fails, lies] {
        let disk = disk(1);
        let mut file = write_synced(&disk, "a", &[7; 10]);
        disk.append(&mut file, &[8; 10]).unwrap();
        disk.set_dials(dials);
        assert_eq!(disk.sync_file(&mut file).is_err(), dials == fails);
        disk.set_dials(DiskDials::CALM);
        disk.append(&mut file, &[9; 10]).unwrap();
        disk.sync_file(&mut file).unwrap();
        assert_eq!(
            disk.contents("a").unwrap(),
            [[7; 10], [8; 10], [9; 10]].concat(),
            "a reader sees nothing of it"
        );
        disk.crash();
        assert_eq!(
            disk.contents("a").unwrap(),
            [[7; 10], [0; 10], [9; 10]].concat()
        );
        assert_eq!(disk.tally().lost_synced, 1);
    }
}

/// Goal: a full disk takes what fits and says so; room can come back.
#[test]
fn a_full_disk_takes_what_fits() {
    let disk = disk(1);
    disk.set_dials(DiskDials {
        capacity_bytes: 6,
        ..DiskDials::CALM
    });
    let mut file = write(&disk, "a", b"1234");
    assert!(disk.append(&mut file, b"5678").unwrap_err().is_full());
    assert_eq!(disk.contents("a").unwrap(), b"123456");
    disk.truncate(&mut file, 4).unwrap();
    disk.append(&mut file, b"56").unwrap();
    assert_eq!(disk.tally().full, 1);
}

/// Goal: after the power is gone nothing works, and files of before the crash are dead after it.
#[test]
fn power_ends_everything() {
    let disk = disk(1);
    let mut file = write(&disk, "a", b"x");
    disk.cut_power_after(1);
    disk.sync_directory().unwrap();
    assert!(disk.sync_file(&mut file).is_err());
    assert!(disk.list().is_err());
    disk.crash();
    assert!(disk.list().is_ok());
    assert!(disk.append(&mut file, b"y").is_err());
}

/// Goal: rot flips one bit of a file, and an older image can be put back.
#[test]
fn rot_flips_a_bit_and_images_restore() {
    let disk = disk(1);
    let mut file = write_synced(&disk, "a", &[0; 64]);
    let image = disk.durable_image();
    disk.append(&mut file, &[0; 64]).unwrap();
    assert!(disk.rot("a", Word::new(1 << 60)));
    assert!(!disk.rot("b", Word::new(0)));
    let ones: u32 = disk
        .contents("a")
        .unwrap()
        .iter()
        .map(|byte| byte.count_ones())
        .sum();
    assert_eq!((ones, disk.tally().rotten_bits), (1, 1));
    disk.restore(&image);
    assert_eq!(disk.contents("a").unwrap(), [0; 64]);
    assert!(
        disk.append(&mut file, b"y").is_err(),
        "files of before are dead"
    );
}

/// Goal: syncs take their time within the dials, and the same seed has the same disk.
#[test]
fn syncs_take_their_time() {
    let delays = |seed| {
        let disk = disk(seed);
        let mut file = write(&disk, "a", b"");
        let sync = |_| {
            disk.sync_file(&mut file)
                .map(|()| disk.sync_delay_ns())
                .unwrap()
        };
        (0..20).map(sync).collect::<Vec<_>>()
    };
    assert_eq!(delays(1), delays(1));
    assert_ne!(delays(1), delays(2));
    let calm = DiskDials::CALM;
    assert!(
        delays(1)
            .iter()
            .all(|ns| (calm.sync_min_ns..=calm.sync_cap_ns).contains(ns))
    );
}

/// All records of a log.
fn records(log: &FramedLog<SimDisk>) -> Vec<Vec<u8>> {
    (1..=log.last().get())
        .map(|at| log.read(Position::new(at)).unwrap())
        .collect()
}

/// Appends and syncs until the power goes; gives the records that were proven.
fn work_until_the_power_goes(log: &mut FramedLog<SimDisk>) -> Vec<Vec<u8>> {
    let mut written = records(log);
    let mut proven = written.len();
    for size in 1..8_u8 {
        let record = vec![size; 300 * usize::from(size)];
        if log.append(&record).is_err() {
            break;
        }
        written.push(record);
        let Ok(proof) = log.sync() else { break };
        proven = usize::try_from(proof.upto().get()).unwrap();
    }
    written.truncate(proven);
    written
}

/// Goal: the shipped log loses no record that it proved durable, over many crashes of one disk, wherever the power goes.
#[test]
fn the_shipped_log_keeps_what_it_proved() {
    let identity = LogIdentity {
        log: LogId::Batch,
        genesis_hash: Hash32::ZERO,
    };
    for seed in 0..40 {
        let disk = disk(seed);
        let mut plan = Chance::new(seed).draws(Site::new("test/plan"), 0);
        let mut proven: Vec<Vec<u8>> = Vec::new();
        drop(FramedLog::create(disk.clone(), identity).unwrap());
        for _ in 0..6 {
            let mut log = FramedLog::open(disk.clone(), identity).unwrap();
            assert!(
                records(&log).starts_with(&proven),
                "seed {seed}: a proven record is gone"
            );
            disk.cut_power_after(plan.next().word(0).within(1, 12));
            proven = work_until_the_power_goes(&mut log);
            disk.crash();
        }
    }
}

fn identity(log: LogId) -> LogIdentity {
    let genesis_hash = Hash32::ZERO;
    LogIdentity { log, genesis_hash }
}

/// A log of these records on a disk of its own.
fn log_of(place: u64, log: LogId, records: &[Vec<u8>]) -> (SimDisk, FramedLog<SimDisk>) {
    let disk = SimDisk::new(&Chance::new(1), place, DiskDials::CALM);
    let mut written = FramedLog::create(disk.clone(), identity(log)).unwrap();
    for record in records {
        written.append(record).unwrap();
        let _proof = written.sync().unwrap();
    }
    (disk, written)
}

/// Opens a log after a crash: it is refused, or holds the first so many of the records that were written.
fn opens_as(disk: &SimDisk, log: LogId, written: &[Vec<u8>]) -> Option<usize> {
    let found = FramedLog::open(disk.clone(), identity(log)).ok()?;
    let found = records(&found);
    assert!(
        written.starts_with(&found),
        "{log:?} holds what it was not given"
    );
    Some(found.len())
}

/// Goal: readers see a write that went elsewhere until the power goes; then it is not where it was meant to be, other sectors hold it
/// instead of their own bytes, and no file has another length.
#[test]
fn a_misdirected_write_shows_when_the_power_has_gone() {
    let disk = disk(1);
    let mut file = write_synced(&disk, "a", &[7; 2_048]);
    disk.misdirect(5 << 40);
    disk.append(&mut file, &[9; 512]).unwrap();
    disk.sync_file(&mut file).unwrap();
    assert_eq!(disk.contents("a").unwrap()[2_048..], [9; 512]);
    assert_eq!(disk.tally().misdirected, 1);
    disk.crash();
    let stray = disk.take_stray().expect("it went elsewhere");
    assert!(disk.take_stray().is_none() && disk.hit(&stray));
    let left = disk.contents("a").unwrap();
    assert_eq!(left.len(), 2_560);
    assert_eq!(left[2_048..], [0; 512]);
    let hit = left[..2_048]
        .chunks(512)
        .filter(|sector| **sector == [9; 512]);
    assert_eq!(hit.count(), 1);
}

/// Goal: wherever a write lands, in its own log or in another of the same chain, neither log ever gives a record that it was not given:
/// each is refused, or ends before what it lost.
#[test]
fn no_log_reads_a_misdirected_write_as_its_own() {
    // Frames of a sector each in the one, the first with the header before it; of less in the other.
    let aligned = |number: u8| vec![number; if number == 0 { 436 } else { 500 }];
    let crooked = |number: u8| vec![0x10 | number; 300 + usize::from(number)];
    let block: Vec<Vec<u8>> = (0..8).map(aligned).collect();
    let batch: Vec<Vec<u8>> = (0..8).map(crooked).collect();
    let (mut refused, mut shorter) = (0, 0);
    for chosen in (0..2_000_u64).map(|number| number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 1) {
        let (first, mut log) = log_of(1, LogId::Block, &block[..6]);
        let (second, _) = log_of(2, LogId::Batch, &batch);
        first.misdirect(chosen);
        for record in &block[6..] {
            log.append(record).unwrap();
            let _proof = log.sync().unwrap();
        }
        first.crash();
        second.crash();
        let stray = first.take_stray().expect("it was written");
        let disks = [&first, &second];
        disks[usize::try_from(stray.lands_on(2)).unwrap()].hit(&stray);
        for found in [
            opens_as(&first, LogId::Block, &block),
            opens_as(&second, LogId::Batch, &batch),
        ] {
            refused += u64::from(found.is_none());
            shorter += u64::from(found.is_some_and(|records| records < 8));
        }
    }
    assert!(
        refused > 0 && shorter > 0,
        "{refused} refused, {shorter} shorter"
    );
}
