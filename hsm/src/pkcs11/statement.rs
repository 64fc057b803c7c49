//! What a node may say about its HSM, in four lists that are never mixed.
//!
//! Invariant: a line stands under "verified by this node" only if this node computed it itself; what the device says of itself is reported,
//! what the operator says is declared, and what nobody here can check is listed as such. No line ever says that a FIPS level is met.
//! Shape: each line is a claim and its evidence. A token that is no hardware puts the TEST banner above everything.
//! Source: `docs/spec/hsm.md`, "Statement".

use falaj_consensus::crypto::PublicKey;

use super::attributes::{AllowedMechanisms, KeyAttributes};
use super::backend::test_banner;
use super::facts::DeviceFacts;
use super::probe::{Probe, ProbeOutcome};

/// A claim and what it stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What is said.
    pub claim: String,
    /// Why it may be said.
    pub evidence: String,
}

/// What the operator declares about the device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declaration {
    /// Number of the validation certificate.
    pub certificate: Option<String>,
    /// The standard it is for, such as `FIPS 140-3`.
    pub standard: Option<String>,
    /// The level it states.
    pub level: Option<String>,
    /// When it ends.
    pub expires: Option<String>,
}

/// What a statement is made from.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// What the device says.
    pub facts: &'a DeviceFacts,
    /// The enrolled key.
    pub key: &'a PublicKey,
    /// What the token says about it.
    pub attributes: &'a KeyAttributes,
    /// Challenges signed by the key and verified on this host.
    pub challenges_verified: u64,
    /// The negative probes, where they were made.
    pub probes: &'a [Probe],
    /// What the operator says.
    pub declaration: &'a Declaration,
}

/// The four lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Shown above everything, always.
    pub banner: Option<String>,
    /// Computed here.
    pub verified: Vec<Line>,
    /// Said by the device.
    pub reported: Vec<Line>,
    /// Said by the operator.
    pub declared: Vec<Line>,
    /// Not to be known here.
    pub unverifiable: Vec<Line>,
}

impl Statement {
    /// Sorts the evidence into the lists.
    #[must_use]
    pub fn of(evidence: &Evidence<'_>) -> Self {
        let facts = evidence.facts;
        Self {
            banner: test_banner(&facts.token.label, facts.slot.hardware),
            verified: verified(evidence),
            reported: reported(evidence),
            declared: declared(evidence.declaration),
            unverifiable: unverifiable(),
        }
    }
}

fn line(claim: impl Into<String>, evidence: impl Into<String>) -> Line {
    Line {
        claim: claim.into(),
        evidence: evidence.into(),
    }
}

fn verified(evidence: &Evidence<'_>) -> Vec<Line> {
    let mut lines = vec![line(
        format!(
            "the token signs with the enrolled key {}",
            evidence.key.fingerprint()
        ),
        format!(
            "{} random challenges signed by it verify on this host",
            evidence.challenges_verified
        ),
    )];
    for probe in evidence.probes {
        let word = match &probe.outcome {
            ProbeOutcome::Refused(error) => format!("tried; {error}"),
            ProbeOutcome::Withheld => "tried; the value is withheld".to_owned(),
            ProbeOutcome::Done | ProbeOutcome::NotTried(_) => continue,
        };
        lines.push(line(format!("the token refuses to {}", probe.name), word));
    }
    lines
}

fn reported(evidence: &Evidence<'_>) -> Vec<Line> {
    let facts = evidence.facts;
    let mut lines = vec![
        line(
            format!(
                "library {} {}",
                facts.library.description, facts.library.version
            ),
            format!(
                "C_GetInfo; file {} with sha-256 {}",
                facts.library.path.display(),
                facts.library.sha256
            ),
        ),
        line(
            format!(
                "token {} of {}, firmware {}",
                facts.token.model, facts.token.manufacturer, facts.token.firmware_version
            ),
            "C_GetTokenInfo",
        ),
        line(
            if facts.slot.hardware {
                "the slot is hardware"
            } else {
                "the slot is not hardware"
            },
            "CKF_HW_SLOT of C_GetSlotInfo",
        ),
    ];
    for attribute in &evidence.attributes.lines {
        let agrees = if attribute.reported.is(attribute.expected) {
            "as it must be"
        } else {
            "NOT as it should be"
        };
        lines.push(line(
            format!("{} is {}", attribute.name, attribute.reported),
            format!("C_GetAttributeValue; {agrees}"),
        ));
    }
    lines.push(match &evidence.attributes.allowed {
        AllowedMechanisms::Only(list) => line(
            format!("the key may be used with {} only", list.join(", ")),
            "CKA_ALLOWED_MECHANISMS",
        ),
        AllowedMechanisms::Unrestricted => line(
            "the token does not restrict the key to one mechanism",
            "CKA_ALLOWED_MECHANISMS is absent",
        ),
    });
    lines
}

fn declared(declaration: &Declaration) -> Vec<Line> {
    let fields = [
        ("validation certificate", &declaration.certificate),
        ("standard", &declaration.standard),
        ("level", &declaration.level),
        ("certificate ends", &declaration.expires),
    ];
    let known = fields
        .into_iter()
        .filter_map(|(what, value)| value.as_ref().map(|value| (what, value)));
    known
        .map(|(what, value)| line(format!("{what}: {value}"), "the operator's configuration"))
        .collect()
}

fn unverifiable() -> Vec<Line> {
    vec![
        line(
            "that the key exists nowhere else",
            "no attestation chained to a pinned vendor root was checked",
        ),
        line(
            "that the device is the certified model in its certified mode",
            "PKCS #11 gives no proof of it",
        ),
        line(
            "how good the device's random numbers are",
            "PKCS #11 gives no proof of it",
        ),
        line(
            "that the library passes calls to the device unchanged",
            "it runs in this process and is trusted",
        ),
    ]
}
