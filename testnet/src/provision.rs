//! `falaj-testnet new`: makes tokens, homes, keys and a genesis, as the operators of a real network would together.
//!
//! Invariant: only public keys and addresses go from the homes into the genesis; each consensus key is made by its own `falaj init`
//! where it stays. The timers in the genesis fit what this machine just measured.
//! The folder is a testnet only once its manifest is written, last; one that was stopped before is known by the manifest's draft.
//! Source: `docs/guide/testnet.md`, "What `new` does".

mod measure;

use anyhow::{Context as _, Result};
use falaj_consensus::crypto::{Algorithm, PublicKey};
use falaj_consensus::types::{ValidatorId, VotingPower};
use falaj_consensus::validator_set::{Declared, Validator, ValidatorSet};
use falaj_ledger::participant::ParticipantNumber;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::cluster::Tell;
use crate::economy::{self, Chain, Plan};
use crate::exit::Trouble;
use crate::hold::LOCK_FILE;
use crate::keyring::KeyRing;
use crate::keys::random;
use crate::manifest::{
    GENESIS_FILE, KEYS_FOLDER, Manifest, ParticipantManifest, SignerKind, ValidatorManifest,
};
use crate::ports;
use crate::program::{Environment, Program};
use crate::timers::{Measured, TimersManifest, timers_for};
use crate::token::{self, Token};

/// Most validators of a testnet: each is a process, with some threads, on one machine.
pub const TESTNET_VALIDATORS_MAX: usize = 100;
/// How long nothing is said of how far the making is.
const SILENCE: Duration = Duration::from_secs(2);

/// What to make.
#[derive(Clone, Debug)]
pub struct Order {
    /// How many validators.
    pub validators: usize,
    /// Where their keys sign.
    pub signer: SignerKind,
    /// Algorithms of their keys, taken in turn.
    pub algorithms: Vec<Algorithm>,
    /// The economy.
    pub plan: Plan,
}

/// What `falaj init` prints.
#[derive(Deserialize)]
struct Public {
    algorithm: String,
    public_key: String,
    peer_id: String,
}

struct Made {
    manifest: ValidatorManifest,
    environment: Environment,
    key: PublicKey,
}

/// Makes a testnet in a folder that is missing or empty; `tell` hears how far that is when it takes its time.
///
/// # Errors
/// When the order cannot be, the folder holds something, or a step fails; nothing is left in the folder then.
pub fn create(program: &Program, folder: &Path, order: &Order, tell: Tell<'_>) -> Result<Manifest> {
    check(order)?;
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Manifest::check_finished(folder)?;
    if !is_empty(folder)? {
        return Err(Trouble::NotEmpty(folder.display().to_string()).into());
    }
    // Homes and nodes are told whole paths.
    let folder = folder.canonicalize()?;
    let made = make(program, &folder, order, tell);
    if made.is_err() {
        clear(&folder).context("cannot remove what was begun")?;
    }
    made
}

