//! One session with a token, whose handle is never used after the library was initialised again.
//!
//! Invariant: a handle is passed to the library only in the generation it was opened in; a later generation hands out the same numbers
//! for other sessions, so that even closing an old one would close somebody else's.
//! Who calls: one thread at a time; cryptoki's session is `Send` and not `Sync`.
//! Errors: [`TokenError::StaleSession`], or what the library returned.
//! Source: PKCS #11 v3.0 §5.6; `docs/spec/hsm.md`, "Sessions".

use std::sync::Arc;

use cryptoki::session::Session as Raw;
use cryptoki::slot::Slot;

use super::error::TokenError;
use super::gate::Generation;
use super::module::Module;

/// Whether a session may change objects of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Signing needs no more.
    ReadOnly,
    /// Making keys does.
    ReadWrite,
}

/// An open session.
pub(crate) struct Session {
    module: Arc<Module>,
    raw: Option<Raw>,
    generation: Generation,
}

impl Session {
    /// Opens a session on the token in `slot`.
    pub(crate) fn open(
        module: &Arc<Module>,
        slot: Slot,
        access: Access,
    ) -> Result<Self, TokenError> {
        let (raw, generation) = module.call_in_generation(|pkcs11| match access {
            Access::ReadOnly => pkcs11.open_ro_session_no_drop(slot),
            Access::ReadWrite => pkcs11.open_rw_session_no_drop(slot),
        })?;
        Ok(Self {
            module: Arc::clone(module),
            raw: Some(raw),
            generation,
        })
    }

    /// The library behind it.
    pub(crate) const fn module(&self) -> &Arc<Module> {
        &self.module
    }

    /// Runs one call of the library in this session.
    pub(crate) fn call<T>(
        &self,
        call: impl FnOnce(&Raw) -> cryptoki::error::Result<T>,
    ) -> Result<T, TokenError> {
        let pass = self.module.enter();
        let raw = self.raw.as_ref().ok_or(TokenError::NoSession)?;
        if pass.generation() != self.generation {
            return Err(TokenError::StaleSession);
        }
        call(raw).map_err(|error| TokenError::from_cryptoki(&error))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let pass = self.module.enter();
        if let Some(raw) = self
            .raw
            .take()
            .filter(|_| pass.generation() == self.generation)
        {
            // A session that cannot be closed was lost already, which is why it is dropped.
            let _ = raw.close();
        }
    }
}
