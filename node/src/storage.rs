//! The node's own files: what the block log and the batch log hold, and how a restart reads them.
//!
//! Invariant: a batch's record is the batch as its author closed it; a block's records are header and body, synced before the first
//! own vote for it leaves, and the certificate from the decision on. Everything else can be rebuilt from them.
//! Generic over the disk, so that production and simulation run the same code; outside the feature `shell`.
//! Source: `docs/spec/durable.md`; `docs/spec/storage.md`.

mod find;
#[cfg(test)]
pub(crate) mod forge;
mod record;
mod recovery;
mod start_point;

pub use find::{DecidedRecord, find_decided};
pub use record::{BlockRecord, Decided};
pub use recovery::{NodeLogs, RecoverError, RecoveredLogs, check_gates};
pub use start_point::{Floor, StartPoint};
