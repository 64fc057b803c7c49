//! The store alone: the blocks that the network just made, committed to a fresh store and appended to a plain file, both synced.
//!
//! Units: microseconds; the ratio is of sums, so that a large block counts for what it is.
//! Source: `docs/spec/storage.md`; `docs/guide/bench.md`, "The store alone".

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::floor::child;
use super::numbers::{Percentiles, ratio};
use super::stage::Stage;
use crate::program::Program;

/// What committing costs.
#[derive(Clone, Debug, Serialize)]
pub struct StoreReport {
    /// Blocks that were committed.
    pub blocks: usize,
    /// Their transactions.
    pub transactions: u64,
    /// Their bytes, without the store's framing.
    pub bytes: u64,
    /// A commit, flush included.
    pub commit_us: Option<Percentiles>,
    /// A plain append of the same bytes, sync included.
    pub append_us: Option<Percentiles>,
    /// Wall time of all commits by that of all appends.
    pub commit_to_append: Option<f64>,
    /// CPU of all commits by that of all appends.
    pub cpu_to_append: Option<f64>,
}

#[derive(Deserialize)]
struct Samples {
    blocks: Vec<Block>,
}

#[derive(Clone, Copy, Deserialize)]
struct Block {
    transactions: u32,
    bytes: u64,
    store: Cost,
    plain: Cost,
}

#[derive(Clone, Copy, Deserialize)]
struct Cost {
    wall_ns: u64,
    cpu_ns: u64,
}

/// Commits the blocks of one node of a network that has stopped.
pub(super) async fn measure(program: &Program, stage: &Stage) -> Result<StoreReport> {
    let scratch = stage.folder().join("store-alone");
    std::fs::create_dir(&scratch)?;
    let validator = stage.any_validator()?;
    let home = (validator.home.clone(), validator.env.clone());
    let scratch = scratch.display().to_string();
    let samples: Samples = child::ask(program, &home, &["store", "--scratch", &scratch]).await??;
    Ok(StoreReport::of(&samples.blocks))
}

impl StoreReport {
    fn of(blocks: &[Block]) -> Self {
        let all = |of: fn(&Block) -> u64| blocks.iter().map(of).collect::<Vec<_>>();
        let sum = |of: fn(&Block) -> u64| blocks.iter().map(of).sum::<u64>() as f64;
        Self {
            blocks: blocks.len(),
            transactions: blocks
                .iter()
                .map(|block| u64::from(block.transactions))
                .sum(),
            bytes: blocks.iter().map(|block| block.bytes).sum(),
            commit_us: Percentiles::of_ns(&all(|block| block.store.wall_ns)),
            append_us: Percentiles::of_ns(&all(|block| block.plain.wall_ns)),
            commit_to_append: ratio(
                sum(|block| block.store.wall_ns),
                sum(|block| block.plain.wall_ns),
            ),
            cpu_to_append: ratio(
                sum(|block| block.store.cpu_ns),
                sum(|block| block.plain.cpu_ns),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_block_counts_for_what_it_is() {
        let block = |store, plain| Block {
            transactions: 2,
            bytes: 10,
            store: Cost {
                wall_ns: store,
                cpu_ns: store / 2,
            },
            plain: Cost {
                wall_ns: plain,
                cpu_ns: plain,
            },
        };
        let report = StoreReport::of(&[block(1_000, 1_000), block(99_000, 19_000)]);
        assert_eq!(
            (report.blocks, report.transactions, report.bytes),
            (2, 4, 20)
        );
        assert_eq!(report.commit_to_append, Some(5.0));
        assert_eq!(report.cpu_to_append, Some(2.5));
    }

    #[test]
    fn a_network_without_blocks_has_no_ratio() {
        let report = StoreReport::of(&[]);
        assert!(report.commit_us.is_none() && report.commit_to_append.is_none());
    }
}
