//! Which stores are set aside at the start, and which are left where they are.

use falaj_consensus::durable::{LogId, MemDisk};
use falaj_consensus::message::CommitCertificate;
use falaj_consensus::types::OutcomeHash;
use falaj_ledger::store::memory::MemoryMedium;
use falaj_ledger::store::{Batch, BlockStore, Entry, Medium};
use falaj_ledger::testing;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use super::*;
use crate::storage::{BlockRecord, forge};

mod gates;
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

// docs/spec/snapshots.md, "Files": the guard of a restored node is shown every change of validators on the snapshot's path.
#[test]
fn the_changes_on_a_snapshots_path_are_shown_to_the_guard() {
    let genesis = testing::genesis();
    let store = BlockStore::open(MemoryMedium::new(), genesis.hash()).unwrap();
    let base = base_of_genesis(&store, &genesis).unwrap();
    let block = |height: u64| {
        let (header, _) = forge::block(height, None);
        let certificate = CommitCertificate {
            outcome: base.outcome.hash(),
            ..forge::certificate(&header)
        };
        (header, certificate)
    };
    let (header, certificate) = block(3);
    let change = SetChange {
        block: SignedBlock::new(header, base.outcome.clone(), &certificate).unwrap(),
        validators: genesis.validators.clone(),
    };
    let (header, certificate) = block(9);
    let proof = CertifiedOutcome::new(header, base.outcome.clone(), &certificate);
    let proof = proof.unwrap().after(vec![change.clone()]).unwrap();
    let start = StartPoint::Snapshot(Arc::new(proof));
    let changes = set_changes(&store, &base.state, &start).unwrap();
    let shown = shown_to_guard(&changes[0]);
    assert_eq!(shown.certificate, change.block.certificate());
    assert_eq!(*shown.set, genesis.validators);
    assert_eq!(changes, [change]);
    let none = set_changes(&store, &base.state, &StartPoint::Genesis).unwrap();
    assert!(none.is_empty());
}

/// What a start makes of a store at that height, beside a log that begins with the snapshot of height 9.
fn base_beside_snapshot(height: u64, outcome: OutcomeHash) -> Result<Option<Base>, StoreFault> {
    let genesis = testing::genesis();
    let opened = State::open(&genesis).unwrap();
    let (header, _) = forge::block(9, None);
    let certificate = CommitCertificate {
        outcome: opened.outcome.hash(),
        ..forge::certificate(&header)
    };
    let proof = CertifiedOutcome::new(header.clone(), opened.outcome.clone(), &certificate);
    let mut logs = NodeLogs::create(MemDisk::new(), MemDisk::new(), genesis.hash()).unwrap();
    let record = BlockRecord::restored(&proof.unwrap());
    logs.append(LogId::Block, &record).unwrap();
    let store = BlockStore::open(MemoryMedium::new(), genesis.hash()).unwrap();
    let marker = Marker {
        height: Height::new(height),
        block_id: header.id(),
        outcome,
        state_root: opened.state.root(),
    };
    store.begin(&marker, opened.state.map(), &[]).unwrap();
    base_of_store(&store, &logs, &logs.scan().unwrap())
}

// docs/spec/storage.md, "What a store promises": beside a snapshot, a store from before it or of another outcome is begun again.
#[test]
fn a_store_beside_a_snapshot_has_its_outcome_or_is_rebuilt() {
    let right = State::open(&testing::genesis()).unwrap().outcome.hash();
    let base = base_beside_snapshot(9, right).unwrap().unwrap();
    assert_eq!(base.outcome.hash(), right);
    let wrong = base_beside_snapshot(9, OutcomeHash::default()).unwrap_err();
    assert!(
        matches!(wrong, StoreFault::Unfit(StoreUnfit::Wrong(_))),
        "{wrong:?}"
    );
    for below in [0, 8] {
        let old = base_beside_snapshot(below, right).unwrap_err();
        assert!(
            matches!(old, StoreFault::Unfit(StoreUnfit::Below { .. })),
            "{old:?}"
        );
    }
    let ahead = base_beside_snapshot(10, right).unwrap_err();
    assert!(
        matches!(ahead, StoreFault::Unfit(StoreUnfit::Ahead { .. })),
        "{ahead:?}"
    );
}
