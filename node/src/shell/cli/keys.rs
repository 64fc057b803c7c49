//! `falaj keys`: makes the consensus key where it will stay, and shows what of the keys is public.
//!
//! Invariant: no private key leaves its place, none is overwritten or deleted, and none is made unless a person asked for it.
//! Source: `docs/spec/hsm.md`, "Keys"; `docs/runbook/hsm.md`.

mod possession;
#[cfg(feature = "pkcs11")]
mod token;

use clap::{Args, Subcommand};
use falaj_consensus::crypto::PublicKey;
use serde::Serialize;
use std::path::{Path, PathBuf};

use super::{Failure, Scene, print};
use crate::shell::config::{Config, Pkcs11Config, SignerConfig, SoftwareConfig, ValidatorConfig};
use crate::shell::keys::{KeyFileError, configured_key, read_transport_key, write_secret};

/// Makes and shows the node's keys.
#[derive(Subcommand)]
pub(super) enum Keys {
    /// Show what of the node's keys is public.
    Show,
    /// List the private keys of the token, by what is public of them.
    List,
    /// Make a key inside the token; the configuration is not changed.
    Generate(Generate),
    /// Prove that a key is held which a change of the validator set gives this validator: prints the change with the proof in it.
    Possession(possession::Prove),
}

/// Which key is meant; what is absent is as the configuration says.
#[derive(Args)]
pub(super) struct Generate {
    /// Label of the key.
    #[arg(long)]
    key_label: Option<String>,
    /// CKA_ID of the key, hexadecimal.
    #[arg(long)]
    key_id: Option<String>,
    /// Algorithm of the key.
    #[arg(long)]
    algorithm: Option<String>,
}

#[derive(Serialize)]
struct Public {
    validator: Option<u32>,
    algorithm: Option<&'static str>,
    public_key: Option<String>,
    fingerprint: Option<String>,
    peer_id: String,
}

impl Keys {
    pub(super) fn run(&self, scene: &Scene) -> Result<(), Failure> {
        match self {
            Self::Show => show(scene),
            Self::List => in_token::list(scene, &pkcs11_config(scene)?),
            Self::Generate(new) => {
                in_token::generate_and_show(scene, &new.over(pkcs11_config(scene)?))
            }
            Self::Possession(prove) => prove.run(scene),
        }
    }
}

impl Generate {
    /// Whether it names another key than the configuration at all.
    const fn names_any(&self) -> bool {
        self.key_label.is_some() || self.key_id.is_some() || self.algorithm.is_some()
    }

    /// The configuration with what the command line says of the new key.
    fn over(&self, mut config: Pkcs11Config) -> Pkcs11Config {
        let Self {
            key_label,
            key_id,
            algorithm,
        } = self;
        for (value, place) in [
            (key_label, &mut config.key_label),
            (key_id, &mut config.key_id),
            (algorithm, &mut config.algorithm),
        ] {
            if let Some(value) = value {
                place.clone_from(value);
            }
        }
        config
    }
}

/// The token of the configuration. A key in a file is made by `init`, once.
fn pkcs11_config(scene: &Scene) -> Result<Pkcs11Config, Failure> {
    let refused = |why: &'static str| Failure::new(Failure::CONFIG, why);
    let validator = Config::load(&scene.home)?.validator;
    let validator = validator.ok_or_else(|| refused("this node only follows: it has no key"))?;
    match validator.signer {
        SignerConfig::Pkcs11(config) => Ok(config),
        SignerConfig::Software(_) => Err(refused(
            "TEST: the key of this node is in a file that `falaj init` made; there is no token",
        )),
    }
}

/// Prints the public half of everything.
fn show(scene: &Scene) -> Result<(), Failure> {
    let config = Config::load(&scene.home)?;
    let key = of_config(&scene.home, &config)?;
    show_public(scene, &config, key.as_ref())
}

/// What is shown with a key that is in no hardware; of a token the token itself says it.
pub(super) const fn test_banner(signer: &SignerConfig) -> Option<&'static str> {
    match signer {
        SignerConfig::Pkcs11(_) => None,
        SignerConfig::Software(_) => in_file::BANNER,
    }
}

/// The public half of the consensus key that a configuration names, if it names one.
pub(super) fn of_config(home: &Path, config: &Config) -> Result<Option<PublicKey>, Failure> {
    let validator = config.validator.as_ref();
    validator.map(|known| public_key(home, known)).transpose()
}

