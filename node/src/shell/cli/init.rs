//! `falaj init`: makes a node's home, and sets it on a genesis.
//!
//! Two steps, because a genesis needs the public keys of all: first home, transport key and consensus key; then, with `--genesis`,
//! the logs and the explicit first record of the signing guard. Neither ever overwrites anything.

use clap::{Args, ValueEnum};
use falaj_consensus::crypto::PublicKey;
use falaj_consensus::types::ValidatorId;
use falaj_hsm::{Backend, Identity};
use falaj_ledger::genesis::Genesis;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Failure, Scene, keys, print};
use crate::shell::binding::Subject;
use crate::shell::config::{
    CONFIG_FILE, Config, Paths, PeerSection, Pkcs11Config, SignerConfig, SoftwareConfig,
    ValidatorConfig,
};
use crate::shell::home::{
    Folders, HomeError, check_member, expect_settable, read_genesis, set_on_genesis,
};
use crate::shell::keys::{
    OpenedBackend, SharedBackend, make_transport_key, open_backend, read_transport_key,
    sign_deadline_ms,
};
use crate::shell::runtime::Clock;

/// Makes a node's home, or sets it on a genesis.
#[derive(Args)]
pub(super) struct Init {
    /// Id of the validator this node speaks for; without it the node only reads, and peers do not let it in yet.
    #[arg(long)]
    validator: Option<u32>,
    /// Where the consensus key signs.
    #[arg(long, value_enum, requires = "validator")]
    signer: Option<SignerKind>,
    /// The PKCS #11 library.
    #[arg(long, default_value = "/usr/lib/softhsm/libsofthsm2.so")]
    module: PathBuf,
    /// Label of the token.
    #[arg(long, default_value = "falaj")]
    token_label: String,
    /// Serial number of the token, where two have the label.
    #[arg(long)]
    token_serial: Option<String>,
    /// Label of the key.
    #[arg(long, default_value = "consensus")]
    key_label: String,
    /// CKA_ID of the key, hexadecimal.
    #[arg(long, default_value = "01")]
    key_id: String,
    /// Algorithm of the consensus key.
    #[arg(long, default_value = "p256")]
    algorithm: String,
    /// Where the PIN is: `file:PATH`, `credential:NAME`, `fd:N` or `prompt`.
    #[arg(long, default_value = "prompt")]
    pin: String,
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
        if !scene.home.join(CONFIG_FILE).exists() {
            self.make_home(&scene.home)?;
        }
        let edited = self.edit(&scene.home)?;
        let file = self.genesis.as_deref();
        let setting = file.map(|file| Setting::check(&scene.home, &edited, file));
        let setting = setting.transpose()?;
        write_config(&scene.home, &edited)?;
        if let Some(setting) = setting {
            setting.finish(&scene.home)?;
        }
        keys::show(scene)
    }

    fn make_home(&self, home: &Path) -> Result<(), Failure> {
        let config = Config {
            validator: self.validator_config()?,
            ..Config::default()
        };
        config.check()?;
        std::fs::create_dir_all(home).map_err(|error| Failure::new(Failure::DISK, error))?;
        make_transport_key(&home.join(&config.paths.transport_key))?;
        if let Some(validator) = &config.validator {
            keys::generate(home, &validator.signer)?;
        }
        write_config(home, &config)
    }

    fn validator_config(&self) -> Result<Option<ValidatorConfig>, Failure> {
        let Some(id) = self.validator else {
            return Ok(None);
        };
        let signer = match self.signer {
            Some(SignerKind::Pkcs11) => SignerConfig::Pkcs11(Pkcs11Config {
                module: self.module.clone(),
                module_sha256: None,
                token_label: self.token_label.clone(),
                token_serial: self.token_serial.clone(),
                key_label: self.key_label.clone(),
                key_id: self.key_id.clone(),
                algorithm: self.algorithm.clone(),
                pin: self.pin.clone(),
                fips_strict: false,
                sign_deadline_ms: None,
            }),
            Some(SignerKind::Software) => SignerConfig::Software(SoftwareConfig {
                key_file: "consensus.key".into(),
                development: self.development,
            }),
            None => {
                return Err(Failure::new(
                    Failure::USAGE,
                    "a validator needs --signer pkcs11 or --signer software",
                ));
            }
        };
        Ok(Some(ValidatorConfig { id, signer }))
    }

    /// Takes over addresses and peers of the command line.
    fn edit(&self, home: &Path) -> Result<Config, Failure> {
        let mut config = Config::load(home)?;
        if let Some(listen) = &self.listen {
            config.network.listen.clone_from(listen);
        }
        if let Some(listen) = self.api_listen {
            config.api.listen = listen;
        }
        if !self.peers.is_empty() {
            config.network.peers = self
                .peers
                .iter()
                .map(|text| parse_peer(text))
                .collect::<Result<_, _>>()?;
        }
        config.check()?;
        Ok(config)
    }
}

