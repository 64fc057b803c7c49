//! `falaj-testnet load`: sends transfers at a rate, or settles a file of payments, and counts what becomes of them.

mod day;

use anyhow::Result;
use clap::Args;
use std::path::PathBuf;

use super::number::above_zero;
use super::print;
use crate::keys::random;
use crate::load::{self, Arrivals, Order, Report};
use crate::network::Network;
use day::Day;

/// Transfers a second, if nothing else is asked for.
const RATE: f64 = 100.0;
/// For how long.
const SECONDS: f64 = 10.0;

/// Sends load to a running network.
#[derive(Args)]
pub(super) struct Load {
    /// The network's `network.json`.
    #[arg(long)]
    network: PathBuf,
    /// Transfers a second, 100 if not given; with a file, rows a second, as fast as they become final if not given.
    #[arg(long, value_parser = above_zero)]
    rate: Option<f64>,
    /// For how many seconds; 10 if not given.
    #[arg(long, conflicts_with = "from", value_parser = above_zero)]
    seconds: Option<f64>,
    /// How arrivals are spaced.
    #[arg(long, value_enum, default_value_t = Arrivals::Poisson, conflicts_with = "from")]
    arrivals: Arrivals,
    /// What chance begins from; by chance if not given.
    #[arg(long, conflicts_with = "from")]
    seed: Option<u64>,
    #[command(flatten)]
    day: Day,
}

impl Load {
    pub(super) fn run(&self, json: bool) -> Result<bool> {
        let network = Network::read(&self.network)?;
        if let Some(order) = self.day.order(self.rate) {
            return super::runtime()?.block_on(day::run(&network, &order, json));
        }
        let seed = self
            .seed
            .map_or_else(|| random().map(u64::from_le_bytes), Ok)?;
        let order = Order {
            rate: self.rate.unwrap_or(RATE),
            seconds: self.seconds.unwrap_or(SECONDS),
            arrivals: self.arrivals,
            seed,
        };
        let report = super::runtime()?.block_on(load::run(&network, &order))?;
        if json {
            print::json(&report);
        } else {
            tell(&report);
        }
        Ok(report.unknown == 0)
    }
}

fn tell(report: &Report) {
    let Report {
        submitted,
        settled,
        unknown,
        tps,
        finality_ms,
        seconds,
        rejected,
    } = report;
    print::line(&format!("submitted  {submitted}"));
    print::line(&format!(
        "final      {settled} in {seconds:.1} s, {tps:.1} a second"
    ));
    for (code, count) in rejected {
        print::line(&format!("rejected   {count} by code {code}"));
    }
    print::line(&format!("unknown    {unknown}"));
    let load::FinalityMs { p50, p99, max } = finality_ms;
    print::line(&format!(
        "finality   p50 {p50:.1} ms, p99 {p99:.1} ms, max {max:.1} ms"
    ));
}
