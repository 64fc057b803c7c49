//! The node's keys: the consensus key behind its backend, and the transport key in its file.
//!
//! Invariant: the consensus key is never read here; the transport key moves no money and signs no vote, its file is its owner's alone.
//! Source: `docs/spec/hsm.md`; `docs/spec/threat-model.md`, "5. Keys".

use falaj_consensus::crypto::PublicKey;
use falaj_consensus::params::Parameters;
use falaj_hsm::{Backend, BackendError, sign_deadline_ms_max};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::config::SignerConfig;
use super::network::Keypair;
use super::whole::write_new_secret;

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be read or made.
    #[error("cannot use {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// Others than its owner may read it.
    #[error("{} can be read by others than its owner (mode {mode:o}); chmod 600 it", path.display())]
    Permissions {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It holds no key.
    #[error("{} holds no key of its form", path.display())]
    Form {
        /// The file.
        path: PathBuf,
    },
}

/// Reads a secret file that only its owner may read.
///
/// # Errors
/// [`KeyFileError`].
pub fn read_secret(path: &Path) -> Result<zeroize::Zeroizing<Vec<u8>>, KeyFileError> {
    let failed = |source| KeyFileError::File {
        path: path.into(),
        source,
    };
    let mut file = std::fs::File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::Permissions {
            path: path.into(),
            mode,
        });
    }
    let mut bytes = zeroize::Zeroizing::new(Vec::new());
    file.read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// Writes a new secret file for its owner alone.
///
/// # Errors
/// [`KeyFileError::File`], also when it exists already.
pub fn write_secret(path: &Path, bytes: &[u8]) -> Result<(), KeyFileError> {
    let failed = |source| KeyFileError::File {
        path: path.into(),
        source,
    };
    write_new_secret(path, bytes).map_err(failed)
}

/// Makes the transport key of a new node.
///
/// # Errors
/// [`KeyFileError`].
pub fn make_transport_key(path: &Path) -> Result<Keypair, KeyFileError> {
    let key = Keypair::generate_ed25519();
    let bytes = key
        .to_protobuf_encoding()
        .map_err(|_| KeyFileError::Form { path: path.into() })?;
    write_secret(path, &zeroize::Zeroizing::new(bytes))?;
    Ok(key)
}

/// Reads the transport key.
///
/// # Errors
/// [`KeyFileError`].
pub fn read_transport_key(path: &Path) -> Result<Keypair, KeyFileError> {
    let bytes = read_secret(path)?;
    Keypair::from_protobuf_encoding(&bytes).map_err(|_| KeyFileError::Form { path: path.into() })
}

/// A backend with its public key, and the banner that goes with it if it is no HSM.
pub type SharedBackend = Arc<dyn Backend + Send + Sync>;

