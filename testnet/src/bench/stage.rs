//! The network that is measured, in a temporary folder.
//!
//! Invariant: fields are dropped in an order that leaves nothing behind: the nodes, the folder, then the sweeper.

use anyhow::{Context as _, Result, ensure};
use falaj_consensus::crypto::Algorithm;
use std::path::Path;
use tempfile::TempDir;

use super::proc::Process;
use crate::cluster::{Cluster, Held};
use crate::economy::Plan;
use crate::events;
use crate::load::addresses;
use crate::manifest::SignerKind;
use crate::network::{Network, ValidatorEntry};
use crate::program::Program;
use crate::provision::{self, Order};
use crate::sweeper::Sweeper;
use crate::wallet::Wallet;

/// How many validators every figure is for.
pub(super) const VALIDATORS: usize = 4;

/// A running network.
pub(super) struct Stage {
    cluster: Cluster,
    network: Network,
    wallet: Wallet,
    folder: TempDir,
    _sweeper: Sweeper,
}

impl Stage {
    /// Makes a network and waits until it is ready.
    pub(super) async fn raise(
        program: &Program,
        signer: SignerKind,
        algorithm: Algorithm,
    ) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("falaj-bench-").tempdir()?;
        let sweeper = Sweeper::start(folder.path())?;
        let order = Order {
            validators: VALIDATORS,
            signer,
            algorithms: vec![algorithm],
            plan: Plan::default(),
        };
        provision::create(program, folder.path(), &order, &|_| ())?;
        let held = Held(Some(sweeper.held()?));
        let cluster = Cluster::start(program.clone(), folder.path(), held, &|_| ()).await?;
        let network = cluster.network()?;
        let wallet = Wallet::open(&network)?;
        Ok(Self {
            cluster,
            network,
            wallet,
            folder,
            _sweeper: sweeper,
        })
    }

    pub(super) const fn network(&self) -> &Network {
        &self.network
    }

    pub(super) const fn wallet(&self) -> &Wallet {
        &self.wallet
    }

    /// The folder that the nodes' homes are in, and so their disk.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The network without one of its validators.
    pub(super) fn network_without(&self, index: usize) -> Network {
        let mut others = self.network.clone();
        others
            .validators
            .retain(|validator| validator.index != index);
        others
    }

    /// Ends a node as a power cut would.
    pub(super) fn kill(&mut self, index: usize) -> Result<()> {
        self.cluster.kill(index)
    }

    /// Starts it again, and waits until it takes part.
    pub(super) async fn revive(&mut self, index: usize) -> Result<()> {
        self.cluster.start_node(index).await?;
        self.cluster.until_ready(&|_| ()).await?;
        self.network = self.cluster.network()?;
        Ok(())
    }

    /// One validator of them.
    pub(super) fn any_validator(&self) -> Result<&ValidatorEntry> {
        self.network.validators.first().context("a validator")
    }

    /// CPU that all nodes used since they began, in microseconds.
    pub(super) fn cpu_us(&self) -> Result<u64> {
        self.sum(Process::cpu_us)
    }

    /// Bytes that all nodes had written since they began.
    pub(super) fn written_bytes(&self) -> Result<u64> {
        self.sum(Process::written_bytes)
    }

    /// The most memory each node ever had in use.
    pub(super) fn peak_bytes(&self) -> Result<Vec<u64>> {
        self.processes().map(|node| node.peak_bytes()).collect()
    }

    /// Height of the network.
    pub(super) async fn height(&self) -> Result<u64> {
        events::height(&addresses(&self.network)?).await
    }

    /// Stops the nodes; the folder stays.
    pub(super) fn stop(&mut self) -> Result<()> {
        ensure!(self.cluster.stop()?, "a node had to be killed to stop");
        Ok(())
    }

    fn sum(&self, of: impl Fn(&Process) -> Result<u64>) -> Result<u64> {
        self.processes().map(|node| of(&node)).sum()
    }

    fn processes(&self) -> impl Iterator<Item = Process> {
        let nodes = self.network.validators.iter();
        nodes.map(|validator| Process::new(validator.pid))
    }
}
