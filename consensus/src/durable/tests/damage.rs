//! Torn is cut, damaged is refused, at every byte; another chain's file is neither.

use proptest::prelude::*;

use crate::durable::tests::{
    FIRST_FILE, FramedLog, IDENTITY, LogId, LogIdentity, MemDisk, Position, created, opened,
    records, sync_groups, three_groups,
};
use crate::durable::{Damage, Disk, LogError, SEGMENT_HEADER_BYTES, TornTail};
use crate::types::Hash32;

/// A log of three frames, its file, and where each frame begins; the last entry is the end.
fn written() -> (Vec<u8>, Vec<usize>) {
    let disk = MemDisk::new();
    let mut log = created(&disk);
    let mut starts = vec![disk.contents(FIRST_FILE).unwrap().len()];
    for group in three_groups() {
        sync_groups(&mut log, &[group]);
        starts.push(disk.contents(FIRST_FILE).unwrap().len());
    }
    (disk.contents(FIRST_FILE).unwrap(), starts)
}

fn disk_with(bytes: &[u8]) -> MemDisk {
    let disk = MemDisk::new();
    disk.overwrite(FIRST_FILE, bytes);
    disk
}

fn groups_before(frame: usize) -> Vec<Vec<u8>> {
    three_groups().into_iter().take(frame).flatten().collect()
}

/// Which frame a byte belongs to; none for the header.
fn frame_of(starts: &[usize], at: usize) -> Option<usize> {
    starts.iter().rposition(|start| *start <= at)
}

// A file cut at any byte keeps every whole frame before the cut, reports the rest as torn, and can be appended to.
#[test]
fn every_cut_is_torn_and_leaves_a_usable_log() {
    let (bytes, starts) = written();
    for length in SEGMENT_HEADER_BYTES..=bytes.len() {
        let disk = disk_with(&bytes[..length]);
        let mut log = opened(&disk).unwrap();
        let whole = starts.iter().rposition(|start| *start <= length).unwrap();
        let mut expected = groups_before(whole);
        assert_eq!(records(&log), expected, "cut at {length}");
        let removed = (length - starts[whole]) as u64;
        let torn = TornTail {
            file: FIRST_FILE.to_owned(),
            offset: starts[whole] as u64,
            bytes: removed,
        };
        assert_eq!(
            log.torn(),
            (removed > 0).then_some(&torn),
            "cut at {length}"
        );
        log.append(b"after").unwrap();
        let _ = log.sync().unwrap();
        expected.push(b"after".to_vec());
        assert_eq!(records(&opened(&disk).unwrap()), expected);
    }
}

// A file shorter than its header is damage: a segment gets its name only when the header is on disk.
#[test]
fn a_cut_header_is_damage() {
    let (bytes, _) = written();
    for length in 0..SEGMENT_HEADER_BYTES {
        let error = opened(&disk_with(&bytes[..length])).unwrap_err();
        assert!(
            matches!(
                error,
                LogError::Damaged {
                    offset: 0,
                    damage: Damage::Length,
                    ..
                }
            ),
            "{error}"
        );
    }
}

// Every flipped bit in a frame that others follow is refused, with the file and the offset of that frame.
#[test]
fn every_flip_before_the_last_frame_is_damage() {
    let (bytes, starts) = written();
    for at in starts[0]..starts[2] {
        for bit in 0..8 {
            let mut bad = bytes.clone();
            bad[at] ^= 1 << bit;
            let error = opened(&disk_with(&bad)).unwrap_err();
            let frame = starts[frame_of(&starts, at).unwrap()] as u64;
            assert!(
                matches!(&error, LogError::Damaged { file, offset, damage: Damage::Frame, .. } if file == FIRST_FILE && *offset == frame),
                "byte {at}: {error}"
            );
            assert!(error.is_damage());
        }
    }
}

// Every flipped bit in the last frame looks like a torn write and is cut.
#[test]
fn every_flip_in_the_last_frame_is_torn() {
    let (bytes, starts) = written();
    for at in starts[2]..bytes.len() {
        for bit in 0..8 {
            let mut bad = bytes.clone();
            bad[at] ^= 1 << bit;
            let log = opened(&disk_with(&bad)).unwrap();
            assert_eq!(records(&log), groups_before(2), "byte {at}");
            assert_eq!(log.torn().unwrap().offset, starts[2] as u64);
        }
    }
}

