//! `falaj audit`: what the stores of several nodes prove together.
//!
//! Invariant: as with `falaj inspect`, nothing is written, cut or locked, and no HSM is asked.
//! Exit: 1 what is looked for is there, and the output says what; 65 damage, or a store that says what its signatures do not bear out;
//! 78 homes of different chains.
//! Source: `docs/guide/cli.md`.

mod fork;

use clap::Subcommand;
use std::path::PathBuf;

use super::{Failure, Scene};

/// Looks into what went wrong between nodes.
#[derive(Subcommand)]
pub(super) enum Audit {
    /// Whether nodes decided differently, and who is proven to have made them.
    Fork {
        /// Homes of nodes, or copies of them; what more of them hold names more.
        #[arg(required = true)]
        homes: Vec<PathBuf>,
    },
}

impl Audit {
    pub(super) fn run(&self, scene: &Scene) -> Result<(), Failure> {
        match self {
            Self::Fork { homes } => fork::show(scene, homes),
        }
    }
}
