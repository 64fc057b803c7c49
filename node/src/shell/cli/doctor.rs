//! `falaj doctor hsm`: examines the validator's token and key as the node will use them, and says what is wrong and what to do.
//!
//! Invariant: one login at most, none against the token's flags; only canaries are signed; nothing in home or token is changed. It may run
//! beside the node.
//! Exit: 0 the key can sign; 77 the PIN; 78 token, key or library are not what the configuration says; 1 any other fault.
//! Source: `docs/spec/hsm.md`, "Doctor"; `docs/runbook/hsm.md`.

#[cfg(feature = "pkcs11")]
mod hsm;
#[cfg(feature = "pkcs11")]
mod json;
#[cfg(feature = "pkcs11")]
mod text;

#[cfg(feature = "pkcs11")]
pub(super) use json::attributes;

use clap::{Args, Subcommand};

use super::{Failure, Scene};
use crate::shell::config::{Config, SignerConfig};

/// Examines what the node depends on.
#[derive(Subcommand)]
pub(super) enum Doctor {
    /// Examine the token and the consensus key in it.
    Hsm(DoctorHsm),
}

/// How thoroughly the HSM is examined.
#[derive(Args)]
pub(super) struct DoctorHsm {
    /// How many signatures to time.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    signatures: u32,
    /// Spend one PIN try although the token says that a wrong PIN was entered before. A good login resets its counter.
    #[arg(long)]
    try_pin_at_risk: bool,
}

impl Doctor {
    pub(super) fn run(&self, scene: &Scene) -> Result<(), Failure> {
        match self {
            Self::Hsm(options) => options.run(scene),
        }
    }
}

impl DoctorHsm {
    fn run(&self, scene: &Scene) -> Result<(), Failure> {
        let config = Config::load(&scene.home)?;
        let validator = config
            .validator
            .as_ref()
            .ok_or_else(|| refused("this node only follows: it has no key"))?;
        match &validator.signer {
            SignerConfig::Pkcs11(token) => hsm::show(
                scene,
                &config,
                validator.id,
                token,
                self.signatures,
                self.try_pin_at_risk,
            ),
            SignerConfig::Software(_) => Err(refused(
                "TEST: the key of this node is in a file, there is no HSM to examine",
            )),
        }
    }
}

#[cfg(not(feature = "pkcs11"))]
mod hsm {
    use super::{Config, Failure, Scene};
    use crate::shell::config::Pkcs11Config;
    use crate::shell::keys::SignerError;

    pub(super) fn show(
        _: &Scene,
        _: &Config,
        _: u32,
        _: &Pkcs11Config,
        _: u32,
        _: bool,
    ) -> Result<(), Failure> {
        Err(SignerError::NotBuilt("pkcs11").into())
    }
}

fn refused(why: &'static str) -> Failure {
    Failure::new(Failure::CONFIG, why)
}
