//! Keys: who may sign what, once.
//!
//! A pure machine that owns the signing guard lets a consensus key say at most one thing at each position,
//! and a [`Backend`] holds the key. No private key ever leaves its backend, and nothing signs arbitrary bytes.
//! Rules and record layout: `docs/spec/guard.md`.

pub mod backend;
mod low_s;
#[cfg(feature = "pkcs11")]
pub mod pkcs11;
pub mod purpose;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use backend::{Backend, BackendCall, BackendError, BackendWork, CallId, Fault, Outlook};
pub use low_s::low_s;
