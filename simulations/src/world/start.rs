//! Starting a node: new on empty disks, or by recovery from what a crash has left.
//!
//! Invariant: recovery is the shipped one: logs opened and scanned, state loaded and replayed to the last decided height, the
//! signer taken up from its guard.
//! Errors: [`StartError`]; a correct node on an honest disk that keeps its power always starts, so an error is a violation.
//! Source: `docs/spec/durable.md`, "Recovery".

use std::collections::BTreeMap;
use std::sync::Arc;

use falaj_consensus::durable::{LogError, LogId};
use falaj_consensus::types::Now;
use falaj_hsm::{
    Floor, GuardProblem, HomeError, Identity, Place, Recovered as Guard, SetWindow, SignerHome,
    WitnessError, WitnessFile,
};
use falaj_ledger::bundle::{SetChange, SignedBlock};
use falaj_ledger::state::{Opened, State};
use falaj_node::core::{Committed, JobTools, Recovered, ReplicaConfig, decided_set, floor_at};
use falaj_node::storage::{NodeLogs, RecoverError, RecoveredLogs};

use super::Shared;
use super::log_device::LogDevice;
use super::node::{Disks, Node, Stored};
use super::signing::SignerDevice;
use crate::disk::SimDisk;
use crate::economy::{key_of, validator_of};
use crate::hsm::KeyIndex;