// Every flipped bit in the header is refused.
#[test]
fn every_flip_in_the_header_is_refused() {
    let (bytes, _) = written();
    for at in 0..SEGMENT_HEADER_BYTES {
        for bit in 0..8 {
            let mut bad = bytes.clone();
            bad[at] ^= 1 << bit;
            let error = opened(&disk_with(&bad)).unwrap_err();
            assert!(
                matches!(
                    error,
                    LogError::Damaged {
                        offset: 0,
                        damage: Damage::Header,
                        ..
                    }
                ),
                "byte {at}: {error}"
            );
        }
    }
}

// A lost frame in front of a whole one is damage, whatever the lost one became: zeros, ones, or another log's bytes.
#[test]
fn a_lost_frame_before_a_whole_one_is_damage() {
    let (bytes, starts) = written();
    for fill in [0x00, 0xff, 0x5a] {
        let mut bad = bytes.clone();
        bad[starts[1]..starts[2]].fill(fill);
        let error = opened(&disk_with(&bad)).unwrap_err();
        assert!(
            matches!(
                error,
                LogError::Damaged {
                    damage: Damage::Frame,
                    ..
                }
            ),
            "{error}"
        );
    }
}

// A frame is valid only where it was written: copied to another offset it is no frame.
#[test]
fn a_frame_at_another_offset_is_no_frame() {
    let (bytes, starts) = written();
    let mut doubled = bytes.clone();
    doubled.extend_from_slice(&bytes[starts[2]..]);
    let log = opened(&disk_with(&doubled)).unwrap();
    assert_eq!(records(&log), groups_before(3));
    assert_eq!(log.torn().unwrap().offset, bytes.len() as u64);
    let mut without_second = bytes[..starts[1]].to_vec();
    without_second.extend_from_slice(&bytes[starts[2]..]);
    assert_eq!(
        records(&opened(&disk_with(&without_second)).unwrap()),
        groups_before(1)
    );
}

// Only the last segment can be torn; the same cut in an earlier one is damage.
#[test]
fn a_cut_before_the_last_segment_is_damage() {
    let disk = MemDisk::new();
    let mut log = created(&disk);
    log.set_segment_bytes(0);
    sync_groups(&mut log, &three_groups());
    let first = disk.contents(FIRST_FILE).unwrap();
    disk.overwrite(FIRST_FILE, &first[..first.len() - 1]);
    let error = opened(&disk).unwrap_err();
    assert!(
        matches!(
            error,
            LogError::Damaged {
                damage: Damage::Frame,
                ..
            }
        ),
        "{error}"
    );
    disk.overwrite(FIRST_FILE, &first[..SEGMENT_HEADER_BYTES]);
    let error = opened(&disk).unwrap_err();
    assert!(
        matches!(
            error,
            LogError::Damaged {
                damage: Damage::FirstPosition,
                ..
            }
        ),
        "{error}"
    );
}

// A segment that is missing between others, or stands under another's name, is refused.
#[test]
fn a_missing_or_misplaced_segment_is_refused() {
    let disk = MemDisk::new();
    let mut log = created(&disk);
    log.set_segment_bytes(0);
    sync_groups(&mut log, &three_groups());
    let second = "guard-0000000001.log";
    let misplaced = disk.image();
    misplaced.overwrite(second, &disk.contents("guard-0000000002.log").unwrap());
    let error = opened(&misplaced).unwrap_err();
    assert!(
        matches!(
            error,
            LogError::Damaged {
                damage: Damage::SegmentNumber,
                ..
            }
        ),
        "{error}"
    );
    disk.remove(second).unwrap();
    let error = opened(&disk).unwrap_err();
    assert!(
        matches!(&error, LogError::SegmentMissing { file, .. } if file == second),
        "{error}"
    );
    assert!(error.is_damage());
}

// A file longer than a segment can be is refused before it is read.
#[test]
fn an_oversized_file_is_refused() {
    let disk = disk_with(&vec![0; (64 << 20) + 1]);
    assert!(matches!(
        opened(&disk).unwrap_err(),
        LogError::Damaged {
            damage: Damage::Length,
            ..
        }
    ));
}

