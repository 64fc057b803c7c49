//! The threads that drive one replica: the core, the logs and their readers, the workers, the signer, the store.
//!
//! Invariant: the core thread alone owns the [`Replica`](crate::core::Replica) and its pending outputs; everything slow happens elsewhere
//! and comes back as an input; an output leaves only through the queue that the logs' proofs release.
//! A disk whose state is unknown ends the process: see [`Fatal`].
//! Source: `docs/ARCHITECTURE.md`, "Bird's-eye view".

mod checkpoints;
mod clock;
mod core_thread;
mod fatal;
mod inbox;
mod log_reader;
mod log_thread;
mod signer_thread;
mod snapshot_thread;
mod snapshots;
mod store_thread;
mod timers;
mod workers;

pub use clock::Clock;
pub use core_thread::{CoreParts, Outlet, SignerCommand};
pub use fatal::{Fatal, exit_code};
pub use inbox::{CoreHandle, CoreInbox, Question};
pub use log_reader::LogRead;
pub use log_thread::{DISK_RESERVE_BYTES, LogCommand, LogHealth, LogThread};
pub use signer_thread::{SignerHandle, SignerThread, SignerWitness};
pub use snapshot_thread::SnapshotThread;
pub use snapshots::{Snapshots, Taking};
#[cfg(test)]
pub(super) use store_thread::tests::Idle;
pub use store_thread::{StoreCommand, StoreThread};
pub use workers::Workers;
