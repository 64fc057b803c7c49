//! The PKCS #11 backend: one key in one token, signing by purpose.
//!
//! Invariant: nothing signs bytes that have no purpose; every signature was verified on the host before it gets here.
//! Units: budgets are durations from the call; at most `sign_deadline_ms` passes inside the library before its thread is set aside.
//! Errors: [`BackendError`] with the [`TokenError`] behind it as its source.
//! Source: `docs/spec/hsm.md`; `docs/spec/guard.md`, "Backend".

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use falaj_consensus::crypto::{PublicKey, Signature};

use super::config::{KeyConfig, Limits, TokenConfig};
use super::device::{Connected, TokenDevices};
use super::error::TokenError;
use super::fault::Cause;
use super::module::Module;
use super::pin::PinReader;
use super::pool::{CallError, Event, LinkStatus, Pool, Status};
use crate::backend::{Backend, BackendError, Fault, Notice, Outlook};
use crate::purpose::{
    BindingBytes, CanaryBytes, PossessionBytes, PrecommitBytes, PrevoteBytes, ProposalBytes,
};

/// A key in a token, on threads of its own.
pub struct Pkcs11Backend {
    key: Arc<KeyConfig>,
    limits: Limits,
    banner: OnceLock<Option<String>>,
    pool: Pool,
}

impl Pkcs11Backend {
    /// Loads the library and starts to connect; signing works once [`Pkcs11Backend::wait_ready`] says so, or later by itself.
    ///
    /// # Errors
    /// [`TokenError::Library`], [`TokenError::LibraryHash`], [`TokenError::NotApproved`].
    pub fn start(token: TokenConfig, key: KeyConfig, limits: Limits) -> Result<Self, TokenError> {
        let algorithm = key.public_key.algorithm();
        if key.fips_strict && !algorithm.fips_approved() {
            return Err(TokenError::NotApproved { algorithm });
        }
        let module = Module::load_for_later(&token.module, token.module_sha256)?;
        let key = Arc::new(key);
        let devices = TokenDevices {
            module,
            pin: Arc::new(PinReader::new(token.pin.clone())),
            token: Arc::new(token),
            key: Arc::clone(&key),
            limits,
        };
        let pool = Pool::start(Box::new(devices), limits);
        Ok(Self {
            key,
            limits,
            banner: OnceLock::new(),
            pool,
        })
    }

    /// Starts, and waits for the token: what a node does that has to know at its start whether it can sign.
    ///
    /// # Errors
    /// Those of [`Pkcs11Backend::start`] and [`Pkcs11Backend::wait_ready`].
    pub fn open(token: TokenConfig, key: KeyConfig, limits: Limits) -> Result<Self, BackendError> {
        let backend = Self::start(token, key, limits).map_err(|error| from_token(&error))?;
        backend.wait_ready()?;
        Ok(backend)
    }

    /// Waits for the first session, with its canary; at most twice the deadline of connecting, plus one new initialisation.
    ///
    /// # Errors
    /// [`BackendError`] with what the token said.
    pub fn wait_ready(&self) -> Result<(), BackendError> {
        let patience = Duration::from_millis(self.limits.connect_deadline_ms.saturating_mul(4));
        let connected = self.pool.wait_ready(patience).map_err(from_call)?;
        self.set_banner(&connected);
        Ok(())
    }

    /// Looks at token, key and attributes again, as an hourly check does; a key that changed latches signing off.
    ///
    /// # Errors
    /// [`BackendError`] with what was found.
    pub fn recheck(&self) -> Result<(), BackendError> {
        let budget = Duration::from_millis(self.limits.connect_deadline_ms);
        self.pool.recheck(budget).map_err(from_call)
    }

    /// A snapshot for metrics and pages.
    #[must_use]
    pub fn status(&self) -> Status {
        self.pool.status()
    }

    /// What happened since this was last asked, oldest first, for the log.
    #[must_use]
    pub fn take_events(&self) -> Vec<Event> {
        self.pool.take_events()
    }

    fn set_banner(&self, connected: &Connected) {
        self.banner
            .get_or_init(|| test_banner(&connected.token, connected.hardware));
    }

    fn sign(&self, bytes: &[u8], budget: Duration) -> Result<Signature, BackendError> {
        self.pool.sign(bytes, budget).map_err(from_call)
    }
}

/// What has to be shown as long as a token that is no hardware signs.
pub(crate) fn test_banner(token: &str, hardware: bool) -> Option<String> {
    (!hardware).then(|| {
        format!(
            "TEST: token {token} is software, not an HSM; anyone who reads its files has its keys"
        )
    })
}

