//! The suite on real folders, and what only a disk can do: damaged files, a full disk, a second process.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use falaj_consensus::types::{Hash32, Height};
use tempfile::TempDir;

use super::*;
use crate::store::Store;
use crate::store::suite::{GENESIS, Place, Story, store_suite};

/// A folder that goes away with the test.
struct Folder {
    parent: TempDir,
}

impl Folder {
    fn path(&self) -> PathBuf {
        self.parent.path().join("store")
    }

    /// The folder as it is on disk at this moment, which is what a killed process leaves.
    fn copied(&self) -> Self {
        let copy = Self::new();
        copy_folder(&self.path(), &copy.path());
        copy
    }
}

impl Place for Folder {
    type Medium = SledMedium;

    fn new() -> Self {
        Self {
            parent: TempDir::new().unwrap(),
        }
    }

    fn open(&self) -> SledMedium {
        SledMedium::open(&self.path()).unwrap()
    }

    fn survivors(&self) -> Vec<Self> {
        vec![self.copied()]
    }

    fn flushes(medium: &SledMedium) -> u64 {
        medium.flushes()
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            // A file that sled removes meanwhile is one that a crash would not find either.
            let _ = fs::copy(entry.path(), target);
        }
    }
}

store_suite!(Folder);

/// A folder with a whole story in it, as a killed process leaves it.
fn told(story: &Story) -> Folder {
    let folder = Folder::new();
    let store = open_as_it_is(&folder.path(), GENESIS).unwrap();
    for height in story.heights() {
        store.commit(&story.block(height)).unwrap();
    }
    folder.copied()
}

fn files(folder: &Path, begins: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries
        .filter(|path| {
            path.file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with(begins)
        })
        .collect();
    files.sort();
    files
}

/// What a folder that may be damaged opens as: a whole earlier block of the story, or an empty store beside it.
fn assert_opens_or_is_set_aside(story: &Story, folder: &Path) -> Option<Height> {
    let opened = open(folder, GENESIS).unwrap();
    let found = opened.store.marker().unwrap().map(|marker| marker.height);
    match &opened.set_aside {
        None => assert_state(story, &opened.store, found),
        Some(aside) => {
            assert!(matches!(aside.damage, StoreError::Damaged { .. }));
            assert!(aside.folder.join("db").exists());
            assert_eq!(found, None);
        }
    }
    found
}

/// What loads is a state of the story, or is called damaged.
fn assert_state(story: &Story, store: &SledStore, found: Option<Height>) {
    match store.load() {
        Ok(loaded) => {
            let root = loaded.map(|loaded| loaded.state.root());
            assert_eq!(root, found.map(|height| story.state(height).root()));
        }
        Err(StoreError::Damaged { .. }) => {}
        Err(other) => panic!("damage must be told as such, not as {other}"),
    }
}

// sled cannot read an empty or cut snapshot file; the folder is set aside, or nothing of it was needed.
#[test]
fn a_truncated_snapshot_file_is_set_aside_or_not_needed() {
    let story = Story::new(4);
    let told = told(&story);
    // Opening once more makes sled write a snapshot.
    drop(open_as_it_is(&told.path(), GENESIS).unwrap());
    let snapshots = files(&told.path(), "snap.");
    assert!(!snapshots.is_empty());
    let length = fs::metadata(&snapshots[0]).unwrap().len();
    let mut set_aside = 0;
    for cut in [0, 1, 7, length / 2, length - 1] {
        let copy = told.copied();
        for snapshot in files(&copy.path(), "snap.") {
            File::options()
                .write(true)
                .open(snapshot)
                .unwrap()
                .set_len(cut)
                .unwrap();
        }
        let found = assert_opens_or_is_set_aside(&story, &copy.path());
        assert!(
            found.is_none() || found == Some(Height::new(4)),
            "{found:?}"
        );
        set_aside += usize::from(found.is_none());
    }
    assert!(set_aside > 0, "at least the empty snapshot stops sled");
}

// A snapshot that was being written when the process died is no snapshot, and takes nothing with it.
#[test]
fn a_half_written_snapshot_does_no_harm() {
    let story = Story::new(3);
    let folder = told(&story);
    fs::write(
        folder.path().join("snap.0000000000000001.generating"),
        b"half",
    )
    .unwrap();
    assert_eq!(
        assert_opens_or_is_set_aside(&story, &folder.path()),
        Some(Height::new(3))
    );
}

// A log cut anywhere opens at a whole earlier block, visibly behind, or is set aside.
#[test]
fn a_truncated_log_is_behind_or_set_aside() {
    let story = Story::new(6);
    let told = told(&story);
    let length = fs::metadata(told.path().join("db")).unwrap().len();
    let mut behind = 0;
    for cut in (0..16).map(|sixteenth| length / 16 * sixteenth) {
        let copy = told.copied();
        let log = File::options()
            .write(true)
            .open(copy.path().join("db"))
            .unwrap();
        log.set_len(cut).unwrap();
        let found = assert_opens_or_is_set_aside(&story, &copy.path());
        behind += usize::from(found < Some(Height::new(6)));
    }
    assert!(behind > 0);
}

