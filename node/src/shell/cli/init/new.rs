//! Makes a home that is not there yet: configuration, transport key and, last, the consensus key.
//!
//! Order: all checks, the token's login among them; the folder; the transport key; the configuration under another name; the consensus
//! key; the configuration's own name. Each is on disk before the next.
//! Invariant: a key is made only for a configuration that is on disk, so whatever stops this, the same command goes on with what is there:
//! a transport key is used as it stands, and a key in the token is taken over if an unfinished configuration asked for just that key.

use falaj_consensus::crypto::PublicKey;
use std::path::Path;

use super::{Init, text_of};
use crate::shell::cli::keys::NewKey;
use crate::shell::cli::{Failure, keys};
use crate::shell::config::{CONFIG_FILE, Config, ValidatorConfig};
use crate::shell::home::{expect_settable, first_trace, read_genesis, set_on_genesis};
use crate::shell::keys::{make_transport_key, read_transport_key};
use crate::shell::whole::{rename_synced, write_whole};

/// The configuration of a home whose making was begun.
const UNFINISHED_FILE: &str = "config.unfinished";

/// Makes the home, and sets one that only reads on its genesis. Gives the consensus key.
pub(super) fn make(init: &Init, home: &Path) -> Result<Option<PublicKey>, Failure> {
    let config = init.new_config()?;
    let effective = config.in_environment()?;
    expect_none(home, &effective)?;
    let genesis = init.genesis.as_deref().map(read_genesis).transpose()?;
    if let Some(genesis) = &genesis {
        expect_no_key_needed(&config)?;
        expect_settable(home, &effective, genesis)?;
    }
    let transport = home.join(&effective.paths.transport_key);
    let has_transport = transport.exists();
    if has_transport {
        read_transport_key(&transport)?;
    }
    let signer = effective.validator.as_ref().map(|known| &known.signer);
    let resumed = was_begun(home, config.validator.as_ref());
    let key = signer.map(|signer| NewKey::check(home, signer, resumed));
    let key = key.transpose()?;

    std::fs::create_dir_all(home).map_err(disk)?;
    if !has_transport {
        make_transport_key(&transport)?;
    }
    let unfinished = home.join(UNFINISHED_FILE);
    write_whole(&unfinished, text_of(&config)?.as_bytes()).map_err(disk)?;
    if let Some(key) = key {
        key.make()?;
    }
    rename_synced(&unfinished, &home.join(CONFIG_FILE)).map_err(disk)?;
    if let Some(genesis) = &genesis {
        set_on_genesis(home, &effective, genesis, None)?;
    }
    keys::of_config(home, &effective)
}

/// A home without its configuration may still be one whose key has signed.
fn expect_none(home: &Path, config: &Config) -> Result<(), Failure> {
    let Some(trace) = first_trace(home, &config.paths)? else {
        return Ok(());
    };
    let text = format!(
        "{} shows that this home was set on a genesis before, and its {CONFIG_FILE} is gone",
        trace.display()
    );
    Err(Failure::new(Failure::CONFIG, text).fix(
        "put the configuration back; never make such a home anew, because its key may have signed",
    ))
}

/// A key that is made now is in no genesis that is there already.
fn expect_no_key_needed(config: &Config) -> Result<(), Failure> {
    if config.validator.is_none() {
        return Ok(());
    }
    let text = "the genesis cannot have the key of a validator that is only made now";
    Err(Failure::new(Failure::CONFIG, text).fix(
        "run the same without --genesis; give what it prints to whoever makes the genesis; then `falaj init --genesis FILE`",
    ))
}

/// Whether a making for just this key was begun here.
fn was_begun(home: &Path, wanted: Option<&ValidatorConfig>) -> bool {
    let begun = Config::read(&home.join(UNFINISHED_FILE)).ok();
    begun.is_some_and(|begun| wanted.is_some() && begun.validator.as_ref() == wanted)
}

fn disk(error: std::io::Error) -> Failure {
    Failure::new(Failure::DISK, error)
}
