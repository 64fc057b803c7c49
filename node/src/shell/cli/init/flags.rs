//! What the flags of `falaj init` say: of a new home, and against one that is there.
//!
//! Invariant: a flag is either taken over or refused, never passed over in silence.

use std::path::{Path, PathBuf};

use super::{Init, SignerKind};
use crate::shell::cli::Failure;
use crate::shell::config::{
    Config, PeerSection, Pkcs11Config, SignerConfig, SoftwareConfig, ValidatorConfig,
};

/// A flag, what the command line gives for it, and what the home has.
type Compared = (&'static str, Option<String>, Option<String>);

impl Init {
    /// The configuration of a new home.
    pub(super) fn new_config(&self) -> Result<Config, Failure> {
        let validator = match self.validator {
            Some(id) => {
                let signer = self.new_signer()?;
                Some(ValidatorConfig { id, signer })
            }
            None => None,
        };
        let config = Config {
            validator,
            ..Config::default()
        };
        self.expect_same(&config)?;
        let config = self.edit(config)?;
        config.check()?;
        Ok(config)
    }

    fn new_signer(&self) -> Result<SignerConfig, Failure> {
        let or = |given: &Option<String>, default: &str| given.clone().unwrap_or(default.into());
        let module = || PathBuf::from("/usr/lib/softhsm/libsofthsm2.so");
        match self.signer {
            Some(SignerKind::Pkcs11) => Ok(SignerConfig::Pkcs11(Pkcs11Config {
                module: self.module.clone().unwrap_or_else(module),
                module_sha256: None,
                token_label: or(&self.token_label, "falaj"),
                token_serial: self.token_serial.clone(),
                key_label: or(&self.key_label, "consensus"),
                key_id: or(&self.key_id, "01"),
                algorithm: or(&self.algorithm, "p256"),
                pin: or(&self.pin, "prompt"),
                fips_strict: false,
                sign_deadline_ms: None,
            })),
            Some(SignerKind::Software) => Ok(SignerConfig::Software(SoftwareConfig {
                key_file: "consensus.key".into(),
                development: self.development,
            })),
            None => Err(Failure::new(
                Failure::USAGE,
                "a validator needs --signer pkcs11 or --signer software",
            )),
        }
    }

    /// Refuses flags that say something else than the configuration of the home.
    pub(super) fn expect_same(&self, config: &Config) -> Result<(), Failure> {
        for (flag, given, has) in self.compared(config) {
            if given.is_some() && given != has {
                let (given, has) = (
                    given.unwrap_or_default(),
                    has.unwrap_or_else(|| "none".into()),
                );
                let text = format!("--{flag} {given} contradicts this home, which has {has}");
                return Err(Failure::new(Failure::CONFIG, text).fix(
                    "leave the flag out, or make another home; what a home was made with is changed in its config.toml alone",
                ));
            }
        }
        Ok(())
    }

    fn compared(&self, config: &Config) -> [Compared; 10] {
        let path = |path: &Path| path.display().to_string();
        let (token, software) = match config.validator.as_ref().map(|known| &known.signer) {
            Some(SignerConfig::Pkcs11(token)) => (Some(token), None),
            Some(SignerConfig::Software(software)) => (None, Some(software)),
            None => (None, None),
        };
        let of_token = |field: fn(&Pkcs11Config) -> &String| token.map(field).cloned();
        let signer = match (token, software) {
            (Some(_), _) => Some("pkcs11".into()),
            (None, Some(_)) => Some("software".into()),
            (None, None) => None,
        };
        let algorithm = software.map(|_| "ed25519".to_owned());
        [
            (
                "validator",
                self.validator.map(|id| id.to_string()),
                config.validator.as_ref().map(|known| known.id.to_string()),
            ),
            ("signer", self.signer.map(|kind| kind.name().into()), signer),
            (
                "module",
                self.module.as_deref().map(path),
                token.map(|token| path(&token.module)),
            ),
            (
                "token-label",
                self.token_label.clone(),
                of_token(|token| &token.token_label),
            ),
            (
                "token-serial",
                self.token_serial.clone(),
                token.and_then(|token| token.token_serial.clone()),
            ),
            (
                "key-label",
                self.key_label.clone(),
                of_token(|token| &token.key_label),
            ),
            (
                "key-id",
                self.key_id.clone(),
                of_token(|token| &token.key_id),
            ),
            (
                "algorithm",
                self.algorithm.clone(),
                of_token(|token| &token.algorithm).or(algorithm),
            ),
            ("pin", self.pin.clone(), of_token(|token| &token.pin)),
            (
                "development",
                self.development.then(|| "true".into()),
                software.map(|software| software.development.to_string()),
            ),
        ]
    }

    /// Takes over addresses and peers.
    pub(super) fn edit(&self, mut config: Config) -> Result<Config, Failure> {
        if let Some(listen) = &self.listen {
            config.network.listen.clone_from(listen);
        }
        if let Some(listen) = self.api_listen {
            config.api.listen = listen;
        }
        if !self.peers.is_empty() {
            let peers = self.peers.iter().map(|text| parse_peer(text));
            config.network.peers = peers.collect::<Result<_, _>>()?;
        }
        // Who comes to a chain that is there need not execute all of it.
        config.snapshot.join |= self.newcomer;
        config.check()?;
        Ok(config)
    }
}

impl SignerKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Pkcs11 => "pkcs11",
            Self::Software => "software",
        }
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
