//! `falaj tx`: makes, signs, submits and looks at transactions.
//!
//! Invariant: a signature is made under a genesis that the user holds, with a key that never leaves its file; only a receipt that was checked
//! under that genesis is told as final. A draft passes from signer to signer as a file and is the API's own JSON.
//! Source: `docs/spec/api.md`; `docs/spec/ledger.md`, "Transactions" and "What an answer is".

mod answer;
mod decode;
mod draft;
mod key_file;
mod making;
mod operation;
mod sending;
mod show;
mod sign;

use clap::{Args, Subcommand};
use std::path::PathBuf;

use super::genesis::GenesisArgs;
use super::{Failure, Scene};

pub(super) use draft::Draft;
pub(super) use sending::{Patience, not_final};

/// Makes, signs, submits and looks at transactions.
#[derive(Subcommand)]
pub(super) enum Tx {
    /// Move money between two accounts.
    Transfer(Box<making::Command<operation::Transfer>>),
    /// Open an account.
    OpenAccount(Box<making::Command<operation::OpenAccount>>),
    /// Propose to issue or redeem money.
    Propose(Box<making::Command<operation::Propose>>),
    /// Approve a proposal.
    Approve(Box<making::Command<operation::Approve>>),
    /// Execute a proposal that has its approvals.
    Execute(Box<making::Command<operation::Execute>>),
    /// Stop a proposal.
    Veto(Box<making::Command<operation::Veto>>),
    /// Make a transaction of its JSON form.
    Build(Box<making::Build>),
    /// Add signatures to a transaction.
    Sign(sign::Sign),
    /// Submit a signed transaction.
    Submit(Submit),
    /// Show what became of a transaction.
    Show(show::Show),
    /// Show what a file of a transaction says, and whether it is one.
    Decode(decode::Decode),
}

/// Submits a signed transaction.
#[derive(Args)]
pub(super) struct Submit {
    /// The transaction's file; `-` is standard input.
    file: PathBuf,
    #[command(flatten)]
    genesis: GenesisArgs,
    #[command(flatten)]
    sending: sending::Sending,
}

impl Tx {
    pub(super) fn run(&self, scene: &Scene) -> Result<(), Failure> {
        match self {
            Self::Transfer(command) => command.run(scene),
            Self::OpenAccount(command) => command.run(scene),
            Self::Propose(command) => command.run(scene),
            Self::Approve(command) => command.run(scene),
            Self::Execute(command) => command.run(scene),
            Self::Veto(command) => command.run(scene),
            Self::Build(build) => build.run(scene),
            Self::Sign(sign) => sign.run(scene),
            Self::Submit(submit) => submit.run(scene),
            Self::Show(show) => show.run(scene),
            Self::Decode(decode) => decode.run(scene),
        }
    }
}

impl Submit {
    fn run(&self, scene: &Scene) -> Result<(), Failure> {
        let genesis = self.genesis.read(scene)?;
        let draft = Draft::read(&self.file, &genesis)?;
        self.sending.send(scene, &genesis, &draft)
    }
}