// The log of another chain, of another kind, or in another version is named as such, and left alone.
#[test]
fn foreign_files_are_refused_by_name() {
    let (bytes, _) = written();
    let other = Hash32::new([8; 32]);
    let foreign = LogIdentity {
        genesis_hash: other,
        ..IDENTITY
    };
    let error = FramedLog::open(disk_with(&bytes), foreign).unwrap_err();
    assert!(
        matches!(error, LogError::OtherGenesis { found, .. } if found == IDENTITY.genesis_hash),
        "{error}"
    );
    let disk = MemDisk::new();
    disk.overwrite("block-0000000000.log", &bytes);
    let error = FramedLog::open(
        disk,
        LogIdentity {
            log: LogId::Block,
            ..IDENTITY
        },
    )
    .unwrap_err();
    assert!(
        matches!(error, LogError::OtherKind { found: 1, .. }),
        "{error}"
    );
    let mut newer = bytes;
    newer[8] = 2;
    let checksum = crc32c::crc32c(&newer[..60]).to_le_bytes();
    newer[60..64].copy_from_slice(&checksum);
    let error = opened(&disk_with(&newer)).unwrap_err();
    assert!(
        matches!(error, LogError::OtherVersion { found: 2, .. }),
        "{error}"
    );
}

// Bytes that rot after the log was opened are found when they are read.
#[test]
fn a_read_checks_the_frame_again() {
    let (bytes, starts) = written();
    let disk = disk_with(&bytes);
    let log = opened(&disk).unwrap();
    let mut bad = bytes.clone();
    bad[starts[1] + 12] ^= 1;
    disk.overwrite(FIRST_FILE, &bad);
    let error = log.read(Position::new(2)).unwrap_err();
    assert!(
        matches!(error, LogError::Damaged { offset, .. } if offset == starts[1] as u64),
        "{error}"
    );
    let items: Vec<_> = log.iter_from(Position::START).collect();
    assert_eq!(items.len(), 2, "nothing is given behind a gap");
    assert!(items[0].is_ok() && items[1].is_err());
}

// Files of other names in the folder are none of the log's business, an unfinished segment is removed.
#[test]
fn other_files_are_left_alone_and_unfinished_segments_removed() {
    let (bytes, _) = written();
    let disk = disk_with(&bytes);
    for name in [
        "guard-1.log",
        "guard-0000000000.log.bak",
        "block-0000000000.log",
        "lock",
    ] {
        disk.overwrite(name, b"something");
    }
    disk.overwrite("guard.new", b"half a head");
    assert_eq!(records(&opened(&disk).unwrap()), groups_before(3));
    assert_eq!(disk.list().unwrap().len(), 5);
    assert!(disk.contents("guard.new").is_none());
}

fn any_groups() -> impl Strategy<Value = Vec<Vec<Vec<u8>>>> {
    let record = prop::collection::vec(any::<u8>(), 1..60);
    prop::collection::vec(prop::collection::vec(record, 1..4), 1..6)
}

proptest! {
    // Whatever one flipped byte does, opening gives a prefix that ends before the flip's frame, or an error; never other records.
    #[test]
    fn a_flip_never_invents_or_skips_a_record(groups in any_groups(), at in any::<prop::sample::Index>(), mask in 1_u8..) {
        let disk = MemDisk::new();
        let mut log = created(&disk);
        sync_groups(&mut log, &groups);
        let mut bytes = disk.contents(FIRST_FILE).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= mask;
        disk.overwrite(FIRST_FILE, &bytes);
        if let Ok(log) = opened(&disk) {
            let last = groups.len() - 1;
            let expected: Vec<_> = groups[..last].iter().flatten().cloned().collect();
            prop_assert_eq!(records(&log), expected);
            prop_assert!(log.torn().is_some());
        }
    }

    // Appending garbage behind a log tears nothing that was there.
    #[test]
    fn garbage_behind_the_log_is_cut(groups in any_groups(), garbage in prop::collection::vec(any::<u8>(), 1..200)) {
        let disk = MemDisk::new();
        let mut log = created(&disk);
        sync_groups(&mut log, &groups);
        let mut bytes = disk.contents(FIRST_FILE).unwrap();
        let end = bytes.len() as u64;
        bytes.extend_from_slice(&garbage);
        disk.overwrite(FIRST_FILE, &bytes);
        let log = opened(&disk).unwrap();
        prop_assert_eq!(records(&log), groups.concat());
        prop_assert_eq!(log.torn().map(|torn| torn.offset), Some(end));
    }
}
