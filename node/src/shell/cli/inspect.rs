//! `falaj inspect`: what lies in a home, read beside the node or without it.
//!
//! Invariant: nothing is written, cut, synced or locked, no HSM is asked, no PIN is read. Everything comes from genesis and logs, which are
//! the truth; the store, a copy of them that only its owner can open, is left alone.
//! Exit: 65 damage, with its file and first bad byte; 73 what looks damaged while a node works in the folder, since it may be in motion;
//! 78 no such home, no logs, or those of another chain; 1 what was asked for is not here.
//! Source: `docs/spec/durable.md`; `docs/spec/guard.md`; `docs/guide/cli.md`.

mod block;
pub(super) mod chain;
mod evidence;
mod genesis;
mod guard;
mod log;
pub(super) mod look;
pub(super) mod replay;
mod transaction;

use clap::Subcommand;
use falaj_consensus::types::Height;

use super::{Failure, Scene};
pub(super) use block::text;
pub(super) use evidence::words;
use look::Look;

/// Shows what lies in a home.
#[derive(Subcommand)]
pub(super) enum Inspect {
    /// A decided block: header, certificate, batches, transactions.
    Block {
        /// Its height.
        height: u64,
    },
    /// Decided blocks, one a line.
    Blocks {
        /// The first height.
        #[arg(long, default_value_t = 1)]
        from: u64,
        /// The last height; the last one decided if absent.
        #[arg(long)]
        to: Option<u64>,
    },
    /// Everything the logs recorded of a height, decided or not.
    Height {
        /// The height.
        height: u64,
    },
    /// Proofs that validators broke the protocol, as decided blocks carry them.
    Evidence,
    /// Place, lock, latch and records of the signing guard.
    Guard {
        /// How many of the last records to show.
        #[arg(long, default_value_t = 8)]
        records: usize,
    },
    /// Files, records and torn tails of the logs.
    Log {
        /// One log alone.
        #[arg(value_enum)]
        log: Option<log::Name>,
    },
    /// The genesis, checked.
    Genesis,
    /// A transaction, and where it stands.
    Tx {
        /// Its id.
        id: String,
        /// Its participant, where two use one id.
        #[arg(long)]
        participant: Option<u32>,
        /// Execute the chain from genesis up to it, to say what became of it.
        #[arg(long)]
        execute: bool,
    },
}

impl Inspect {
    pub(super) fn run(&self, scene: &Scene) -> Result<(), Failure> {
        let look = Look::at(scene)?;
        match self {
            Self::Block { height } => block::show(&look, Height::new(*height)),
            Self::Blocks { from, to } => block::list(&look, *from, *to),
            Self::Height { height } => block::show_records(&look, Height::new(*height)),
            Self::Evidence => evidence::list(&look),
            Self::Guard { records } => guard::show(&look, *records),
            Self::Log { log } => log::show(&look, *log),
            Self::Genesis => genesis::show(&look),
            Self::Tx {
                id,
                participant,
                execute,
            } => transaction::show(&look, id, *participant, *execute),
        }
    }
}