fn parse_peer(text: &str) -> Result<PeerSection, Failure> {
    let parse = || {
        let (validator, rest) = text.split_once('=')?;
        let (peer_id, address) = match rest.split_once('@') {
            Some((peer_id, address)) => (peer_id, Some(address.to_owned())),
            None => (rest, None),
        };
        Some(PeerSection {
            validator: validator.parse().ok()?,
            peer_id: peer_id.into(),
            address,
        })
    };
    parse().ok_or_else(|| {
        Failure::new(
            Failure::USAGE,
            format!("{text} is not VALIDATOR=PEER_ID@ADDRESS"),
        )
    })
}

fn write_config(home: &Path, config: &Config) -> Result<(), Failure> {
    let text = config.to_toml().map_err(|error| Failure::new(70, error))?;
    let draft = home.join("config.draft");
    std::fs::write(&draft, text)
        .and_then(|()| std::fs::rename(&draft, home.join(CONFIG_FILE)))
        .map_err(|error| Failure::new(Failure::DISK, error))
}

/// A home that can be set on a genesis: everything that can be checked before is.
struct Setting {
    config: Config,
    genesis: Genesis,
    key: Option<PublicKey>,
    backend: Option<SharedBackend>,
}

impl Setting {
    fn check(home: &Path, config: &Config, file: &Path) -> Result<Self, Failure> {
        let genesis = read_genesis(file)?;
        expect_settable(home, config, &genesis)?;
        let mut setting = Self {
            config: config.clone(),
            genesis,
            key: None,
            backend: None,
        };
        if let Some(validator) = &config.validator {
            let (signer, genesis) = (&validator.signer, &setting.genesis);
            let deadline_ms = sign_deadline_ms(signer, &genesis.parameters)?;
            let key = keys::public_key(home, validator)?;
            check_member(genesis, validator.id, &key)?;
            let OpenedBackend { backend, .. } = open_backend(home, signer, &key, deadline_ms)?;
            setting.backend = Some(backend);
            setting.key = Some(key);
        }
        Ok(setting)
    }

    fn finish(&self, home: &Path) -> Result<(), Failure> {
        let Self {
            config, genesis, ..
        } = self;
        set_on_genesis(home, config, genesis, self.key.as_ref())?;
        if let (Some(validator), Some(backend)) = (&config.validator, &self.backend) {
            if let Some(banner) = backend.test_banner() {
                print::warning(banner);
            }
            vouch(home, &config.paths, validator.id, genesis, &**backend)?;
        }
        Ok(())
    }
}

/// Has the consensus key vouch for the transport key, while the HSM is at hand.
fn vouch(
    home: &Path,
    paths: &Paths,
    validator: u32,
    genesis: &Genesis,
    backend: &(dyn Backend + Send + Sync),
) -> Result<(), Failure> {
    let (chain, now) = (genesis.chain(), Clock::start().now());
    let transport = read_transport_key(&home.join(&paths.transport_key))?;
    let identity = Identity {
        chain: chain.clone(),
        key: backend.public_key().clone(),
    };
    let set = Arc::new(genesis.validators.clone());
    let (mut signer, _) = Folders::take(home, paths)?.open_signer(now, identity, &[set])?;
    let subject = Subject {
        chain: &chain,
        validator: ValidatorId::new(validator),
        key: backend.public_key(),
        transport_key: transport.public().to_peer_id().to_bytes(),
    };
    let file = home.join(&paths.transport_binding);
    let vouched = subject.vouch(&file, &mut signer, backend, now);
    if vouched.map_err(HomeError::from)?.is_none() {
        print::warning(
            "the HSM did not vouch for the transport key; the node asks again when it starts",
        );
    }
    Ok(())
}
