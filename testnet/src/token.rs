//! A SoftHSM token for each validator, in a folder of its own, and how it goes away and comes back.
//!
//! Invariant: a validator's process sees its own token and no other; the PIN is in a file that its owner alone can read.
//! A token is taken away by renaming the folder that holds it, which is what an unplugged device looks like to the library.
//! Source: `docs/guide/testnet.md`, "Tokens".

use anyhow::{Context as _, Result, ensure};
use falaj_hsm::softhsm::{CONFIG_VARIABLE, SoftHsm, write_pin_file};
use std::path::{Path, PathBuf};

use crate::keys::random;
use crate::program::Environment;

const PIN_FILE: &str = "pin";
const CONFIG_FILE: &str = "softhsm2.conf";

/// A validator's token.
#[derive(Clone, Debug)]
pub struct Token {
    folder: PathBuf,
    label: String,
}

impl Token {
    /// Makes a token with a label in a new folder.
    ///
    /// # Errors
    /// When `SoftHSM` is not installed or the folder cannot be written.
    pub fn create(folder: &Path, label: &str) -> Result<Self> {
        let pin = data_encoding::HEXLOWER.encode(&random::<8>()?);
        let officer_pin = data_encoding::HEXLOWER.encode(&random::<8>()?);
        let softhsm = SoftHsm::create(folder)?;
        softhsm.init_token(label, &pin, &officer_pin)?;
        write_pin_file(&folder.join(PIN_FILE), &pin)?;
        Ok(Self {
            folder: folder.into(),
            label: label.into(),
        })
    }

    /// What `falaj init` is told of it.
    ///
    /// # Errors
    /// When the library is not installed.
    pub fn arguments(&self) -> Result<Vec<String>> {
        let module = SoftHsm::library()?;
        let pin = format!("file:{}", self.folder.join(PIN_FILE).display());
        let arguments = [
            "--module".into(),
            module.display().to_string(),
            "--token-label".into(),
            self.label.clone(),
            "--pin".into(),
            pin,
        ];
        Ok(arguments.into())
    }
}

/// What the environment of the node must hold whose token is in a folder.
///
/// # Errors
/// When the folder's name is not text.
pub fn environment(folder: &Path) -> Result<Environment> {
    let path = folder.join(CONFIG_FILE).into_os_string().into_string().ok();
    let path = path.context("the name of a token's folder is not text")?;
    Ok([(CONFIG_VARIABLE.to_owned(), path)].into())
}

/// Takes the token away that an environment points to.
///
/// # Errors
/// When the environment names none, or it is gone already.
pub fn take_away(environment: &Environment) -> Result<()> {
    let (here, gone) = places(environment)?;
    ensure!(!gone.exists(), "the token is gone already");
    std::fs::rename(&here, &gone).with_context(|| format!("cannot move {}", here.display()))
}

/// Brings back the token that [`take_away`] took.
///
/// # Errors
/// When it is not gone.
pub fn bring_back(environment: &Environment) -> Result<()> {
    let (here, gone) = places(environment)?;
    ensure!(gone.exists(), "the token is not gone");
    std::fs::rename(&gone, &here).with_context(|| format!("cannot move {}", gone.display()))
}

fn places(environment: &Environment) -> Result<(PathBuf, PathBuf)> {
    let config = environment.get(CONFIG_VARIABLE);
    let config = config.context("this validator has no SoftHSM token")?;
    let folder = Path::new(config).parent().context("a token's folder")?;
    Ok((folder.join("tokens"), folder.join("tokens.gone")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_away_and_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = folder.path().join("tokens");
        std::fs::create_dir(&tokens).unwrap();
        let config = folder.path().join("softhsm2.conf").display().to_string();
        let environment = [(CONFIG_VARIABLE.to_owned(), config)].into();
        assert!(bring_back(&environment).is_err());
        take_away(&environment).unwrap();
        assert!(!tokens.exists());
        assert!(take_away(&environment).is_err());
        bring_back(&environment).unwrap();
        assert!(tokens.exists());
    }

    #[test]
    fn a_validator_without_a_token_has_none_to_take() {
        assert!(take_away(&Environment::new()).is_err());
    }
}
