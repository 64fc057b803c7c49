//! A node ends in an order that leaves nobody writing into a folder that a second process may take.

use falaj_consensus::durable::FolderLock;
use falaj_consensus::types::Height;
use falaj_ledger::state_map::StateMap;
use falaj_ledger::store::{BlockWrite, Loaded, Marker, Page, StoreError};
use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};

use super::*;

/// A store that tries to take its folder, as a second process would, at the last moment at which it may still write: when it is closed.
struct LastWriter {
    folder: PathBuf,
    was_locked: Sender<bool>,
}

impl Drop for LastWriter {
    fn drop(&mut self) {
        let locked = FolderLock::acquire(&self.folder).is_err();
        self.was_locked.send(locked).unwrap();
    }
}

impl Store for LastWriter {
    fn commit(&self, _: &BlockWrite) -> Result<(), StoreError> {
        Ok(())
    }

    fn marker(&self) -> Result<Option<Marker>, StoreError> {
        Ok(None)
    }

    fn load(&self) -> Result<Option<Loaded>, StoreError> {
        Ok(None)
    }

    fn checkpoint(&self, _: &Marker, _: &StateMap) -> Result<(), StoreError> {
        Ok(())
    }

    fn prune_below(&self, _: Height) -> Result<(), StoreError> {
        Ok(())
    }

    fn get(&self, _: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(None)
    }

    fn range(&self, _: &[u8], _: usize) -> Result<Vec<Page>, StoreError> {
        Ok(Vec::new())
    }
}

// The core has ended and the store is being closed: its folder is not free before that is done.
#[test]
fn folders_stay_locked_until_the_last_writer_has_ended() {
    let home = tempfile::tempdir().unwrap();
    let paths = Paths::default();
    let folder = home.path().join(&paths.data);
    let folders = Folders::take(home.path(), &paths).unwrap();
    let (was_locked, told) = channel();
    let store = Arc::new(LastWriter {
        folder: folder.clone(),
        was_locked,
    });
    let fatal = Fatal::with(|code, reason| panic!("{code}, {reason}"));
    let store = StoreThread::start(store, |_| {}, |_| {}, fatal).unwrap();
    let (handle, _inbox) = CoreHandle::channel();
    drop(Threads {
        handle,
        core: Some(std::thread::spawn(|| {})),
        signer: None,
        store: Some(store),
        _folders: folders,
    });
    assert_eq!(told.recv(), Ok(true));
    assert!(FolderLock::acquire(&folder).is_ok());
}
