//! `falaj-testnet sweep`: removes a temporary folder once standard input ends. Started by the demo itself.

use anyhow::Result;
use clap::Args;
use std::path::PathBuf;

use crate::sweeper::sweep;

/// Removes a folder once standard input ends.
#[derive(Args)]
pub(super) struct Sweep {
    /// The folder.
    folder: PathBuf,
}

impl Sweep {
    pub(super) fn run(&self) -> Result<bool> {
        sweep(std::io::stdin(), &self.folder)?;
        Ok(true)
    }
}
