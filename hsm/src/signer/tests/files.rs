//! The same signer on real files, in a folder that a second process cannot take.

use std::fs;
use std::path::PathBuf;

use falaj_consensus::durable::{FolderLock, FolderLockError, OsDisk};

use crate::fixture::{
    NOW, TestToken, answers, checker, code, floor, genesis_set, identity, precommit, prevote,
    request,
};
use crate::home::SignerHome;
use crate::signer::Input;

/// A folder of this test alone, removed at its end.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn open(lock: &FolderLock) -> SignerHome<OsDisk> {
    let (guard, audit) = disks(lock);
    SignerHome::open(
        NOW,
        guard,
        audit,
        identity(),
        checker(),
        &[genesis_set()],
        None,
    )
    .unwrap()
}

fn disks(lock: &FolderLock) -> (OsDisk, OsDisk) {
    (
        OsDisk::subfolder(lock, "guard").unwrap(),
        OsDisk::subfolder(lock, "audit").unwrap(),
    )
}

// What was signed before a stop is repeated after it, and nothing else is signed there; meanwhile nobody else gets the folder.
#[test]
fn a_guard_on_real_files_remembers() {
    let folder = Folder(std::env::temp_dir().join(format!("falaj-guard-{}", std::process::id())));
    let token = TestToken::new();
    let lock = FolderLock::acquire(&folder.0).unwrap();
    let (guard, audit) = disks(&lock);
    SignerHome::init(guard, audit, identity(), checker(), floor()).unwrap();
    let ask = |home: &mut SignerHome<OsDisk>, statement| {
        let outputs = home
            .run(NOW, Input::Sign(Box::new(request(1, statement))), &token)
            .unwrap();
        answers(outputs).remove(0).1
    };
    let mut home = open(&lock);
    ask(&mut home, prevote(1, 0, None)).unwrap();
    let signed = ask(&mut home, precommit(1, 0, None)).unwrap();
    home.settle().unwrap();
    drop(lock);
    assert!(matches!(
        FolderLock::acquire(&folder.0),
        Err(FolderLockError::InUse { .. })
    ));
    drop(home);
    let lock = FolderLock::acquire(&folder.0).unwrap();
    let mut home = open(&lock);
    assert_eq!(ask(&mut home, precommit(1, 0, None)).unwrap(), signed);
    assert_eq!(
        code(ask(
            &mut home,
            prevote(1, 0, Some((crate::fixture::block(1), None)))
        )),
        "regression"
    );
    assert_eq!(token.signed().len(), 2);
}
