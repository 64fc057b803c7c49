//! Bundles: read, checked under a genesis with nothing else, and told in words.
//!
//! Invariant: a [`Proof`] exists only of a bundle that verifies; whoever gave it is not believed in anything.
//! Errors: each part that can fail has a stable name, see [`BundleError::name`].
//! Source: `docs/spec/receipts.md`.

mod words;

use falaj_ledger::bundle::{Bundle, BundleError, BundleFormError, Proven, VerifiedBundle};
use falaj_ledger::genesis::Genesis;
use falaj_light::Trust;
use serde_json::Value;

use super::Failure;

/// The longest file of a bundle: base64 of the longest bundle, and room for the JSON around it.
pub(super) const FILE_BYTES_MAX: usize = falaj_ledger::bundle::BUNDLE_BYTES_MAX * 4 / 3 + 256;

/// A bundle that verified.
pub(super) struct Proof<'a> {
    pub(super) verified: VerifiedBundle,
    kind: &'static str,
    pub(super) genesis: &'a Genesis,
}

/// Reads a bundle in either of its forms.
pub(super) fn read(bytes: &[u8]) -> Result<Bundle, Failure> {
    let bundle = match std::str::from_utf8(bytes) {
        Ok(text) if text.starts_with('{') => Bundle::from_text(text),
        Ok(_) | Err(_) => Bundle::from_bytes(bytes),
    };
    bundle.map_err(no_bundle)
}

/// Reads a bundle as the API gives it.
pub(super) fn of_api(value: &Value) -> Result<Bundle, Failure> {
    Bundle::from_text(&value.to_string()).map_err(no_bundle)
}

/// Checks a bundle.
pub(super) fn check<'a>(bundle: &Bundle, genesis: &'a Genesis) -> Result<Proof<'a>, Failure> {
    let verified = falaj_light::verify(&Trust::of_genesis(genesis), bundle);
    let verified = verified.map_err(unproven)?;
    let kind = bundle.kind();
    Ok(Proof {
        verified,
        kind,
        genesis,
    })
}

impl Proof<'_> {
    /// Where in the chain it stands.
    pub(super) const fn at(&self) -> Proven {
        match &self.verified {
            VerifiedBundle::Receipt(found) => found.at,
            VerifiedBundle::NoExecution(found) => found.at,
            VerifiedBundle::Account(found) => found.at,
            VerifiedBundle::Event(found) => found.at,
            VerifiedBundle::LogExtension(found) => found.at,
        }
    }

    /// What is proven, line by line.
    pub(super) fn lines(&self) -> Vec<String> {
        words::lines(self)
    }

    /// What is proven, for programs.
    pub(super) fn to_json(&self) -> Value {
        words::json(self)
    }
}

/// A bundle that proves something else than what was asked.
pub(super) fn other(name: &'static str, text: impl std::fmt::Display) -> Failure {
    Failure::new(Failure::CHECK, format!("{name}: {text}")).with("name", name)
}

#[derive(Debug, thiserror::Error)]
#[error("{name}: {what}")]
struct Unproven<E: std::error::Error + 'static> {
    name: &'static str,
    what: &'static str,
    #[source]
    source: E,
}

fn no_bundle(source: BundleFormError) -> Failure {
    let (name, what) = (source.name(), "this is no bundle of this program");
    let error = Unproven { name, what, source };
    Failure::new(Failure::CHECK, error)
        .with("name", name)
        .fix("get it anew: falaj receipt get, or falaj account proof")
}

fn unproven(source: BundleError) -> Failure {
    let (name, what) = (
        source.name(),
        "the bundle proves nothing under this genesis",
    );
    let fix = match source {
        BundleError::OtherChain { .. } | BundleError::OtherSet { .. } => {
            "name the genesis of the chain that the bundle is of with --genesis"
        }
        BundleError::Features(_) => "check it with a program of the version that made it",
        BundleError::NotInForce { .. }
        | BundleError::OtherNextSet { .. }
        | BundleError::NoChange
        | BundleError::Certificate(_)
        | BundleError::Answer(_) => {
            "do not rely on it; ask another node for the bundle, and whoever gave you this one why it does not hold"
        }
    };
    let error = Unproven { name, what, source };
    Failure::new(Failure::CHECK, error)
        .with("name", name)
        .fix(fix)
}
