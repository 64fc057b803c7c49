//! A node ends in an order that leaves nobody writing into a folder that a second process may take.

use falaj_consensus::durable::FolderLock;
use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};

use super::*;
use crate::shell::runtime::Idle;

/// Tries to take a folder, as a second process would, when it is dropped: with a store, at the last moment at which that may still write.
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

// The core has ended and the store is being closed: its folder is not free before that is done.
#[test]
fn folders_stay_locked_until_the_last_writer_has_ended() {
    let home = tempfile::tempdir().unwrap();
    let paths = Paths::default();
    let folder = home.path().join(&paths.data);
    let folders = Folders::take(home.path(), &paths).unwrap();
    let (was_locked, told) = channel();
    let last = LastWriter {
        folder: folder.clone(),
        was_locked,
    };
    let store = Arc::new(Idle(move |_| {
        let _kept = &last;
    }));
    let fatal = Fatal::with(|code, reason| panic!("{code}, {reason}"));
    let store = StoreThread::start(store, |_| {}, |_| {}, None, fatal).unwrap();
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