/// A node could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Block or batch log.
    #[error(transparent)]
    Recover(#[from] RecoverError),
    /// A log could not be created.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Guard or audit log.
    #[error(transparent)]
    Signer(#[from] HomeError),
    /// What the data folder remembers of the guard cannot be read.
    #[error(transparent)]
    Witness(#[from] WitnessError),
    /// The guard cannot be signed under.
    #[error("the guard cannot be used: {0}")]
    Guard(String),
}

/// The devices of a node about to run, and what it stands on.
pub(super) struct Ready {
    pub(super) config: ReplicaConfig,
    pub(super) recovered: Recovered,
    pub(super) block: LogDevice,
    pub(super) batch: LogDevice,
    pub(super) signers: Vec<SignerDevice>,
    /// Heights that the store had not.
    pub(super) replayed: Vec<Committed>,
    /// Whether a log had a torn end.
    pub(super) torn: bool,
}

/// Makes guard and logs on disks that hold none, or the beginning of some.
pub(super) fn make(node: &Node, shared: &Shared) -> Result<(), StartError> {
    let Disks {
        guard,
        audit,
        block,
        batch,
        ..
    } = node.disks.clone();
    NodeLogs::create(block, batch, shared.chain.genesis_hash)?;
    if !node.has_first_key {
        return Ok(());
    }
    let floor = Floor {
        place: Place::GENESIS,
        instance: shared.instance_of(key_of(node.place)),
        fence_epoch: 0,
        window: SetWindow::genesis(&shared.set),
    };
    let checker = Arc::clone(&shared.checker);
    let identity = identity(shared, key_of(node.place));
    Ok(SignerHome::init(guard, audit, identity, checker, floor)?)
}

/// Takes a node up from its disks.
pub(super) fn ready(node: &Node, shared: &Shared, now: Now) -> Result<Ready, StartError> {
    let Disks { block, batch, .. } = node.disks.clone();
    let logs = NodeLogs::open(block.clone(), batch.clone(), shared.chain.genesis_hash)?;
    let torn = logs.block.torn().is_some() || logs.batch.torn().is_some();
    let found = logs.scan()?;
    let (stored, replayed) = replay(node, shared, &logs, &found)?;
    let Stored {
        state,
        outcome,
        decided_sets,
        ..
    } = stored;
    let batches = logs.batches(&found, &state, shared.tools())?;
    let (mut signers, mut guards) = (Vec::new(), BTreeMap::new());
    for key in keys_of(node, shared) {
        let (signer, guard) = signer(node, shared, (key, &state), now)?;
        signers.push(signer);
        // A guard that cannot be signed under leaves a node that follows; nothing but a failover brings one here.
        match guard {
            Ok(guard) => {
                guards.insert(shared.keys.public(key).clone(), guard);
            }
            Err(_) if node.guard_may_lag => {}
            Err(problem) => return Err(StartError::Guard(problem.to_string())),
        }
    }
    let mut recovered = found.into_recovered(state, outcome, batches, guards);
    recovered.decided_sets = decided_sets;
    Ok(Ready {
        config: config(node, shared),
        recovered,
        block: LogDevice::new(LogId::Block, block, logs.block),
        batch: LogDevice::new(LogId::Batch, batch, logs.batch),
        signers,
        replayed,
        torn,
    })
}

fn config(node: &Node, shared: &Shared) -> ReplicaConfig {
    ReplicaConfig {
        chain: shared.chain.clone(),
        validator: Some(validator_of(node.place)),
        keys: keys_of(node, shared)
            .into_iter()
            .map(|key| shared.keys.public(key).clone())
            .collect(),
        batch_wait_ns: 10_000_000,
        mempool: Default::default(),
        supported: node.supported,
    }
}

/// The keys that a node can sign with, its first one first.
fn keys_of(node: &Node, shared: &Shared) -> Vec<KeyIndex> {
    let second = shared.second_key(node.place);
    let second = second.filter(|_| node.has_second_key);
    let first = node.has_first_key.then_some(key_of(node.place));
    first.into_iter().chain(second).collect()
}

fn identity(shared: &Shared, key: KeyIndex) -> Identity {
    Identity {
        chain: (*shared.chain).clone(),
        key: shared.keys.public(key).clone(),
    }
}

/// Makes the guard of a key that comes into use after genesis, at a floor of the last height that its ledger holds. Where one is there already it stays.
pub(super) fn enrol(node: &Node, shared: &Shared, key: KeyIndex) -> Result<(), StartError> {
    let [guard, audit, _] = node
        .disks
        .of_key(key == key_of(node.place))
        .map(SimDisk::clone);
    let floor = floor_at(&node.stored.state, shared.instance_of(key));
    let checker = Arc::clone(&shared.checker);
    match SignerHome::init(guard, audit, identity(shared, key), checker, floor) {
        Err(HomeError::Log(LogError::Exists { .. })) => Ok(()),
        made => Ok(made?),
    }
}

/// Executes what the logs hold beyond the store.
fn replay(
    node: &Node,
    shared: &Shared,
    logs: &NodeLogs<SimDisk>,
    found: &RecoveredLogs,
) -> Result<(Stored, Vec<Committed>), StartError> {
    let (mut stored, mut replayed) = (node.stored.clone(), Vec::new());
    found.check_store(stored.state.height())?;
    while stored.state.height() < found.height() {
        let committed = logs.replay(found, &stored.state, node.supported, shared.tools())?;
        stored.commit(&committed);
        replayed.push(committed);
    }
    Ok((stored, replayed))
}

fn signer(
    node: &Node,
    shared: &Shared,
    (key, state): (KeyIndex, &State),
    now: Now,
) -> Result<(SignerDevice, Result<Guard, GuardProblem>), StartError> {
    let disks = node.disks.of_key(key == key_of(node.place));
    let [guard, audit, witness] = disks.map(SimDisk::clone);
    let identity = identity(shared, key);
    let memory = WitnessFile::open(witness, &identity.key)?;
    let known: Vec<_> = state
        .validator_sets()
        .map(|(_, set)| Arc::clone(set))
        .collect();
    let home = SignerHome::open(
        now,
        guard.clone(),
        audit,
        identity,
        Arc::clone(&shared.checker),
        &known,
        memory.witness(),
    )?;
    let recovered = home.recovered();
    Ok((SignerDevice::new(key, home, guard, memory), recovered))
}

impl Stored {
    /// What a store holds before the first block.
    pub(super) fn at_genesis(opened: &Opened) -> Self {
        Self {
            state: opened.state.clone(),
            outcome: opened.outcome.clone(),
            decided_sets: Vec::new(),
            set_changes: Vec::new(),
        }
    }

    /// Takes in the next block.
    pub(super) fn commit(&mut self, committed: &Committed) {
        let height = committed.header.height;
        assert_eq!(
            height,
            self.state.height().next(),
            "a store takes block after block"
        );
        self.state = committed.executed.state.clone();
        self.outcome = committed.executed.outcome.clone();
        let proof = decided_set(&self.state, &committed.certificate, &self.outcome);
        if let Some(proof) = &proof {
            let (header, outcome) = (committed.header.clone(), self.outcome.clone());
            let block = SignedBlock::new(header, outcome, &committed.certificate);
            let validators = (*proof.set).clone();
            let change = block.map(|block| SetChange { block, validators });
            self.set_changes.extend(change);
        }
        self.decided_sets.extend(proof);
    }
}

impl Shared {
    fn tools(&self) -> JobTools<'_> {
        JobTools {
            checker: &*self.checker,
            rules: &self.rules,
        }
    }
}
