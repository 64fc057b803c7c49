//! Which token, which key, and how long anything may take.
//!
//! Units: milliseconds, counts. Defaults are those of `docs/spec/hsm.md`, "Sessions".
//! Invariant: nothing here is secret; the PIN is named by where it is, see [`PinSource`].

use std::path::PathBuf;
use std::time::Duration;

use falaj_consensus::crypto::PublicKey;
use falaj_consensus::params::Parameters;
use falaj_consensus::types::Hash32;

use super::key::KeyName;
use super::pin::PinSource;
use super::slot::TokenName;
use crate::sign_deadline_ms_max;

/// Where a token is and how to log in to it.
#[derive(Clone, Debug)]
pub struct TokenConfig {
    /// The vendor's library.
    pub module: PathBuf,
    /// The SHA-256 the library must have; checked before it is loaded.
    pub module_sha256: Option<Hash32>,
    /// Name of the token.
    pub token: TokenName,
    /// Where the PIN comes from.
    pub pin: PinSource,
    /// Spend a try although the token says that a wrong PIN was entered since its last good login.
    pub try_pin_at_risk: bool,
}

/// A key of a token, as it was enrolled.
#[derive(Clone, Debug)]
pub struct KeyConfig {
    /// Id and label.
    pub name: KeyName,
    /// The enrolled public key; it fixes the algorithm.
    pub public_key: PublicKey,
    /// `fips = strict`: refuse every algorithm that is not approved.
    pub fips_strict: bool,
    /// Refuse a token whose slot lacks `CKF_HW_SLOT`.
    pub hardware_only: bool,
}

/// How long things may take, and how many there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A signature: at most [`crate::sign_deadline_ms_max`] of the chain's parameters.
    pub sign_deadline_ms: u64,
    /// A new session: login, discovery, canary; also the wait for calls in flight before the library is finalised.
    pub connect_deadline_ms: u64,
    /// Requests that wait.
    pub queue_max: usize,
    /// Threads inside the library: one works, the others are stuck in it.
    pub threads_max: usize,
    /// Pause before a second attempt in the same session.
    pub pause_ms: u64,
    /// First backoff of the breaker.
    pub backoff_ms_min: u64,
    /// Longest backoff of the breaker.
    pub backoff_ms_max: u64,
}

impl Default for Limits {
    /// For a chain with the default parameters.
    fn default() -> Self {
        Self {
            sign_deadline_ms: sign_deadline_ms_max(&Parameters::default()),
            connect_deadline_ms: 10_000,
            queue_max: 32,
            threads_max: 3,
            pause_ms: 5,
            backoff_ms_min: 100,
            backoff_ms_max: 10_000,
        }
    }
}

impl Limits {
    pub(crate) const fn sign_deadline(&self) -> Duration {
        Duration::from_millis(self.sign_deadline_ms)
    }

    pub(crate) const fn connect_deadline(&self) -> Duration {
        Duration::from_millis(self.connect_deadline_ms)
    }

    pub(crate) const fn pause(&self) -> Duration {
        Duration::from_millis(self.pause_ms)
    }
}
