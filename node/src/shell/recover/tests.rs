//! Which stores are set aside at the start, and which are left where they are.

use falaj_consensus::durable::MemDisk;
use falaj_ledger::store::memory::MemoryMedium;
use falaj_ledger::store::{Batch, BlockStore, Entry, Medium};
use falaj_ledger::testing;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use super::*;

mod rebuilding;

const WELL: u8 = 0;
const FAILS: u8 = 1;
const ROTS: u8 = 2;

/// A medium that can fail to read, or give other bytes than were written.
#[derive(Clone, Default)]
struct Medley {
    inner: MemoryMedium,
    mood: Arc<AtomicU8>,
}

impl Medley {
    fn told(&self, value: Option<Vec<u8>>) -> Result<Option<Vec<u8>>, StoreError> {
        match self.mood.load(Ordering::Relaxed) {
            FAILS => Err(StoreError::Io {
                action: "read",
                source: io::ErrorKind::PermissionDenied.into(),
            }),
            ROTS => Ok(value.map(|mut value| {
                value.iter_mut().for_each(|byte| *byte ^= 1);
                value
            })),
            _ => Ok(value),
        }
    }
}

impl Medium for Medley {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.told(self.inner.get(key)?)
    }

    fn range(&self, start: &[u8], end: &[u8], limit: usize) -> Result<Vec<Entry>, StoreError> {
        let entries = self.inner.range(start, end, limit)?;
        let told = |(key, value)| Ok(self.told(Some(value))?.map(|value| (key, value)));
        entries
            .into_iter()
            .filter_map(|entry| told(entry).transpose())
            .collect()
    }

    fn write(&self, batch: Batch) -> Result<(), StoreError> {
        self.inner.write(batch)
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.inner.flush()
    }
}

/// What a start makes of a store of genesis whose medium is in a mood.
fn base_in(mood: u8) -> Result<Option<Base>, StoreFault> {
    let genesis = testing::genesis();
    let medium = Medley::default();
    let store = BlockStore::open(medium.clone(), genesis.hash()).unwrap();
    base_of_genesis(&store, &genesis).unwrap();
    let logs = NodeLogs::create(MemDisk::new(), MemDisk::new(), genesis.hash()).unwrap();
    let found = logs.scan().unwrap();
    medium.mood.store(mood, Ordering::Relaxed);
    base_of_store(&store, &logs, &found)
}

// docs/spec/storage.md, "What a store promises": only what a store holds moves it; a disk that fails says nothing about that.
#[test]
fn a_store_that_cannot_be_read_is_left_where_it_is() {
    assert!(matches!(base_in(WELL), Ok(Some(_))));
    let failed = base_in(FAILS).unwrap_err();
    let StoreFault::Failed(StartupError::Store(StoreError::Io { .. })) = failed else {
        panic!("{failed:?}");
    };
    let damaged = base_in(ROTS).unwrap_err();
    let StoreFault::Unfit(StoreUnfit::Damaged(StoreError::Damaged { .. })) = damaged else {
        panic!("{damaged:?}");
    };
}
