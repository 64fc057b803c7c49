//! The genesis under which a command signs or checks: a file that its user holds, never what a node says.
//!
//! Invariant: a genesis that is used adds up, and has the hash that was asked for, if one was.
//! Errors: a missing or broken genesis is configuration; another hash is a failed check, `genesis-hash`.

use clap::Args;
use falaj_consensus::types::Hash32;
use falaj_ledger::genesis::Genesis;
use std::path::PathBuf;

use super::{Failure, Scene};
use crate::shell::config::{CONFIG_FILE, Config};
use crate::shell::home::read_genesis;

/// The chain.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct GenesisArgs {
    /// The chain's genesis; without it, that of the home.
    #[arg(long = "genesis", value_name = "FILE")]
    genesis_file: Option<PathBuf>,
    /// The hash that the genesis must have.
    #[arg(long, value_name = "HASH", value_parser = hash)]
    genesis_hash: Option<Hash32>,
}

fn hash(text: &str) -> Result<Hash32, &'static str> {
    Hash32::from_hex(text).ok_or("64 small hexadecimal digits are needed")
}

impl GenesisArgs {
    /// The genesis.
    ///
    /// # Errors
    /// When there is none, it does not add up, or it has another hash.
    pub(super) fn read(&self, scene: &Scene) -> Result<Genesis, Failure> {
        let found = self.at_hand(scene)?;
        found.ok_or_else(|| {
            let text = format!("no genesis: none is named, and {} is no home", scene.home.display());
            Failure::new(Failure::CONFIG, text)
                .fix("name the chain's genesis with --genesis FILE, or a home that is set on it with --home")
        })
    }

    /// The genesis, if one is named or the home has one.
    ///
    /// # Errors
    /// As [`GenesisArgs::read`], but for none.
    pub(super) fn at_hand(&self, scene: &Scene) -> Result<Option<Genesis>, Failure> {
        let Some(path) = self.path(scene)? else {
            return Ok(None);
        };
        let genesis = read_genesis(&path)?;
        let found = genesis.hash();
        match self.genesis_hash {
            Some(expected) if expected != found => Err(Failure::new(
                Failure::CHECK,
                format!(
                    "genesis-hash: {} has hash {found}, not {expected}",
                    path.display()
                ),
            )
            .with("name", "genesis-hash")
            .fix("take the genesis from whoever published its hash")),
            Some(_) | None => Ok(Some(genesis)),
        }
    }

    fn path(&self, scene: &Scene) -> Result<Option<PathBuf>, Failure> {
        if let Some(file) = &self.genesis_file {
            return Ok(Some(file.clone()));
        }
        if !scene.home.join(CONFIG_FILE).exists() {
            return Ok(None);
        }
        let path = scene.home.join(Config::load(&scene.home)?.paths.genesis);
        Ok(path.exists().then_some(path))
    }
}
