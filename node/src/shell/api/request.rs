//! Reading requests: queries, the fields of paths, and what a body is, each with its problem.
//!
//! Invariant: no client bytes lead to a panic; an unknown query parameter is refused, not ignored.
//! Errors: a wrong path, query or header is a `bad-parameter`; a wrong body is the ledger's own 1001.

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use falaj_consensus::types::Height;
use falaj_ledger::account::{AccountId, NetworkPrefix};
use falaj_ledger::participant::ParticipantNumber;
use falaj_ledger::rejection::Rejection;
use falaj_ledger::transaction::{TxId, TxKey};
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// The query of a request, without unknown parameters.
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Query::<T>::try_from_uri(&parts.uri)
            .map(|Query(query)| Self(query))
            .map_err(|error| Problem::bad_parameter("query", error.body_text()))
    }
}

/// The named parts of a request's path.
pub(super) struct Named<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Path::<T>::from_request_parts(parts, state)
            .await
            .map(|Path(names)| Self(names))
            .map_err(|error| Problem::bad_parameter("path", error.body_text()))
    }
}

/// What a body is, by its content type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Bytes as they are.
    Octets,
    /// JSON.
    Json,
}

/// The form that a request states for its body.
pub(super) fn form(headers: &HeaderMap) -> Result<Form, Problem> {
    let stated = headers.get(header::CONTENT_TYPE);
    let stated = stated
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    match stated.split(';').next().unwrap_or_default().trim() {
        "application/octet-stream" => Ok(Form::Octets),
        "application/json" => Ok(Form::Json),
        _ => {
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            let title = "the body is application/octet-stream or application/json";
            Err(Problem::new(status, "unsupported-media-type", title))
        }
    }
}

/// Reads JSON of exactly the known keys.
pub(super) fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| Problem::malformed("body", error.to_string()))
}

/// Reads canonical base64.
pub(super) fn base64(text: &str, field: &'static str) -> Result<Vec<u8>, Problem> {
    data_encoding::BASE64
        .decode(text.as_bytes())
        .map_err(|_| Problem::malformed(field, "not canonical base64"))
}

/// Reads a height.
pub(super) fn height(text: &str) -> Result<Height, Problem> {
    number(text, "height").map(Height::new)
}

/// Reads a participant's number.
pub(super) fn participant(text: &str) -> Result<ParticipantNumber, Problem> {
    let number = number(text, "participant")?;
    let number = u32::try_from(number)
        .map_err(|_| Problem::bad_parameter("participant", "a number of at most 32 bits"))?;
    Ok(ParticipantNumber::new(number))
}

/// Reads a transaction's key.
pub(super) fn key(number: &str, id: &str) -> Result<TxKey, Problem> {
    let participant = participant(number)?;
    let id = TxId::parse(id).ok_or_else(|| Problem::of(Rejection::BadId).in_field("id"))?;
    Ok(TxKey { participant, id })
}

/// Reads an account id of this network.
pub(super) fn account(text: &str, network: &NetworkPrefix) -> Result<AccountId, Problem> {
    AccountId::parse(text, network)
        .map_err(|error| Problem::bad_parameter("account", error.to_string()))
}

/// Reads digits, without sign or leading zero.
pub(super) fn number(text: &str, field: &'static str) -> Result<u64, Problem> {
    let number = text
        .parse::<u64>()
        .ok()
        .filter(|number| number.to_string() == text);
    number.ok_or_else(|| Problem::bad_parameter(field, "a decimal number is needed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_one_spelling() {
        assert_eq!(number("812", "height").unwrap(), 812);
        for wrong in ["", "+1", "01", "-1", " 1", "1.0", "99999999999999999999"] {
            assert!(number(wrong, "height").is_err(), "{wrong}");
        }
    }

    #[test]
    fn base64_has_one_spelling() {
        assert_eq!(base64("AQI=", "transaction").unwrap(), [1, 2]);
        for wrong in ["AQI", "AQJ=", "AQI=\n", "AQ==I"] {
            assert!(base64(wrong, "transaction").is_err(), "{wrong}");
        }
    }
}
