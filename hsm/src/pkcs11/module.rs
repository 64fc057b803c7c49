//! The vendor library: loaded and initialised once per process, whoever asks.
//!
//! Invariant: every call passes the [`Gate`], in the process that loaded the library; the library is finalised only by `reinitialise`,
//! only when this process initialised it, and only with no call in flight. It is never unloaded and never logged out.
//! Errors: [`TokenError`]; a hash that differs from the declared one is refused before anything is loaded.
//! Source: PKCS #11 v3.0 §5.4; `docs/spec/hsm.md`, "Library".

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use falaj_consensus::hash;
use falaj_consensus::types::Hash32;

use super::error::TokenError;
use super::gate::{Gate, Generation, Pass};
use super::login::Logins;

/// A loaded and initialised library.
pub struct Module {
    pkcs11: Pkcs11,
    path: PathBuf,
    sha256: Hash32,
    shared: bool,
    process: u32,
    gate: Gate,
    logins: Logins,
}

/// Every library of this process, by its canonical path. PKCS #11 initialises per process, so this cannot be per owner.
static LOADED: Mutex<BTreeMap<PathBuf, Arc<Module>>> = Mutex::new(BTreeMap::new());

impl Module {
    /// Loads and initialises the library at `path`, or finds it loaded; `expected` is the SHA-256 it must have.
    ///
    /// # Errors
    /// [`TokenError::Library`], [`TokenError::LibraryHash`], or what `C_Initialize` returned.
    pub fn load(path: &Path, expected: Option<Hash32>) -> Result<Arc<Self>, TokenError> {
        Self::take(path, expected, Err)
    }

    /// As [`Module::load`], for who tries again by itself: a library that answers but does not initialise, as when its device is away, is
    /// kept as it is, and says on every call that it is not initialised until [`Module::reinitialise`] succeeds.
    ///
    /// # Errors
    /// [`TokenError::Library`], [`TokenError::LibraryHash`].
    pub fn load_for_later(path: &Path, expected: Option<Hash32>) -> Result<Arc<Self>, TokenError> {
        Self::take(path, expected, |error| {
            if matches!(error, TokenError::Vendor { .. }) {
                Ok(Initialised::NotYet)
            } else {
                Err(error)
            }
        })
    }

    fn take(
        path: &Path,
        expected: Option<Hash32>,
        or_else: impl FnOnce(TokenError) -> Result<Initialised, TokenError>,
    ) -> Result<Arc<Self>, TokenError> {
        let unloadable = |reason: String| TokenError::Library {
            path: path.to_path_buf(),
            reason,
        };
        let canonical = fs::canonicalize(path).map_err(|error| unloadable(error.to_string()))?;
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(module) = loaded.get(&canonical) {
            check_hash(&canonical, module.sha256, expected)?;
            return Ok(Arc::clone(module));
        }
        let bytes = fs::read(&canonical).map_err(|error| unloadable(error.to_string()))?;
        let sha256 = hash::sha256(&bytes);
        check_hash(&canonical, sha256, expected)?;
        let pkcs11 = Pkcs11::new(&canonical).map_err(|error| unloadable(error.to_string()))?;
        let shared = initialise(&pkcs11).or_else(or_else)? == Initialised::BySomebodyElse;
        let module = Arc::new(Self {
            pkcs11,
            path: canonical.clone(),
            sha256,
            shared,
            process: std::process::id(),
            gate: Gate::new(),
            logins: Logins::new(),
        });
        loaded.insert(canonical, Arc::clone(&module));
        Ok(module)
    }

    /// The file, with links resolved.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// SHA-256 of the file as it was loaded.
    #[must_use]
    pub const fn sha256(&self) -> Hash32 {
        self.sha256
    }

    /// Whether another part of this process had initialised the library before us.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        self.shared
    }

    /// What this process knows about the logins of its tokens.
    pub(crate) const fn logins(&self) -> &Logins {
        &self.logins
    }

    /// The present initialisation.
    pub(crate) fn generation(&self) -> Generation {
        self.gate.generation()
    }

    /// Enters the library for one call.
    ///
    /// # Panics
    /// Never; a forked child aborts instead, because the library's state in it is undefined (PKCS #11 v3.0 §5.4).
    pub(crate) fn enter(&self) -> Pass<'_> {
        if self.process != std::process::id() {
            std::process::abort();
        }
        self.gate.enter()
    }

    /// Runs one call of the library that needs no session.
    pub(crate) fn call<T>(
        &self,
        call: impl FnOnce(&Pkcs11) -> cryptoki::error::Result<T>,
    ) -> Result<T, TokenError> {
        self.call_in_generation(call).map(|(value, _)| value)
    }

    /// Like [`Module::call`], and says in which initialisation it ran.
    pub(crate) fn call_in_generation<T>(
        &self,
        call: impl FnOnce(&Pkcs11) -> cryptoki::error::Result<T>,
    ) -> Result<(T, Generation), TokenError> {
        let pass = self.enter();
        let value = call(&self.pkcs11).map_err(|error| TokenError::from_cryptoki(&error))?;
        Ok((value, pass.generation()))
    }

    /// R2: finalises and initialises the library, unless somebody did so since `seen`. Waits at most `patience` for calls in flight.
    ///
    /// # Errors
    /// [`TokenError::CallsInFlight`], [`TokenError::SharedLibrary`], or what the library returned.
    pub(crate) fn reinitialise(
        &self,
        seen: Generation,
        patience: Duration,
    ) -> Result<(), TokenError> {
        let alone = self
            .gate
            .alone(patience)
            .map_err(|calls| TokenError::CallsInFlight { in_flight: calls.0 })?;
        if alone.generation() != seen {
            return Ok(());
        }
        if !self.shared {
            finalise(&self.pkcs11)?;
            alone.next_generation();
        }
        match initialise(&self.pkcs11)? {
            Initialised::ByUs if self.shared => {
                alone.next_generation();
                Ok(())
            }
            Initialised::ByUs | Initialised::NotYet => Ok(()),
            Initialised::BySomebodyElse => Err(TokenError::SharedLibrary),
        }
    }
}

fn check_hash(path: &Path, found: Hash32, expected: Option<Hash32>) -> Result<(), TokenError> {
    match expected {
        Some(expected) if expected != found => Err(TokenError::LibraryHash {
            path: path.to_path_buf(),
            expected: expected.to_string(),
            found: found.to_string(),
        }),
        Some(_) | None => Ok(()),
    }
}

#[derive(PartialEq, Eq)]
enum Initialised {
    ByUs,
    BySomebodyElse,
    NotYet,
}

fn initialise(pkcs11: &Pkcs11) -> Result<Initialised, TokenError> {
    match pkcs11.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) => Ok(Initialised::ByUs),
        Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {
            Ok(Initialised::BySomebodyElse)
        }
        Err(error) => Err(TokenError::from_cryptoki(&error)),
    }
}

fn finalise(pkcs11: &Pkcs11) -> Result<(), TokenError> {
    match pkcs11.clone().finalize() {
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiNotInitialized, _)) => Ok(()),
        Err(error) => Err(TokenError::from_cryptoki(&error)),
    }
}
