//! `falaj receipt`: the proof of what became of a transaction, as a file that stands for itself.
//!
//! Invariant: a bundle is checked before it is kept, if the genesis is at hand; if not, that is said.
//! Source: `docs/spec/receipts.md`.

use clap::{Args, Subcommand};
use falaj_ledger::bundle::{Bundle, VerifiedBundle};
use falaj_ledger::transaction::TxKey;
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

use super::client::Client;
use super::endpoint::Endpoint;
use super::genesis::GenesisArgs;
use super::proof::Proof;
use super::tx::{Patience, not_final};
use super::{Failure, Scene, files, names, print, proof};

/// Gets proofs of what became of transactions.
#[derive(Subcommand)]
pub(super) enum Receipt {
    /// Get a transaction's receipt with its proof, or the proof that it was never executed.
    Get(Get),
}

/// Gets a transaction's receipt with its proof, or the proof that it was never executed.
#[derive(Args)]
pub(super) struct Get {
    /// The transaction, `PARTICIPANT/ID`.
    #[arg(value_name = "TRANSACTION", value_parser = names::key)]
    key: TxKey,
    /// The file to make; without it, the bundle is printed.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Get the proof that it was not executed and never will be.
    #[arg(long)]
    no_execution: bool,
    /// End of the transaction's window, so that the proof can be had as soon as it is over.
    #[arg(long, value_name = "MS", requires = "no_execution")]
    valid_until_ms: Option<u64>,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    endpoint: Endpoint,
    #[command(flatten)]
    genesis: GenesisArgs,
}

#[derive(Deserialize)]
struct WithProof {
    proof: Option<Value>,
}

impl Receipt {
    pub(super) fn run(&self, scene: &Scene) -> Result<(), Failure> {
        match self {
            Self::Get(get) => get.run(scene),
        }
    }
}

impl Get {
    fn run(&self, scene: &Scene) -> Result<(), Failure> {
        let client = self.endpoint.client(scene)?;
        let bundle = if self.no_execution {
            self.absence(&client)?
        } else {
            self.receipt(&client)?
        };
        keep(
            scene,
            &self.genesis,
            &bundle,
            self.out.as_deref(),
            |proof| subject(&proof.verified) == Some(self.key),
        )
    }

    fn receipt(&self, client: &Client) -> Result<Bundle, Failure> {
        let path = format!(
            "/v1/transactions/{}{}",
            names::of_key(self.key),
            self.patience.query()
        );
        let answer = client.get_within(&path, self.patience.held())?;
        let WithProof { proof } = answer.json()?;
        let proof = proof.ok_or_else(|| not_final(self.key))?;
        proof::of_api(&proof)
    }

    fn absence(&self, client: &Client) -> Result<Bundle, Failure> {
        let window = self
            .valid_until_ms
            .map(|ms| format!("?valid_until_ms={ms}"));
        let key = names::of_key(self.key);
        let path = format!(
            "/v1/proofs/no-execution/{key}{}",
            window.unwrap_or_default()
        );
        proof::of_api(&client.get(&path)?.json::<Value>()?)
    }
}

/// The transaction that a bundle is about.
const fn subject(found: &VerifiedBundle) -> Option<TxKey> {
    match found {
        VerifiedBundle::Receipt(found) => Some(found.receipt.key),
        VerifiedBundle::NoExecution(found) => Some(found.key),
        VerifiedBundle::Account(_) | VerifiedBundle::Event(_) | VerifiedBundle::LogExtension(_) => {
            None
        }
    }
}

/// Checks that a bundle is what was asked for, keeps it, and says so.
pub(super) fn keep(
    scene: &Scene,
    genesis: &GenesisArgs,
    bundle: &Bundle,
    out: Option<&Path>,
    asked: impl Fn(&Proof<'_>) -> bool,
) -> Result<(), Failure> {
    let genesis = genesis.at_hand(scene)?;
    let proof = match &genesis {
        Some(genesis) => Some(proof::check(bundle, genesis)?),
        None => None,
    };
    if proof.as_ref().is_some_and(|proof| !asked(proof)) {
        return Err(proof::other(
            "other-subject",
            "the node gave a bundle about something else",
        ));
    }
    files::write(out, &bundle.to_text())?;
    let Some(out) = out else {
        if proof.is_none() {
            print::beside(UNCHECKED);
        }
        return Ok(());
    };
    if scene.json {
        let mut said = proof.map_or_else(
            || json!({"verified": false, "kind": bundle.kind()}),
            |proof| proof.to_json(),
        );
        said["file"] = out.display().to_string().into();
        print::json(&said);
        return Ok(());
    }
    match &proof {
        Some(proof) => proof.lines().iter().for_each(|line| print::line(line)),
        None => print::beside(UNCHECKED),
    }
    print::line(&print::row("file", &out.display().to_string()));
    Ok(())
}

const UNCHECKED: &str =
    "not checked: no genesis is at hand; check it with falaj verify FILE --genesis GENESIS";
