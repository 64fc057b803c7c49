//! `falaj-testnet fault`: makes a fault on a running network, or ends it.

use anyhow::Result;
use clap::Args;
use std::path::PathBuf;

use super::print;
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
    /// Index of the validator in network.json, from 0: index 2 is validator-3.
    #[arg(long, value_name = "INDEX")]
    validator: usize,
}

impl FaultCommand {
    pub(super) fn run(&self, json: bool) -> Result<bool> {
        let network = self
            .network
            .canonicalize()
            .unwrap_or_else(|_| self.network.clone());
        let done = fault::inject(&network, self.validator, self.fault)?;
        if json {
            print::json(&done);
        } else {
            print::line(&done.words());
        }
        Ok(true)
    }
}
