//! `falaj-testnet fault`: makes a fault on a running network, or ends it.

use anyhow::Result;
use clap::Args;
use std::path::PathBuf;

use crate::fault::{self, Fault};

/// Makes a fault on a running network, or ends one.
#[derive(Args)]
pub(super) struct FaultCommand {
    /// What to do.
    #[arg(value_enum)]
    fault: Fault,
    /// The network's `network.json`.
    #[arg(long)]
    network: PathBuf,
    /// Index of the validator.
    #[arg(long)]
    validator: usize,
}

impl FaultCommand {
    pub(super) fn run(&self) -> Result<bool> {
        let network = self
            .network
            .canonicalize()
            .unwrap_or_else(|_| self.network.clone());
        fault::inject(&network, self.validator, self.fault)?;
        Ok(true)
    }
}
