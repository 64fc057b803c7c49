//! `falaj-testnet verify`: re-executes what every node wrote.

use anyhow::Result;
use clap::Args;
use std::path::PathBuf;

use super::print;
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
            tell(&report);
        }
        Ok(report.ok)
    }
}

/// What a node's history came to, in words.
fn came_to(node: &NodeReport) -> String {
    let NodeReport {
        height,
        transactions,
        supply,
        state_root,
        ..
    } = node;
    if state_root.is_empty() {
        return "nothing could be re-executed".into();
    }
    let supply: Vec<_> = supply
        .iter()
        .map(|(code, units)| format!("{units} {code}"))
        .collect();
    format!(
        "{height} heights, {transactions} transactions, supply {}, state {state_root}",
        supply.join(", ")
    )
}

fn tell(report: &Report) {
    for node in &report.nodes {
        print::line(&format!("{}  {}", node.name, came_to(node)));
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
