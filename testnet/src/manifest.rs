//! What `falaj-testnet new` made in a folder: the homes of the validators and the keys of the economy.
//!
//! Invariant: its empty draft is what is made first in a folder, and it takes the draft's place as what is made last. So a folder with the
//! manifest is whole, and one with the draft is what an interrupted `new` left; nothing in the manifest changes afterwards.
//! Shape: JSON; paths are relative to the folder. The homes and tokens name whole paths, so a folder runs only where it was made, which
//! stands here too; a copy can be read and verified.
//! Source: `docs/guide/testnet.md`, "The folder".

use anyhow::{Context as _, Result};
use falaj_ledger::genesis::Genesis;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

use crate::exit::Trouble;
use crate::files::{draft_of, read_version, write_atomically};
use crate::timers::TimersManifest;

/// Name of the file.
pub const MANIFEST_FILE: &str = "testnet.json";
/// Name of the genesis.
pub const GENESIS_FILE: &str = "genesis.json";
/// Name of the folder of the economy's keys.
pub const KEYS_FOLDER: &str = "keys";
const VERSION: u32 = 3;

/// Where a validator's consensus key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum SignerKind {
    /// In a SoftHSM token of its own.
    Softhsm,
    /// In a file, behind a TEST banner.
    Software,
}

impl SignerKind {
    /// Its name in files and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Softhsm => "softhsm",
            Self::Software => "software",
        }
    }
}

/// A testnet's folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this form: 3.
    pub version: u32,
    /// Where it was made: the folder's whole name.
    pub folder: PathBuf,
    /// What was measured, and the timers that follow from it.
    pub timers: TimersManifest,
    /// The validators, by index.
    pub validators: Vec<ValidatorManifest>,
    /// The participants and their keys.
    pub participants: Vec<ParticipantManifest>,
}

/// A validator's home.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidatorManifest {
    /// Its id.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Its home.
    pub home: PathBuf,
    /// Where its key signs.
    pub signer: SignerKind,
    /// Algorithm of its key.
    pub algorithm: String,
    /// Its transport identity.
    pub peer_id: String,
    /// Label of its token, if it has one.
    pub token_label: Option<String>,
    /// Folder of its token, if it has one.
    pub token: Option<PathBuf>,
}

/// A participant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParticipantManifest {
    /// Its number.
    pub id: u32,
    /// Its key.
    pub key_file: PathBuf,
}

impl Manifest {
    /// The version that this build writes and reads.
    pub const VERSION: u32 = VERSION;

    /// Marks a folder as one in which a testnet is being made.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn begin(folder: &Path) -> Result<()> {
        let draft = draft_of(&folder.join(MANIFEST_FILE));
        std::fs::write(&draft, []).with_context(|| format!("cannot write {}", draft.display()))
    }

    /// That a folder is not what is left of a `new` that was stopped.
    ///
    /// # Errors
    /// When it is.
    pub fn check_finished(folder: &Path) -> Result<(), Trouble> {
        if draft_of(&folder.join(MANIFEST_FILE)).exists() {
            return Err(Trouble::Unfinished(folder.display().to_string()));
        }
        Ok(())
    }

    /// Reads the manifest of a folder.
    ///
    /// # Errors
    /// When there is none, or one of another form.
    pub fn read(folder: &Path) -> Result<Self> {
        Self::check_finished(folder)?;
        let path = folder.join(MANIFEST_FILE);
        let text = std::fs::read_to_string(&path).with_context(|| {
            format!(
                "{} is no testnet; `falaj-testnet new` makes one",
                folder.display()
            )
        })?;
        let manifest: Self = read_version(&text, &path, VERSION)?;
        Ok(manifest)
    }

    /// That a folder is the one it was made as: the homes of a copy would use the tokens of the original.
    ///
    /// # Errors
    /// When it is another.
    pub fn check_place(&self, folder: &Path) -> Result<(), Trouble> {
        if self.folder == folder {
            return Ok(());
        }
        Err(Trouble::OtherPlace {
            folder: folder.display().to_string(),
            made: self.folder.display().to_string(),
        })
    }

    /// Writes the manifest of a folder.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn write(&self, folder: &Path) -> Result<()> {
        write_atomically(
            &folder.join(MANIFEST_FILE),
            &serde_json::to_vec_pretty(self)?,
        )
    }
}

/// Reads the genesis of a folder.
///
/// # Errors
/// When it cannot be read or does not add up.
pub fn read_genesis(path: &Path) -> Result<Genesis> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Genesis::from_json(&text).with_context(|| format!("{}", path.display()))
}
