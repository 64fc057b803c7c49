//! `falaj tx sign`: adds signatures to a transaction that others have made or signed.

use clap::Args;
use std::path::PathBuf;

use super::draft::{Draft, wrong_form};
use super::making::{keep, read_keys, sign};
use super::operation;
use crate::shell::cli::genesis::GenesisArgs;
use crate::shell::cli::{Failure, Scene};
use crate::shell::form::ApprovalForm;

/// Adds signatures to a transaction.
#[derive(Args)]
pub(in crate::shell::cli) struct Sign {
    /// The transaction's file; `-` is standard input.
    file: PathBuf,
    /// A key file that signs it. May be repeated.
    #[arg(
        long = "key",
        value_name = "KEY_FILE",
        required_unless_present = "approvals"
    )]
    keys: Vec<PathBuf>,
    /// A signature made elsewhere over its sign-bytes, `ALGORITHM:PUBLIC_KEY:SIGNATURE` in hexadecimal. May be repeated.
    #[arg(long = "approval", value_name = "APPROVAL", value_parser = approval)]
    approvals: Vec<ApprovalForm>,
    /// The file to make; without it, the transaction is printed.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    genesis: GenesisArgs,
}

fn approval(text: &str) -> Result<ApprovalForm, String> {
    let needed = "ALGORITHM:PUBLIC_KEY:SIGNATURE is needed";
    let (key, signature) = text.rsplit_once(':').ok_or(needed)?;
    Ok(ApprovalForm {
        key: operation::key(key)?,
        signature: signature.to_owned(),
    })
}

impl Sign {
    pub(super) fn run(&self, scene: &Scene) -> Result<(), Failure> {
        let (genesis, keys) = (self.genesis.read(scene)?, read_keys(&self.keys)?);
        let mut draft = Draft::read(&self.file, &genesis)?;
        sign(&mut draft, &genesis, &keys)?;
        for form in &self.approvals {
            draft.add(form.to_approval().map_err(wrong_form)?, &genesis)?;
        }
        keep(scene, &genesis, &draft, self.out.as_ref(), true)
    }
}
