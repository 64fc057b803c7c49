//! The attributes that make a key a consensus key, as the device reports them.
//!
//! Invariant: a key is used only if every attribute of [`REQUIRED`] has its value. An attribute that the token does not know counts as
//! false, so a permission may be unknown and a protection may not.
//! Errors: [`TokenError::KeyAttribute`] names the first one that is wrong.
//! Source: PKCS #11 v3.0 §4.4, §4.7, §4.9; `docs/spec/hsm.md`, "Keys".

use std::fmt;

use cryptoki::object::{Attribute, AttributeInfo, AttributeType, ObjectHandle};

use super::error::TokenError;
use super::mechanism;
use super::session::Session;

/// What must hold: attribute, its name in the standard, its value.
pub(crate) const REQUIRED: [(AttributeType, &str, bool); 13] = [
    (AttributeType::Token, "CKA_TOKEN", true),
    (AttributeType::Private, "CKA_PRIVATE", true),
    (AttributeType::Sensitive, "CKA_SENSITIVE", true),
    (AttributeType::AlwaysSensitive, "CKA_ALWAYS_SENSITIVE", true),
    (AttributeType::Extractable, "CKA_EXTRACTABLE", false),
    (
        AttributeType::NeverExtractable,
        "CKA_NEVER_EXTRACTABLE",
        true,
    ),
    (AttributeType::Local, "CKA_LOCAL", true),
    (AttributeType::Sign, "CKA_SIGN", true),
    (AttributeType::SignRecover, "CKA_SIGN_RECOVER", false),
    (AttributeType::Decrypt, "CKA_DECRYPT", false),
    (AttributeType::Unwrap, "CKA_UNWRAP", false),
    (AttributeType::Derive, "CKA_DERIVE", false),
    (
        AttributeType::AlwaysAuthenticate,
        "CKA_ALWAYS_AUTHENTICATE",
        false,
    ),
];

/// What a key made by this program has as well; a key without it is used and reported.
pub(crate) const HARDENED: [(AttributeType, &str, bool); 3] = [
    (AttributeType::Modifiable, "CKA_MODIFIABLE", false),
    (AttributeType::Copyable, "CKA_COPYABLE", false),
    (AttributeType::Destroyable, "CKA_DESTROYABLE", false),
];

/// What the token says about one attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reported {
    /// Its value.
    Value(bool),
    /// The token does not know the attribute for this key.
    Unknown,
    /// The token does not tell.
    Withheld,
}

impl Reported {
    /// Whether it is what it has to be.
    #[must_use]
    pub const fn is(self, expected: bool) -> bool {
        match self {
            Self::Value(value) => value == expected,
            Self::Unknown => !expected,
            Self::Withheld => false,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Value(true) => "true",
            Self::Value(false) => "false",
            Self::Unknown => "unknown to the token",
            Self::Withheld => "withheld by the token",
        }
    }
}

impl fmt::Display for Reported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// One attribute of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyAttribute {
    /// Name in the standard.
    pub name: &'static str,
    /// What it should be.
    pub expected: bool,
    /// What the token reports.
    pub reported: Reported,
    /// Whether a key that lacks it is refused.
    pub required: bool,
}

/// The mechanisms a key may be used with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedMechanisms {
    /// The token restricts the key to these.
    Only(Vec<&'static str>),
    /// The token does not restrict it.
    Unrestricted,
}

/// All attributes of a private key that matter here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyAttributes {
    /// One line each, required first.
    pub lines: Vec<KeyAttribute>,
    /// `CKA_ALLOWED_MECHANISMS`.
    pub allowed: AllowedMechanisms,
}

impl KeyAttributes {
    /// Refuses a key that is not fit to sign for a validator.
    ///
    /// # Errors
    /// [`TokenError::KeyAttribute`] with the first required attribute that is wrong.
    pub fn check(&self, label: &str) -> Result<(), TokenError> {
        let wrong = self
            .lines
            .iter()
            .find(|line| line.required && !line.reported.is(line.expected));
        wrong.map_or(Ok(()), |line| {
            Err(TokenError::KeyAttribute {
                label: label.to_owned(),
                attribute: line.name,
                expected: Reported::Value(line.expected).words(),
                found: line.reported.words().to_owned(),
            })
        })
    }
}

/// Asks the token for the attributes of a private key.
pub(crate) fn read(session: &Session, key: ObjectHandle) -> Result<KeyAttributes, TokenError> {
    let required = REQUIRED.iter().map(|line| (line, true));
    let hardened = HARDENED.iter().map(|line| (line, false));
    let mut lines = Vec::with_capacity(REQUIRED.len() + HARDENED.len());
    for (&(kind, name, expected), required) in required.chain(hardened) {
        let reported = read_flag(session, key, kind)?;
        lines.push(KeyAttribute {
            name,
            expected,
            reported,
            required,
        });
    }
    Ok(KeyAttributes {
        lines,
        allowed: read_allowed(session, key)?,
    })
}

/// One at a time: cryptoki leaves out what it did not get, and does not say why.
fn read_flag(
    session: &Session,
    key: ObjectHandle,
    kind: AttributeType,
) -> Result<Reported, TokenError> {
    let found = session.call(|session| session.get_attributes(key, &[kind]))?;
    if let Some(value) = found.first().and_then(flag) {
        return Ok(Reported::Value(value));
    }
    let info = session.call(|session| session.get_attribute_info(key, &[kind]))?;
    Ok(match info.first() {
        Some(AttributeInfo::TypeInvalid) | None => Reported::Unknown,
        Some(
            AttributeInfo::Sensitive | AttributeInfo::Unavailable | AttributeInfo::Available(_),
        ) => Reported::Withheld,
    })
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the enum is not exhaustive, and only flags are asked for"
)]
const fn flag(attribute: &Attribute) -> Option<bool> {
    match attribute {
        Attribute::Token(value)
        | Attribute::Private(value)
        | Attribute::Sensitive(value)
        | Attribute::AlwaysSensitive(value)
        | Attribute::Extractable(value)
        | Attribute::NeverExtractable(value)
        | Attribute::Local(value)
        | Attribute::Sign(value)
        | Attribute::SignRecover(value)
        | Attribute::Decrypt(value)
        | Attribute::Unwrap(value)
        | Attribute::Derive(value)
        | Attribute::AlwaysAuthenticate(value)
        | Attribute::Modifiable(value)
        | Attribute::Copyable(value)
        | Attribute::Destroyable(value) => Some(*value),
        _ => None,
    }
}

fn read_allowed(session: &Session, key: ObjectHandle) -> Result<AllowedMechanisms, TokenError> {
    let found =
        session.call(|session| session.get_attributes(key, &[AttributeType::AllowedMechanisms]));
    match found?.into_iter().next() {
        Some(Attribute::AllowedMechanisms(list)) if !list.is_empty() => Ok(
            AllowedMechanisms::Only(list.into_iter().map(mechanism::name).collect()),
        ),
        Some(_) | None => Ok(AllowedMechanisms::Unrestricted),
    }
}
