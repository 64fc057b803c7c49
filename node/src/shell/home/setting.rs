//! Sets a home on a genesis: once, in an order that can be repeated after a stop at any point.
//!
//! Order: the mark of an unfinished setting, the genesis, the logs, the guard's first record, the mark away; each on disk before the next.
//! Invariant: under the mark nothing was signed, since no node starts there, so what lies there is taken over; without it any trace of an
//! earlier setting refuses another: a guard that is made twice for one key would sign twice.
//! Source: `docs/spec/guard.md`, "Records"; `docs/runbook/hsm.md`, "guard lost".

use falaj_consensus::crypto::PublicKey;
use falaj_consensus::durable::LogError;
use falaj_consensus::verify::RealChecker;
use falaj_hsm::{Floor, Identity, Place, SetWindow, SignerHome};
use falaj_ledger::genesis::Genesis;
use falaj_ledger::state::State;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Folders, HomeError, check_voter, read_genesis};
use crate::core::floor_at;
use crate::shell::config::{Config, Paths};
use crate::shell::whole::{remove_synced, write_whole};

/// Says that a setting was begun, and on which genesis.
const MARK_FILE: &str = "init.unfinished";

/// Sets a home on a genesis. `key` is the consensus key of a validator.
///
/// # Errors
/// [`HomeError`]; what is refused is refused before anything is written.
pub fn set_on_genesis(
    home: &Path,
    config: &Config,
    genesis: &Genesis,
    key: Option<&PublicKey>,
) -> Result<(), HomeError> {
    expect_settable(home, config, genesis)?;
    let voter = config.validator.as_ref().zip(key);
    if let Some((validator, key)) = voter {
        check_voter(genesis, validator.id, key)?;
    }
    let folders = Folders::take(home, &config.paths)?;
    let mark = home.join(MARK_FILE);
    write_synced(&mark, &genesis.hash().to_hex())?;
    write_synced(&home.join(&config.paths.genesis), &genesis.to_json())?;
    make_logs(&folders, genesis, voter.map(|(_, key)| key))?;
    remove_synced(&mark).map_err(|source| HomeError::Write { path: mark, source })
}

/// Refuses a home that was set on a genesis before, and one whose setting on another was begun. Nothing is made or changed.
///
/// # Errors
/// [`HomeError::AlreadySet`], [`HomeError::GuardLost`], [`HomeError::DataLost`], [`HomeError::Unfinished`].
pub fn expect_settable(home: &Path, config: &Config, genesis: &Genesis) -> Result<(), HomeError> {
    let Some(trace) = first_trace(home, &config.paths)? else {
        return Ok(());
    };
    let vouched = home.join(&config.paths.transport_binding).exists();
    match unfinished(home)? {
        Some(begun) if begun == genesis.hash().to_hex() && !vouched => Ok(()),
        Some(genesis) => Err(HomeError::Unfinished { genesis }),
        None => Err(set_before(home, config, trace)?),
    }
}

/// Refuses a home whose setting on a genesis did not come to its end.
///
/// # Errors
/// [`HomeError::Unfinished`].
pub fn expect_finished(home: &Path) -> Result<(), HomeError> {
    unfinished(home)?.map_or(Ok(()), |genesis| Err(HomeError::Unfinished { genesis }))
}

/// What the first sign is that a home was set on a genesis, if there is one.
///
/// # Errors
/// [`HomeError::Read`].
pub fn first_trace(home: &Path, paths: &Paths) -> Result<Option<PathBuf>, HomeError> {
    for file in [&paths.genesis, &paths.transport_binding] {
        let file = home.join(file);
        if file.exists() {
            return Ok(Some(file));
        }
    }
    let (data, guard) = (home.join(&paths.data), home.join(&paths.guard));
    for folder in [
        guard.join("guard"),
        guard.join("audit"),
        data.join("block"),
        data.join("batch"),
        data.join("witness"),
    ] {
        if is_filled(&folder)? {
            return Ok(Some(folder));
        }
    }
    Ok(None)
}

