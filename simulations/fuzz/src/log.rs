//! A segment's file as a disk gives it back: `docs/spec/durable.md`. The first byte says of which log.

use falaj_consensus::durable::{FramedLog, LogId, LogIdentity, MemDisk};
use falaj_consensus::types::Hash32;

use crate::form::chosen;

const LOGS: [(LogId, &str); 4] = [
    (LogId::Guard, "guard"),
    (LogId::Block, "block"),
    (LogId::Batch, "batch"),
    (LogId::Audit, "audit"),
];

/// Whatever is in the file, opening it ends in an error that names it or in records, and opening it again gives the same ones.
///
/// # Panics
/// If a log that opened does not open again, or with other records.
pub fn target(data: &[u8]) {
    let (kind, bytes) = chosen(data);
    let (log, name) = LOGS[usize::from(kind) % LOGS.len()];
    let identity = LogIdentity {
        log,
        genesis_hash: Hash32::new([7; 32]),
    };
    let disk = MemDisk::new();
    disk.overwrite(&format!("{name}-0000000000.log"), bytes);
    let Some(first) = records(&disk, identity) else {
        return;
    };
    assert_eq!(
        records(&disk, identity),
        Some(first),
        "opened twice, two logs"
    );
}

/// Every record of a log that opens; opening may cut off a torn tail.
fn records(disk: &MemDisk, identity: LogIdentity) -> Option<Vec<Vec<u8>>> {
    let log = FramedLog::open(disk.clone(), identity).ok()?;
    log.iter_from(log.first())
        .map(|record| record.ok().map(|(_, bytes)| bytes))
        .collect()
}
