//! The hardened template: what a key that this program makes may do, and what nobody may do to it.
//!
//! Invariant: sign only, sensitive, never extractable, not modifiable, not copyable, not destroyable, one mechanism.
//! A token that does not know `CKA_ALLOWED_MECHANISMS` gets the template without it, and the key's report says so; nothing else is dropped.
//! Errors: what the library returned for the last template.
//! Source: PKCS #11 v3.0 §4.4, §4.9; `docs/spec/hsm.md`, "Keys".

use cryptoki::error::RvError;
use cryptoki::object::{Attribute, ObjectHandle};
use cryptoki::types::Ulong;
use falaj_consensus::crypto::Algorithm;

use super::error::TokenError;
use super::key::{ED25519_NAME, ED25519_PARAMS, KeyName, P256_PARAMS, P384_PARAMS, RSA_EXPONENT};
use super::mechanism;
use super::session::Session;

/// Makes a key pair; in the token, or for the life of the session only.
///
/// # Errors
/// What the library returned.
pub(crate) fn generate(
    session: &Session,
    algorithm: Algorithm,
    name: &KeyName,
    in_token: bool,
) -> Result<(ObjectHandle, ObjectHandle), TokenError> {
    let how = mechanism::generation(algorithm);
    let mut last = None;
    for (parameters, restricted) in variants(algorithm) {
        let public = public_template(parameters, name, in_token);
        let private = private_template(algorithm, name, in_token, restricted);
        let made = session.call(|session| session.generate_key_pair(&how, &public, &private));
        match made {
            Err(error) if is_about_the_template(&error) => last = Some(error),
            other => return other,
        }
    }
    Err(last.unwrap_or(TokenError::NoSession))
}

/// Parameters and restriction in order of preference.
fn variants(algorithm: Algorithm) -> Vec<(Vec<Attribute>, bool)> {
    let forms = parameters(algorithm);
    let restricted = forms.iter().cloned().map(|form| (form, true));
    restricted
        .chain(forms.iter().cloned().map(|form| (form, false)))
        .collect()
}

/// What names the kind of key; Ed25519 has two forms and tokens that know one of them only.
fn parameters(algorithm: Algorithm) -> Vec<Vec<Attribute>> {
    let curve = |params: &[u8]| vec![Attribute::EcParams(params.to_vec())];
    let rsa = |bits| {
        vec![
            Attribute::ModulusBits(Ulong::new(bits)),
            Attribute::PublicExponent(RSA_EXPONENT.to_vec()),
        ]
    };
    match algorithm {
        Algorithm::Ed25519 => vec![curve(&ED25519_PARAMS), curve(&ED25519_NAME)],
        Algorithm::EcdsaP256 => vec![curve(&P256_PARAMS)],
        Algorithm::EcdsaP384 => vec![curve(&P384_PARAMS)],
        Algorithm::RsaPss2048 => vec![rsa(2048)],
        Algorithm::RsaPss3072 => vec![rsa(3072)],
        Algorithm::RsaPss4096 => vec![rsa(4096)],
    }
}

fn public_template(parameters: Vec<Attribute>, name: &KeyName, in_token: bool) -> Vec<Attribute> {
    let mut template = vec![
        Attribute::Token(in_token),
        Attribute::Private(false),
        Attribute::Label(name.label.as_bytes().to_vec()),
        Attribute::Id(name.id.clone()),
        Attribute::Verify(true),
        Attribute::Encrypt(false),
        Attribute::Wrap(false),
        Attribute::VerifyRecover(false),
        Attribute::Modifiable(false),
        Attribute::Copyable(false),
        Attribute::Destroyable(false),
    ];
    template.extend(parameters);
    template
}

fn private_template(
    algorithm: Algorithm,
    name: &KeyName,
    in_token: bool,
    restricted: bool,
) -> Vec<Attribute> {
    let mut template = vec![
        Attribute::Token(in_token),
        Attribute::Private(true),
        Attribute::Label(name.label.as_bytes().to_vec()),
        Attribute::Id(name.id.clone()),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Sign(true),
        Attribute::SignRecover(false),
        Attribute::Decrypt(false),
        Attribute::Unwrap(false),
        Attribute::Derive(false),
        Attribute::Modifiable(false),
        Attribute::Copyable(false),
        Attribute::Destroyable(false),
    ];
    if restricted {
        let one = mechanism::mechanism(algorithm).mechanism_type();
        template.push(Attribute::AllowedMechanisms(vec![one]));
    }
    template
}

/// Whether the token refused how it was asked, rather than to make a key.
fn is_about_the_template(error: &TokenError) -> bool {
    let TokenError::Vendor { code, .. } = error else {
        return false;
    };
    matches!(
        code.0,
        RvError::AttributeTypeInvalid
            | RvError::AttributeValueInvalid
            | RvError::AttributeReadOnly
            | RvError::TemplateInconsistent
            | RvError::DomainParamsInvalid
            | RvError::CurveNotSupported
    )
}
