//! The PKCS #11 backend, over cryptoki: finds one key in one token and signs with it, by purpose.
//!
//! Invariant: the vendor's library is called on threads of its own, never by the caller; a caller gets an answer within its budget whatever
//! the library does; one PIN is tried once; a key is used only if it is the enrolled one and cannot leave the token; every signature is
//! verified on the host.
//! Layers, inside out: [`Module`] and its gate (one library per process), sessions and logins, keys and attributes, the device (one session
//! and the ways to bring it back), the pool (threads, queue, deadline, escalation), [`Pkcs11Backend`].
//! Errors: [`TokenError`]; what an operator does about each stands in `docs/runbook/hsm.md`.
//! Source: PKCS #11 v3.0 (OASIS, 2020); `docs/spec/hsm.md`.

mod admin;
mod attributes;
mod backend;
mod breaker;
mod config;
mod device;
mod doctor;
mod error;
mod facts;
mod fault;
mod gate;
mod key;
mod latency;
mod login;
mod mechanism;
mod module;
mod pin;
mod pool;
mod probe;
mod session;
mod slot;
mod statement;
mod template;
mod words;

pub use admin::{GeneratedKey, KeyListing, TokenAdmin};
pub use attributes::{AllowedMechanisms, KeyAttribute, KeyAttributes, Reported};
pub use backend::Pkcs11Backend;
pub use config::{KeyConfig, Limits, TokenConfig};
pub use doctor::{Check, DoctorReport, Finding, KeyToExamine, Severity, Throughput, examine};
pub use error::{Call, Code, TokenError};
pub use facts::{DeviceFacts, LibraryFacts, MechanismFacts, SlotFacts, TokenFacts};
pub use fault::{Cause, Stage, Step, classify, next_step};
pub use key::KeyName;
pub use latency::Latency;
pub use login::PinFlags;
pub use module::Module;
pub use pin::{PIN_BYTES_MAX, PinError, PinSource};
pub use pool::{Event, LinkStatus, Status};
pub use probe::{Probe, ProbeOutcome};
pub use slot::TokenName;
pub use statement::{Declaration, Evidence, Line, Statement};
