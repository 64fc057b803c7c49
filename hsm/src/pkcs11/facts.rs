//! What library, slot and token say about themselves, as data.
//!
//! Invariant: everything here is the device's own word; nothing is concluded from it. Reading it needs no login.
//! Errors: [`TokenError`] of the library.
//! Source: PKCS #11 v3.0 §3.2 (`CK_INFO`, `CK_SLOT_INFO`, `CK_TOKEN_INFO`), §3.5 (`CK_MECHANISM_INFO`).

use std::path::PathBuf;

use cryptoki::slot::{Limit, TokenInfo};
use falaj_consensus::types::Hash32;

use super::config::TokenConfig;
use super::error::TokenError;
use super::login::PinFlags;
use super::mechanism;
use super::module::Module;
use super::slot::{self, Found};

/// The library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LibraryFacts {
    /// The file, with links resolved.
    pub path: PathBuf,
    /// SHA-256 of the file.
    pub sha256: Hash32,
    /// Whether another part of this process had initialised it first.
    pub shared: bool,
    /// Version of the standard it follows.
    pub cryptoki_version: String,
    /// Who made it.
    pub manufacturer: String,
    /// What it calls itself.
    pub description: String,
    /// Its own version.
    pub version: String,
}

/// The slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotFacts {
    /// Its number, which may change at every start.
    pub id: u64,
    /// What it calls itself.
    pub description: String,
    /// `CKF_HW_SLOT`.
    pub hardware: bool,
    /// `CKF_REMOVABLE_DEVICE`.
    pub removable: bool,
    /// Hardware version.
    pub hardware_version: String,
    /// Firmware version.
    pub firmware_version: String,
}

/// The token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenFacts {
    /// Its label.
    pub label: String,
    /// Its serial number.
    pub serial: String,
    /// Who made it.
    pub manufacturer: String,
    /// Model.
    pub model: String,
    /// Hardware version.
    pub hardware_version: String,
    /// Firmware version.
    pub firmware_version: String,
    /// `CKF_RNG`.
    pub random: bool,
    /// `CKF_LOGIN_REQUIRED`.
    pub login_required: bool,
    /// `CKF_WRITE_PROTECTED`.
    pub write_protected: bool,
    /// `CKF_ERROR_STATE`: a self-test failed.
    pub error_state: bool,
    /// What it says about its PIN.
    pub pin: PinFlags,
    /// Sessions this process has open, where the token counts them.
    pub sessions: Option<u64>,
    /// Sessions it allows, where it has a bound.
    pub sessions_max: Option<u64>,
    /// Its clock, where it has one, in UTC.
    pub clock: Option<String>,
}

/// One of the mechanisms this program uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MechanismFacts {
    /// Its name in the standard.
    pub name: &'static str,
    /// Whether it is in the token's list.
    pub offered: bool,
    /// Smallest key, in the unit of the mechanism.
    pub key_min: usize,
    /// Largest key, in the unit of the mechanism.
    pub key_max: usize,
    /// `CKF_HW`.
    pub hardware: bool,
}

/// Everything together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceFacts {
    /// The library.
    pub library: LibraryFacts,
    /// The slot.
    pub slot: SlotFacts,
    /// The token.
    pub token: TokenFacts,
    /// The mechanisms of this program, offered or not.
    pub mechanisms: Vec<MechanismFacts>,
}

impl DeviceFacts {
    /// Asks the device; without a login, so without spending anything.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn read(config: &TokenConfig) -> Result<Self, TokenError> {
        let module = Module::load(&config.module, config.module_sha256)?;
        let found = slot::find(&module, &config.token)?;
        Self::of(&module, &found)
    }

    pub(crate) fn of(module: &Module, found: &Found) -> Result<Self, TokenError> {
        Ok(Self {
            library: library(module)?,
            slot: slot_facts(module, found)?,
            token: token_facts(&found.token),
            mechanisms: mechanisms(module, found)?,
        })
    }
}

fn library(module: &Module) -> Result<LibraryFacts, TokenError> {
    let info = module.call(|pkcs11| pkcs11.get_library_info())?;
    Ok(LibraryFacts {
        path: module.path().to_path_buf(),
        sha256: module.sha256(),
        shared: module.is_shared(),
        cryptoki_version: info.cryptoki_version().to_string(),
        manufacturer: info.manufacturer_id().to_owned(),
        description: info.library_description().to_owned(),
        version: info.library_version().to_string(),
    })
}

fn slot_facts(module: &Module, found: &Found) -> Result<SlotFacts, TokenError> {
    let info = module.call(|pkcs11| pkcs11.get_slot_info(found.slot))?;
    Ok(SlotFacts {
        id: found.slot.id(),
        description: info.slot_description().to_owned(),
        hardware: info.hardware_slot(),
        removable: info.removable_device(),
        hardware_version: info.hardware_version().to_string(),
        firmware_version: info.firmware_version().to_string(),
    })
}

fn token_facts(token: &TokenInfo) -> TokenFacts {
    TokenFacts {
        label: token.label().to_owned(),
        serial: token.serial_number().to_owned(),
        manufacturer: token.manufacturer_id().to_owned(),
        model: token.model().to_owned(),
        hardware_version: token.hardware_version().to_string(),
        firmware_version: token.firmware_version().to_string(),
        random: token.rng(),
        login_required: token.login_required(),
        write_protected: token.write_protected(),
        error_state: token.error_state(),
        pin: PinFlags::of(token),
        sessions: token.session_count(),
        sessions_max: match token.max_session_count() {
            Limit::Max(count) => Some(count),
            Limit::Unavailable | Limit::Infinite => None,
        },
        clock: token.utc_time().map(|time| time.as_iso8601_string()),
    }
}

fn mechanisms(module: &Module, found: &Found) -> Result<Vec<MechanismFacts>, TokenError> {
    let offered = module.call(|pkcs11| pkcs11.get_mechanism_list(found.slot))?;
    let mut facts = Vec::with_capacity(mechanism::NAMES.len());
    for (kind, name) in mechanism::NAMES {
        let absent = MechanismFacts {
            name,
            offered: false,
            key_min: 0,
            key_max: 0,
            hardware: false,
        };
        if !offered.contains(&kind) {
            facts.push(absent);
            continue;
        }
        let info = module.call(|pkcs11| pkcs11.get_mechanism_info(found.slot, kind))?;
        facts.push(MechanismFacts {
            offered: true,
            key_min: info.min_key_size(),
            key_max: info.max_key_size(),
            hardware: info.hardware(),
            ..absent
        });
    }
    Ok(facts)
}
