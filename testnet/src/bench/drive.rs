//! Signed payments at a rate, and what the nodes used for them.
//!
//! Invariant: the payments are signed before the clock starts, so that this process takes as little as it can from the nodes it shares the
//! machine with. The window of the CPU is from before the first payment is sent until the last is final or given up; all that the nodes
//! do in it counts: checks, consensus, signing, syncs, the API, and telling the receipts to us.
//! Shapes and units: microseconds of CPU of all validators together.

use anyhow::{Context as _, Result};
use falaj_ledger::account::AccountId;
use falaj_ledger::amount::Amount;
use std::time::Duration;
use tokio::time::Instant;

use super::stage::Stage;
use crate::load::{Arrivals, Chance, Load, Report};
use crate::wallet::{Signed, Wallet};

/// The largest payment, in minor units: small, so that no account runs dry.
const UNITS_MAX: u64 = 100;

/// What was sent, and what it took.
pub(super) struct Driven {
    /// What became of the payments.
    pub(super) report: Report,
    /// CPU of all validators.
    pub(super) cpu_us: u64,
    /// Heights that were decided meanwhile.
    pub(super) blocks: u64,
}

/// Payments for so many seconds at a rate, by chance without memory.
pub(super) async fn run(stage: &Stage, rate: f64, seconds: f64) -> Result<Driven> {
    let wallet = stage.wallet();
    let payments = prepare(wallet, wallet.customers(), rate, seconds)?;
    let (height, before) = (stage.height().await?, stage.cpu_us()?);
    let load = Load::begin(stage.network()).await?;
    send(&load, payments, Instant::now()).await;
    let report = load.finish().await;
    let cpu_us = stage.cpu_us()?.saturating_sub(before);
    let blocks = stage.height().await?.saturating_sub(height);
    Ok(Driven {
        report,
        cpu_us,
        blocks,
    })
}

/// Sends payments, each when it is meant to be.
pub(super) async fn send(load: &Load, payments: Vec<(Duration, Signed)>, started: Instant) {
    for (at, signed) in payments {
        let meant = started + at;
        if meant > Instant::now() {
            tokio::time::sleep_until(meant).await;
        }
        load.send(signed, meant);
    }
}

/// When to send what, between some accounts.
pub(super) fn prepare(
    wallet: &Wallet,
    accounts: &[AccountId],
    rate: f64,
    seconds: f64,
) -> Result<Vec<(Duration, Signed)>> {
    let end = Duration::from_secs_f64(seconds);
    let mut chance = Chance::new(1);
    let (mut payments, mut at) = (Vec::new(), Duration::ZERO);
    loop {
        at = at.saturating_add(Arrivals::Poisson.gap(rate, &mut chance));
        if at > end {
            return Ok(payments);
        }
        payments.push((at, between(wallet, accounts, &mut chance)?));
    }
}

/// A payment of a small amount between two customers by chance.
pub(super) fn payment(wallet: &Wallet, chance: &mut Chance) -> Result<Signed> {
    between(wallet, wallet.customers(), chance)
}

fn between(wallet: &Wallet, accounts: &[AccountId], chance: &mut Chance) -> Result<Signed> {
    let debit = chance.below(accounts.len());
    let step = 1 + chance.below(accounts.len().saturating_sub(1));
    let credit = (debit + step) % accounts.len();
    let amount = Amount::new(1 + chance.next() % UNITS_MAX).context("a small amount")?;
    wallet.transfer(accounts[debit], accounts[credit], amount)
}
