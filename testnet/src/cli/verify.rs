//! `falaj-testnet verify`: re-executes what every node wrote.

use anyhow::Result;
use clap::Args;
use falaj_ledger::amount::Units;
use falaj_ledger::genesis::Genesis;
use std::path::PathBuf;

use super::print;
use crate::manifest::{GENESIS_FILE, read_genesis};
use crate::verify::{self, NodeReport, Report};

/// Re-executes all blocks of every node from genesis and checks signatures, certificates, outcomes and supply.
#[derive(Args)]
pub(super) struct Verify {
    /// The testnet's folder; its network may run.
    dir: PathBuf,
}

impl Verify {
    pub(super) fn run(&self, json: bool) -> Result<bool> {
        let report = verify::run(&self.dir)?;
        if json {
            print::json(&report);
        } else {
            tell(&report, &read_genesis(&self.dir.join(GENESIS_FILE))?);
        }
        Ok(report.ok)
    }
}

/// What a node's history came to, in words.
fn came_to(node: &NodeReport, genesis: &Genesis) -> String {
    let NodeReport {
        height,
        transactions,
        supply_minor_units,
        state_root,
        ..
    } = node;
    if state_root.is_empty() {
        return "nothing could be re-executed".into();
    }
    let supply: Vec<_> = supply_minor_units
        .iter()
        .map(|(code, units)| amount(code, units, genesis))
        .collect();
    format!(
        "{height} heights, {transactions} transactions, supply {}, state {state_root}",
        supply.join(", ")
    )
}

/// An amount with its currency's decimals.
fn amount(code: &str, minor_units: &str, genesis: &Genesis) -> String {
    let mut currencies = genesis.currencies.iter();
    let scale = currencies
        .find(|currency| currency.code.to_string() == code)
        .map(|currency| currency.scale);
    let units = minor_units.parse().map(Units::new).ok();
    let spelled = units
        .zip(scale)
        .map(|(units, scale)| units.to_decimal(scale));
    spelled.map_or_else(
        || format!("{minor_units} minor units of {code}"),
        |spelled| format!("{spelled} {code}"),
    )
}

fn tell(report: &Report, genesis: &Genesis) {
    for node in &report.nodes {
        print::line(&format!("{}  {}", node.name, came_to(node, genesis)));
    }
    for problem in &report.problems {
        print::line(&format!("wrong: {problem}"));
    }
    print::line(if report.ok {
        "every block of every node is right"
    } else {
        "NOT right"
    });
}
