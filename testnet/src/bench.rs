//! What the node costs, as ratios to floors that are measured in the same run.
//!
//! Invariant: a figure is divided only by floors of its own run, and where it can, of its own repetition; nothing is subtracted, and no
//! figure is compared with a constant but the goals, which are ratios themselves. Nothing is left behind, however it ends.
//! Shapes and units: microseconds of CPU (user and system) and of wall time, milliseconds of finality; see [`report`].
//! Source: `docs/guide/bench.md`.

mod cost;
mod drive;
mod floor;
mod idle;
mod ledger;
mod machine;
mod numbers;
mod pairs;
mod plan;
mod point;
mod proc;
pub mod report;
mod saturation;
mod stage;
mod store;
mod table;

pub use plan::Plan;
pub use report::Report;
pub use table::lines as table;

use anyhow::Result;
use falaj_consensus::crypto::Algorithm;

use crate::cluster::Tell;
use crate::manifest::SignerKind;
use crate::program::Program;
use crate::stop::Stop;
use floor::{Floors, Runner};
use plan::Depth;
use report::{LedgerReport, NetworkReport, StoreReport};
use stage::Stage;

/// What to measure.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the validators' keys sign.
    pub signer: SignerKind,
    /// Algorithms of the validators' keys, a network each; the first is the one that the marks are for.
    pub algorithms: Vec<Algorithm>,
    /// How much of it.
    pub plan: Plan,
}

/// What one network gives, and what is measured on what it left.
struct Measured {
    network: NetworkReport,
    ledger: Option<LedgerReport>,
    store: Option<StoreReport>,
}

/// Measures everything; `None` if it was interrupted.
///
/// # Errors
/// When a network cannot be made, a part cannot be measured, or a payment is lost.
pub async fn run(options: &Options, tell: Tell<'_>) -> Result<Option<Report>> {
    let program = Program::find()?;
    let mut stop = Stop::listen()?;
    tokio::select! {
        report = all(&program, options, tell) => report.map(Some),
        () = stop.asked() => Ok(None),
    }
}

async fn all(program: &Program, options: &Options, tell: Tell<'_>) -> Result<Report> {
    let before = machine::Moment::now();
    let (mut networks, mut ledger, mut store) = (Vec::new(), None, None);
    for (number, algorithm) in options.algorithms.iter().enumerate() {
        let depth = options.plan.depth(number == 0);
        let measured = one_network(program, options, *algorithm, depth, tell).await?;
        networks.push(measured.network);
        ledger = ledger.or(measured.ledger);
        store = store.or(measured.store);
    }
    let machine = machine::Machine::since(&before);
    Ok(Report::new(options, machine, networks, ledger, store))
}

async fn one_network(
    program: &Program,
    options: &Options,
    algorithm: Algorithm,
    depth: &Depth,
    tell: Tell<'_>,
) -> Result<Measured> {
    tell(&format!(
        "four validators, {}, {}",
        options.signer.name(),
        algorithm.name()
    ));
    let mut stage = Stage::raise(program, options.signer, algorithm).await?;
    tell("  idle");
    let idle = idle::measure(&stage, depth.idle).await?;
    let runner = Runner::new(program.clone(), &stage, depth)?;
    let (mut points, mut floors) = (Vec::new(), Vec::new());
    for repetition in 1..=depth.repetitions {
        for (index, rate) in depth.rates.iter().enumerate() {
            tell(&format!(
                "  {rate} a second, repetition {repetition} of {}",
                depth.repetitions
            ));
            let found = runner.measure().await?;
            let taken = point::measure(&stage, *rate, depth.seconds, &found).await?;
            point::add(&mut points, index, *rate, taken);
            floors.push(found);
        }
    }
    let saturation = saturation::measure(&stage, depth, &runner, tell).await?;
    let peak = stage.peak_bytes()?;
    let pairs = if depth.parts {
        pairs::measure(&mut stage, depth, tell).await?
    } else {
        Vec::new()
    };
    let ledger = if depth.parts {
        tell("  the ledger alone");
        Some(ledger::measure(&stage, depth)?)
    } else {
        None
    };
    stage.stop()?;
    let store = if depth.parts {
        tell("  the store alone, on the blocks that were just made");
        Some(store::measure(program, &stage).await?)
    } else {
        None
    };
    let network = NetworkReport {
        algorithm: algorithm.name(),
        signer: options.signer.name(),
        validators: stage::VALIDATORS,
        floors: Floors::summary(&floors),
        idle,
        points: points.into_iter().map(point::Repeated::report).collect(),
        saturation,
        pairs,
        peak_memory: report::Memory::of(&peak),
    };
    Ok(Measured {
        network,
        ledger,
        store,
    })
}
