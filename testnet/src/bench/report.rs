//! What a run gives: one JSON object.
//!
//! Shape: version 1; see `docs/guide/bench.md`, "The report". Ratios are numbers without a unit; what could not be measured is `null`.
//! Invariant: no date, no name of a machine and no path, so that two reports differ only in what was measured.

use anyhow::{Context as _, Result};
use serde::Serialize;
use std::path::{Path, PathBuf};

use super::Options;
use super::machine::Machine;
use super::numbers::Spread;
use super::pairs::{ONE_DEAD, ONE_FLOODS};

pub use super::floor::Summary as FloorSummary;
pub use super::idle::Idle;
pub use super::ledger::LedgerReport;
pub use super::machine::Machine as MachineReport;
pub use super::numbers::{Percentiles, Spread as SpreadReport};
pub use super::pairs::Pairs;
pub use super::point::Point;
pub use super::saturation::{Saturation, StepReport};
pub use super::store::StoreReport;

const VERSION: u32 = 1;
/// CPU of all validators for a final payment, by four batched checks.
const CPU_GOAL: f64 = 3.0;
/// Finality p50 by the critical path.
const FINALITY_GOAL: f64 = 3.0;
/// Finality p50 with one of four validators dead, by the healthy one.
const DEAD_P50_GOAL: f64 = 1.5;
/// The same, p99.
const DEAD_P99_GOAL: f64 = 3.0;
/// Finality p99 of others while a participant floods, by that without.
const FLOOD_GOAL: f64 = 1.5;
/// The rate at which finality is held against its goal.
const FINALITY_RATE: f64 = 1_000.0;
const FOLDER: &str = "bench";
const FILE: &str = "report.json";

/// Everything that a run measured.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Version of this form: 1.
    pub version: u32,
    /// Whether it was the short run, whose figures are for a look and not for the board.
    pub quick: bool,
    /// The machine and its noise.
    pub machine: Machine,
    /// What is held against a goal.
    pub marks: Vec<Mark>,
    /// One an algorithm.
    pub networks: Vec<NetworkReport>,
    /// The ledger alone.
    pub ledger: Option<LedgerReport>,
    /// The store alone.
    pub store: Option<StoreReport>,
}

/// A ratio and its goal.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mark {
    /// What it is.
    pub name: String,
    /// What was measured; nothing if it could not be.
    pub ratio: Option<Spread>,
    /// What it should not exceed.
    pub goal: f64,
    /// Whether its median does not.
    pub met: bool,
}

/// What one network gave.
#[derive(Clone, Debug, Serialize)]
pub struct NetworkReport {
    /// Algorithm of the validators' keys.
    pub algorithm: &'static str,
    /// Where they sign.
    pub signer: &'static str,
    /// How many validators.
    pub validators: usize,
    /// The floors, over all repetitions.
    pub floors: FloorSummary,
    /// The cost of nothing.
    pub idle: Idle,
    /// One a rate.
    pub points: Vec<Point>,
    /// The highest rate.
    pub saturation: Saturation,
    /// What the trouble of one costs the others; of the first network alone.
    pub pairs: Vec<Pairs>,
    /// The most memory that the nodes ever had in use.
    pub peak_memory: Memory,
}

/// Peak memory of the nodes, in MiB.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Memory {
    /// Of the node in the middle.
    pub median_mib: f64,
    /// Of the largest.
    pub max_mib: f64,
}

impl Memory {
    pub(super) fn of(bytes: &[u64]) -> Self {
        let mib = |bytes: &u64| (*bytes as f64 / f64::from(1 << 20)).round();
        let spread = Spread::of(bytes.iter().map(mib));
        Self {
            median_mib: spread.map_or(0.0, |spread| spread.median),
            max_mib: spread.map_or(0.0, |spread| spread.max),
        }
    }
}

impl Report {
    pub(super) fn new(
        options: &Options,
        machine: Machine,
        networks: Vec<NetworkReport>,
        ledger: Option<LedgerReport>,
        store: Option<StoreReport>,
    ) -> Self {
        Self {
            version: VERSION,
            quick: options.plan.quick,
            machine,
            marks: networks.first().map(marks).unwrap_or_default(),
            networks,
            ledger,
            store,
        }
    }

    /// Where a run's report goes: beside what cargo built.
    #[must_use]
    pub fn default_path(target: Option<PathBuf>) -> PathBuf {
        let target = target.unwrap_or_else(|| "target".into());
        target.join(FOLDER).join(FILE)
    }

    /// Writes it.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn write(&self, path: &Path) -> Result<()> {
        let folder = path.parent().context("a file in a folder")?;
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        let text = serde_json::to_vec_pretty(self)?;
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

/// What the first network is held against.
fn marks(network: &NetworkReport) -> Vec<Mark> {
    let at_rate = network
        .points
        .iter()
        .find(|point| point.rate >= FINALITY_RATE);
    let saturated = network.saturation.point.as_ref();
    let pairs = |name| network.pairs.iter().find(|pairs| pairs.name == name);
    let (dead, floods) = (pairs(ONE_DEAD), pairs(ONE_FLOODS));
    vec![
        Mark::new(
            "CPU of a final payment at saturation, by four batched checks",
            saturated.and_then(|point| point.cpu_to_four_checks),
            CPU_GOAL,
        ),
        Mark::new(
            "finality p50 at 1,000 a second, by the critical path",
            at_rate.and_then(|point| point.p50_to_critical_path),
            FINALITY_GOAL,
        ),
        Mark::new(
            "finality p50 with one of four dead, by the healthy one",
            dead.and_then(|pairs| pairs.p50),
            DEAD_P50_GOAL,
        ),
        Mark::new(
            "finality p99 with one of four dead, by the healthy one",
            dead.and_then(|pairs| pairs.p99),
            DEAD_P99_GOAL,
        ),
        Mark::new(
            "finality p99 of others under a flood, by that without",
            floods.and_then(|pairs| pairs.p99),
            FLOOD_GOAL,
        ),
    ]
}

impl Mark {
    fn new(name: &str, ratio: Option<Spread>, goal: f64) -> Self {
        Self {
            name: name.into(),
            ratio,
            goal,
            met: ratio.is_some_and(|ratio| ratio.median <= goal),
        }
    }
}

#[cfg(test)]
mod tests;
