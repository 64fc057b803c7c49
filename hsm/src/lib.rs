//! Keys: who may sign what, once.
//!
//! A pure machine that owns the signing guard, [`Signer`], lets a consensus key say at most one thing at each position,
//! and a [`Backend`] holds the key. No private key ever leaves its backend, and nothing signs arbitrary bytes.
//! [`SignerHome`] drives a signer over real or simulated files, without threads of its own.
//! Rules and record layout: `docs/spec/guard.md`.

pub mod audit;
pub mod backend;
mod deadline;
mod error;
#[cfg(test)]
mod fixture;
pub mod guard;
mod home;
mod low_s;
#[cfg(feature = "pkcs11")]
pub mod pkcs11;
pub mod purpose;
mod signer;
#[cfg(feature = "soft")]
pub mod soft;
#[cfg(feature = "softhsm")]
pub mod softhsm;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod witness_file;

pub use backend::{
    Backend, BackendCall, BackendError, BackendWork, CallId, Fault, Notice, Outlook,
};
pub use deadline::sign_deadline_ms_max;
pub use error::{AgeEvidence, GuardProblem, RecordFault, Refusal};
pub use guard::{
    AcceptedOutcome, Floor, HeightProof, Identity, Latch, Lock, Place, SetWindow, Witness,
};
pub use home::{HomeError, SignerHome};
pub use low_s::low_s;
pub use signer::{
    Alarm, Append, AppendUrgency, AttestRequest, Attestation, Attested, Counters, Decision, Effect,
    Input, Output, RawSignRequest, Recovered, RequestId, SignRequest, Signer, TwoOperators,
    Unlatch,
};
pub use witness_file::{WitnessError, WitnessFile};
