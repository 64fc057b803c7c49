//! Finds a key by id, label and public key, and reads its public half.
//!
//! Invariant: a private key is used only if exactly one has the configured id, exactly one the configured label, both are the same
//! object, and its public half, where the token holds one, is the enrolled key. The canary proves the rest.
//! Shapes: `CKA_EC_POINT` comes as the point itself or wrapped in a DER OCTET STRING (32 or 34 bytes for Ed25519); both are read.
//! Errors: zero keys found is "token gone", "not logged in" or "key missing", told apart by asking the token, because a token that went
//! away lets its sessions find nothing and report success.
//! Source: PKCS #11 v3.0 §2.1.2 (RSA), §2.3.3 and §2.3.5 (EC, Edwards); `docs/spec/hsm.md`, "Identity".

use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::SessionState;
use falaj_consensus::crypto::{Algorithm, PublicKey};

use super::error::TokenError;
use super::session::Session;

/// `CKA_EC_PARAMS` of P-256: its object identifier.
pub(crate) const P256_PARAMS: [u8; 10] =
    [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// `CKA_EC_PARAMS` of P-384: its object identifier.
pub(crate) const P384_PARAMS: [u8; 7] = [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];
/// `CKA_EC_PARAMS` of Ed25519 as its object identifier, 1.3.101.112.
pub(crate) const ED25519_PARAMS: [u8; 5] = [0x06, 0x03, 0x2b, 0x65, 0x70];
/// `CKA_EC_PARAMS` of Ed25519 as the printable string `edwards25519`.
pub(crate) const ED25519_NAME: [u8; 14] = *b"\x13\x0cedwards25519";
/// The one public exponent.
pub(crate) const RSA_EXPONENT: [u8; 3] = [1, 0, 1];

/// The name of a key within its token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyName {
    /// `CKA_LABEL`.
    pub label: String,
    /// `CKA_ID`.
    pub id: Vec<u8>,
}

/// Bytes as lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn objects(
    session: &Session,
    class: ObjectClass,
    by: Attribute,
) -> Result<Vec<ObjectHandle>, TokenError> {
    session.call(|session| session.find_objects(&[Attribute::Class(class), by]))
}

fn by_label(
    session: &Session,
    class: ObjectClass,
    label: &str,
) -> Result<Vec<ObjectHandle>, TokenError> {
    objects(session, class, Attribute::Label(label.as_bytes().to_vec()))
}

fn by_id(
    session: &Session,
    class: ObjectClass,
    id: &[u8],
) -> Result<Vec<ObjectHandle>, TokenError> {
    objects(session, class, Attribute::Id(id.to_vec()))
}

/// The one private key of that name.
///
/// # Errors
/// [`TokenError::KeyDuplicate`], [`TokenError::KeyMissing`], [`TokenError::NotLoggedIn`], or what the library returned.
pub(crate) fn find_private(
    session: &Session,
    token: &str,
    name: &KeyName,
) -> Result<ObjectHandle, TokenError> {
    let labelled = by_label(session, ObjectClass::PRIVATE_KEY, &name.label)?;
    let numbered = by_id(session, ObjectClass::PRIVATE_KEY, &name.id)?;
    let duplicate = |attribute, value, count| TokenError::KeyDuplicate {
        token: token.to_owned(),
        attribute,
        value,
        count,
    };
    match (labelled.as_slice(), numbered.as_slice()) {
        ([one], [same]) if one == same => Ok(*one),
        ([_, _, ..], _) => Err(duplicate("label", name.label.clone(), labelled.len())),
        (_, [_, _, ..]) => Err(duplicate("id", hex(&name.id), numbered.len())),
        ([] | [_], [] | [_]) => Err(missing(session, token, name)),
    }
}

fn missing(session: &Session, token: &str, name: &KeyName) -> TokenError {
    match session.call(|session| session.get_session_info()) {
        Err(error) => return error,
        Ok(info) => match info.session_state() {
            SessionState::RoUser | SessionState::RwUser => {}
            SessionState::RoPublic | SessionState::RwPublic | SessionState::RwSecurityOfficer => {
                return TokenError::NotLoggedIn;
            }
        },
    }
    TokenError::KeyMissing {
        token: token.to_owned(),
        label: name.label.clone(),
        id: hex(&name.id),
    }
}

/// Refuses a name that any object of the token carries already.
///
/// # Errors
/// [`TokenError::NameTaken`], or what the library returned.
pub(crate) fn refuse_taken(
    session: &Session,
    token: &str,
    name: &KeyName,
) -> Result<(), TokenError> {
    let taken = |attribute, value| TokenError::NameTaken {
        token: token.to_owned(),
        attribute,
        value,
    };
    for class in [ObjectClass::PRIVATE_KEY, ObjectClass::PUBLIC_KEY] {
        if !by_label(session, class, &name.label)?.is_empty() {
            return Err(taken("label", name.label.clone()));
        }
        if !by_id(session, class, &name.id)?.is_empty() {
            return Err(taken("id", hex(&name.id)));
        }
    }
    Ok(())
}