// A byte changed anywhere in the log never gives another state.
#[test]
fn a_changed_byte_in_the_log_gives_no_other_state() {
    let story = Story::new(3);
    let told = told(&story);
    let bytes = fs::read(told.path().join("db")).unwrap();
    for at in (0..24).map(|part| bytes.len() / 24 * part + 5) {
        let copy = told.copied();
        let mut changed = bytes.clone();
        changed[at] ^= 0x40;
        fs::write(copy.path().join("db"), changed).unwrap();
        assert_opens_or_is_set_aside(&story, &copy.path());
    }
}

// The second damaged folder does not overwrite the first.
#[test]
fn folders_set_aside_are_numbered_and_kept() {
    let story = Story::new(1);
    let folder = told(&story);
    for number in 1..=3 {
        let moved = set_aside(&folder.path()).unwrap();
        assert!(
            moved.ends_with(format!("store.damaged-{number}")),
            "{moved:?}"
        );
        assert!(!folder.path().exists());
        fs::create_dir(folder.path()).unwrap();
    }
}

// A folder of another chain is refused and stays where it is.
#[test]
fn a_folder_of_another_chain_is_not_set_aside() {
    let folder = told(&Story::new(1));
    let refused = open(&folder.path(), Hash32::new([1; 32])).map(|_| ());
    assert!(
        matches!(refused, Err(StoreError::OtherChain { .. })),
        "{refused:?}"
    );
    assert!(folder.path().join("db").exists());
}

// A folder that is open elsewhere is refused and stays where it is.
#[test]
fn a_folder_in_use_is_refused_and_left_alone() {
    let folder = Folder::new();
    let first = open(&folder.path(), GENESIS).unwrap();
    let second = open(&folder.path(), GENESIS).map(|_| ());
    assert!(matches!(second, Err(StoreError::Io { .. })), "{second:?}");
    assert!(first.set_aside.is_none());
    assert_eq!(first.store.marker().unwrap(), None);
}

// Nothing is flushed behind our back: what was written and not flushed is not on disk.
#[test]
fn nothing_is_durable_before_its_flush() {
    let folder = Folder::new();
    let medium = folder.open();
    medium
        .write(vec![(b"a".to_vec(), Some(b"1".to_vec()))])
        .unwrap();
    assert_eq!(folder.copied().open().get(b"a").unwrap(), None);
    medium.flush().unwrap();
    assert_eq!(
        folder.copied().open().get(b"a").unwrap(),
        Some(b"1".to_vec())
    );
}

/// Where the process that fills the disk finds its folder.
const FULL_DISK: &str = "FALAJ_TEST_FULL_DISK";

// The operating system refuses to let the files grow, as on a full disk: the store says so, writes no more, goes on reading,
// and what was acknowledged is there when there is room again.
#[test]
fn a_full_disk_loses_nothing_that_was_acknowledged() {
    let folder = Folder::new();
    let output = Command::new("/bin/sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 4096; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args([
            "store::sled::tests::fill_the_disk",
            "--exact",
            "--nocapture",
            "--include-ignored",
        ])
        .env(FULL_DISK, folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    let told = text
        .lines()
        .find_map(|line| line.split("acknowledged ").nth(1));
    let acknowledged: u64 = told
        .unwrap_or_else(|| panic!("{text}\n{errors}"))
        .parse()
        .unwrap();
    let opened = open(&folder.path(), GENESIS).unwrap();
    assert!(opened.set_aside.is_none(), "{:?}", opened.set_aside);
    let found = opened
        .store
        .marker()
        .unwrap()
        .map(|marker| marker.height.get());
    assert!(
        found == Some(acknowledged) || found == Some(acknowledged + 1),
        "{found:?}"
    );
    assert_eq!(
        opened
            .store
            .load()
            .unwrap()
            .map(|loaded| loaded.marker.height.get()),
        found
    );
}

// The other process of the test above; on its own, without a limit, it has nothing to fill.
#[test]
fn fill_the_disk() {
    let Some(folder) = std::env::var_os(FULL_DISK) else {
        return;
    };
    let store = open(Path::new(&folder), GENESIS).unwrap().store;
    let (mut state, mut acknowledged) = (crate::state_map::StateMap::new(), None);
    let error = loop {
        let height = acknowledged.map_or(Height::new(0), Height::next);
        let block = long_block(height, &mut state);
        match store.commit(&block) {
            Ok(()) => acknowledged = Some(height),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Io { .. }), "{error:?}");
    let again = store.commit(&long_block(acknowledged.unwrap().next(), &mut state));
    assert!(
        matches!(
            again,
            Err(StoreError::Failed | StoreError::OutOfOrder { .. })
        ),
        "{again:?}"
    );
    assert!(store.marker().unwrap().is_some());
    println!("\nacknowledged {}", acknowledged.unwrap());
}

fn long_block(height: Height, state: &mut crate::state_map::StateMap) -> crate::store::BlockWrite {
    let mut write_set = crate::write_set::WriteSet::new();
    let noise = falaj_consensus::hash::sha256(&height.get().to_be_bytes());
    write_set.put(height.get().to_be_bytes(), noise.bytes().repeat(1000));
    state.apply(&write_set);
    let marker = crate::store::Marker {
        height,
        block_id: Default::default(),
        outcome: Default::default(),
        state_root: state.root(),
    };
    crate::store::BlockWrite {
        marker,
        write_set,
        pages: Vec::new(),
    }
}
