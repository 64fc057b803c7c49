//! What holds the key: one method per signing purpose, and the kinds of failure a signer tells apart.
//!
//! Invariant: there is no way to have arbitrary bytes signed. A signature that comes back is only a claim; the host verifies it.
//! A call blocks for at most its budget; a backend whose device hangs answers [`Fault::Timeout`] in time and goes on by itself.
//! A repeated call signs the same bytes again; a backend may try once more on its own within the budget, never with another PIN.
//! Who calls: the thread that performs [`BackendCall`]s for a signer, one at a time, and diagnostics.
//! Errors: [`BackendError`], whose [`Fault`] says what to expect.
//! Source: `docs/spec/guard.md`, "Backend"; PKCS #11 v3.0 §5.1.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use falaj_consensus::crypto::{PublicKey, Signature};
use falaj_consensus::types::Now;

use crate::purpose::{
    BindingBytes, CanaryBytes, PossessionBytes, PrecommitBytes, PrevoteBytes, ProposalBytes,
    Purpose,
};

/// The holder of one consensus key.
///
/// Signatures are in the form of `falaj_consensus::crypto`: ECDSA as `r ‖ s` of fixed length with low s, see [`low_s`](fn@crate::low_s).
pub trait Backend {
    /// The public half of the key, as it was found and checked.
    fn public_key(&self) -> &PublicKey;

    /// What every page and log of the host must show as long as this backend signs; none for a hardware token.
    fn test_banner(&self) -> Option<&str>;

    /// Signs a proposal.
    ///
    /// # Errors
    /// [`BackendError`].
    fn sign_proposal(
        &self,
        bytes: &ProposalBytes,
        budget: Duration,
    ) -> Result<Signature, BackendError>;

    /// Signs a prevote.
    ///
    /// # Errors
    /// [`BackendError`].
    fn sign_prevote(
        &self,
        bytes: &PrevoteBytes,
        budget: Duration,
    ) -> Result<Signature, BackendError>;

    /// Signs a precommit.
    ///
    /// # Errors
    /// [`BackendError`].
    fn sign_precommit(
        &self,
        bytes: &PrecommitBytes,
        budget: Duration,
    ) -> Result<Signature, BackendError>;

    /// Signs the binding of a transport key.
    ///
    /// # Errors
    /// [`BackendError`].
    fn sign_binding(
        &self,
        bytes: &BindingBytes,
        budget: Duration,
    ) -> Result<Signature, BackendError>;

    /// Signs a proof of possession.
    ///
    /// # Errors
    /// [`BackendError`].
    fn sign_possession(
        &self,
        bytes: &PossessionBytes,
        budget: Duration,
    ) -> Result<Signature, BackendError>;

    /// Signs a canary.
    ///
    /// # Errors
    /// [`BackendError`].
    fn sign_canary(&self, bytes: &CanaryBytes, budget: Duration)
    -> Result<Signature, BackendError>;

    /// What happened to the backend since this was last asked, oldest first; nothing for a key in memory.
    fn take_notices(&self) -> Vec<Notice> {
        Vec::new()
    }

    /// How often the backend has connected and seen its key sign a canary since it was made; never for a key in memory, which has no
    /// connection to lose. One more than at a failure says that it has come back by itself.
    fn connections(&self) -> u64 {
        0
    }

    /// Looks at token, key and attributes again, as an hourly check does; a key that changed latches signing off.
    ///
    /// # Errors
    /// [`BackendError`] with what was found.
    fn recheck(&self) -> Result<(), BackendError> {
        Ok(())
    }
}

/// Something that happened to a backend, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// It works, for the first time or again.
    Connected(String),
    /// Something failed.
    Trouble(String),
    /// It waits before it tries again.
    Waiting(String),
}

/// One call of a backend, as a signer asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BackendCall {
    /// Names the call in its completion.
    pub id: CallId,
    /// What to sign.
    pub work: BackendWork,
    /// Monotonic time after which the answer is of no use.
    pub deadline_mono_ns: u64,
}

impl BackendCall {
    /// The time that is left for it; none when it is of no use any more and must not reach the backend.
    #[must_use]
    pub fn budget(&self, now: Now) -> Option<Duration> {
        let left = self.deadline_mono_ns.checked_sub(now.mono_ns);
        left.filter(|left| *left > 0).map(Duration::from_nanos)
    }
}

/// Name of a call, unique in the life of a signer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(u64);

impl CallId {
    pub(crate) const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number, for traces.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// What to sign, by purpose.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum BackendWork {
    /// A proposal.
    Proposal(ProposalBytes),
    /// A prevote.
    Prevote(PrevoteBytes),
    /// A precommit.
    Precommit(PrecommitBytes),
    /// The binding of a transport key.
    Binding(BindingBytes),
    /// A proof of possession.
    Possession(PossessionBytes),
    /// A canary.
    Canary(CanaryBytes),
}

