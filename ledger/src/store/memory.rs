//! A store in memory, for tests and the simulator: what was not flushed is lost in a crash.
//!
//! Invariant: as [`Medium`] asks. A medium is a handle, like a path: whoever opens it again after a crash sees what was
//! durable, and any number of whole batches after that if the crash says so.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::medium::{Batch, Entry, Medium};
use super::{BlockStore, StoreError};

/// The store over a medium in memory.
pub type MemoryStore = BlockStore<MemoryMedium>;

/// A medium in memory; clones are handles of the same one.
#[derive(Clone, Debug, Default)]
pub struct MemoryMedium {
    contents: Arc<Mutex<Contents>>,
}

#[derive(Clone, Debug, Default)]
struct Contents {
    durable: BTreeMap<Vec<u8>, Vec<u8>>,
    current: BTreeMap<Vec<u8>, Vec<u8>>,
    unflushed: VecDeque<Batch>,
    flushes: u64,
}

impl MemoryMedium {
    /// An empty medium.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How often it was flushed.
    #[must_use]
    pub fn flushes(&self) -> u64 {
        self.contents().flushes
    }

    /// How many batches a crash could lose.
    #[must_use]
    pub fn unflushed(&self) -> usize {
        self.contents().unflushed.len()
    }

    /// A crash: of the batches that were not flushed the first `kept` survive, the others never happened.
    pub fn crash(&self, kept: usize) {
        self.contents().crash(kept);
    }

    /// What a crash would leave, as a medium of its own; this one goes on.
    #[must_use]
    pub fn after_crash(&self, kept: usize) -> Self {
        let mut contents = self.contents().clone();
        contents.crash(kept);
        Self {
            contents: Arc::new(Mutex::new(contents)),
        }
    }

    /// Contents are changed by whole batches only, so a panic elsewhere leaves them as they should be.
    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Contents {
    fn crash(&mut self, kept: usize) {
        for batch in std::mem::take(&mut self.unflushed).into_iter().take(kept) {
            make(&mut self.durable, batch);
        }
        self.current = self.durable.clone();
    }
}

fn make(map: &mut BTreeMap<Vec<u8>, Vec<u8>>, batch: Batch) {
    for (key, value) in batch {
        match value {
            Some(value) => map.insert(key, value),
            None => map.remove(&key),
        };
    }
}

impl Medium for MemoryMedium {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.contents().current.get(key).cloned())
    }

    fn range(&self, start: &[u8], end: &[u8], limit: usize) -> Result<Vec<Entry>, StoreError> {
        if start >= end {
            return Ok(Vec::new());
        }
        let contents = self.contents();
        let entries = contents
            .current
            .range(start.to_vec()..end.to_vec())
            .take(limit);
        Ok(entries
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect())
    }

    fn write(&self, batch: Batch) -> Result<(), StoreError> {
        let mut contents = self.contents();
        make(&mut contents.current, batch.clone());
        contents.unflushed.push_back(batch);
        Ok(())
    }

    fn flush(&self) -> Result<(), StoreError> {
        let mut contents = self.contents();
        let batches: Vec<Batch> = contents.unflushed.drain(..).collect();
        for batch in batches {
            make(&mut contents.durable, batch);
        }
        contents.flushes = contents.flushes.saturating_add(1);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::suite::{Place, store_suite};

    impl Place for MemoryMedium {
        type Medium = Self;

        fn new() -> Self {
            Self::default()
        }

        fn open(&self) -> Self {
            self.clone()
        }

        /// A crash can keep any number of the batches that were not flushed.
        fn survivors(&self) -> Vec<Self> {
            (0..=self.unflushed())
                .map(|kept| self.after_crash(kept))
                .collect()
        }

        fn flushes(medium: &Self) -> u64 {
            medium.flushes()
        }
    }

    store_suite!(MemoryMedium);

    // Every byte of a small store, as it was when version 1 was frozen: keys, seals, chunks, marker, manifest, pages.
    #[test]
    fn the_records_of_a_small_store_are_frozen() {
        use crate::store::Store;
        use crate::store::suite::{GENESIS, Story};
        use falaj_consensus::hash::sha256;

        let (medium, story) = (MemoryMedium::new(), Story::new(4));
        let store = MemoryStore::open(medium.clone(), GENESIS).unwrap();
        for height in story.heights() {
            store.commit(&story.block(height)).unwrap();
        }
        let at = story.heights().nth(2).unwrap();
        store
            .checkpoint(&story.marker(at), story.state(at))
            .unwrap();
        let records = medium.range(&[], &[0xff], usize::MAX).unwrap();
        let frozen = "90a03e94950f10cc7a412669ffde848fb1bf088bdb3e6785d7bd73e6cb6de8c4";
        assert_eq!(
            sha256(&falaj_consensus::hash::encode(&records)).to_hex(),
            frozen
        );
    }

    // What was not flushed is lost, what was is not.
    #[test]
    fn a_crash_loses_what_was_not_flushed() {
        let medium = MemoryMedium::new();
        medium
            .write(vec![(b"a".to_vec(), Some(b"1".to_vec()))])
            .unwrap();
        medium.flush().unwrap();
        medium.write(vec![(b"a".to_vec(), None)]).unwrap();
        medium
            .write(vec![(b"b".to_vec(), Some(b"2".to_vec()))])
            .unwrap();
        medium.crash(1);
        assert_eq!(medium.get(b"a").unwrap(), None);
        assert_eq!(medium.get(b"b").unwrap(), None);
        assert_eq!(medium.unflushed(), 0);
    }
}
