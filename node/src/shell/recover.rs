//! From files to a replica's start: the newest state the store holds, or genesis, brought up to the last certificate of the block log.
//!
//! Invariant: the logs are the truth and the store a copy: one that is missing, ahead, behind, damaged or wrong is set aside and rebuilt;
//! one that could not be read is left where it is, because the next start may well read it;
//! a height whose outcome differs from the certified one is not built upon: the node starts at the height before.
//! Source: `docs/spec/storage.md`, "What a store promises".

use falaj_consensus::durable::Disk;
use falaj_consensus::message::{Header, Outcome};
use falaj_consensus::types::Height;
use falaj_hsm::HeightProof;
use falaj_ledger::genesis::{Genesis, GenesisError};
use falaj_ledger::state::{State, StateError};
use falaj_ledger::store::{BlockWrite, Loaded, Marker, Store, StoreError};
use std::sync::Arc;

use super::history::{History, block_write, peak_pages};
use super::snapshot::{self, SnapshotFault};
use crate::core::JobTools;
use crate::storage::{NodeLogs, RecoverError, RecoveredLogs, StartPoint, check_gates};
use falaj_consensus::verify::RealChecker;
use falaj_ledger::bundle::{CertifiedOutcome, SetChange, SignedBlock};
use falaj_ledger::trust::Trust;
use std::path::Path;

/// Why a node cannot start from its files.
#[derive(Debug, thiserror::Error)]
pub enum StartupError {
    /// The logs.
    #[error(transparent)]
    Logs(#[from] RecoverError),
    /// The store, while it is being written anew.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The genesis does not add up.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// What the store holds is not a state.
    #[error(transparent)]
    State(#[from] StateError),
    /// The snapshot that the node began with, which the store is to be begun from again.
    #[error("the snapshot that this node began with cannot be used")]
    Snapshot(#[from] SnapshotFault),
}

/// Why nothing was begun from a store.
#[derive(Debug)]
pub enum StoreFault {
    /// Set it aside and begin with an empty one.
    Unfit(StoreUnfit),
    /// Store or logs could not be read, which says nothing about what they hold.
    Failed(StartupError),
}

/// Why what a store holds is not used.
#[derive(Debug, thiserror::Error)]
pub enum StoreUnfit {
    /// It is not what was written.
    #[error(transparent)]
    Damaged(StoreError),
    /// It is not the state of this chain.
    #[error("it holds no state: {0}")]
    NoState(StateError),
    /// It has blocks that the block log has no certificate for.
    #[error("it is at height {store}, the block log ends at {log}")]
    Ahead {
        /// Its height.
        store: Height,
        /// Last decided height.
        log: Height,
    },
    /// It is from before the snapshot that the node began with.
    #[error(
        "it is at height {store}, below the snapshot of height {snapshot} that this node began with"
    )]
    Below {
        /// Its height.
        store: Height,
        /// Height of the snapshot.
        snapshot: Height,
    },
    /// It was written by a program that kept no events, or lost them.
    #[error("it holds no event log at height {0}")]
    NoEvents(Height),
    /// Its block or its outcome is not the certified one.
    #[error("its block or outcome at height {0} is not the certified one")]
    Wrong(Height),
}

impl From<StoreUnfit> for StoreFault {
    fn from(unfit: StoreUnfit) -> Self {
        Self::Unfit(unfit)
    }
}

impl From<StoreError> for StoreFault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Damaged { .. } => Self::Unfit(StoreUnfit::Damaged(error)),
            StoreError::Io { .. }
            | StoreError::Failed
            | StoreError::OtherChain { .. }
            | StoreError::OtherVersion { .. }
            | StoreError::OutOfOrder { .. }
            | StoreError::PageTooLong { .. }
            | StoreError::OtherState { .. } => Self::Failed(error.into()),
        }
    }
}

/// The state after a height, with its outcome whole.
#[derive(Clone, Debug)]
pub struct Base {
    /// The state.
    pub state: State,
    /// Its outcome.
    pub outcome: Outcome,
}

/// What a store gives to start from; `None` if it is empty.
///
/// # Errors
/// [`StoreFault`].
pub fn base_of_store<D: Disk>(
    store: &dyn Store,
    logs: &NodeLogs<D>,
    found: &RecoveredLogs,
) -> Result<Option<Base>, StoreFault> {
    let Some(Loaded { marker, state, .. }) = store.load()? else {
        return Ok(None);
    };
    let state = State::from_map(state).map_err(StoreUnfit::NoState)?;
    let floor = found.floor();
    if marker.height < floor.height {
        let (store, snapshot) = (marker.height, floor.height);
        return Err(StoreUnfit::Below { store, snapshot }.into());
    }
    if let Some(proof) = found
        .start()
        .snapshot()
        .filter(|_| marker.height == floor.height)
    {
        return base_at_snapshot(&marker, state, proof).map(Some);
    }
    if marker.height == Height::new(0) {
        let outcome = state.outcome(falaj_ledger::receipt::receipts_root(&[]));
        return Ok(Some(Base { state, outcome }));
    }
    if marker.height > found.height() {
        let (store, log) = (marker.height, found.height());
        return Err(StoreUnfit::Ahead { store, log }.into());
    }
    let wrong = || StoreUnfit::Wrong(marker.height);
    let decided = logs.decided(found, marker.height);
    let decided = decided.map_err(|error| StoreFault::Failed(error.into()))?;
    let certified = decided.certificate.outcome;
    let history = History::new(store, floor);
    let page = history.block(marker.height)?.ok_or_else(wrong)?;
    if !history.holds_events(page.outcome.events)? {
        return Err(StoreUnfit::NoEvents(marker.height).into());
    }
    let right = marker.block_id == decided.certificate.id
        && page.outcome.hash() == certified
        && page.outcome.state_root == state.root();
    if right {
        Ok(Some(Base {
            state,
            outcome: page.outcome,
        }))
    } else {
        Err(wrong().into())
    }
}

