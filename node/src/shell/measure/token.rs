//! Signatures of a validator's key where it lies: canaries, which can pass for nothing else, one after the other.
//!
//! What a sample holds: the call of the backend as a vote makes it, so the way to the thread that owns the session, the token's own work,
//! and the check of the signature on the host that goes with every call.
//! Invariant: no statement is signed; the guard is neither opened nor asked.
//! Errors: [`TokenMeasureError`].
//! Source: `docs/spec/guard.md`, "Purposes"; `docs/spec/hsm.md`.

use falaj_consensus::crypto::{Algorithm, PublicKey};
use falaj_hsm::purpose::Canary;
use falaj_hsm::{Backend, BackendError};
use serde::Serialize;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{cpu, nanoseconds};
use crate::shell::config::{Config, SignerConfig};
use crate::shell::home::{HomeError, key_of_member, read_genesis};
use crate::shell::keys::{OpenedBackend, SignerError, open_backend};

/// How long one signature may take; a token that is slower has a fault, which `falaj doctor hsm` names.
const BUDGET: Duration = Duration::from_secs(5);

/// Why the token could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum TokenMeasureError {
    /// The home's genesis.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The home has no key of its own.
    #[error("the home speaks for no validator")]
    NoValidator,
    /// The key that was given.
    #[error("the public key is not one of the configured algorithm")]
    PublicKey,
    /// The key.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// A signature.
    #[error("the token gave no signature")]
    Sign(#[source] BackendError),
}

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub struct TokenSamples {
    /// Each signature.
    pub sign_ns: Vec<u64>,
    /// CPU of this process for one signature.
    pub cpu_ns: u64,
}

/// Signs with the key of a home for so long. The genesis says which key that is; `public`, in hexadecimal, says it before there is one.
///
/// # Errors
/// [`TokenMeasureError`].
pub fn measure(
    home: &Path,
    config: &Config,
    public: Option<&str>,
    lasting: Duration,
) -> Result<TokenSamples, TokenMeasureError> {
    let validator = config
        .validator
        .as_ref()
        .ok_or(TokenMeasureError::NoValidator)?;
    let key = match public {
        Some(hex) => key_of(&validator.signer, hex)?,
        None => {
            let genesis = read_genesis(&home.join(&config.paths.genesis))?;
            key_of_member(&genesis, validator.id)?.clone()
        }
    };
    let budget_ms = u64::try_from(BUDGET.as_millis()).unwrap_or(u64::MAX);
    let signer = &validator.signer;
    let OpenedBackend { backend, .. } = open_backend(home, signer, &key, budget_ms)?;
    sign_for(&*backend, lasting).map_err(TokenMeasureError::Sign)
}

/// The key that somebody names.
fn key_of(signer: &SignerConfig, hex: &str) -> Result<PublicKey, TokenMeasureError> {
    let algorithm = match signer {
        SignerConfig::Pkcs11(config) => Algorithm::from_name(&config.algorithm),
        SignerConfig::Software(_) => Some(Algorithm::Ed25519),
    };
    let bytes = data_encoding::HEXLOWER.decode(hex.as_bytes()).ok();
    let key = algorithm.zip(bytes);
    key.and_then(|(algorithm, bytes)| PublicKey::new(algorithm, bytes).ok())
        .ok_or(TokenMeasureError::PublicKey)
}

/// Signs at least once.
fn sign_for(backend: &dyn Backend, lasting: Duration) -> Result<TokenSamples, BackendError> {
    let (started, before) = (Instant::now(), cpu::process_ns());
    let mut sign_ns = Vec::new();
    loop {
        // What is signed does not matter here, so the challenge is a count and no chance.
        let mut challenge = [0; 32];
        challenge[..8].copy_from_slice(&sign_ns.len().to_be_bytes());
        let bytes = Canary { challenge }.sign_bytes();
        let at = Instant::now();
        backend.sign_canary(&bytes, BUDGET)?;
        sign_ns.push(nanoseconds(at.elapsed()));
        if started.elapsed() >= lasting {
            break;
        }
    }
    let used = cpu::process_ns().saturating_sub(before);
    let count = u64::try_from(sign_ns.len()).unwrap_or(u64::MAX);
    Ok(TokenSamples {
        sign_ns,
        cpu_ns: used / count,
    })
}

#[cfg(all(test, feature = "soft"))]
mod tests {
    use super::*;
    use crate::shell::config::SoftwareConfig;
    use falaj_hsm::soft::SoftBackend;

    // Goal: it signs at least once, whatever the time, and says what each cost.
    #[test]
    fn every_signature_is_a_sample() {
        let samples = sign_for(&SoftBackend::from_seed(&[7; 32]), Duration::ZERO).unwrap();
        assert_eq!(samples.sign_ns.len(), 1);
        assert!(samples.sign_ns[0] > 0);
    }

    // Goal: before there is a genesis, the key is one of the configured algorithm or none.
    #[test]
    fn a_key_that_is_named_is_one_of_its_algorithm() {
        let software = SignerConfig::Software(SoftwareConfig {
            key_file: "consensus.key".into(),
            development: true,
        });
        let public = SoftBackend::from_seed(&[7; 32]).public_key().clone();
        let hex = data_encoding::HEXLOWER.encode(public.bytes());
        assert_eq!(key_of(&software, &hex).unwrap(), public);
        for wrong in ["", "zz", "00", &hex[2..]] {
            let found = key_of(&software, wrong);
            assert!(
                matches!(found, Err(TokenMeasureError::PublicKey)),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_home_without_a_validator_has_no_token() {
        let found = measure(
            Path::new("nowhere"),
            &Config::default(),
            None,
            Duration::ZERO,
        );
        assert!(matches!(found, Err(TokenMeasureError::NoValidator)));
    }
}