/// Removes everything from a folder but the lock of whoever holds it.
fn clear(folder: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name() == LOCK_FILE {
            continue;
        }
        if entry.file_type()?.is_dir() {
            std::fs::remove_dir_all(entry.path())?;
        } else {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn make(program: &Program, folder: &Path, order: &Order, tell: Tell<'_>) -> Result<Manifest> {
    Manifest::begin(folder)?;
    let made = make_homes(program, folder, order, tell)?;
    let keys = KeyRing::generate(&order.plan)?;
    let measured = measure::machine(program, folder, &made)?;
    let genesis = economy::genesis(chain(&made, measured)?, &order.plan, &keys)?;
    std::fs::write(folder.join(GENESIS_FILE), genesis.to_json())?;
    let key_files = keys.write(&folder.join(KEYS_FOLDER))?;
    set_on_genesis(program, folder, &made)?;
    let manifest = Manifest {
        version: Manifest::VERSION,
        folder: folder.to_path_buf(),
        timers: TimersManifest::of(measured),
        validators: made.into_iter().map(|made| made.manifest).collect(),
        participants: participants(folder, key_files)?,
    };
    manifest.write(folder)?;
    Ok(manifest)
}

/// Whether there is nothing in a folder but the lock of whoever holds it, or no folder.
///
/// # Errors
/// When it cannot be read.
pub fn is_empty(folder: &Path) -> Result<bool> {
    match std::fs::read_dir(folder) {
        Ok(mut entries) => {
            Ok(entries.all(|entry| entry.is_ok_and(|entry| entry.file_name() == LOCK_FILE)))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", folder.display())),
    }
}

fn check(order: &Order) -> Result<(), Trouble> {
    let count = order.validators;
    let mut algorithms = order.algorithms.iter();
    let software = order.signer == SignerKind::Software;
    let wrong = if !(1..=TESTNET_VALIDATORS_MAX).contains(&count) {
        format!("a testnet has 1 to {TESTNET_VALIDATORS_MAX} validators, not {count}")
    } else if order.algorithms.is_empty() {
        "at least one algorithm is needed".into()
    } else if software && algorithms.any(|algorithm| *algorithm != Algorithm::Ed25519) {
        "the software signer has ed25519 alone; the other algorithms need --signer softhsm".into()
    } else if order.plan.banks == 0 {
        "a testnet needs at least one bank".into()
    } else {
        return Ok(());
    };
    Err(Trouble::Usage(wrong))
}

/// Each validator by a thread of its own: an RSA key takes its time.
fn make_homes(
    program: &Program,
    folder: &Path,
    order: &Order,
    tell: Tell<'_>,
) -> Result<Vec<Made>> {
    let algorithms = order.algorithms.iter().cycle().take(order.validators);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (1_u32..)
            .zip(algorithms)
            .map(|(id, algorithm)| {
                scope.spawn(move || make_home(program, folder, order.signer, id, *algorithm))
            })
            .collect();
        let (all, mut told_at) = (threads.len(), Instant::now());
        let joined = (1..).zip(threads).map(|(count, thread): (usize, _)| {
            let made = match thread.join() {
                Ok(made) => made,
                Err(panic) => std::panic::resume_unwind(panic),
            };
            if told_at.elapsed() > SILENCE {
                tell(&format!("made {count} of {all} validators"));
                told_at = Instant::now();
            }
            made
        });
        joined.collect()
    })
}

fn make_home(
    program: &Program,
    folder: &Path,
    signer: SignerKind,
    id: u32,
    algorithm: Algorithm,
) -> Result<Made> {
    let name = format!("validator-{id}");
    let (home, token_folder) = (PathBuf::from(&name), Path::new("tokens").join(&name));
    let mut arguments: Vec<String> = [
        "init",
        "--validator",
        &id.to_string(),
        "--algorithm",
        algorithm.name(),
    ]
    .map(Into::into)
    .into();
    let mut environment = Environment::new();
    let token_label = format!("falaj-{id}");
    match signer {
        SignerKind::Software => {
            arguments.extend(["--signer", "software", "--development"].map(Into::into))
        }
        SignerKind::Softhsm => {
            let token = Token::create(&folder.join(&token_folder), &token_label)?;
            environment = token::environment(&folder.join(&token_folder))?;
            arguments.extend(["--signer", "pkcs11"].map(Into::into));
            arguments.extend(token.arguments()?);
        }
    }
    let public: Public = program.ask(&folder.join(&home), &environment, &arguments)?;
    let key = public_key(&public).with_context(|| format!("the key of {name}"))?;
    let with_token = signer == SignerKind::Softhsm;
    let manifest = ValidatorManifest {
        id,
        name,
        home,
        signer,
        algorithm: public.algorithm,
        peer_id: public.peer_id,
        token_label: with_token.then_some(token_label),
        token: with_token.then_some(token_folder),
    };
    Ok(Made {
        manifest,
        environment,
        key,
    })
}

fn public_key(public: &Public) -> Result<PublicKey> {
    let algorithm = Algorithm::from_name(&public.algorithm).context("an algorithm")?;
    let bytes = data_encoding::HEXLOWER.decode(public.public_key.as_bytes())?;
    Ok(PublicKey::new(algorithm, bytes)?)
}

fn chain(made: &[Made], measured: Measured) -> Result<Chain> {
    let members = made.iter().map(|made| Validator {
        id: ValidatorId::new(made.manifest.id),
        power: VotingPower::new(1),
        key: made.key.clone(),
        declared: Declared {
            operator: made.manifest.name.clone(),
            hsm_vendor: made.manifest.signer.name().into(),
            ..Declared::default()
        },
    });
    let time = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .context("the clock is before 1970")?;
    Ok(Chain {
        id: format!(
            "testnet-{}",
            data_encoding::HEXLOWER.encode(&random::<4>()?)
        ),
        time_us: u64::try_from(time.as_micros())?,
        validators: ValidatorSet::new(members.collect())?,
        parameters: timers_for(measured),
    })
}

fn set_on_genesis(program: &Program, folder: &Path, made: &[Made]) -> Result<()> {
    let manifests: Vec<_> = made.iter().map(|made| &made.manifest).collect();
    let genesis = [
        "--genesis".to_owned(),
        folder.join(GENESIS_FILE).display().to_string(),
    ];
    for (made, addresses) in made.iter().zip(addresses(&manifests)?) {
        let arguments = [&["init".to_owned()], addresses.as_slice(), &genesis].concat();
        let home = folder.join(&made.manifest.home);
        program.ask::<Public>(&home, &made.environment, &arguments)?;
    }
    Ok(())
}

/// What each validator's `falaj init` is told of addresses, with ports that are free now.
///
/// # Errors
/// When there are no free ports.
pub fn addresses(validators: &[&ValidatorManifest]) -> Result<Vec<Vec<String>>> {
    let ports = ports::choose(validators.len().saturating_mul(2))?;
    let (transport, api) = ports.split_at(validators.len());
    let listen: Vec<_> = transport
        .iter()
        .map(|port| format!("/ip4/127.0.0.1/tcp/{port}"))
        .collect();
    let peers: Vec<_> = validators
        .iter()
        .zip(&listen)
        .map(|(validator, listen)| format!("{}={}@{listen}", validator.id, validator.peer_id))
        .collect();
    let of_one = |(number, (listen, api)): (usize, (&String, &u16))| {
        let mut arguments = vec![
            "--listen".into(),
            listen.clone(),
            "--api-listen".into(),
            format!("127.0.0.1:{api}"),
        ];
        let others = peers
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != number);
        arguments.extend(others.flat_map(|(_, peer)| ["--peer".to_owned(), peer.clone()]));
        arguments
    };
    Ok(listen.iter().zip(api).enumerate().map(of_one).collect())
}

fn participants(
    folder: &Path,
    key_files: Vec<(ParticipantNumber, PathBuf)>,
) -> Result<Vec<ParticipantManifest>> {
    let relative = |(number, path): (ParticipantNumber, PathBuf)| {
        let key_file = path
            .strip_prefix(folder)
            .context("a key outside its folder")?
            .into();
        Ok(ParticipantManifest {
            id: number.get(),
            key_file,
        })
    };
    key_files.into_iter().map(relative).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: whoever holds the folder goes on holding it.
    #[test]
    fn what_was_begun_is_removed_but_for_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(path("tokens/validator-1")).unwrap();
        for file in ["tokens/validator-1/pin", "genesis.json", LOCK_FILE] {
            std::fs::write(path(file), "").unwrap();
        }
        assert!(!is_empty(folder.path()).unwrap());
        clear(folder.path()).unwrap();
        assert!(is_empty(folder.path()).unwrap());
        assert!(path(LOCK_FILE).exists());
    }
}