/// Why the consensus key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    /// The key's file.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// The token.
    #[cfg(feature = "pkcs11")]
    #[error(transparent)]
    Token(#[from] falaj_hsm::pkcs11::TokenError),
    /// The token, as it answered.
    #[cfg(feature = "pkcs11")]
    #[error("the HSM cannot be used: {0}")]
    Backend(#[source] BackendError),
    /// A value of the configuration.
    #[error("validator.signer.{key}: {reason}")]
    Config {
        /// The key.
        key: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// This build has no such backend.
    #[error("this build has no {0} backend")]
    NotBuilt(&'static str),
}

/// A backend as it was opened.
pub struct OpenedBackend {
    /// The backend.
    pub backend: SharedBackend,
    /// Why its HSM gives no signatures yet, if it is away; it comes back by itself.
    pub away: Option<BackendError>,
}

/// How long a signature may take on a chain with these parameters: what the configuration says, if the timers leave room for it.
///
/// # Errors
/// [`SignerError::Config`] for a deadline that they do not leave room for.
pub fn sign_deadline_ms(
    config: &SignerConfig,
    parameters: &Parameters,
) -> Result<u64, SignerError> {
    let max_ms = sign_deadline_ms_max(parameters);
    let configured = match config {
        SignerConfig::Pkcs11(config) => config.sign_deadline_ms,
        SignerConfig::Software(_) => None,
    };
    match configured {
        None => Ok(max_ms),
        Some(ms) if (1..=max_ms).contains(&ms) => Ok(ms),
        Some(ms) => Err(SignerError::Config {
            key: "sign_deadline_ms",
            reason: format!(
                "{ms} ms, but the timers of this chain leave 1 to {max_ms} ms for a signature; without the key it is {max_ms}"
            ),
        }),
    }
}

/// Opens the backend of a validator. `public` is the key that the genesis gives it, `sign_deadline_ms` the longest call of a signature.
///
/// # Errors
/// [`SignerError`].
pub fn open_backend(
    home: &Path,
    config: &SignerConfig,
    public: &PublicKey,
    sign_deadline_ms: u64,
) -> Result<OpenedBackend, SignerError> {
    match config {
        SignerConfig::Pkcs11(config) => token::open(home, config, public, sign_deadline_ms),
        SignerConfig::Software(config) => Ok(OpenedBackend {
            backend: software::open(home, config)?,
            away: None,
        }),
    }
}

/// The public half of the key that a configuration names, asked of its place.
///
/// # Errors
/// [`SignerError`].
pub fn configured_key(home: &Path, config: &SignerConfig) -> Result<PublicKey, SignerError> {
    match config {
        SignerConfig::Pkcs11(config) => token::public_key(home, config),
        SignerConfig::Software(config) => Ok(software::open(home, config)?.public_key().clone()),
    }
}

#[cfg(feature = "soft")]
pub mod software {
    //! A key in a file, for development alone.

    use super::{KeyFileError, SharedBackend, SignerError, read_secret};
    use crate::shell::config::SoftwareConfig;
    use falaj_hsm::soft::SoftBackend;
    use std::path::Path;
    use std::sync::Arc;

    /// Reads the key and makes the backend.
    ///
    /// # Errors
    /// [`SignerError`].
    pub fn open(home: &Path, config: &SoftwareConfig) -> Result<SharedBackend, SignerError> {
        let path = home.join(&config.key_file);
        let bytes = read_secret(&path)?;
        let seed =
            <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| KeyFileError::Form { path })?;
        Ok(Arc::new(SoftBackend::from_seed(&zeroize::Zeroizing::new(
            seed,
        ))))
    }
}

#[cfg(not(feature = "soft"))]
mod software {
    use super::{SharedBackend, SignerError};
    use crate::shell::config::SoftwareConfig;
    use std::path::Path;

    pub(super) fn open(_: &Path, _: &SoftwareConfig) -> Result<SharedBackend, SignerError> {
        Err(SignerError::NotBuilt("software"))
    }
}

#[cfg(feature = "pkcs11")]
pub mod token {
    //! A key in a PKCS #11 token.

    use super::{OpenedBackend, SignerError};
    use crate::shell::config::Pkcs11Config;
    use falaj_consensus::crypto::{Algorithm, PublicKey};
    use falaj_consensus::types::Hash32;
    use falaj_hsm::pkcs11::{
        KeyConfig, KeyName, Limits, PinSource, Pkcs11Backend, TokenAdmin, TokenConfig, TokenName,
    };
    use falaj_hsm::{BackendError, Outlook};
    use std::error::Error as _;
    use std::path::Path;
    use std::sync::Arc;

    /// Starts the backend; it logs in and looks for the key by itself, and again when the token comes back.
    ///
    /// # Errors
    /// [`SignerError`].
    pub fn open(
        home: &Path,
        config: &Pkcs11Config,
        public: &PublicKey,
        sign_deadline_ms: u64,
    ) -> Result<OpenedBackend, SignerError> {
        expect_algorithm(config, public)?;
        let key = KeyConfig {
            name: key_name(config)?,
            public_key: public.clone(),
            fips_strict: config.fips_strict,
            hardware_only: false,
        };
        let limits = Limits {
            sign_deadline_ms,
            ..Limits::default()
        };
        let backend = Pkcs11Backend::start(token_config(home, config)?, key, limits)?;
        let away = wait_for(&backend)?;
        Ok(OpenedBackend {
            backend: Arc::new(backend),
            away,
        })
    }

    /// The public half of the key, which must be of the algorithm that the configuration states.
    ///
    /// # Errors
    /// [`SignerError`].
    pub fn public_key(home: &Path, config: &Pkcs11Config) -> Result<PublicKey, SignerError> {
        let name = key_name(config)?;
        algorithm(config)?;
        let key = TokenAdmin::open(&token_config(home, config)?)?.public_key(&name)?;
        expect_algorithm(config, &key)?;
        Ok(key)
    }

    /// Waits for the first session. What only a person can change ends the start; a token that is away is waited for at work.
    fn wait_for(backend: &Pkcs11Backend) -> Result<Option<BackendError>, SignerError> {
        match backend.wait_ready() {
            Ok(()) => Ok(None),
            Err(error) if error.fault.outlook() == Outlook::Person => {
                Err(SignerError::Backend(error))
            }
            Err(error) => {
                let reason = error.source().map(ToString::to_string).unwrap_or_default();
                tracing::warn!(%error, reason, "the HSM is away: this node follows, and votes once it is back");
                Ok(Some(error))
            }
        }
    }

    /// Which token, as the library is told.
    ///
    /// # Errors
    /// [`SignerError::Config`].
    pub fn token_config(home: &Path, config: &Pkcs11Config) -> Result<TokenConfig, SignerError> {
        let hash = |text: &String| {
            Hash32::from_hex(text).ok_or_else(|| {
                wrong(
                    "module_sha256",
                    "64 lower-case hexadecimal digits are needed",
                )
            })
        };
        Ok(TokenConfig {
            module: config.module.clone(),
            module_sha256: config.module_sha256.as_ref().map(hash).transpose()?,
            token: token_name(config),
            pin: pin_source(home, &config.pin)?,
            try_pin_at_risk: false,
        })
    }

    fn token_name(config: &Pkcs11Config) -> TokenName {
        let label = config.token_label.clone();
        match config.token_serial.clone() {
            Some(serial) => TokenName::LabelAndSerial { label, serial },
            None => TokenName::Label(label),
        }
    }

    /// Which key.
    ///
    /// # Errors
    /// [`SignerError::Config`].
    pub fn key_name(config: &Pkcs11Config) -> Result<KeyName, SignerError> {
        let id = data_encoding::HEXLOWER_PERMISSIVE.decode(config.key_id.as_bytes());
        let id = id.map_err(|_| wrong("key_id", "hexadecimal digits are needed"))?;
        Ok(KeyName {
            label: config.key_label.clone(),
            id,
        })
    }

    /// Which algorithm.
    ///
    /// # Errors
    /// [`SignerError::Config`].
    pub fn algorithm(config: &Pkcs11Config) -> Result<Algorithm, SignerError> {
        Algorithm::from_name(&config.algorithm)
            .ok_or_else(|| wrong("algorithm", "no such algorithm"))
    }

    /// Refuses a key of another algorithm than the configuration states.
    ///
    /// # Errors
    /// [`SignerError::Config`].
    pub fn expect_algorithm(config: &Pkcs11Config, key: &PublicKey) -> Result<(), SignerError> {
        let (stated, found) = (algorithm(config)?, key.algorithm());
        if stated == found {
            return Ok(());
        }
        let reason = format!("the key is {}, not {}", found.name(), stated.name());
        Err(wrong("algorithm", &reason))
    }

    fn pin_source(home: &Path, text: &str) -> Result<PinSource, SignerError> {
        let refused = || {
            wrong(
                "pin",
                "file:PATH, credential:NAME, fd:N or prompt is needed, never the PIN itself",
            )
        };
        match text.split_once(':') {
            Some(("file", path)) => Ok(PinSource::File(home.join(path))),
            Some(("credential", name)) => Ok(PinSource::Credential(name.into())),
            Some(("fd", number)) => number
                .parse()
                .map(PinSource::Descriptor)
                .map_err(|_| refused()),
            None if text == "prompt" => Ok(PinSource::Prompt),
            Some(_) | None => Err(refused()),
        }
    }

    fn wrong(key: &'static str, reason: &str) -> SignerError {
        SignerError::Config {
            key,
            reason: reason.into(),
        }
    }
}

#[cfg(not(feature = "pkcs11"))]
mod token {
    use super::{OpenedBackend, SignerError};
    use crate::shell::config::Pkcs11Config;
    use falaj_consensus::crypto::PublicKey;
    use std::path::Path;

    pub(super) fn open(
        _: &Path,
        _: &Pkcs11Config,
        _: &PublicKey,
        _: u64,
    ) -> Result<OpenedBackend, SignerError> {
        Err(SignerError::NotBuilt("pkcs11"))
    }

    pub(super) fn public_key(_: &Path, _: &Pkcs11Config) -> Result<PublicKey, SignerError> {
        Err(SignerError::NotBuilt("pkcs11"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::config::{Pkcs11Config, SoftwareConfig};

    fn in_token(sign_deadline_ms: Option<u64>) -> SignerConfig {
        SignerConfig::Pkcs11(Pkcs11Config {
            module: "library.so".into(),
            module_sha256: None,
            token_label: "token".into(),
            token_serial: None,
            key_label: "key".into(),
            key_id: "01".into(),
            algorithm: "p256".into(),
            pin: "prompt".into(),
            fips_strict: false,
            sign_deadline_ms,
        })
    }

    // Goal: without a word of the operator the deadline follows the chain's timers.
    #[test]
    fn the_deadline_follows_the_timers() {
        let mut parameters = Parameters::default();
        let software = SignerConfig::Software(SoftwareConfig {
            key_file: "consensus.key".into(),
            development: true,
        });
        for signer in [in_token(None), software] {
            assert_eq!(sign_deadline_ms(&signer, &parameters).unwrap(), 244);
        }
        parameters.timeouts.precommit_ms = 1_000;
        parameters.timeouts.prevote_ms = 900;
        assert_eq!(sign_deadline_ms(&in_token(None), &parameters).unwrap(), 360);
    }

    // Goal: up to the bound the operator's word holds, beyond it is refused by name.
    #[test]
    fn a_deadline_beyond_the_timers_is_refused() {
        let parameters = Parameters::default();
        for ms in [1, 100, 244] {
            assert_eq!(
                sign_deadline_ms(&in_token(Some(ms)), &parameters).unwrap(),
                ms
            );
        }
        for ms in [0, 245, u64::MAX] {
            let error = sign_deadline_ms(&in_token(Some(ms)), &parameters).unwrap_err();
            let text = error.to_string();
            assert!(text.contains("validator.signer.sign_deadline_ms"), "{text}");
            assert!(text.contains("1 to 244 ms"), "{text}");
        }
    }
}
