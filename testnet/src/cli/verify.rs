//! `falaj-testnet verify`: re-executes what every node wrote.

use anyhow::Result;
use clap::Args;
use std::path::PathBuf;

use super::print;
use crate::verify::{self, Report};

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
            tell(&report);
        }
        Ok(report.ok)
    }
}

fn tell(report: &Report) {
    for node in &report.nodes {
        let supply: Vec<_> = node
            .supply
            .iter()
            .map(|(code, units)| format!("{units} {code}"))
            .collect();
        print::line(&format!(
            "{}  {} heights, {} transactions, supply {}, state {}",
            node.name,
            node.height,
            node.transactions,
            supply.join(", "),
            node.state_root
        ));
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
