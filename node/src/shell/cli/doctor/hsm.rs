//! Runs the examination and turns what it found into an exit code.

use falaj_hsm::pkcs11::{
    Cause, Declaration, DoctorReport, Evidence, KeyToExamine, Statement, TokenConfig, examine,
};

use super::{json, text};
use crate::shell::cli::{Failure, Scene, print};
use crate::shell::config::{Config, Pkcs11Config};
use crate::shell::home::{key_of_member, read_genesis};
use crate::shell::keys::token;

/// Examines the token of the configuration, and the key that the genesis gives this validator.
pub(super) fn show(
    scene: &Scene,
    config: &Config,
    validator: u32,
    signer: &Pkcs11Config,
    signatures: u32,
    try_pin_at_risk: bool,
) -> Result<(), Failure> {
    let key = key_to_examine(scene, config, validator, signer)?;
    let token = TokenConfig {
        try_pin_at_risk,
        ..token::token_config(&scene.home, signer)?
    };
    let report = examine(&token, &key, signatures);
    let statement = key.enrolled.as_ref().and_then(|_| statement(&report));
    let code = exit_code(&report);
    if scene.json {
        print::json(&json::report(&report, statement.as_ref(), code));
    } else {
        text::show(&report, statement.as_ref());
    }
    match code {
        0 => Ok(()),
        code => Err(Failure::new(code, "the report says what is wrong").told()),
    }
}

fn key_to_examine(
    scene: &Scene,
    config: &Config,
    validator: u32,
    signer: &Pkcs11Config,
) -> Result<KeyToExamine, Failure> {
    let file = scene.home.join(&config.paths.genesis);
    let enrolled = if file.exists() {
        let genesis = read_genesis(&file)?;
        Some(key_of_member(&genesis, validator)?.clone())
    } else {
        None
    };
    token::algorithm(signer)?;
    if let Some(key) = &enrolled {
        token::expect_algorithm(signer, key)?;
    }
    Ok(KeyToExamine {
        name: token::key_name(signer)?,
        enrolled,
        fips_strict: signer.fips_strict,
        hardware_only: false,
    })
}

/// What may be said about the HSM and the enrolled key after all of this; only where everything it stands on was reached.
fn statement(report: &DoctorReport) -> Option<Statement> {
    let evidence = Evidence {
        facts: report.facts.as_ref()?,
        key: report.public_key.as_ref()?,
        attributes: report.attributes.as_ref()?,
        challenges_verified: u64::try_from(report.latency.count()).ok()?,
        probes: &[],
        declaration: &Declaration::default(),
    };
    (evidence.challenges_verified > 0).then(|| Statement::of(&evidence))
}

/// The code of the worst fault: the PIN before what the configuration names, and that before anything else.
fn exit_code(report: &DoctorReport) -> u8 {
    let codes: Vec<u8> = report.causes().map(code_of).collect();
    let ranked = [Failure::PERMISSION, Failure::CONFIG];
    let worst = ranked.into_iter().find(|code| codes.contains(code));
    if report.is_healthy() {
        0
    } else {
        worst.unwrap_or(Failure::CHECK)
    }
}

const fn code_of(cause: Cause) -> u8 {
    match cause {
        Cause::PinRefused
        | Cause::PinLocked
        | Cause::PinAtRisk
        | Cause::PinUnset
        | Cause::PinUnreadable => Failure::PERMISSION,
        Cause::TokenMissing
        | Cause::TokenAmbiguous
        | Cause::KeyMissing
        | Cause::KeyDuplicate
        | Cause::KeyUnfit
        | Cause::MechanismRefused
        | Cause::Forbidden
        | Cause::LibraryUnusable => Failure::CONFIG,
        Cause::SessionLost
        | Cause::LoggedOut
        | Cause::TokenGone
        | Cause::NotInitialised
        | Cause::Throttled
        | Cause::SessionsExhausted
        | Cause::OperationStuck
        | Cause::DeviceOrParameter
        | Cause::WrongSignature
        | Cause::SelfTestFailed
        | Cause::CannotReinitialise
        | Cause::Unknown => Failure::CHECK,
    }
}