/// What of an earlier setting is left, and so what is to be said.
fn set_before(home: &Path, config: &Config, trace: PathBuf) -> Result<HomeError, HomeError> {
    let (data, guard) = (
        home.join(&config.paths.data),
        home.join(&config.paths.guard),
    );
    if config.validator.is_some() && !is_filled(&guard.join("guard"))? {
        return Ok(HomeError::GuardLost { guard, trace });
    }
    if !is_filled(&data.join("block"))? {
        return Ok(HomeError::DataLost { data, trace });
    }
    let genesis = read_genesis(&home.join(&config.paths.genesis));
    Ok(HomeError::AlreadySet {
        genesis: genesis.map(|genesis| genesis.hash().to_hex()).ok(),
    })
}

/// Hash of the genesis of a setting that was begun and not ended.
fn unfinished(home: &Path) -> Result<Option<String>, HomeError> {
    let path = home.join(MARK_FILE);
    match std::fs::read_to_string(&path) {
        Ok(genesis) => Ok(Some(genesis)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(HomeError::Read { path, source }),
    }
}

/// Whether a folder is there and holds anything.
fn is_filled(path: &Path) -> Result<bool, HomeError> {
    match std::fs::read_dir(path) {
        Ok(mut entries) => Ok(entries.next().is_some()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(source) => Err(HomeError::Read {
            path: path.into(),
            source,
        }),
    }
}

/// Makes the logs, and the first record of a validator's guard; what an unfinished setting made of them is taken over.
fn make_logs(
    folders: &Folders,
    genesis: &Genesis,
    key: Option<&PublicKey>,
) -> Result<(), HomeError> {
    drop(folders.empty_logs(genesis)?);
    let Some(key) = key else {
        return Ok(());
    };
    let floor = Floor {
        place: Place::GENESIS,
        instance: random()?,
        fence_epoch: 0,
        window: SetWindow::genesis(&Arc::new(genesis.validators.clone())),
    };
    make_guard(folders, genesis, key, floor)
}

/// Makes the guard of a key that comes into use later, in the guard's folder: it begins at the last height of that state. One that is there
/// already, of the same key, is left as it stands.
///
/// # Errors
/// [`HomeError::OtherKey`] where the folder holds the guard of another key.
pub fn begin_guard(
    folders: &Folders,
    genesis: &Genesis,
    (id, key): (u32, &PublicKey),
    state: &State,
) -> Result<(), HomeError> {
    make_guard(folders, genesis, key, floor_at(state, random()?))?;
    if folders.key_of_guard(genesis) == Some(key.fingerprint()) {
        Ok(())
    } else {
        Err(HomeError::OtherKey { id })
    }
}

fn make_guard(
    folders: &Folders,
    genesis: &Genesis,
    key: &PublicKey,
    floor: Floor,
) -> Result<(), HomeError> {
    let identity = Identity {
        chain: genesis.chain(),
        key: key.clone(),
    };
    let (guard, audit) = (folders.guard()?, folders.audit()?);
    match SignerHome::init(guard, audit, identity, Arc::new(RealChecker), floor) {
        // Its first record is there: the setting stopped right before its end.
        Err(falaj_hsm::HomeError::Log(LogError::Exists { .. })) => Ok(()),
        made => Ok(made?),
    }
}

/// Bytes that no other guard has.
fn random() -> Result<[u8; 16], HomeError> {
    use ring::rand::SecureRandom as _;
    let mut bytes = [0; 16];
    ring::rand::SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| HomeError::Random)?;
    Ok(bytes)
}

/// Writes a file whole or not at all, and returns when it is on disk.
fn write_synced(path: &Path, text: &str) -> Result<(), HomeError> {
    write_whole(path, text.as_bytes()).map_err(|source| HomeError::Write {
        path: path.into(),
        source,
    })
}
