//! A node's own blocks, committed once more: to a fresh store, and as plain synced appends of the same bytes.
//!
//! The two take turns, block by block, so that whatever else the disk does meets both alike.
//! Invariant: the home is opened as a start would open it and gets nothing new; both copies go to a scratch folder.
//! Shapes: the bytes of a block are its write set, its marker and its index pages, as the store is given them, without the store's framing.
//! Errors: [`StoreMeasureError`]; a folder that a running node holds is one of them.
//! Source: `docs/spec/storage.md`.

use falaj_consensus::hash::encode;
use falaj_consensus::verify::RealChecker;
use falaj_ledger::store::{BlockWrite, Store, StoreError, open_on_disk};
use falaj_ledger::validate::Rules;
use serde::Serialize;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use super::{cpu, nanoseconds};
use crate::core::JobTools;
use crate::shell::config::Config;
use crate::shell::history::block_write;
use crate::shell::home::{Folders, HomeError, read_genesis};
use crate::shell::recover::{StartupError, base_of_genesis};

const STORE: &str = "store";
const PLAIN: &str = "plain";

/// Why the store could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum StoreMeasureError {
    /// The home.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// What its logs hold.
    #[error(transparent)]
    Logs(#[from] StartupError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The plain file.
    #[error("cannot write the plain file")]
    Plain(#[source] std::io::Error),
}

/// What one block cost.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct BlockSample {
    /// Its transactions.
    pub transactions: u32,
    /// Its bytes.
    pub bytes: u64,
    /// The store.
    pub store: Cost,
    /// The plain append.
    pub plain: Cost,
}

/// What a write cost.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Cost {
    /// Wall time, its sync included.
    pub wall_ns: u64,
    /// CPU time of the process meanwhile.
    pub cpu_ns: u64,
}

/// Commits every block of a stopped node's home, in a scratch folder that is there.
///
/// # Errors
/// [`StoreMeasureError`].
pub fn measure(
    home: &Path,
    config: &Config,
    scratch: &Path,
) -> Result<Vec<BlockSample>, StoreMeasureError> {
    let genesis = read_genesis(&home.join(&config.paths.genesis))?;
    let logs = Folders::take(home, &config.paths)?.open_logs(&genesis)?;
    let found = logs.scan().map_err(StartupError::from)?;
    let rules = Rules::of_genesis(&genesis);
    let tools = JobTools {
        checker: &RealChecker,
        rules: &rules,
    };
    let store = open_on_disk(&scratch.join(STORE), genesis.hash())?.store;
    let mut plain = File::create(scratch.join(PLAIN)).map_err(StoreMeasureError::Plain)?;
    let mut state = base_of_genesis(&store, &genesis)?.state;
    let mut samples = Vec::new();
    while state.height() < found.height() {
        let block = logs
            .replay(
                &found,
                &state,
                falaj_consensus::message::Header::FEATURES_KNOWN,
                tools,
            )
            .map_err(StartupError::from)?;
        let sample = both(&store, &mut plain, &block_write(&block))?;
        samples.push(BlockSample {
            transactions: block.header.transactions,
            ..sample
        });
        state = block.executed.state.clone();
    }
    Ok(samples)
}

fn both(
    store: &dyn Store,
    plain: &mut File,
    write: &BlockWrite,
) -> Result<BlockSample, StoreMeasureError> {
    let bytes = bytes_of(write);
    let plain = timed(|| {
        plain
            .write_all(&bytes)
            .and_then(|()| plain.sync_data())
            .map_err(StoreMeasureError::Plain)
    })?;
    let store = timed(|| store.commit(write).map_err(Into::into))?;
    Ok(BlockSample {
        transactions: 0,
        bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        store,
        plain,
    })
}

fn timed(work: impl FnOnce() -> Result<(), StoreMeasureError>) -> Result<Cost, StoreMeasureError> {
    let (started, before) = (Instant::now(), cpu::process_ns());
    work()?;
    Ok(Cost {
        wall_ns: nanoseconds(started.elapsed()),
        cpu_ns: cpu::process_ns().saturating_sub(before),
    })
}

fn bytes_of(write: &BlockWrite) -> Vec<u8> {
    let mut bytes = encode(&write.marker);
    bytes.extend(encode(&write.write_set));
    for page in &write.pages {
        bytes.extend_from_slice(&page.key);
        bytes.extend_from_slice(&page.value);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::home::set_on_genesis;
    use falaj_ledger::state::State;
    use falaj_ledger::store::{Marker, Page};
    use falaj_ledger::testing::genesis;

    fn write() -> BlockWrite {
        let opened = State::open(&genesis()).unwrap();
        let marker = Marker {
            height: opened.state.height(),
            block_id: falaj_consensus::types::BlockId::default(),
            outcome: opened.outcome.hash(),
            state_root: opened.outcome.state_root,
        };
        let page = Page {
            key: b"key".to_vec(),
            value: b"value".to_vec(),
        };
        BlockWrite {
            marker,
            write_set: opened.writes,
            pages: vec![page],
        }
    }

    // Goal: what is appended is what the store is given, and both are there afterwards.
    #[test]
    fn store_and_plain_file_get_the_same_block() {
        let folder = tempfile::tempdir().unwrap();
        let store = open_on_disk(&folder.path().join(STORE), genesis().hash())
            .unwrap()
            .store;
        let path = folder.path().join(PLAIN);
        let sample = both(&store, &mut File::create(&path).unwrap(), &write()).unwrap();
        assert_eq!(sample.bytes, std::fs::metadata(&path).unwrap().len());
        assert!(sample.store.wall_ns > 0 && sample.plain.wall_ns > 0);
        assert_eq!(store.marker().unwrap(), Some(write().marker));
    }

    #[test]
    fn a_home_without_blocks_gives_no_samples() {
        let (home, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let config = Config::default();
        set_on_genesis(home.path(), &config, &genesis(), None).unwrap();
        let samples = measure(home.path(), &config, scratch.path()).unwrap();
        assert!(samples.is_empty());
    }
}
