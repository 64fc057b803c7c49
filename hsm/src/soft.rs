//! A key in the memory of this process: for simulation, tests, and machines without any token.
//!
//! Invariant: it says what it is, wherever it signs: [`TEST_BANNER`] is shown for as long as it is in use.
//! Shape: Ed25519 (RFC 8032), from a seed of 32 bytes that the host provides and keeps.
//! Errors: none; the key is always there.
//! Source: RFC 8032, section 5.1.6; `docs/spec/guard.md`, "Backend".

use std::fmt;
use std::time::Duration;

use ed25519_dalek::{Signer as _, SigningKey};
use falaj_consensus::crypto::{Algorithm, PublicKey, Signature};

use crate::backend::{Backend, BackendError};
use crate::purpose::{
    BindingBytes, CanaryBytes, PossessionBytes, PrecommitBytes, PrevoteBytes, ProposalBytes,
};

/// What every page and log shows while a software key signs.
pub const TEST_BANNER: &str = "TEST: consensus key in software, not in an HSM; whoever reads this machine's memory or disk can sign as this validator";

/// An Ed25519 key in memory.
pub struct SoftBackend {
    key: SigningKey,
    public: PublicKey,
}

impl SoftBackend {
    /// The key of a seed. The seed is as secret as the key.
    ///
    /// # Panics
    /// Never: the public half of an Ed25519 key has 32 bytes.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(seed);
        let public = PublicKey::new(Algorithm::Ed25519, key.verifying_key().to_bytes().to_vec());
        Self {
            key,
            public: public.expect("an ed25519 key has 32 bytes"),
        }
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, BackendError> {
        let bytes = self.key.sign(message).to_bytes().to_vec();
        Ok(Signature::new(bytes).expect("64 bytes are within the bound"))
    }
}

/// Shows the public half alone.
impl fmt::Debug for SoftBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SoftBackend")
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}

impl Backend for SoftBackend {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn test_banner(&self) -> Option<&str> {
        Some(TEST_BANNER)
    }

    fn sign_proposal(&self, bytes: &ProposalBytes, _: Duration) -> Result<Signature, BackendError> {
        self.sign(bytes.as_slice())
    }

    fn sign_prevote(&self, bytes: &PrevoteBytes, _: Duration) -> Result<Signature, BackendError> {
        self.sign(bytes.as_slice())
    }

    fn sign_precommit(
        &self,
        bytes: &PrecommitBytes,
        _: Duration,
    ) -> Result<Signature, BackendError> {
        self.sign(bytes.as_slice())
    }

    fn sign_binding(&self, bytes: &BindingBytes, _: Duration) -> Result<Signature, BackendError> {
        self.sign(bytes.as_slice())
    }

    fn sign_possession(
        &self,
        bytes: &PossessionBytes,
        _: Duration,
    ) -> Result<Signature, BackendError> {
        self.sign(bytes.as_slice())
    }

    fn sign_canary(&self, bytes: &CanaryBytes, _: Duration) -> Result<Signature, BackendError> {
        self.sign(bytes.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use falaj_consensus::verify::RealChecker;

    use super::*;
    use crate::testing::suite;

    // The software key owes what every backend owes.
    #[test]
    fn a_software_key_passes_the_suite() {
        suite(&SoftBackend::from_seed(&[3; 32]), &RealChecker);
    }

    // Its signatures are those of RFC 8032: same bytes, same signature, in this process and the next.
    #[test]
    fn a_software_key_is_its_seed() {
        let sign = |seed| {
            let canary = crate::purpose::Canary { challenge: [1; 32] };
            SoftBackend::from_seed(seed)
                .sign_canary(&canary.sign_bytes(), Duration::ZERO)
                .unwrap()
        };
        assert_eq!(sign(&[3; 32]), sign(&[3; 32]));
        assert_ne!(sign(&[3; 32]), sign(&[4; 32]));
    }

    // It says what it is, and shows nothing of the seed.
    #[test]
    fn a_software_key_has_its_banner_and_no_secret_in_debug() {
        let backend = SoftBackend::from_seed(&[0xab; 32]);
        assert!(
            backend
                .test_banner()
                .is_some_and(|banner| banner.starts_with("TEST"))
        );
        let shown = format!("{backend:?}");
        assert!(!shown.contains("171") && !shown.contains("abab"), "{shown}");
    }
}