/// The state of a store that has nothing beyond the snapshot that the node began with.
fn base_at_snapshot(
    marker: &Marker,
    state: State,
    proof: &CertifiedOutcome,
) -> Result<Base, StoreFault> {
    let outcome = proof.outcome().clone();
    let right = *marker == marker_of(proof) && outcome.state_root == state.root();
    if right {
        Ok(Base { state, outcome })
    } else {
        Err(StoreUnfit::Wrong(marker.height).into())
    }
}

fn marker_of(proof: &CertifiedOutcome) -> Marker {
    let (header, outcome) = (proof.header(), proof.outcome());
    Marker {
        height: header.height,
        block_id: header.id(),
        outcome: outcome.hash(),
        state_root: outcome.state_root,
    }
}

/// Begins an empty store with what the node began with.
///
/// # Errors
/// [`StartupError`].
pub fn base_of_start(
    store: &dyn Store,
    genesis: &Genesis,
    found: &RecoveredLogs,
    snapshot: &Path,
) -> Result<Base, StartupError> {
    match found.start().snapshot() {
        None => base_of_genesis(store, genesis),
        Some(proof) => base_of_snapshot(store, genesis, proof, snapshot),
    }
}

/// Begins an empty store with the snapshot of the block log, from the copy that the node keeps of it: every byte is proven again.
fn base_of_snapshot(
    store: &dyn Store,
    genesis: &Genesis,
    proof: &CertifiedOutcome,
    folder: &Path,
) -> Result<Base, StartupError> {
    let state = snapshot::read(folder, &Trust::of_genesis(genesis), &[], &RealChecker)?;
    if (state.proof.header(), state.proof.outcome()) != (proof.header(), proof.outcome()) {
        return Err(SnapshotFault::Another(folder.into()).into());
    }
    let (state, outcome) = (state.state, proof.outcome().clone());
    let pages = peak_pages(&state.events());
    store.begin(&marker_of(proof), state.map(), &pages)?;
    Ok(Base { state, outcome })
}

/// Writes a genesis as the first block of an empty store.
///
/// # Errors
/// [`StartupError`].
pub fn base_of_genesis(store: &dyn Store, genesis: &Genesis) -> Result<Base, StartupError> {
    let opened = State::open(genesis)?;
    let outcome = opened.outcome;
    let marker = Marker {
        height: Height::new(0),
        block_id: falaj_consensus::types::BlockId::default(),
        outcome: outcome.hash(),
        state_root: outcome.state_root,
    };
    store.commit(&BlockWrite {
        marker,
        write_set: opened.writes,
        pages: Vec::new(),
    })?;
    Ok(Base {
        state: opened.state,
        outcome,
    })
}

/// Executes what the logs have beyond the base, and writes it to the store. It ends where the outcome is not the certified one.
///
/// # Errors
/// [`StartupError`].
pub fn catch_up<D: Disk>(
    store: &dyn Store,
    logs: &NodeLogs<D>,
    mut found: RecoveredLogs,
    mut base: Base,
    tools: JobTools<'_>,
) -> Result<(RecoveredLogs, Base), StartupError> {
    if base.state.height().get() > 0 {
        check_gates(&base.state, base.state.height(), Header::FEATURES_KNOWN)?;
    }
    while base.state.height() < found.height() {
        let block = match logs.replay(&found, &base.state, Header::FEATURES_KNOWN, tools) {
            Ok(block) => block,
            Err(RecoverError::Diverged(divergence)) => {
                found = logs.stop_before(found, divergence)?;
                break;
            }
            Err(error) => return Err(error.into()),
        };
        store.commit(&block_write(&block))?;
        let executed = Arc::unwrap_or_clone(block.executed);
        base = Base {
            state: executed.state,
            outcome: executed.outcome,
        };
    }
    Ok((found, base))
}

/// What shows the guard a height that fixed another validator set.
#[must_use]
pub fn shown_to_guard(change: &SetChange) -> HeightProof {
    HeightProof {
        certificate: change.block.certificate(),
        outcome: change.block.outcome().clone(),
        set: Arc::new(change.validators.clone()),
    }
}

/// Every change of validators with the block that fixed it, in order: those that a snapshot brought along, and then those of the store's
/// pages. A page that is gone is told in the log: without it a guard that was below that height signs nothing, and says so.
///
/// # Errors
/// [`StartupError`] when the store cannot be read.
pub fn set_changes(
    store: &dyn Store,
    state: &State,
    start: &StartPoint,
) -> Result<Vec<SetChange>, StartupError> {
    let history = History::new(store, start.floor());
    let brought = start.snapshot().map(CertifiedOutcome::set_changes);
    let mut changes = brought.unwrap_or_default().to_vec();
    for (from, set) in state.validator_sets() {
        let decided = from.previous().and_then(Height::previous);
        let Some(height) = decided.filter(|height| *height > start.floor().height) else {
            continue;
        };
        let page = history.block(height)?;
        let block =
            page.and_then(|page| SignedBlock::new(page.header, page.outcome, &page.certificate));
        let Some(block) = block else {
            tracing::warn!(%height, "the store lacks a block that fixed another validator set");
            continue;
        };
        let validators = (**set).clone();
        changes.push(SetChange { block, validators });
    }
    Ok(changes)
}

#[cfg(test)]
mod tests;