/// The public half of the key with that name, if the token holds an object for it.
///
/// # Errors
/// [`TokenError::KeyDuplicate`], [`TokenError::KeyForm`], [`TokenError::KeyBytes`], or what the library returned.
pub(crate) fn find_public(
    session: &Session,
    token: &str,
    name: &KeyName,
) -> Result<Option<PublicKey>, TokenError> {
    let numbered = by_id(session, ObjectClass::PUBLIC_KEY, &name.id)?;
    match numbered.as_slice() {
        [] => Ok(None),
        [one] => export(session, *one, &name.label).map(Some),
        more => Err(TokenError::KeyDuplicate {
            token: token.to_owned(),
            attribute: "id",
            value: hex(&name.id),
            count: more.len(),
        }),
    }
}

/// Reads a public key object.
pub(crate) fn export(
    session: &Session,
    key: ObjectHandle,
    label: &str,
) -> Result<PublicKey, TokenError> {
    const WANTED: [AttributeType; 5] = [
        AttributeType::KeyType,
        AttributeType::EcParams,
        AttributeType::EcPoint,
        AttributeType::Modulus,
        AttributeType::PublicExponent,
    ];
    let attributes = session.call(|session| session.get_attributes(key, &WANTED))?;
    let (algorithm, bytes) =
        Parts::of(&attributes)
            .decode()
            .map_err(|reason| TokenError::KeyForm {
                label: label.to_owned(),
                reason,
            })?;
    PublicKey::new(algorithm, bytes).map_err(|source| TokenError::KeyBytes {
        label: label.to_owned(),
        source,
    })
}

/// The attributes of a public key that say which key it is.
#[derive(Default)]
struct Parts<'a> {
    kind: Option<KeyType>,
    params: &'a [u8],
    point: &'a [u8],
    modulus: &'a [u8],
    exponent: &'a [u8],
}

impl<'a> Parts<'a> {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the enum is not exhaustive, and only these were asked for"
    )]
    fn of(attributes: &'a [Attribute]) -> Self {
        let mut parts = Self::default();
        for attribute in attributes {
            match attribute {
                Attribute::KeyType(kind) => parts.kind = Some(*kind),
                Attribute::EcParams(bytes) => parts.params = bytes,
                Attribute::EcPoint(bytes) => parts.point = bytes,
                Attribute::Modulus(bytes) => parts.modulus = bytes,
                Attribute::PublicExponent(bytes) => parts.exponent = bytes,
                _ => {}
            }
        }
        parts
    }

    fn decode(&self) -> Result<(Algorithm, Vec<u8>), &'static str> {
        match self.kind {
            Some(KeyType::RSA) => self.decode_rsa(),
            Some(KeyType::EC | KeyType::EC_EDWARDS) => self.decode_curve(),
            Some(_) | None => Err("neither an rsa nor an elliptic-curve key"),
        }
    }

    fn decode_rsa(&self) -> Result<(Algorithm, Vec<u8>), &'static str> {
        if strip_zeros(self.exponent) != RSA_EXPONENT {
            return Err("the public exponent is not 65537");
        }
        let modulus = strip_zeros(self.modulus);
        let algorithm = match modulus.len() {
            256 => Algorithm::RsaPss2048,
            384 => Algorithm::RsaPss3072,
            512 => Algorithm::RsaPss4096,
            _ => return Err("the modulus has neither 2048 nor 3072 nor 4096 bits"),
        };
        Ok((algorithm, modulus.to_vec()))
    }

    fn decode_curve(&self) -> Result<(Algorithm, Vec<u8>), &'static str> {
        let algorithm = if self.params == P256_PARAMS {
            Algorithm::EcdsaP256
        } else if self.params == P384_PARAMS {
            Algorithm::EcdsaP384
        } else if self.params == ED25519_PARAMS || self.params == ED25519_NAME {
            Algorithm::Ed25519
        } else {
            return Err("the curve is neither p-256 nor p-384 nor ed25519");
        };
        let point = unwrap_point(self.point, algorithm.public_key_bytes());
        point
            .map(|point| (algorithm, point.to_vec()))
            .ok_or("the point has a length of no known form")
    }
}

/// The point itself, from itself or from a DER OCTET STRING of it; the length tells which.
fn unwrap_point(bytes: &[u8], length: usize) -> Option<&[u8]> {
    if bytes.len() == length {
        return Some(bytes);
    }
    let (header, point) = bytes.split_at_checked(2)?;
    let wrapped = point.len() == length && header == [0x04, u8::try_from(length).ok()?];
    wrapped.then_some(point)
}

fn strip_zeros(bytes: &[u8]) -> &[u8] {
    let start = bytes
        .iter()
        .position(|byte| *byte != 0)
        .unwrap_or(bytes.len());
    bytes.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests;
