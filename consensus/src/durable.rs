//! Durable before disclosed: the logs that hold what must never be lost, and the types that keep outputs back until they do.
//!
//! Invariant: an output that depends on a record cannot be reached before a [`Durable`] covers that record,
//! and a `Durable` is made by [`FramedLog::sync`] alone, after file and directory are synced.
//! Shape: a machine's step gives an [`Outbox`]: effects that start at once, and one [`Pending`] that gives up its outputs
//! only against proofs. A host keeps the pendings of one machine in a [`PendingQueue`], which releases them in order.
//! Who calls it: the signing guard and the replica make pendings, their hosts sync logs and release.
//! Input and output happen behind [`Disk`]; the one real disk stands behind the feature `os-disk`.
//! Source: `docs/spec/durable.md`.

mod disk;
mod error;
mod frame;
mod index;
mod log;
#[cfg(any(test, feature = "testing"))]
mod mem_disk;
#[cfg(feature = "os-disk")]
mod os_disk;
#[cfg(feature = "os-disk")]
mod os_view;
mod outbox;
mod position;
mod queue;
mod recover;
mod segment;
mod view;

pub use disk::{Disk, DiskError, DiskOperation};
pub use error::{Damage, LogError};
pub use frame::{FRAME_PAYLOAD_BYTES_MAX, RECORD_BYTES_MAX};
pub use log::{FramedLog, Reader, Records, TornTail};
#[cfg(any(test, feature = "testing"))]
pub use mem_disk::{MemDisk, MemFile, Survives};
#[cfg(feature = "os-disk")]
pub use os_disk::{FolderLock, FolderLockError, OsDisk};
#[cfg(feature = "os-disk")]
pub use os_view::{FolderView, ViewedFile};
pub use outbox::{Outbox, Pending};
pub use position::{Durable, LogId, Position};
pub use queue::PendingQueue;
pub use segment::{LogIdentity, SEGMENT_BYTES_MAX, SEGMENT_HEADER_BYTES};
pub use view::{LogView, RecordSite, SegmentView};

#[cfg(test)]
mod tests;
