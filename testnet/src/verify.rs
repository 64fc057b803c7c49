//! Re-executes what the nodes' logs hold, from genesis or from a proven snapshot, without believing the nodes.
//!
//! Invariant: the logs of a running or stopped node are read from copies and never touched. A node passes when every height has a header
//! that follows from the one before, a certificate with a quorum of right signatures, batches whose transactions are rightly signed, and an
//! outcome that executing them gives again; and when issued minus redeemed is the sum of all balances at its end.
//! All nodes must hold the same block and outcome at each height that two of them have, and each node every height that it must have.
//! Errors: a problem is a line of the [`Report`], and so are logs of a node that cannot be read; a genesis or manifest that cannot is an error.
//! Source: `docs/spec/consensus.md`; `docs/spec/ledger.md`, "Conservation".

mod copy;
#[cfg(test)]
mod forge;
mod lengths;
mod node;
mod rules;
mod start;

use anyhow::{Context as _, Result};
use falaj_consensus::types::{BlockId, Height, OutcomeHash, ValidatorId};
use falaj_ledger::genesis::Genesis;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::manifest::{GENESIS_FILE, Manifest, ValidatorManifest, read_genesis};

/// What every node's history came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether there is no problem.
    pub ok: bool,
    /// The nodes.
    pub nodes: Vec<NodeReport>,
    /// What is wrong.
    pub problems: Vec<String>,
}

/// What one node's history came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NodeReport {
    /// Name of the validator.
    pub name: String,
    /// Last height that was re-executed.
    pub height: u64,
    /// Heights that the node with the most has beyond that.
    pub behind: u64,
    /// Transactions of all heights.
    pub transactions: u64,
    /// State root after the last height.
    pub state_root: String,
    /// Supply after the last height, in minor units, by currency.
    pub supply_minor_units: BTreeMap<String, String>,
}

/// A block and what executing it gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Decided {
    id: BlockId,
    outcome: OutcomeHash,
}

/// What re-executing a node's logs gave.
#[derive(Debug, Default)]
struct History {
    report: NodeReport,
    /// Heights before the first of the blocks: those below a snapshot that the node began with.
    before: u64,
    /// By height, in a row.
    blocks: Vec<Decided>,
    /// The last height at which a certificate here carries a validator's signature.
    signed: BTreeMap<ValidatorId, Height>,
    problem: Option<String>,
}

impl History {
    fn height(&self) -> u64 {
        let blocks = u64::try_from(self.blocks.len()).unwrap_or(u64::MAX);
        self.before.saturating_add(blocks)
    }

    /// What it has of a height.
    fn at(&self, height: u64) -> Option<Decided> {
        let index = height.checked_sub(self.before)?.checked_sub(1)?;
        self.blocks.get(usize::try_from(index).ok()?).copied()
    }
}

/// Verifies every node of a testnet's folder.
///
/// # Errors
/// When manifest or genesis cannot be read, or there is no room for copies of the logs.
pub fn run(folder: &Path) -> Result<Report> {
    let manifest = Manifest::read(folder)?;
    let genesis = read_genesis(&folder.join(GENESIS_FILE))?;
    let mut histories = histories(folder, &manifest, &genesis)?;
    lengths::note_behind(&mut histories);
    let own = histories.iter().filter_map(|history| {
        Some(format!(
            "{}: {}",
            history.report.name,
            history.problem.as_ref()?
        ))
    });
    let mut problems: Vec<_> = own.chain(differences(&histories)).collect();
    let ids: Vec<_> = manifest
        .validators
        .iter()
        .map(|validator| ValidatorId::new(validator.id))
        .collect();
    let again =
        |index: usize| node::height(&data_of(folder, &manifest.validators[index]), &genesis);
    problems.extend(lengths::problems(&histories, &ids, again));
    Ok(Report {
        ok: problems.is_empty(),
        nodes: histories
            .into_iter()
            .map(|history| history.report)
            .collect(),
        problems,
    })
}

fn data_of(folder: &Path, validator: &ValidatorManifest) -> PathBuf {
    folder.join(&validator.home).join("data")
}

/// Each node by a thread of its own.
fn histories(folder: &Path, manifest: &Manifest, genesis: &Genesis) -> Result<Vec<History>> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = manifest
            .validators
            .iter()
            .map(|validator| {
                let data = data_of(folder, validator);
                let verified = move || {
                    let history = node::verify(&validator.name, &data, genesis);
                    history.with_context(|| format!("the logs of {}", validator.name))
                };
                scope.spawn(verified)
            })
            .collect();
        let joined = threads.into_iter().map(|thread| match thread.join() {
            Ok(history) => history,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        joined.collect()
    })
}

/// Heights at which two nodes do not have the same.
fn differences(histories: &[History]) -> Vec<String> {
    // Of two that end at one height the one that begins first has more to compare with.
    let longest = histories
        .iter()
        .max_by_key(|history| (history.height(), history.blocks.len()));
    let Some(longest) = longest else {
        return Vec::new();
    };
    let first = histories.iter().filter_map(|history| {
        let differs = |height: &u64| {
            let both = longest.at(*height).zip(history.at(*height));
            both.is_some_and(|(one, other)| one != other)
        };
        let height = (1..=history.height()).find(differs)?;
        let (one, other) = (&longest.report.name, &history.report.name);
        Some(format!("{one} and {other} differ at height {height}"))
    });
    first.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use falaj_consensus::types::Hash32;

    fn history(name: &str, blocks: &[u8]) -> History {
        let decided = |byte: &u8| Decided {
            id: BlockId::new(Hash32::new([*byte; 32])),
            outcome: OutcomeHash::new(Hash32::new([*byte; 32])),
        };
        History {
            report: NodeReport {
                name: name.into(),
                ..NodeReport::default()
            },
            blocks: blocks.iter().map(decided).collect(),
            ..History::default()
        }
    }

    #[test]
    fn a_node_that_is_behind_does_not_differ() {
        assert!(differences(&[history("a", &[1, 2, 3]), history("b", &[1, 2])]).is_empty());
    }

    #[test]
    fn a_node_that_began_with_a_snapshot_is_compared_from_there_on() {
        let late = |blocks: &[u8]| History {
            before: 2,
            ..history("late", blocks)
        };
        let whole = history("whole", &[1, 2, 3, 4]);
        assert!(differences(&[late(&[3, 4]), whole]).is_empty());
        let found = differences(&[late(&[3, 9]), history("whole", &[1, 2, 3, 4])]);
        assert!(found[0].contains("differ at height 4"), "{found:?}");
        let found = differences(&[late(&[9]), history("whole", &[1, 2, 3, 4])]);
        assert!(found[0].contains("differ at height 3"), "{found:?}");
    }

    #[test]
    fn the_first_height_that_differs_is_named() {
        let found = differences(&[history("a", &[1, 2, 3]), history("b", &[1, 9, 9])]);
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("differ at height 2"), "{found:?}");
    }
}
