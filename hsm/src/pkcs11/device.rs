//! What the worker thread drives: a device with one session, and the three ways to get it to work again.
//!
//! Invariant: every method may block for as long as the vendor library likes; only the worker thread calls them.
//! A signature that leaves `sign` was verified on the host against the enrolled key.
//! Errors: [`TokenError`]; after an error the session is in an unknown state until `reconnect` succeeds.
//! Source: `docs/spec/hsm.md`, "Escalation".

use std::sync::Arc;

use cryptoki::mechanism::MechanismType;
use cryptoki::object::ObjectHandle;
use falaj_consensus::crypto::{Algorithm, Signature};
use ring::rand::{SecureRandom, SystemRandom};

use super::attributes;
use super::config::{KeyConfig, Limits, TokenConfig};
use super::error::TokenError;
use super::gate::Generation;
use super::key::{self, KeyName};
use super::mechanism;
use super::module::Module;
use super::pin::PinReader;
use super::session::{Access, Session};
use super::slot::{self, Found};
use crate::purpose::Canary;

/// A thing that signs, and can be brought back.
pub(crate) trait Device: Send {
    /// R0: signs the bytes in the present session.
    fn sign(&mut self, bytes: &[u8]) -> Result<Signature, TokenError>;

    /// R1: leaves the session, opens another, logs in at most once, finds and checks the key, and has it sign a canary.
    fn reconnect(&mut self) -> Result<Connected, TokenError>;

    /// R2: initialises the library again, with no call in flight.
    fn reinitialise(&mut self) -> Result<(), TokenError>;

    /// Looks again at token and attributes, in the present session.
    fn recheck(&mut self) -> Result<(), TokenError>;
}

/// What a new session found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Connected {
    /// Label of the token.
    pub(crate) token: String,
    /// Whether its slot says it is hardware.
    pub(crate) hardware: bool,
}

/// Makes a device for a worker thread.
pub(crate) trait MakeDevice: Send + Sync {
    /// A device without a session.
    fn make(&self) -> Box<dyn Device>;
}

/// Makes [`TokenDevice`]s of one configuration, which share the library and where the PIN comes from.
pub(crate) struct TokenDevices {
    pub(crate) module: Arc<Module>,
    pub(crate) token: Arc<TokenConfig>,
    pub(crate) key: Arc<KeyConfig>,
    pub(crate) pin: Arc<PinReader>,
    pub(crate) limits: Limits,
}

impl MakeDevice for TokenDevices {
    fn make(&self) -> Box<dyn Device> {
        Box::new(TokenDevice {
            module: Arc::clone(&self.module),
            token: Arc::clone(&self.token),
            key: Arc::clone(&self.key),
            pin: Arc::clone(&self.pin),
            limits: self.limits,
            seen: self.module.generation(),
            open: None,
        })
    }
}

/// A key in a token.
struct TokenDevice {
    module: Arc<Module>,
    token: Arc<TokenConfig>,
    key: Arc<KeyConfig>,
    pin: Arc<PinReader>,
    limits: Limits,
    /// Initialisation of the library in which the last session was opened or tried.
    seen: Generation,
    open: Option<Open>,
}

struct Open {
    session: Session,
    found: Found,
    key: ObjectHandle,
}

impl Device for TokenDevice {
    fn sign(&mut self, bytes: &[u8]) -> Result<Signature, TokenError> {
        let open = self.open.as_ref().ok_or(TokenError::NoSession)?;
        sign(&open.session, open.key, &self.key, bytes)
    }

    fn reconnect(&mut self) -> Result<Connected, TokenError> {
        self.open = None;
        self.seen = self.module.generation();
        let found = slot::find(&self.module, &self.token.token)?;
        let hardware = check_slot(&self.module, &found, &self.key)?;
        check_mechanism(&self.module, &found, &self.key)?;
        let session = open_and_login(
            &self.module,
            &found,
            &self.token,
            &self.pin,
            Access::ReadOnly,
        )?;
        let key = find_and_check(&session, &found, &self.key)?;
        canary(&session, key, &self.key)?;
        let token = found.token.label().to_owned();
        self.open = Some(Open {
            session,
            found,
            key,
        });
        Ok(Connected { token, hardware })
    }

    fn reinitialise(&mut self) -> Result<(), TokenError> {
        self.open = None;
        self.module
            .reinitialise(self.seen, self.limits.connect_deadline())
    }

    fn recheck(&mut self) -> Result<(), TokenError> {
        let open = self.open.as_ref().ok_or(TokenError::NoSession)?;
        still_there(&self.module, &open.found)?;
        find_and_check(&open.session, &open.found, &self.key)?;
        canary(&open.session, open.key, &self.key)
    }
}

/// Opens a session on a token that was found, and logs it in.
pub(crate) fn open_and_login(
    module: &Arc<Module>,
    found: &Found,
    config: &TokenConfig,
    pin: &PinReader,
    access: Access,
) -> Result<Session, TokenError> {
    let session = Session::open(module, found.slot, access)?;
    let login = module
        .logins()
        .login(&session, &found.token, pin, config.try_pin_at_risk);
    match login {
        Ok(()) => Ok(session),
        // A token that went away during the login says something else about the PIN than it means.
        Err(error) => Err(still_there(module, found).err().unwrap_or(error)),
    }
}

