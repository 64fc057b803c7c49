//! What to do about a home or a log that cannot be used.
//!
//! Invariant: nothing said here makes a guard anew or sends damaged money data onwards; what is not plain stands in a runbook.
//! Source: `docs/runbook/storage.md`; `docs/runbook/hsm.md`, "The guard".

use falaj_consensus::durable::{LogError, LogId};
use falaj_ledger::store::StoreError;

use crate::shell::home::HomeError;
use crate::shell::recover::StartupError;
use crate::storage::RecoverError;

const GUARD_LOST: &str = "never set this home on a genesis again and never make its guard anew: a key with two guards signs twice; put the very same folder back if it was only moved, otherwise docs/runbook/hsm.md, \"guard lost\"";
const GUARD_DAMAGED: &str = "keep the guard's folder as it is and put no older copy in its place: docs/runbook/hsm.md, \"guard damaged\"";
const DATA_LOST: &str = "put the folder back, or a copy of it; leave the guard alone: docs/runbook/storage.md, \"lost data folder\"";
const DATA_DAMAGED: &str = "keep the folder for whoever looks into it, look at the disk, and put a whole copy in its place; leave the guard alone: docs/runbook/storage.md, \"damaged log\"";
const OTHER_GENESIS: &str = "paths.genesis, paths.data and paths.guard must be of one chain; nothing was changed: docs/runbook/storage.md, \"wrong genesis\"";
const OTHER_VERSION: &str =
    "start the version of falaj that wrote it: docs/runbook/storage.md, \"damaged log\"";
const STORE_DAMAGED: &str = "the ledger folder in the data folder is a copy of the logs: with the node stopped it may be removed, and the next start rebuilds it: docs/runbook/storage.md, \"safe at any time\"";
const SNAPSHOT: &str = "put the very snapshot back into the snapshot folder of the data folder: docs/runbook/snapshots.md, \"snapshot lost\"";
const DIVERGED: &str =
    "start a program that computes the certified outcome: docs/runbook/storage.md, \"divergence\"";
const GATES_LACKING: &str = "start a version of falaj that supports the feature, leave everything else as it is: docs/runbook/upgrade.md, \"upgrade needed\"";
const DISK: &str = "look at the disk and the room on it: docs/runbook/storage.md, \"full disk\"";

/// What to do about a home, where one sentence says it.
pub(super) const fn of_home(error: &HomeError) -> Option<&'static str> {
    match error {
        HomeError::AlreadySet { .. } => {
            Some("nothing; `falaj start` runs it, and another chain needs another home")
        }
        HomeError::Unfinished { .. } => Some(
            "`falaj init --genesis FILE` again, with that genesis: it goes on where it stopped",
        ),
        HomeError::GuardLost { .. } => Some(GUARD_LOST),
        HomeError::DataLost { .. } => Some(DATA_LOST),
        HomeError::Log(error) | HomeError::Guard(falaj_hsm::HomeError::Log(error)) => of_log(error),
        HomeError::Guard(falaj_hsm::HomeError::Audit(_)) | HomeError::Witness(_) => {
            Some(GUARD_DAMAGED)
        }
        HomeError::Write { .. } | HomeError::Disk(_) => Some(DISK),
        HomeError::NotInGenesis { .. } => Some(
            "`falaj keys show` shows this node's key; validator.id and the genesis must name it; a validator that the genesis does not name comes in with `--newcomer`",
        ),
        HomeError::OtherKey { .. } => Some(
            "validator.signer and paths.guard change together: a key signs with the guard that was begun for it, and with no other",
        ),
        HomeError::Read { .. }
        | HomeError::Genesis { .. }
        | HomeError::Folder(_)
        | HomeError::Nested { .. }
        | HomeError::Random
        | HomeError::NotApproved { .. } => None,
    }
}

/// What to do about files that a start cannot go on from.
pub(super) const fn of_startup(error: &StartupError) -> Option<&'static str> {
    match error {
        StartupError::Logs(RecoverError::Log(error)) => of_log(error),
        StartupError::Logs(RecoverError::Diverged(_)) => Some(DIVERGED),
        StartupError::Logs(RecoverError::GatesLacking(_)) => Some(GATES_LACKING),
        StartupError::Snapshot(_) => Some(SNAPSHOT),
        StartupError::Logs(_) => Some(DATA_DAMAGED),
        StartupError::Store(error) => of_store(error),
        StartupError::State(_) => Some(STORE_DAMAGED),
        StartupError::Genesis(_) => Some(OTHER_GENESIS),
    }
}

const fn of_store(error: &StoreError) -> Option<&'static str> {
    match error {
        StoreError::OtherChain { .. } => Some(OTHER_GENESIS),
        StoreError::OtherVersion { .. } => Some(OTHER_VERSION),
        StoreError::Damaged { .. } => Some(STORE_DAMAGED),
        StoreError::Failed | StoreError::Io { .. } => Some(DISK),
        StoreError::OutOfOrder { .. }
        | StoreError::PageTooLong { .. }
        | StoreError::OtherState { .. } => None,
    }
}

/// What to do about a log.
pub(super) const fn of_log(error: &LogError) -> Option<&'static str> {
    match error {
        LogError::Missing { log } => Some(lost(*log)),
        LogError::Damaged { log, .. } | LogError::SegmentMissing { log, .. } => Some(damaged(*log)),
        LogError::OtherGenesis { .. } | LogError::OtherKind { .. } => Some(OTHER_GENESIS),
        LogError::OtherVersion { .. } => Some(OTHER_VERSION),
        LogError::Disk { .. } | LogError::Poisoned { .. } => Some(DISK),
        LogError::Exists { .. } | LogError::RecordSize { .. } | LogError::NoRecord { .. } => None,
    }
}

const fn lost(log: LogId) -> &'static str {
    match log {
        LogId::Guard | LogId::Audit => GUARD_LOST,
        LogId::Block | LogId::Batch => DATA_LOST,
    }
}

const fn damaged(log: LogId) -> &'static str {
    match log {
        LogId::Guard | LogId::Audit => GUARD_DAMAGED,
        LogId::Block | LogId::Batch => DATA_DAMAGED,
    }
}
