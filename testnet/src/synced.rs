//! A short record, appended and synced, as the guard does before a vote may leave: what one sync costs on a folder's disk.
//!
//! Invariant: nothing is left in the folder. Units: nanoseconds.
//! Source: `docs/guide/bench.md`, "Floors"; `docs/guide/testnet.md`, "Timers".

use anyhow::Result;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

/// About what the guard appends for a vote.
const RECORD_BYTES: usize = 256;
const FILE: &str = "floor";

/// So many, in a new file of a folder, which is removed again.
pub(crate) fn sample(folder: &Path, count: u32) -> Result<Vec<u64>> {
    let path = folder.join(FILE);
    let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
    let record = [0x5a; RECORD_BYTES];
    let mut samples = Vec::new();
    for _ in 0..count {
        let started = Instant::now();
        file.write_all(&record)?;
        file.sync_data()?;
        samples.push(u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX));
    }
    std::fs::remove_file(&path)?;
    Ok(samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sync_is_a_sample_and_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(sample(folder.path(), 3).unwrap().len(), 3);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(sample(folder.path(), 0).unwrap().is_empty());
    }
}