impl BackendWork {
    /// Why it is signed.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        match self {
            Self::Proposal(_) => Purpose::Proposal,
            Self::Prevote(_) => Purpose::Prevote,
            Self::Precommit(_) => Purpose::Precommit,
            Self::Binding(_) => Purpose::Binding,
            Self::Possession(_) => Purpose::Possession,
            Self::Canary(_) => Purpose::Canary,
        }
    }

    /// The bytes to sign, for the host's check of the signature.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        match self {
            Self::Proposal(bytes) => bytes.as_slice(),
            Self::Prevote(bytes) => bytes.as_slice(),
            Self::Precommit(bytes) => bytes.as_slice(),
            Self::Binding(bytes) => bytes.as_slice(),
            Self::Possession(bytes) => bytes.as_slice(),
            Self::Canary(bytes) => bytes.as_slice(),
        }
    }

    /// Has a backend sign it, by the method of its purpose.
    ///
    /// # Errors
    /// Those of the method.
    pub fn perform(
        &self,
        backend: &dyn Backend,
        budget: Duration,
    ) -> Result<Signature, BackendError> {
        match self {
            Self::Proposal(bytes) => backend.sign_proposal(bytes, budget),
            Self::Prevote(bytes) => backend.sign_prevote(bytes, budget),
            Self::Precommit(bytes) => backend.sign_precommit(bytes, budget),
            Self::Binding(bytes) => backend.sign_binding(bytes, budget),
            Self::Possession(bytes) => backend.sign_possession(bytes, budget),
            Self::Canary(bytes) => backend.sign_canary(bytes, budget),
        }
    }
}

/// Why a backend gave no signature, in the kinds that lead to different behaviour.
///
/// The codes are stable: they are metric labels and fields of audit records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Fault {
    /// No answer within the budget. The device may still finish the call; its signature is dropped.
    #[error("no answer in time")]
    Timeout,
    /// Throttled, out of sessions, or a queue is full.
    #[error("the token is busy")]
    Busy,
    /// Session or login lost; the backend is opening another.
    #[error("the session is lost")]
    Session,
    /// The token does not answer as present; the backend looks for it.
    #[error("the token is gone")]
    Token,
    /// The device reports an error that is neither of these, or a code no standard names.
    #[error("the device failed")]
    Device,
    /// The device signed, and the signature is wrong.
    #[error("the signature is wrong")]
    WrongSignature,
    /// The library can only be helped by a new process.
    #[error("the signer process must be restarted")]
    Restart,
    /// The PIN is wrong, at risk, locked, unset or unreadable. It is never tried again.
    #[error("the pin was not accepted")]
    Pin,
    /// The key is missing, there twice, or not what was enrolled.
    #[error("the key is missing or unfit")]
    Key,
    /// The token or its mode refuses the mechanism.
    #[error("the mechanism is refused")]
    Mechanism,
    /// The configuration forbids this token, library or key.
    #[error("the configuration forbids this token")]
    Forbidden,
    /// The backend switched itself off after what only a person can judge: a wrong signature twice, a failed self-test.
    #[error("the backend is latched off")]
    Latched,
}

/// What to expect after a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outlook {
    /// A later request may succeed without anybody doing anything.
    Transient,
    /// Nothing changes until the signer process is started anew.
    NewProcess,
    /// Nothing changes until a person acts.
    Person,
}

impl Fault {
    /// Every fault, in order.
    pub const ALL: [Self; 12] = [
        Self::Timeout,
        Self::Busy,
        Self::Session,
        Self::Token,
        Self::Device,
        Self::WrongSignature,
        Self::Restart,
        Self::Pin,
        Self::Key,
        Self::Mechanism,
        Self::Forbidden,
        Self::Latched,
    ];

    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Timeout => "backend_timeout",
            Self::Busy => "backend_busy",
            Self::Session => "backend_session",
            Self::Token => "backend_token",
            Self::Device => "backend_device",
            Self::WrongSignature => "backend_wrong_signature",
            Self::Restart => "backend_restart",
            Self::Pin => "backend_pin",
            Self::Key => "backend_key",
            Self::Mechanism => "backend_mechanism",
            Self::Forbidden => "backend_forbidden",
            Self::Latched => "backend_latched",
        }
    }

    /// What to expect after it.
    #[must_use]
    pub const fn outlook(self) -> Outlook {
        match self {
            Self::Timeout
            | Self::Busy
            | Self::Session
            | Self::Token
            | Self::Device
            | Self::WrongSignature => Outlook::Transient,
            Self::Restart => Outlook::NewProcess,
            Self::Pin | Self::Key | Self::Mechanism | Self::Forbidden | Self::Latched => {
                Outlook::Person
            }
        }
    }
}

/// A backend gave no signature.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{fault}")]
pub struct BackendError {
    /// Its kind.
    pub fault: Fault,
    /// The return value of the device, where there was one.
    pub device_code: Option<u64>,
    /// What the backend knows beyond that.
    #[source]
    pub source: Option<Arc<dyn Error + Send + Sync>>,
}

impl BackendError {
    /// A fault without further knowledge.
    #[must_use]
    pub const fn new(fault: Fault) -> Self {
        Self {
            fault,
            device_code: None,
            source: None,
        }
    }
}