impl From<Event> for Notice {
    fn from(event: Event) -> Self {
        let text = event.to_string();
        match event {
            Event::Connected { .. } => Self::Connected(text),
            Event::Fault { .. } | Event::SetAside { .. } | Event::CameBack { .. } => {
                Self::Trouble(text)
            }
            Event::Waiting { .. } => Self::Waiting(text),
        }
    }
}

impl Backend for Pkcs11Backend {
    fn take_notices(&self) -> Vec<Notice> {
        self.take_events().into_iter().map(Notice::from).collect()
    }

    fn connections(&self) -> u64 {
        self.status().connects
    }

    fn recheck(&self) -> Result<(), BackendError> {
        Self::recheck(self)
    }

    fn public_key(&self) -> &PublicKey {
        &self.key.public_key
    }

    fn test_banner(&self) -> Option<&str> {
        if self.banner.get().is_none()
            && let LinkStatus::Up { token, hardware } = self.status().link
        {
            self.set_banner(&Connected { token, hardware });
        }
        self.banner.get().and_then(Option::as_deref)
    }

    fn sign_proposal(
        &self,
        bytes: &ProposalBytes,
        budget: Duration,
    ) -> Result<Signature, BackendError> {
        self.sign(bytes.as_slice(), budget)
    }

    fn sign_prevote(
        &self,
        bytes: &PrevoteBytes,
        budget: Duration,
    ) -> Result<Signature, BackendError> {
        self.sign(bytes.as_slice(), budget)
    }

    fn sign_precommit(
        &self,
        bytes: &PrecommitBytes,
        budget: Duration,
    ) -> Result<Signature, BackendError> {
        self.sign(bytes.as_slice(), budget)
    }

    fn sign_binding(
        &self,
        bytes: &BindingBytes,
        budget: Duration,
    ) -> Result<Signature, BackendError> {
        self.sign(bytes.as_slice(), budget)
    }

    fn sign_possession(
        &self,
        bytes: &PossessionBytes,
        budget: Duration,
    ) -> Result<Signature, BackendError> {
        self.sign(bytes.as_slice(), budget)
    }

    fn sign_canary(
        &self,
        bytes: &CanaryBytes,
        budget: Duration,
    ) -> Result<Signature, BackendError> {
        self.sign(bytes.as_slice(), budget)
    }
}

/// The kind of a cause, in the words of the signer.
const fn fault(cause: Cause) -> Fault {
    match cause {
        Cause::SessionLost | Cause::LoggedOut | Cause::NotInitialised | Cause::OperationStuck => {
            Fault::Session
        }
        Cause::TokenGone | Cause::TokenMissing => Fault::Token,
        Cause::Throttled | Cause::SessionsExhausted => Fault::Busy,
        Cause::DeviceOrParameter | Cause::Unknown | Cause::SelfTestFailed => Fault::Device,
        Cause::WrongSignature => Fault::WrongSignature,
        Cause::CannotReinitialise => Fault::Restart,
        Cause::PinRefused
        | Cause::PinLocked
        | Cause::PinAtRisk
        | Cause::PinUnset
        | Cause::PinUnreadable => Fault::Pin,
        Cause::KeyMissing | Cause::KeyDuplicate | Cause::KeyUnfit => Fault::Key,
        Cause::MechanismRefused => Fault::Mechanism,
        Cause::TokenAmbiguous | Cause::Forbidden | Cause::LibraryUnusable => Fault::Forbidden,
    }
}

/// The error of a token, in the words of the signer.
pub(crate) fn from_token(error: &TokenError) -> BackendError {
    BackendError {
        fault: fault(error.cause()),
        device_code: error.number(),
        source: Some(Arc::new(error.clone())),
    }
}

fn from_call(error: CallError) -> BackendError {
    match &error {
        CallError::Timeout => BackendError::new(Fault::Timeout),
        CallError::QueueFull => BackendError::new(Fault::Busy),
        CallError::Stuck | CallError::Closed => BackendError {
            fault: Fault::Restart,
            device_code: None,
            source: Some(Arc::new(error)),
        },
        CallError::Unavailable(token) | CallError::Refused(token) => from_token(token),
        CallError::Latched(token) if fault(token.cause()).outlook() == Outlook::Person => {
            from_token(token)
        }
        CallError::Latched(token) => BackendError {
            fault: Fault::Latched,
            ..from_token(token)
        },
    }
}
