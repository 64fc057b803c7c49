//! Looking at a log: what opening would find, with nothing changed.

use std::fs;
use std::path::Path;

use crate::durable::tests::os_disk::Folder;
use crate::durable::tests::{FIRST_FILE, FramedLog, IDENTITY, LogError, Position, three_groups};
use crate::durable::{
    Disk, FolderLock, FolderView, LogView, OsDisk, RecordSite, SEGMENT_HEADER_BYTES,
};

fn written(folder: &Path) -> FolderLock {
    let lock = FolderLock::acquire(folder).unwrap();
    let mut log = FramedLog::create(OsDisk::new(&lock).unwrap(), IDENTITY).unwrap();
    for group in three_groups() {
        for record in group {
            log.append(&record).unwrap();
        }
        let _ = log.sync().unwrap();
    }
    lock
}

fn view(folder: &Path) -> Result<LogView<FolderView>, LogError> {
    LogView::open(FolderView::new(folder.into()), IDENTITY)
}

// Beside the process that holds the folder, everything is there: records, files, places.
#[test]
fn a_log_is_seen_beside_its_holder() {
    let folder = Folder::new();
    let _held = written(&folder.0);
    let view = view(&folder.0).unwrap();
    let seen: Vec<_> = view
        .iter_from(Position::START)
        .map(|item| item.unwrap().1)
        .collect();
    assert_eq!(seen, three_groups().concat());
    assert_eq!((view.first().get(), view.last().get()), (1, 4));
    assert_eq!(view.read(Position::new(3)).unwrap(), b"intent 2");
    let segments = view.segments();
    assert_eq!((segments.len(), segments[0].records), (1, 4));
    assert_eq!(
        segments[0].bytes,
        fs::metadata(folder.0.join(FIRST_FILE)).unwrap().len()
    );
    let first = RecordSite {
        file: FIRST_FILE.into(),
        offset: SEGMENT_HEADER_BYTES as u64,
    };
    assert_eq!(view.site(Position::new(1)), Some(first));
    assert!(view.site(Position::new(5)).is_none());
    assert!(view.torn().is_none());
}

// A torn tail is told and left where it is; damage is refused with its place.
#[test]
fn a_view_changes_nothing() {
    let folder = Folder::new();
    drop(written(&folder.0));
    let path = folder.0.join(FIRST_FILE);
    let whole = fs::read(&path).unwrap();
    let torn = [whole.as_slice(), b"torn"].concat();
    fs::write(&path, &torn).unwrap();
    let seen = view(&folder.0).unwrap();
    assert_eq!(seen.torn().map(|tail| tail.bytes), Some(4));
    assert_eq!(seen.last().get(), 4);
    assert_eq!(fs::read(&path).unwrap(), torn);
    let mut damaged = whole;
    damaged[SEGMENT_HEADER_BYTES] ^= 1;
    fs::write(&path, &damaged).unwrap();
    let error = view(&folder.0).unwrap_err();
    assert!(
        matches!(&error, LogError::Damaged { offset: 64, .. }),
        "{error}"
    );
    assert_eq!(fs::read(&path).unwrap(), damaged);
}

// The disk of a view writes nothing, whatever it is asked.
#[test]
fn a_viewed_folder_refuses_every_change() {
    let folder = Folder::new();
    drop(written(&folder.0));
    let disk = FolderView::new(folder.0.clone());
    let mut file = disk.open(FIRST_FILE).unwrap();
    let before = disk.list().unwrap();
    assert!(disk.create("new").is_err());
    assert!(disk.append(&mut file, b"x").is_err());
    assert!(disk.truncate(&mut file, 0).is_err());
    assert!(disk.sync_file(&mut file).is_err());
    assert!(disk.sync_directory().is_err());
    assert!(disk.rename(FIRST_FILE, "other").is_err());
    assert!(disk.remove(FIRST_FILE).is_err());
    assert!(FramedLog::open(disk.clone(), IDENTITY).is_err());
    assert_eq!(disk.list().unwrap(), before);
    let nowhere = FolderView::new(folder.0.join("nowhere"));
    assert!(matches!(
        LogView::open(nowhere, IDENTITY),
        Err(LogError::Missing { .. })
    ));
}
