//! `falaj-testnet demo`: a network under load and faults.

use anyhow::Result;
use clap::Args;

use super::new::Shape;
use super::number::above_zero;
use super::print;
use crate::demo::{self, Options};

/// Shows a network under load and faults: live at a terminal, else as a scripted tour whose last line is one JSON object.
#[derive(Args)]
pub(super) struct Demo {
    #[command(flatten)]
    shape: Shape,
    /// Payments a second.
    #[arg(long, default_value_t = 100.0, value_parser = above_zero)]
    rate: f64,
    /// Length of the scripted tour in seconds; it takes longer where a validator takes longer to vote again.
    #[arg(long, default_value_t = 30.0, value_parser = above_zero)]
    seconds: f64,
}

impl Demo {
    pub(super) fn run(&self, json: bool) -> Result<bool> {
        self.shape.warn();
        // With --json only JSON goes to standard output: no screen, and the lines for people beside it.
        let live = !json && demo::is_live();
        let tell = if json { print::note } else { print::line };
        let options = Options {
            live,
            testnet: self.shape.order(),
            rate: self.rate,
            seconds: self.seconds,
        };
        let Some(summary) = super::runtime()?.block_on(demo::run(&options, &tell))? else {
            print::note("interrupted");
            return Ok(false);
        };
        summary.table().iter().for_each(|line| tell(line));
        if !live {
            print::json(&summary);
        }
        Ok(summary.ok)
    }
}
