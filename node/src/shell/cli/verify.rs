//! `falaj verify`: checks a bundle offline, with the genesis alone.
//!
//! Invariant: no node is asked and nothing but the genesis is believed. Exit code 0 says that the bundle proves what is printed, whatever
//! became of the transaction; 1 comes with the stable name of the part that does not hold.
//! Source: `docs/spec/receipts.md`; `docs/guide/cli.md`, "Verifying".

use clap::Args;
use falaj_ledger::bundle::VerifiedBundle;
use falaj_ledger::genesis::Genesis;
use falaj_ledger::transaction::TxBody;
use std::path::PathBuf;

use super::genesis::GenesisArgs;
use super::names::of_key;
use super::proof::{self, Proof};
use super::tx::Draft;
use super::{Failure, Scene, files, print};

/// Checks a receipt, an account, an event or another proof offline, with the genesis alone.
#[derive(Args)]
pub(super) struct Verify {
    /// The bundle's file; `-` is standard input.
    file: PathBuf,
    #[command(flatten)]
    genesis: GenesisArgs,
    /// A transaction that the bundle must be about, as a file of `falaj tx`.
    #[arg(long, value_name = "FILE")]
    transaction: Option<PathBuf>,
}

impl Verify {
    pub(super) fn run(&self, scene: &Scene) -> Result<(), Failure> {
        let genesis = self.genesis.read(scene)?;
        let bundle = proof::read(&files::read(&self.file, proof::FILE_BYTES_MAX)?)?;
        let proof = proof::check(&bundle, &genesis)?;
        self.check_subject(&proof, &genesis)?;
        if scene.json {
            print::json(&proof.to_json());
        } else {
            proof.lines().iter().for_each(|line| print::line(line));
        }
        Ok(())
    }

    fn check_subject(&self, proof: &Proof<'_>, genesis: &Genesis) -> Result<(), Failure> {
        let Some(path) = &self.transaction else {
            return Ok(());
        };
        let draft = Draft::read(path, genesis)?;
        if is_about(&proof.verified, draft.body()) {
            return Ok(());
        }
        let key = of_key(draft.body().key());
        let text =
            format!("the bundle holds, and is not about transaction {key} as the file has it");
        Err(proof::other("other-transaction", text))
    }
}

/// Whether a bundle is about this very request, window included.
fn is_about(verified: &VerifiedBundle, body: &TxBody) -> bool {
    match verified {
        VerifiedBundle::Receipt(found) => found.is_of(body),
        VerifiedBundle::NoExecution(found) => {
            let covered = found
                .valid_until_ms
                .is_none_or(|until_ms| body.valid_until_ms <= until_ms);
            found.key == body.key() && covered
        }
        VerifiedBundle::Account(_) | VerifiedBundle::Event(_) | VerifiedBundle::LogExtension(_) => {
            false
        }
    }
}
