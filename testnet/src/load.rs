//! Open-loop load: signed transfers between many accounts at a given rate, each counted only once it is final.
//!
//! Invariant: a transfer's arrival does not wait for any other, and its latency counts from when it was meant to be sent, so that a
//! network that stalls cannot hide it (coordinated omission). Every transfer ends as exactly one of final, rejected or unknown.
//! Shapes and units: rates per second, latencies in milliseconds.
//! Source: `docs/guide/testnet.md`, "Load".

mod arrivals;
mod finality;
mod report;
mod sender;
mod tally;

pub use arrivals::{Arrivals, Chance};
pub use finality::Follower;
pub(crate) use report::to_tenths;
pub use report::{FinalityMs, Report};
pub use sender::Senders;
pub(crate) use tally::histogram;
pub use tally::{Tally, Totals, Word};

use anyhow::{Context as _, Result, ensure};
use falaj_ledger::amount::Amount;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

use crate::network::Network;
use crate::wallet::{Signed, Wallet};

/// How long transfers may stay open after the last was sent.
const LAST_PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(20);
/// The largest transfer, in minor units: small, so that no account runs dry.
const UNITS_MAX: u64 = 100;

/// What load to make.
#[derive(Clone, Debug)]
pub struct Order {
    /// Transfers a second.
    pub rate: f64,
    /// For how long.
    pub seconds: f64,
    /// How they are spaced.
    pub arrivals: Arrivals,
    /// What chance begins from.
    pub seed: u64,
}

/// A load on its way.
pub struct Load {
    tally: Arc<Tally>,
    senders: Senders,
    follower: Follower,
    started: Instant,
}

impl Load {
    /// Connects to a network.
    ///
    /// # Errors
    /// When no node of it answers.
    pub async fn begin(network: &Network) -> Result<Self> {
        let addresses = addresses(network)?;
        let tally = Arc::new(Tally::default());
        let follower = Follower::start(addresses.clone(), Arc::clone(&tally)).await?;
        let senders = Senders::start(&addresses, Arc::clone(&tally));
        Ok(Self {
            tally,
            senders,
            follower,
            started: Instant::now(),
        })
    }

    /// What is counted so far.
    #[must_use]
    pub fn tally(&self) -> Arc<Tally> {
        Arc::clone(&self.tally)
    }

    /// Sends a transaction, which was meant to be sent at some time.
    pub fn send(&self, signed: Signed, meant: Instant) {
        self.tally.open(&signed, meant);
        self.senders.send(signed);
    }

    /// Sends transfers until the time is over.
    ///
    /// # Errors
    /// When there are not two accounts, or a key is missing.
    pub async fn transfers(&self, wallet: &Wallet, order: &Order) -> Result<()> {
        ensure!(
            wallet.customers().len() > 1,
            "a load needs two accounts whose bank's key is at hand"
        );
        let mut chance = Chance::new(order.seed);
        let started = Instant::now();
        let end = Duration::from_secs_f64(order.seconds);
        let mut at = Duration::ZERO;
        loop {
            at = at.saturating_add(order.arrivals.gap(order.rate, &mut chance));
            if at > end {
                return Ok(());
            }
            let meant = started + at;
            if meant > Instant::now() {
                tokio::time::sleep_until(meant).await;
            }
            self.send(random_transfer(wallet, &mut chance)?, meant);
        }
    }

    /// Waits until every transaction is final or refused, or the patience is over, and sums up.
    pub async fn finish(self) -> Report {
        let last = Instant::now();
        while self.tally.totals().open > 0 && last.elapsed() < LAST_PATIENCE {
            tokio::time::sleep(LOOK).await;
        }
        self.senders.stop();
        self.follower.stop();
        self.tally.report(self.started)
    }
}

/// Runs a whole load.
///
/// # Errors
/// When it cannot begin or a transfer cannot be signed.
pub async fn run(network: &Network, order: &Order) -> Result<Report> {
    ensure!(
        order.rate > 0.0 && order.seconds > 0.0,
        "rate and seconds must be above zero"
    );
    let wallet = Wallet::open(network)?;
    let load = Load::begin(network).await?;
    load.transfers(&wallet, order).await?;
    Ok(load.finish().await)
}

fn random_transfer(wallet: &Wallet, chance: &mut Chance) -> Result<Signed> {
    let accounts = wallet.customers();
    let (debit, step) = (
        chance.below(accounts.len()),
        1 + chance.below(accounts.len() - 1),
    );
    let credit = (debit + step) % accounts.len();
    let units = 1 + chance.next() % UNITS_MAX;
    wallet.transfer(
        accounts[debit],
        accounts[credit],
        Amount::new(units).context("a small amount")?,
    )
}

/// The APIs of a network.
///
/// # Errors
/// When it has none, or one is not of our form.
pub fn addresses(network: &Network) -> Result<Vec<SocketAddr>> {
    ensure!(
        !network.validators.is_empty(),
        "the network has no validators"
    );
    network
        .validators
        .iter()
        .map(|validator| validator.api_address())
        .collect()
}
