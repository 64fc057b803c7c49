//! The demo: a network of real nodes under load and faults, before one's eyes or by a script, with every promise checked at the end.
//!
//! Invariant: it says ok only if every payment is final, the network went on through each fault, whoever was down votes again, the supply
//! is what it was, and re-executing what every node wrote gives the same again. Nothing is left behind, however it ends.
//! Source: `docs/guide/testnet.md`, "The demo".

mod keyboard;
mod live;
mod screen;
mod stage;
mod summary;
mod tour;

pub use crate::cluster::Tell;
pub use summary::Summary;

use anyhow::Result;
use std::io::IsTerminal as _;

use crate::load::{Arrivals, Load, Order};
use crate::program::Program;
use crate::provision;
use crate::stop::Stop;
use crate::wallet::Wallet;
use stage::Stage;

/// What to show.
#[derive(Clone, Debug)]
pub struct Options {
    /// The network.
    pub testnet: provision::Order,
    /// Whether to show it live at this terminal, instead of the scripted tour.
    pub live: bool,
    /// Payments a second.
    pub rate: f64,
    /// Length of the scripted tour, if nobody takes longer to come back.
    pub seconds: f64,
}

/// Whether somebody sits at a terminal.
#[must_use]
pub fn is_live() -> bool {
    std::io::stdout().is_terminal() && std::io::stdin().is_terminal()
}

/// Runs the demo; `None` if it was interrupted.
///
/// # Errors
/// When the network cannot be made or started.
pub async fn run(options: &Options, tell: Tell<'_>) -> Result<Option<Summary>> {
    let program = Program::find()?;
    let mut stop = Stop::listen()?;
    tokio::select! {
        summary = show(&program, options, tell) => summary.map(Some),
        () = stop.asked() => Ok(None),
    }
}

async fn show(program: &Program, options: &Options, tell: Tell<'_>) -> Result<Summary> {
    let mut stage = Stage::raise(program, options, tell).await?;
    let wallet = Wallet::open(stage.network())?;
    let load = Load::begin(stage.network()).await?;
    let tally = load.tally();
    let played = async {
        if options.live {
            live::run(&mut stage, &tally).await
        } else {
            tour::run(&mut stage, options.seconds, tell).await
        }
    };
    // Load all the time, however long whoever was down takes: an idle chain shows nobody's vote.
    let order = endless(options);
    let faults = tokio::select! {
        ended = load.transfers(&wallet, &order) => ended.map(|()| tour::Faults::default())?,
        faults = played => faults?,
    };
    tell("waiting for the last payments");
    let report = load.finish().await;
    stage.conclude(report, faults, tell).await
}

fn endless(options: &Options) -> Order {
    Order {
        rate: options.rate,
        seconds: f64::from(u32::MAX),
        arrivals: Arrivals::Poisson,
        seed: 1,
    }
}
