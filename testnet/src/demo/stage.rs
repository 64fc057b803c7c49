//! The network that a demo plays with, in a temporary folder, and what can be done to it.
//!
//! Invariant: fields are dropped in an order that leaves nothing behind: the watch, the nodes, the hold on the folder, the folder, then the sweeper.

use anyhow::{Context as _, Result};
use std::collections::BTreeMap;
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::Instant;

use super::summary::{Outcome, Summary};
use super::tour::Faults;
use super::{Options, Tell};
use crate::cluster::{Cluster, Held};
use crate::hold::Hold;
use crate::load::{Report, addresses};
use crate::manifest::{SignerKind, read_genesis};
use crate::network::Network;
use crate::program::Program;
use crate::sweeper::Sweeper;
use crate::witness::{Seen, Witness};
use crate::{provision, token, verify};

/// How long a validator may take until it votes again.
const BACK_PATIENCE: Duration = Duration::from_secs(60);
/// How long the network may take for a block while one validator is away.
const MOVE_PATIENCE: Duration = Duration::from_secs(20);

/// A network to play with.
pub(super) struct Stage {
    witness: Witness,
    cluster: Cluster,
    network: Network,
    options: Options,
    issued: String,
    /// Let go before the folder is removed.
    _hold: Hold,
    folder: TempDir,
    _sweeper: Sweeper,
}

impl Stage {
    /// Makes a network and waits until it is ready.
    pub(super) async fn raise(
        program: &Program,
        options: &Options,
        tell: Tell<'_>,
    ) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("falaj-demo-").tempdir()?;
        let sweeper = Sweeper::start(folder.path())?;
        let order = &options.testnet;
        let algorithms: Vec<_> = order
            .algorithms
            .iter()
            .map(|algorithm| algorithm.name())
            .collect();
        tell(&format!(
            "provisioning {} validators, signer {}, {}",
            order.validators,
            order.signer.name(),
            algorithms.join(" ")
        ));
        let (started, hold) = (Instant::now(), Hold::take(folder.path())?);
        provision::create(program, folder.path(), order, tell)?;
        let held = Held(Some(sweeper.held()?));
        let cluster = Cluster::start(program.clone(), folder.path(), held, tell).await?;
        let network = cluster.network()?;
        let witness = Witness::start(addresses(&network)?).await?;
        let genesis = read_genesis(&network.genesis)?;
        let issued = genesis
            .currencies
            .first()
            .context("a currency")?
            .issued
            .get()
            .to_string();
        tell(&format!(
            "{} runs after {:.1} s",
            network.chain,
            started.elapsed().as_secs_f64()
        ));
        for validator in &network.validators {
            tell(&format!("  {}  {}", validator.name, validator.api));
        }
        Ok(Self {
            witness,
            cluster,
            network,
            options: options.clone(),
            issued,
            _hold: hold,
            folder,
            _sweeper: sweeper,
        })
    }

    pub(super) const fn network(&self) -> &Network {
        &self.network
    }

    pub(super) const fn witness(&self) -> &Witness {
        &self.witness
    }

    pub(super) const fn has_tokens(&self) -> bool {
        matches!(self.options.testnet.signer, SignerKind::Softhsm)
    }

    /// Whether every block so far stated the supply that genesis issued; `None` before the first.
    pub(super) fn supply_holds(&self) -> Option<bool> {
        supply_holds(&self.witness.seen(), &self.issued)
    }

    /// Ends a validator as a power cut would.
    pub(super) fn kill(&mut self, index: usize) -> Result<()> {
        self.cluster.kill(index)
    }

    /// Starts a validator again, and says how long it took until it voted.
    pub(super) async fn start(&mut self, index: usize) -> Result<Option<Duration>> {
        let (above, started) = (self.witness.seen().height, Instant::now());
        self.cluster.start_node(index).await?;
        self.network = self.cluster.network()?;
        Ok(self.until_votes(index, above, started).await)
    }

    /// Takes a validator's token away.
    pub(super) fn take_token(&self, index: usize) -> Result<()> {
        token::take_away(&self.network.validator(index)?.env)
    }

    /// Brings a validator's token back, and says how long it took until it voted.
    pub(super) async fn return_token(&self, index: usize) -> Result<Option<Duration>> {
        let (above, started) = (self.witness.seen().height, Instant::now());
        token::bring_back(&self.network.validator(index)?.env)?;
        Ok(self.until_votes(index, above, started).await)
    }

    async fn until_votes(&self, index: usize, above: u64, started: Instant) -> Option<Duration> {
        let at = self
            .witness
            .until_signs(index, above, BACK_PATIENCE)
            .await?;
        Some(at.saturating_duration_since(started))
    }

    /// Whether a block becomes final from now on: the second that is told, since the first may have been decided before.
    pub(super) async fn moves(&self) -> bool {
        let told = self.witness.seen().height;
        self.witness
            .until_above(told.saturating_add(1), MOVE_PATIENCE)
            .await
    }

    /// Stops the network, re-executes what it wrote, and sums up.
    pub(super) async fn conclude(
        mut self,
        report: Report,
        faults: Faults,
        tell: Tell<'_>,
    ) -> Result<Summary> {
        let supply_held = self.supply_holds() == Some(true);
        let height = self.witness.seen().height;
        drop(self.witness);
        let stopped = self.cluster.stop()?;
        tell("re-executing every block of every node from genesis");
        let folder = self.folder.path().to_owned();
        let verified = tokio::task::spawn_blocking(move || verify::run(&folder)).await??;
        verified
            .problems
            .iter()
            .for_each(|problem| tell(&format!("wrong: {problem}")));
        let recounted = verified
            .nodes
            .iter()
            .all(|node| is_issued(&node.supply_minor_units, &self.issued));
        let outcome = Outcome {
            height,
            supply_ok: supply_held && recounted,
            verify_ok: verified.ok,
            stopped,
        };
        Ok(Summary::of(&self.options, report, faults, outcome))
    }
}

fn supply_holds(seen: &Seen, issued: &str) -> Option<bool> {
    (!seen.supply.is_empty()).then(|| !seen.supply_changed && is_issued(&seen.supply, issued))
}

/// Whether a supply was stated, and is what was issued.
fn is_issued(supply: &BTreeMap<String, String>, issued: &str) -> bool {
    !supply.is_empty() && supply.values().all(|units| *units == issued)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: a check of nothing is not a check that held.
    #[test]
    fn a_supply_that_nobody_stated_does_not_hold() {
        let stated = |units: &str| BTreeMap::from([("XTS".to_owned(), units.to_owned())]);
        assert!(!is_issued(&BTreeMap::new(), "5"));
        assert!(is_issued(&stated("5"), "5"));
        assert!(!is_issued(&stated("6"), "5"));
        let seen = |units, supply_changed| Seen {
            supply: stated(units),
            supply_changed,
            ..Seen::default()
        };
        assert_eq!(supply_holds(&Seen::default(), "5"), None);
        assert_eq!(supply_holds(&seen("5", false), "5"), Some(true));
        assert_eq!(supply_holds(&seen("6", false), "5"), Some(false));
        assert_eq!(supply_holds(&seen("5", true), "5"), Some(false));
    }
}