/// Asks the token itself whether it is there; a session of a token that is gone goes on looking fine.
fn still_there(module: &Module, found: &Found) -> Result<(), TokenError> {
    let token = || found.token.label().to_owned();
    match module.call(|pkcs11| pkcs11.get_token_info(found.slot)) {
        Ok(now) if now.serial_number() == found.token.serial_number() => Ok(()),
        Ok(now) => Err(TokenError::TokenMissing {
            wanted: token(),
            seen: vec![now.label().to_owned()],
        }),
        Err(TokenError::Vendor { call, code }) => Err(TokenError::TokenGone {
            token: token(),
            call,
            code,
        }),
        Err(error) => Err(error),
    }
}

fn check_slot(module: &Module, found: &Found, key: &KeyConfig) -> Result<bool, TokenError> {
    let hardware = module
        .call(|pkcs11| pkcs11.get_slot_info(found.slot))?
        .hardware_slot();
    if key.hardware_only && !hardware {
        return Err(TokenError::NotHardware {
            token: found.token.label().to_owned(),
        });
    }
    Ok(hardware)
}

/// Refuses an algorithm that the token does not offer or the configuration does not admit; nothing falls back to another.
pub(crate) fn check_mechanism(
    module: &Module,
    found: &Found,
    key: &KeyConfig,
) -> Result<(), TokenError> {
    let algorithm = key.public_key.algorithm();
    if key.fips_strict && !algorithm.fips_approved() {
        return Err(TokenError::NotApproved { algorithm });
    }
    offers(
        module,
        found,
        algorithm,
        mechanism::mechanism(algorithm).mechanism_type(),
    )
}

/// Refuses a mechanism that is not in the token's list.
pub(crate) fn offers(
    module: &Module,
    found: &Found,
    algorithm: Algorithm,
    wanted: MechanismType,
) -> Result<(), TokenError> {
    let offered = module.call(|pkcs11| pkcs11.get_mechanism_list(found.slot))?;
    if offered.contains(&wanted) {
        return Ok(());
    }
    let ours = mechanism::NAMES
        .iter()
        .filter(|(known, _)| offered.contains(known));
    Err(TokenError::MechanismMissing {
        token: found.token.label().to_owned(),
        algorithm,
        mechanism: mechanism::name(wanted),
        offered: ours.map(|(_, name)| *name).collect(),
    })
}

/// Finds the key by its name, holds its public half against the enrolled one, and its attributes against the table.
pub(crate) fn find_and_check(
    session: &Session,
    found: &Found,
    key: &KeyConfig,
) -> Result<ObjectHandle, TokenError> {
    let handle = find_private(session, found, &key.name)?;
    check_public(session, found, key)?;
    attributes::read(session, handle)?.check(&key.name.label)?;
    Ok(handle)
}

/// Finds the key by its name; where there is none, says whether the token went away or the key is missing.
pub(crate) fn find_private(
    session: &Session,
    found: &Found,
    name: &KeyName,
) -> Result<ObjectHandle, TokenError> {
    match key::find_private(session, found.token.label(), name) {
        Err(missing @ TokenError::KeyMissing { .. }) => {
            let gone = still_there(session.module(), found).err();
            Err(gone.unwrap_or(missing))
        }
        other => other,
    }
}

/// Holds the public half of the key, where the token has it, against the enrolled one.
pub(crate) fn check_public(
    session: &Session,
    found: &Found,
    key: &KeyConfig,
) -> Result<(), TokenError> {
    let token = found.token.label();
    match key::find_public(session, token, &key.name)? {
        Some(public) if public != key.public_key => Err(TokenError::KeyMismatch {
            token: token.to_owned(),
            label: key.name.label.clone(),
            expected: key.public_key.fingerprint().to_string(),
            found: public.fingerprint().to_string(),
        }),
        Some(_) | None => Ok(()),
    }
}

/// Signs and verifies, in one session.
fn sign(
    session: &Session,
    handle: ObjectHandle,
    key: &KeyConfig,
    bytes: &[u8],
) -> Result<Signature, TokenError> {
    let algorithm = key.public_key.algorithm();
    let input = mechanism::input(algorithm, bytes);
    let how = mechanism::mechanism(algorithm);
    let raw = session.call(|session| session.sign(&how, handle, &input))?;
    mechanism::accept(&key.public_key, bytes, raw)
}

/// Has the key sign 32 random bytes that can pass for nothing else.
pub(crate) fn canary(
    session: &Session,
    handle: ObjectHandle,
    key: &KeyConfig,
) -> Result<(), TokenError> {
    let mut challenge = [0; 32];
    SystemRandom::new()
        .fill(&mut challenge)
        .map_err(|_| TokenError::Unreadable {
            reason: "the system gave no random bytes".to_owned(),
        })?;
    let bytes = Canary { challenge }.sign_bytes();
    sign(session, handle, key, bytes.as_slice()).map(|_| ())
}
