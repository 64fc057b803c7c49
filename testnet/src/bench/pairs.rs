//! What the trouble of one costs all others: finality with it by finality without it, in pairs that take turns.
//!
//! Invariant: the halves of a pair are payments of one rate and length to the same nodes, one after the other; each pair has its ratio, and
//! the median is taken of ratios. A validator is dead for as long as a half lasts before its half begins, so that what it takes to bench it
//! does not count. Whoever floods does so before its half begins and until it has ended, and what it left is settled before the next.
//! Shapes and units: ratios without one, rates in payments a second.
//! Source: `docs/guide/bench.md`, "One that is dead", "One that floods".

use anyhow::{Context as _, Result, ensure};
use falaj_ledger::account::AccountId;
use serde::Serialize;
use std::time::Duration;
use tokio::time::Instant;

use super::Tell;
use super::drive;
use super::numbers::{Spread, ratio, to_thousandths};
use super::plan::Depth;
use super::stage::Stage;
use crate::load::{FinalityMs, Load, Report as LoadReport};
use crate::network::Network;

/// The validator that dies; the payments of both halves go to the others.
const VICTIM: usize = 3;
/// How long a flood lasts before anybody else pays.
const LEAD: Duration = Duration::from_secs(1);

/// The pairs of one kind of trouble.
#[derive(Clone, Debug, Serialize)]
pub struct Pairs {
    /// `one_dead` or `one_floods`.
    pub name: &'static str,
    /// Payments a second of those who are measured.
    #[serde(serialize_with = "to_thousandths")]
    pub rate: f64,
    /// Finality p50 with the trouble by that without.
    pub p50: Option<Spread>,
    /// The same, p99.
    pub p99: Option<Spread>,
}

/// Name of the pairs with a dead validator.
pub(super) const ONE_DEAD: &str = "one_dead";
/// Name of the pairs with a participant that floods.
pub(super) const ONE_FLOODS: &str = "one_floods";

/// One pair.
#[derive(Clone, Copy, Debug)]
struct Pair {
    without: FinalityMs,
    with: FinalityMs,
}

/// Takes all pairs of a plan.
pub(super) async fn measure(
    stage: &mut Stage,
    depth: &Depth,
    tell: Tell<'_>,
) -> Result<Vec<Pairs>> {
    let rate = depth.rates.first().copied().context("a rate")?;
    let (mut dead, mut floods) = (Vec::new(), Vec::new());
    for number in 1..=depth.pairs {
        tell(&format!(
            "  one of four dead, pair {number} of {}",
            depth.pairs
        ));
        dead.push(one_dead(stage, rate, depth.seconds).await?);
        tell(&format!(
            "  one participant floods, pair {number} of {}",
            depth.pairs
        ));
        floods.push(one_floods(stage, rate, depth).await?);
    }
    Ok(vec![
        Pairs::of(ONE_DEAD, rate, &dead),
        Pairs::of(ONE_FLOODS, rate, &floods),
    ])
}

async fn one_dead(stage: &mut Stage, rate: f64, seconds: f64) -> Result<Pair> {
    let others = stage.network_without(VICTIM);
    let customers = stage.wallet().customers().to_vec();
    let without = finality(stage, &others, &customers, (rate, seconds)).await?;
    stage.kill(VICTIM)?;
    finality(stage, &others, &customers, (rate, seconds)).await?;
    let with = finality(stage, &others, &customers, (rate, seconds)).await?;
    stage.revive(VICTIM).await?;
    Ok(Pair { without, with })
}

async fn one_floods(stage: &Stage, rate: f64, depth: &Depth) -> Result<Pair> {
    let customers = stage.wallet().customers();
    let flooder = customers.first().context("a customer")?.opener();
    let (floods, others): (Vec<_>, Vec<_>) = customers
        .iter()
        .partition(|account| account.opener() == flooder);
    let without = finality(stage, stage.network(), &others, (rate, depth.seconds)).await?;
    let lasts = LEAD.as_secs_f64() + depth.seconds;
    let flood = drive::prepare(stage.wallet(), &floods, depth.flood_rate, lasts)?;
    let flooding = Load::begin(stage.network()).await?;
    let begins = Instant::now();
    let measured = async {
        tokio::time::sleep_until(begins + LEAD).await;
        finality(stage, stage.network(), &others, (rate, depth.seconds)).await
    };
    let ((), with) = tokio::join!(drive::send(&flooding, flood, begins), measured);
    // What is refused is given up, and what was taken is settled, so that the next pair begins as this one did.
    let flooded = flooding.finish().await;
    ensure!(
        flooded.unknown == 0,
        "{} payments of the flood are neither final nor refused",
        flooded.unknown
    );
    Ok(Pair {
        without,
        with: with?,
    })
}

/// Payments between some accounts by way of some nodes: how long they took until they were final.
async fn finality(
    stage: &Stage,
    network: &Network,
    accounts: &[AccountId],
    (rate, seconds): (f64, f64),
) -> Result<FinalityMs> {
    let payments = drive::prepare(stage.wallet(), accounts, rate, seconds)?;
    let load = Load::begin(network).await?;
    drive::send(&load, payments, Instant::now()).await;
    let report = load.finish().await;
    settled(&report)?;
    Ok(report.finality_ms)
}

fn settled(report: &LoadReport) -> Result<()> {
    ensure!(
        report.settled == report.submitted,
        "of {} payments {} became final, {} are unknown, rejected by code: {:?}",
        report.submitted,
        report.settled,
        report.unknown,
        report.rejected
    );
    Ok(())
}

impl Pairs {
    fn of(name: &'static str, rate: f64, pairs: &[Pair]) -> Self {
        let ratios = |of: fn(&FinalityMs) -> f64| {
            let each = pairs.iter();
            Spread::of(each.filter_map(|pair| ratio(of(&pair.with), of(&pair.without))))
        };
        Self {
            name,
            rate,
            p50: ratios(|finality| finality.p50),
            p99: ratios(|finality| finality.p99),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const fn took(p50: f64, p99: f64) -> FinalityMs {
        FinalityMs { p50, p99, max: p99 }
    }

    /// Pairs of which the last is as in the name.
    pub(in crate::bench) fn pairs(name: &'static str) -> Pairs {
        let fast = Pair {
            without: took(10.0, 20.0),
            with: took(12.0, 50.0),
        };
        let slow = Pair {
            without: took(100.0, 200.0),
            with: took(120.0, 500.0),
        };
        Pairs::of(name, 100.0, &[fast, slow])
    }

    // Goal: a slow moment that slows both halves of a pair leaves its ratio as it is.
    #[test]
    fn the_median_is_of_the_ratios_of_pairs() {
        let Pairs { p50, p99, .. } = pairs(ONE_DEAD);
        let (p50, p99) = (p50.unwrap(), p99.unwrap());
        assert!((p50.min - 1.2).abs() < 1e-9 && (p50.max - 1.2).abs() < 1e-9);
        assert!((p99.median - 2.5).abs() < 1e-9);
        assert_eq!(p99.repetitions, 2);
    }

    #[test]
    fn without_a_pair_there_is_no_ratio() {
        assert_eq!(Pairs::of(ONE_FLOODS, 1.0, &[]).p50, None);
    }
}
