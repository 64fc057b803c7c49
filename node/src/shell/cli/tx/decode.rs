//! `falaj tx decode`: what a file of a transaction says, and whether every node would take its bytes.

use clap::Args;
use serde_json::{Value, json};
use std::path::PathBuf;

use super::draft::Draft;
use super::making::{rows, summary};
use crate::shell::cli::genesis::GenesisArgs;
use crate::shell::cli::print::row;
use crate::shell::cli::{Failure, Scene, print};

/// Shows what a file of a transaction says, and whether it is one.
#[derive(Args)]
pub(in crate::shell::cli) struct Decode {
    /// The transaction's file; `-` is standard input.
    file: PathBuf,
    #[command(flatten)]
    genesis: GenesisArgs,
}

impl Decode {
    pub(super) fn run(&self, scene: &Scene) -> Result<(), Failure> {
        let genesis = self.genesis.read(scene)?;
        let draft = Draft::read(&self.file, &genesis)?;
        let verdict = if draft.approvals().is_empty() {
            Ok("unsigned")
        } else {
            draft.signed(&genesis).map(|_| "sound")
        };
        let form = draft.to_form(&genesis);
        let mut said = summary(&draft, &genesis);
        said["bytes"] = verdict.as_ref().copied().unwrap_or("refused").into();
        if scene.json {
            said["form"] = json!(form);
            print::json(&said);
        } else {
            rows(&said).iter().for_each(|line| print::line(line));
            print::line(&row("bytes", said["bytes"].as_str().unwrap_or_default()));
            let form: Value = json!(form.transaction);
            print::line(&format!("{form:#}"));
        }
        match verdict {
            Ok(_) => Ok(()),
            Err(failure) if scene.json => Err(failure.told()),
            Err(failure) => Err(failure),
        }
    }
}