/// Prints the public half of everything, of a key that is known already.
pub(super) fn show_public(
    scene: &Scene,
    config: &Config,
    key: Option<&PublicKey>,
) -> Result<(), Failure> {
    let transport = read_transport_key(&scene.home.join(&config.paths.transport_key))?;
    let public = Public {
        validator: config.validator.as_ref().map(|validator| validator.id),
        algorithm: key.map(|key| key.algorithm().name()),
        public_key: key.map(|key| data_encoding::HEXLOWER.encode(key.bytes())),
        fingerprint: key.map(|key| key.fingerprint().to_hex()),
        peer_id: transport.public().to_peer_id().to_string(),
    };
    if scene.json {
        print::json(&public);
        return Ok(());
    }
    if let (Some(id), Some(algorithm), Some(key)) =
        (public.validator, public.algorithm, &public.public_key)
    {
        print::line(&format!("validator    {id}"));
        print::line(&format!("algorithm    {algorithm}"));
        print::line(&format!("public key   {key}"));
    }
    print::line(&format!("peer id      {}", public.peer_id));
    Ok(())
}

/// A consensus key that can be made: everything that can be checked before is.
pub(super) enum NewKey {
    /// Inside a token, with its login done.
    Token(Box<in_token::NewKey>),
    /// In a file of a development node.
    File(PathBuf),
    /// An unfinished `init` has made it.
    Made,
}

impl NewKey {
    /// Checks that it can be made. `resumed` says that an unfinished `init` may have made it.
    pub(super) fn check(
        home: &Path,
        signer: &SignerConfig,
        resumed: bool,
    ) -> Result<Self, Failure> {
        match signer {
            SignerConfig::Pkcs11(config) => {
                let key = in_token::NewKey::check(home, config, resumed)?;
                Ok(key.map_or(Self::Made, |key| Self::Token(Box::new(key))))
            }
            SignerConfig::Software(config) => Self::check_file(home, config, resumed),
        }
    }

    fn check_file(home: &Path, config: &SoftwareConfig, resumed: bool) -> Result<Self, Failure> {
        in_file::expect_built()?;
        let path = home.join(&config.key_file);
        if !path.exists() {
            return Ok(Self::File(path));
        }
        if resumed {
            configured_key(home, &SignerConfig::Software(config.clone()))?;
            return Ok(Self::Made);
        }
        let source = std::io::ErrorKind::AlreadyExists.into();
        Err(KeyFileError::File { path, source }.into())
    }

    /// Makes it.
    pub(super) fn make(self) -> Result<(), Failure> {
        match self {
            Self::Token(key) => key.make().map(drop),
            Self::File(path) => generate_in_file(&path),
            Self::Made => Ok(()),
        }
    }
}

fn generate_in_file(path: &Path) -> Result<(), Failure> {
    use ring::rand::SecureRandom as _;
    let mut seed = zeroize::Zeroizing::new([0_u8; 32]);
    ring::rand::SystemRandom::new()
        .fill(&mut *seed)
        .map_err(|_| Failure::new(70, "the system gives no random bytes"))?;
    write_secret(path, &*seed)?;
    Ok(())
}

/// The public half of the consensus key.
pub(super) fn public_key(home: &Path, validator: &ValidatorConfig) -> Result<PublicKey, Failure> {
    Ok(configured_key(home, &validator.signer)?)
}

#[cfg(feature = "soft")]
mod in_file {
    use super::Failure;

    pub(super) const BANNER: Option<&str> = Some(falaj_hsm::soft::TEST_BANNER);

    pub(super) const fn expect_built() -> Result<(), Failure> {
        Ok(())
    }
}

#[cfg(not(feature = "soft"))]
mod in_file {
    use super::Failure;
    use crate::shell::keys::SignerError;

    pub(super) const BANNER: Option<&str> = None;

    pub(super) fn expect_built() -> Result<(), Failure> {
        Err(SignerError::NotBuilt("software").into())
    }
}

#[cfg(feature = "pkcs11")]
use token as in_token;

#[cfg(not(feature = "pkcs11"))]
mod in_token {
    use super::{Failure, Path, Pkcs11Config, Scene};
    use crate::shell::keys::SignerError;

    pub(super) fn list(_: &Scene, _: &Pkcs11Config) -> Result<(), Failure> {
        Err(SignerError::NotBuilt("pkcs11").into())
    }

    pub(super) fn generate_and_show(_: &Scene, _: &Pkcs11Config) -> Result<(), Failure> {
        Err(SignerError::NotBuilt("pkcs11").into())
    }

    pub(in crate::shell::cli) enum NewKey {}

    impl NewKey {
        pub(super) fn check(_: &Path, _: &Pkcs11Config, _: bool) -> Result<Option<Self>, Failure> {
            Err(SignerError::NotBuilt("pkcs11").into())
        }

        pub(super) fn make(self) -> Result<(), Failure> {
            match self {}
        }
    }
}
