//! `falaj init`: makes a node's home, and sets it on a genesis.
//!
//! Two steps, because a genesis needs the public keys of all: first home, transport key and consensus key; then, with `--genesis`,
//! the logs and the explicit first record of the signing guard.
//! Invariant: everything that can be checked is checked before anything is written or made; what a stop leaves behind is gone on with by
//! the same command; nothing is overwritten but addresses and peers, and a flag that contradicts the home is refused.

mod flags;
mod new;
mod setting;

use clap::{Args, ValueEnum};
use falaj_consensus::crypto::PublicKey;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::{Failure, Scene, keys, print};
use crate::shell::config::{CONFIG_FILE, Config};
use crate::shell::whole::write_whole;
use setting::Setting;

/// Makes a node's home, or sets it on a genesis.
#[derive(Args)]
pub(super) struct Init {
    /// Id of the validator this node speaks for; without it the node only reads, and peers do not let it in yet.
    #[arg(long)]
    validator: Option<u32>,
    /// Where the consensus key signs.
    #[arg(long, value_enum, requires = "validator")]
    signer: Option<SignerKind>,
    /// The PKCS #11 library [default: /usr/lib/softhsm/libsofthsm2.so].
    #[arg(long)]
    module: Option<PathBuf>,
    /// Label of the token [default: falaj].
    #[arg(long)]
    token_label: Option<String>,
    /// Serial number of the token, where two have the label.
    #[arg(long)]
    token_serial: Option<String>,
    /// Label of the key [default: consensus].
    #[arg(long)]
    key_label: Option<String>,
    /// CKA_ID of the key, hexadecimal [default: 01].
    #[arg(long)]
    key_id: Option<String>,
    /// Algorithm of the consensus key [default: p256; in a file ed25519].
    #[arg(long)]
    algorithm: Option<String>,
    /// Where the PIN is: `file:PATH`, `credential:NAME`, `fd:N` or `prompt` [default: prompt].
    #[arg(long)]
    pin: Option<String>,
    /// Say that this is a development network, so that a software key may sign.
    #[arg(long)]
    development: bool,
    /// Address of the transport, `/ip4/…/tcp/…`.
    #[arg(long)]
    listen: Option<String>,
    /// Address of the API, loopback.
    #[arg(long)]
    api_listen: Option<SocketAddr>,
    /// A peer: `VALIDATOR=PEER_ID@ADDRESS`. May be repeated.
    #[arg(long = "peer", value_name = "PEER")]
    peers: Vec<String>,
    /// Set the home on this genesis: copies it, makes the logs and the guard's first record.
    #[arg(long)]
    genesis: Option<PathBuf>,
    /// The genesis does not name this validator: it follows, and comes in by a change of the validator set.
    #[arg(long, requires = "genesis")]
    newcomer: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum SignerKind {
    /// A PKCS #11 token.
    Pkcs11,
    /// A file, for development alone.
    Software,
}

impl Init {
    pub(super) fn run(&self, scene: &Scene) -> Result<(), Failure> {
        let home = &scene.home;
        let key = if home.join(CONFIG_FILE).exists() {
            self.change(scene)?
        } else {
            new::make(self, home)?
        };
        let config = Config::load(home)?;
        keys::show_public(scene, &config, key.as_ref())?;
        self.say_more(scene, &config);
        Ok(())
    }

    /// What goes with the public keys: the banner of a key that is in no hardware, and what to do next.
    fn say_more(&self, scene: &Scene, config: &Config) {
        let signer = config.validator.as_ref().map(|known| &known.signer);
        if let Some(banner) = signer.and_then(keys::test_banner)
            && self.genesis.is_none()
        {
            print::beside(banner);
        }
        if !scene.json {
            let set = scene.home.join(&config.paths.genesis).exists();
            print::line(&next_step(&scene.home, config, set));
        }
    }

    /// Takes over addresses and peers, and sets the home on a genesis. Gives the consensus key.
    fn change(&self, scene: &Scene) -> Result<Option<PublicKey>, Failure> {
        let home = &scene.home;
        let written = Config::read(&home.join(CONFIG_FILE))?;
        self.expect_same(&written)?;
        let edited = self.edit(written.clone())?;
        let effective = edited.in_environment()?;
        let setting = match &self.genesis {
            Some(file) => Some(Setting::check(home, &effective, file, self.newcomer)?),
            None => None,
        };
        if edited != written {
            write_whole(&home.join(CONFIG_FILE), text_of(&edited)?.as_bytes())
                .map_err(|error| Failure::new(Failure::DISK, error))?;
        }
        match setting {
            Some(setting) => setting.finish(home),
            None => keys::of_config(home, &effective),
        }
    }
}

/// What the operator does next.
fn next_step(home: &Path, config: &Config, set: bool) -> String {
    let home = home.display();
    let next = match (set, config.network.peers.is_empty()) {
        (true, false) => format!("`falaj start --home {home}`"),
        (true, true) => format!(
            "`falaj init --home {home} --peer VALIDATOR=PEER_ID@ADDRESS …` unless it is alone, then `falaj start --home {home}`"
        ),
        (false, _) => format!(
            "give these lines to whoever makes the genesis, then `falaj init --home {home} --genesis FILE --peer VALIDATOR=PEER_ID@ADDRESS …`"
        ),
    };
    format!("next         {next}")
}

fn text_of(config: &Config) -> Result<String, Failure> {
    config.to_toml().map_err(|error| Failure::new(70, error))
}
