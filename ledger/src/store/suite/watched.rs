//! A medium that lets somebody look, or fail it, at every write and every flush.

use std::sync::{Arc, Mutex};

use falaj_consensus::types::Height;

use super::{GENESIS, Place, Story};
use crate::store::medium::{Batch, Entry, Medium};
use crate::store::{BlockStore, Store, StoreError};

type Watch = Box<dyn Fn() -> Result<(), StoreError> + Send + Sync>;

/// A medium whose every change is watched, before it and after it.
pub(crate) struct Watched<M> {
    inner: M,
    watch: Watch,
}

impl<M: Medium> Watched<M> {
    pub(crate) fn new(inner: M, watch: Watch) -> Self {
        Self { inner, watch }
    }
}

impl<M: Medium> Medium for Watched<M> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get(key)
    }

    fn range(&self, start: &[u8], end: &[u8], limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.inner.range(start, end, limit)
    }

    fn write(&self, batch: Batch) -> Result<(), StoreError> {
        (self.watch)()?;
        self.inner.write(batch)?;
        (self.watch)()
    }

    fn flush(&self) -> Result<(), StoreError> {
        (self.watch)()?;
        self.inner.flush()?;
        (self.watch)()
    }
}

/// The last block whose commit has returned.
type Acknowledged = Arc<Mutex<Option<Height>>>;

/// Tells a story with checkpoints and pruning, stopping at the first error.
fn tell_to(
    store: &dyn Store,
    story: &Story,
    acknowledged: &Acknowledged,
) -> Result<(), StoreError> {
    for height in story.heights() {
        store.commit(&story.block(height))?;
        *acknowledged.lock().unwrap() = Some(height);
        if height.get() % 3 == 2 {
            store.checkpoint(&story.marker(height), story.state(height))?;
            store.prune_below(height)?;
        }
    }
    Ok(())
}

/// Tells a story and looks at the place around every change.
pub(crate) fn tell<P: Place + Send + Sync + 'static>(
    story: &Story,
    look: impl Fn(&P, Option<Height>) + Send + Sync + 'static,
) {
    let place = Arc::new(P::new());
    let acknowledged = Acknowledged::default();
    let (looked_at, told) = (Arc::clone(&place), Arc::clone(&acknowledged));
    let watch = Box::new(move || {
        let last = *told.lock().unwrap();
        look(&looked_at, last);
        Ok(())
    });
    let store = BlockStore::open(Watched::new(place.open(), watch), GENESIS).unwrap();
    tell_to(&store, story, &acknowledged).unwrap();
}

/// What is left of a story whose change number `failing` failed; `None` if it was told to the end.
pub(crate) type Failed<P> = (
    Arc<P>,
    BlockStore<Watched<<P as Place>::Medium>>,
    Option<Height>,
);

/// Tells a story until a change fails, as if the disk were full from then on.
pub(crate) fn tell_failing<P: Place>(story: &Story, failing: u32) -> Option<Failed<P>> {
    let place = Arc::new(P::new());
    let acknowledged = Acknowledged::default();
    let changes = Mutex::new(0_u32);
    let watch = Box::new(move || {
        let mut changes = changes.lock().unwrap();
        *changes += 1;
        // The four that found the store come before the story.
        if *changes < failing + 4 {
            Ok(())
        } else {
            Err(full_disk())
        }
    });
    let store = BlockStore::open(Watched::new(place.open(), watch), GENESIS).unwrap();
    let result = tell_to(&store, story, &acknowledged);
    let last = *acknowledged.lock().unwrap();
    match result {
        Ok(()) => None,
        Err(StoreError::Io { .. }) => Some((place, store, last)),
        Err(other) => panic!("a failed write must be told as such, not as {other}"),
    }
}

fn full_disk() -> StoreError {
    StoreError::Io {
        action: "write",
        source: std::io::ErrorKind::StorageFull.into(),
    }
}
