//! Tests of the logs and of the release of outputs, by topic.

mod crash;
mod damage;
mod format;
#[cfg(feature = "os-disk")]
mod os_disk;
mod release;
mod usage;
#[cfg(feature = "os-disk")]
mod view;

use super::{FramedLog, LogError, LogId, LogIdentity, MemDisk, Position};
use crate::types::Hash32;

const IDENTITY: LogIdentity = LogIdentity {
    log: LogId::Guard,
    genesis_hash: Hash32::new([7; 32]),
};
const FIRST_FILE: &str = "guard-0000000000.log";

fn created(disk: &MemDisk) -> FramedLog<MemDisk> {
    FramedLog::create(disk.clone(), IDENTITY).unwrap()
}

fn opened(disk: &MemDisk) -> Result<FramedLog<MemDisk>, LogError> {
    FramedLog::open(disk.clone(), IDENTITY)
}

/// All records that the log still has.
fn records(log: &FramedLog<MemDisk>) -> Vec<Vec<u8>> {
    log.iter_from(Position::START)
        .map(|item| item.unwrap().1)
        .collect()
}

/// Appends each group and syncs after it.
fn sync_groups(log: &mut FramedLog<MemDisk>, groups: &[Vec<Vec<u8>>]) {
    for group in groups {
        for record in group {
            log.append(record).unwrap();
        }
        let _ = log.sync().unwrap();
    }
}

/// Three groups of one, two and one records.
fn three_groups() -> Vec<Vec<Vec<u8>>> {
    vec![
        vec![b"intent 1".to_vec()],
        vec![b"signed 1".to_vec(), b"intent 2".to_vec()],
        vec![b"signed 2".to_vec()],
    ]
}
