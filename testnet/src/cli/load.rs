//! `falaj-testnet load`: sends transfers at a rate and counts what becomes of them.

use anyhow::Result;
use clap::Args;
use std::path::PathBuf;

use super::print;
use crate::keys::random;
use crate::load::{self, Arrivals, Order, Report};
use crate::network::Network;

/// Sends load to a running network.
#[derive(Args)]
pub(super) struct Load {
    /// The network's `network.json`.
    #[arg(long)]
    network: PathBuf,
    /// Transfers a second.
    #[arg(long, default_value_t = 100.0)]
    rate: f64,
    /// For how many seconds.
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// How arrivals are spaced.
    #[arg(long, value_enum, default_value_t = Arrivals::Poisson)]
    arrivals: Arrivals,
    /// What chance begins from; by chance if not given.
    #[arg(long)]
    seed: Option<u64>,
}

impl Load {
    pub(super) fn run(&self, json: bool) -> Result<bool> {
        let network = Network::read(&self.network)?;
        let seed = self
            .seed
            .map_or_else(|| random().map(u64::from_le_bytes), Ok)?;
        let order = Order {
            rate: self.rate,
            seconds: self.seconds,
            arrivals: self.arrivals,
            seed,
        };
        let report = super::runtime()?.block_on(load::run(&network, &order))?;
        tell(&report, json);
        Ok(report.unknown == 0)
    }
}

fn tell(report: &Report, json: bool) {
    if json {
        print::json(report);
        return;
    }
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
