//! What re-executing a node's logs begins with: genesis, or the snapshot that its block log names, proven from its files.
//!
//! Invariant: a snapshot counts as far as its certificates and chunks prove it under the genesis; what the block log says of it must be the same.
//! Errors: a problem of this node alone.
//! Source: `docs/spec/snapshots.md`; `docs/spec/durable.md`, "A log that begins with a snapshot".

use anyhow::{Context as _, Result, ensure};
use falaj_consensus::types::{BlockId, OutcomeHash};
use falaj_consensus::verify::RealChecker;
use falaj_ledger::bundle::CertifiedOutcome;
use falaj_ledger::genesis::Genesis;
use falaj_ledger::snapshot::Manifest;
use falaj_ledger::state::State;
use falaj_ledger::trust::Trust;
use falaj_node::storage::RecoveredLogs;
use std::path::Path;

use super::Decided;

/// Where the blocks of a node begin.
pub(super) struct Start {
    /// The state before them.
    pub(super) state: State,
    /// Id and outcome of the block before them.
    pub(super) parent: (BlockId, OutcomeHash),
    /// That block, if the node has it as a snapshot.
    pub(super) snapshot: Option<Decided>,
}

/// The start of the logs of a data folder.
///
/// # Errors
/// When genesis does not add up, or the snapshot does not hold.
pub(super) fn of(genesis: &Genesis, data: &Path, found: &RecoveredLogs) -> Result<Start> {
    if let Some(proof) = found.start().snapshot() {
        let state = restored(genesis, &data.join("snapshot"), proof).context("its snapshot")?;
        let (id, outcome) = (proof.header().id(), proof.outcome().hash());
        return Ok(Start {
            state,
            parent: (id, outcome),
            snapshot: Some(Decided { id, outcome }),
        });
    }
    let opened = State::open(genesis)?;
    Ok(Start {
        state: opened.state,
        parent: (BlockId::default(), opened.outcome.hash()),
        snapshot: None,
    })
}

fn restored(genesis: &Genesis, folder: &Path, proof: &CertifiedOutcome) -> Result<State> {
    let read = |name: &str| {
        let path = folder.join(name);
        std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let manifest = Manifest::from_bytes(&read("manifest")?)?;
    let proven = manifest.verify(&Trust::of_genesis(genesis), &[], &RealChecker)?;
    ensure!(
        (proven.header(), proven.outcome()) == (proof.header(), proof.outcome()),
        "it is of another block than the one that the block log names"
    );
    let chunks = proven.chunks();
    let mut restoring = proven.restore();
    for index in 0..chunks {
        restoring.take(index, read(&format!("{index:05}.chunk"))?)?;
    }
    Ok(restoring.finish()?)
}
