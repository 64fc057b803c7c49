//! Errors as RFC 9457 problems: one shape for whatever the API does not do.
//!
//! Invariant: `name` never changes its meaning, `code` is the ledger's stable number where there is one; an error that may pass says `retry`,
//! and when in `Retry-After`. A problem never leaves a transaction's outcome unknown: that is a 202.
//! Shape: `application/problem+json` with `type`, `title`, `status`, `detail`, `name`, `code`, `advice`, `retry`, `field`, `height`, `trace_id`.
//! Source: RFC 9457; `docs/spec/api.md`, "Problems".

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use falaj_consensus::types::Height;
use falaj_ledger::rejection::{Class, Rejection};
use falaj_ledger::store::StoreError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::shell::form::FormError;

/// Why a request was not answered.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    status: StatusCode,
    name: &'static str,
    title: &'static str,
    code: Option<Rejection>,
    detail: Option<String>,
    field: Option<&'static str>,
    height: Option<u64>,
    retry_after_s: Option<u32>,
}

/// An RFC 9457 problem.
#[derive(Serialize, ToSchema)]
pub(super) struct ProblemBody {
    /// A name of this kind of problem.
    #[serde(rename = "type")]
    kind: String,
    /// The problem in words.
    title: &'static str,
    /// The status of the response.
    status: u16,
    /// What it is about this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// The stable name.
    name: &'static str,
    /// The ledger's stable number.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'static str>,
    /// Whether the same request may succeed later.
    retry: bool,
    /// The field that is wrong; under 2002 the first that differs, where this node knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'static str>,
    /// The height at which it was judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u64>,
    /// Names this request in the node's log.
    trace_id: String,
}

impl Problem {
    /// A rejection of the ledger, or advice that it would be one.
    pub(super) const fn of(rejection: Rejection) -> Self {
        Self {
            status: status_of(rejection),
            name: rejection.name(),
            title: rejection.meaning(),
            code: Some(rejection),
            detail: None,
            field: None,
            height: None,
            retry_after_s: retry_after_s(rejection),
        }
    }

    /// A request that HTTP has its own word for.
    pub(super) const fn new(status: StatusCode, name: &'static str, title: &'static str) -> Self {
        Self {
            status,
            name,
            title,
            code: None,
            detail: None,
            field: None,
            height: None,
            retry_after_s: None,
        }
    }

    /// A parameter of the path, of the query or of a header is not what it should be.
    pub(super) fn bad_parameter(field: &'static str, detail: impl Into<String>) -> Self {
        let title = "a parameter of the request is wrong";
        Self::new(StatusCode::BAD_REQUEST, "bad-parameter", title)
            .in_field(field)
            .because(detail)
    }

    /// A body is not of the form it should be.
    pub(super) fn malformed(field: &'static str, detail: impl Into<String>) -> Self {
        Self::of(Rejection::BadEncoding)
            .in_field(field)
            .because(detail)
    }

    /// There is no such thing.
    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "there is no such thing").because(detail)
    }

    /// It was final before this node began, with the snapshot of that height.
    pub(super) fn before_snapshot(floor: Height) -> Self {
        let title = "it is from before the snapshot that this node began with";
        let detail = format!(
            "this node has blocks, receipts and events from height {} on",
            floor.next()
        );
        Self::new(StatusCode::GONE, "before-snapshot", title).because(detail)
    }

    /// Something here did not work; nothing was decided by it.
    pub(super) fn internal(detail: impl Into<String>) -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self::new(status, "internal", "the node could not read its own data").because(detail)
    }

    /// The node is busy with others' requests.
    pub(super) fn busy(detail: impl Into<String>) -> Self {
        let status = StatusCode::TOO_MANY_REQUESTS;
        Self::new(status, "busy", "too many such requests at once")
            .because(detail)
            .retry_after(1)
    }

    pub(super) fn because(self, detail: impl Into<String>) -> Self {
        let detail = Some(detail.into());
        Self { detail, ..self }
    }

    pub(super) fn in_field(self, field: &'static str) -> Self {
        let field = Some(field);
        Self { field, ..self }
    }

    pub(super) fn at_height(self, height: u64) -> Self {
        let height = Some(height);
        Self { height, ..self }
    }

    pub(super) fn retry_after(self, seconds: u32) -> Self {
        let retry_after_s = Some(seconds);
        Self {
            retry_after_s,
            ..self
        }
    }

    /// The whole response, once the request's trace id is known.
    pub(super) fn render(&self, trace_id: &str) -> Response {
        let body = ProblemBody {
            kind: format!("urn:falaj:problem:{}", self.name),
            title: self.title,
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            name: self.name,
            code: self.code.map(Rejection::code),
            advice: self.code.map(|code| code.class().advice()),
            retry: self.retry_after_s.is_some(),
            field: self.field,
            height: self.height,
            trace_id: trace_id.to_owned(),
        };
        let text = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = (self.status, text).into_response();
        let headers = response.headers_mut();
        let kind = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, kind);
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Left to the outermost layer, which knows the request's trace id.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<FormError> for Problem {
    fn from(error: FormError) -> Self {
        Self::of(error.code)
            .in_field(error.field)
            .because(error.reason)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store does not answer a reader");
        Self::internal("the ledger's store")
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "every rejection has a class, which decides unless it is named here"
)]
const fn status_of(rejection: Rejection) -> StatusCode {
    match rejection {
        Rejection::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Rejection::InFlight => StatusCode::CONFLICT,
        Rejection::MempoolFull | Rejection::Quota => StatusCode::TOO_MANY_REQUESTS,
        Rejection::ExistsDifferent | Rejection::ReferenceUsed => StatusCode::UNPROCESSABLE_ENTITY,
        other => match other.class() {
            Class::Fix => StatusCode::BAD_REQUEST,
            Class::Duplicate => StatusCode::CONFLICT,
            Class::State => StatusCode::UNPROCESSABLE_ENTITY,
            Class::Authority => StatusCode::FORBIDDEN,
            Class::Retry => StatusCode::SERVICE_UNAVAILABLE,
        },
    }
}

/// When the same request may succeed, where it may.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "every rejection has a class, which decides unless it is named here"
)]
const fn retry_after_s(rejection: Rejection) -> Option<u32> {
    match rejection {
        Rejection::HsmUnavailable | Rejection::ReadOnly => Some(30),
        Rejection::Halted => Some(60),
        other => match other.class() {
            Class::Retry => Some(1),
            Class::Fix | Class::Duplicate | Class::State | Class::Authority => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The table of docs/spec/api.md: what a client may do again says when, and nothing else does.
    #[test]
    fn every_rejection_has_its_status() {
        let line = |rejection: &Rejection| {
            let problem = Problem::of(*rejection);
            let retry = problem
                .retry_after_s
                .map_or(String::new(), |s| format!(" retry after {s}"));
            format!("{} {}{retry}", rejection.code(), problem.status.as_u16())
        };
        let table: Vec<_> = Rejection::ALL.iter().map(line).collect();
        insta::assert_snapshot!(table.join("\n"));
    }

    #[test]
    fn a_rejection_with_retry_is_the_one_that_says_when() {
        for rejection in Rejection::ALL {
            let retries = rejection.class() == Class::Retry;
            assert_eq!(retry_after_s(*rejection).is_some(), retries, "{rejection}");
        }
    }
}
