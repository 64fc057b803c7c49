//! From flags or JSON to a draft, signed if keys are named, kept in a file, and submitted if that was asked for.
//!
//! Invariant: a draft that has a file is on the disk before anything of it is sent, so that the same request can be sent again.

use clap::Args;
use data_encoding::BASE64;
use falaj_ledger::genesis::Genesis;
use falaj_ledger::participant::ParticipantNumber;
use serde_json::{Value, json};
use std::path::PathBuf;

use super::draft::Draft;
use super::key_file::SigningKey;
use super::operation::Operation;
use super::sending::Sending;
use crate::shell::cli::genesis::GenesisArgs;
use crate::shell::cli::print::row;
use crate::shell::cli::{Failure, Scene, files, print};
use crate::shell::form::TransactionForm;

/// An operation, and how it is made.
#[derive(Args)]
pub(in crate::shell::cli) struct Command<O: Operation> {
    #[command(flatten)]
    operation: O,
    /// The participant in whose name it is submitted; that of the keys if absent.
    #[arg(long)]
    participant: Option<u32>,
    /// Its id, a version 7 UUID, by which it is never executed twice; made of this moment if absent.
    #[arg(long)]
    id: Option<String>,
    /// First millisecond of block time at which it may be executed.
    #[arg(long, value_name = "MS")]
    valid_from_ms: Option<u64>,
    /// Last such millisecond; as late as the id allows if absent.
    #[arg(long, value_name = "MS")]
    valid_until_ms: Option<u64>,
    #[command(flatten)]
    finish: Finish,
}

/// A transaction in JSON, and how it is made.
#[derive(Args)]
pub(in crate::shell::cli) struct Build {
    /// The transaction's form in JSON; `-` is standard input.
    form: PathBuf,
    #[command(flatten)]
    finish: Finish,
}

/// What is done with a draft.
#[derive(Args)]
struct Finish {
    #[command(flatten)]
    genesis: GenesisArgs,
    /// A key file that signs it. May be repeated.
    #[arg(long = "key", value_name = "KEY_FILE")]
    keys: Vec<PathBuf>,
    /// The file to make of it; without it and --submit, it is printed.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Submit it; --wait does so too.
    #[arg(long)]
    submit: bool,
    #[command(flatten)]
    sending: Sending,
}

impl<O: Operation> Command<O> {
    pub(super) fn run(&self, scene: &Scene) -> Result<(), Failure> {
        let finish = &self.finish;
        let (genesis, keys) = (finish.genesis.read(scene)?, read_keys(&finish.keys)?);
        let form = TransactionForm {
            participant: self.submitter(&keys)?,
            id: self.id.clone(),
            valid_from_ms: self.valid_from_ms,
            valid_until_ms: self.valid_until_ms,
            operation: self.operation.form(&genesis)?,
        };
        finish.run(scene, &genesis, Draft::make(&form, &genesis)?, &keys)
    }

    /// The participant that is named, or the one of all keys.
    fn submitter(&self, keys: &[SigningKey]) -> Result<u32, Failure> {
        let one = |keys: &[SigningKey]| {
            let first = keys.first()?.participant;
            keys.iter()
                .all(|key| key.participant == first)
                .then_some(first)
        };
        let found = self
            .participant
            .or_else(|| one(keys).map(ParticipantNumber::get));
        found.ok_or_else(|| {
            let text = "in whose name? the keys do not say one participant";
            Failure::new(Failure::USAGE, text).fix("name it with --participant")
        })
    }
}

impl Build {
    pub(super) fn run(&self, scene: &Scene) -> Result<(), Failure> {
        let finish = &self.finish;
        let (genesis, keys) = (finish.genesis.read(scene)?, read_keys(&finish.keys)?);
        let draft = Draft::read(&self.form, &genesis)?;
        finish.run(scene, &genesis, draft, &keys)
    }
}

impl Finish {
    fn run(
        &self,
        scene: &Scene,
        genesis: &Genesis,
        mut draft: Draft,
        keys: &[SigningKey],
    ) -> Result<(), Failure> {
        sign(&mut draft, genesis, keys)?;
        let send = self.submit || self.sending.waits();
        if self.out.is_some() || !send {
            keep(scene, genesis, &draft, self.out.as_ref(), !send)?;
        }
        if send {
            self.sending.send(scene, genesis, &draft)?;
        }
        Ok(())
    }
}

/// Reads key files.
pub(super) fn read_keys(paths: &[PathBuf]) -> Result<Vec<SigningKey>, Failure> {
    let keys = paths.iter().map(|path| SigningKey::read(path));
    Ok(keys.collect::<Result<Vec<_>, _>>()?)
}

/// Signs a draft with each key.
pub(super) fn sign(
    draft: &mut Draft,
    genesis: &Genesis,
    keys: &[SigningKey],
) -> Result<(), Failure> {
    let message = draft.sign_bytes(genesis);
    keys.iter()
        .try_for_each(|key| draft.add(key.approve(&message), genesis))
}

/// Keeps a draft in a new file and says what it is; without a file, the draft itself is printed.
pub(super) fn keep(
    scene: &Scene,
    genesis: &Genesis,
    draft: &Draft,
    out: Option<&PathBuf>,
    say: bool,
) -> Result<(), Failure> {
    let form = serde_json::to_string(&draft.to_form(genesis));
    let text = form.map_err(|error| Failure::new(70, error))?;
    files::write(out.map(PathBuf::as_path), &format!("{text}\n"))?;
    let Some(out) = out.filter(|_| say) else {
        return Ok(());
    };
    let mut said = summary(draft, genesis);
    said["file"] = out.display().to_string().into();
    if scene.json {
        print::json(&said);
    } else {
        rows(&said).iter().for_each(|line| print::line(line));
    }
    Ok(())
}

/// What names a draft, and what its signers sign.
pub(super) fn summary(draft: &Draft, genesis: &Genesis) -> Value {
    let body = draft.body();
    json!({
        "transaction": draft.name(), "operation": body.op.name(), "approvals": draft.approvals().len(),
        "body_hash": body.body_hash().hash().to_hex(), "sign_bytes": BASE64.encode(&draft.sign_bytes(genesis)),
        "proposal": draft.proposal().map(|id| id.to_string()),
    })
}

/// A summary for people.
pub(super) fn rows(summary: &Value) -> Vec<String> {
    let fields = [
        "transaction",
        "operation",
        "approvals",
        "proposal",
        "body_hash",
        "sign_bytes",
        "file",
    ];
    let shown = fields.iter().filter_map(|field| {
        let value = summary.get(*field).filter(|value| !value.is_null())?;
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        Some(row(&field.replace('_', " "), &text))
    });
    shown.collect()
}
