//! `falaj keys`: makes the consensus key where it will stay, and shows what of the keys is public.

use clap::Subcommand;
use falaj_consensus::crypto::PublicKey;
use serde::Serialize;
use std::path::Path;

use super::{Failure, Scene, print};
use crate::shell::config::{Config, SignerConfig, SoftwareConfig, ValidatorConfig};
use crate::shell::keys::{read_transport_key, write_secret};

/// Makes and shows the node's keys.
#[derive(Subcommand)]
pub(super) enum Keys {
    /// Show what of the node's keys is public.
    Show,
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
        }
    }
}

/// Prints the public half of everything.
pub(super) fn show(scene: &Scene) -> Result<(), Failure> {
    let config = Config::load(&scene.home)?;
    let transport = read_transport_key(&scene.home.join(&config.paths.transport_key))?;
    let key = match &config.validator {
        Some(validator) => Some(public_key(&scene.home, validator)?),
        None => None,
    };
    let public = Public {
        validator: config.validator.as_ref().map(|validator| validator.id),
        algorithm: key.as_ref().map(|key| key.algorithm().name()),
        public_key: key
            .as_ref()
            .map(|key| data_encoding::HEXLOWER.encode(key.bytes())),
        fingerprint: key.as_ref().map(|key| key.fingerprint().to_hex()),
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

/// Makes the consensus key: inside the token, or in a file of a development node.
pub(super) fn generate(home: &Path, signer: &SignerConfig) -> Result<(), Failure> {
    match signer {
        SignerConfig::Pkcs11(config) => in_token::generate(home, config),
        SignerConfig::Software(config) => generate_in_file(home, config),
    }
}

fn generate_in_file(home: &Path, config: &SoftwareConfig) -> Result<(), Failure> {
    use ring::rand::SecureRandom as _;
    let mut seed = zeroize::Zeroizing::new([0_u8; 32]);
    ring::rand::SystemRandom::new()
        .fill(&mut *seed)
        .map_err(|_| Failure::new(70, "the system gives no random bytes"))?;
    write_secret(&home.join(&config.key_file), &*seed)?;
    Ok(())
}

/// The public half of the consensus key.
pub(super) fn public_key(home: &Path, validator: &ValidatorConfig) -> Result<PublicKey, Failure> {
    match &validator.signer {
        SignerConfig::Pkcs11(config) => in_token::public_key(home, config),
        SignerConfig::Software(config) => in_file::public_key(home, config),
    }
}

#[cfg(feature = "soft")]
mod in_file {
    use super::{Failure, Path, PublicKey, SoftwareConfig};
    use crate::shell::keys::software;

    pub(super) fn public_key(home: &Path, config: &SoftwareConfig) -> Result<PublicKey, Failure> {
        Ok(software::open(home, config)?.public_key().clone())
    }
}

#[cfg(not(feature = "soft"))]
mod in_file {
    use super::{Failure, Path, PublicKey, SoftwareConfig};
    use crate::shell::keys::SignerError;

    pub(super) fn public_key(_: &Path, _: &SoftwareConfig) -> Result<PublicKey, Failure> {
        Err(SignerError::NotBuilt("software").into())
    }
}

#[cfg(feature = "pkcs11")]
mod in_token {
    use super::{Failure, Path, PublicKey};
    use crate::shell::config::Pkcs11Config;
    use crate::shell::keys::token;
    use falaj_hsm::pkcs11::TokenAdmin;

    pub(super) fn generate(home: &Path, config: &Pkcs11Config) -> Result<(), Failure> {
        let admin = TokenAdmin::open(&token::token_config(home, config)?)?;
        admin.generate_key(token::algorithm(config)?, &token::key_name(config)?)?;
        Ok(())
    }

    pub(super) fn public_key(home: &Path, config: &Pkcs11Config) -> Result<PublicKey, Failure> {
        let admin = TokenAdmin::open(&token::token_config(home, config)?)?;
        Ok(admin.public_key(&token::key_name(config)?)?)
    }
}

#[cfg(not(feature = "pkcs11"))]
mod in_token {
    use super::{Failure, Path, PublicKey};
    use crate::shell::config::Pkcs11Config;
    use crate::shell::keys::SignerError;

    pub(super) fn generate(_: &Path, _: &Pkcs11Config) -> Result<(), Failure> {
        Err(SignerError::NotBuilt("pkcs11").into())
    }

    pub(super) fn public_key(_: &Path, _: &Pkcs11Config) -> Result<PublicKey, Failure> {
        Err(SignerError::NotBuilt("pkcs11").into())
    }
}
