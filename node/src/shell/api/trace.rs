//! The outermost layer: gives each request its trace id, and turns problems into their bytes.
//!
//! Invariant: a trace id stays in the API's envelope and the node's log; it enters nothing that is signed or certified.
//! Source: W3C Trace Context, section 3.2 (`traceparent`); `docs/spec/api.md`, "Problems".

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use ring::rand::SecureRandom as _;

use super::problem::Problem;

const TRACE_ID: &str = "trace-id";

/// Runs a request under its trace id.
pub(super) async fn trace(request: Request, next: Next) -> Response {
    let trace_id = stated(request.headers()).unwrap_or_else(drawn);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        tracing::debug!(trace_id, %method, path, ?problem, "not answered");
        response = problem.render(&trace_id);
    }
    if let Ok(value) = HeaderValue::from_str(&trace_id) {
        response.headers_mut().insert(TRACE_ID, value);
    }
    response
}

/// The trace id of the client's `traceparent`, if it is one.
fn stated(headers: &HeaderMap) -> Option<String> {
    let text = headers.get("traceparent")?.to_str().ok()?;
    let mut parts = text.split('-');
    let (version, id) = (parts.next()?, parts.next()?);
    let hex = |text: &str| {
        text.bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let sound = version.len() == 2 && hex(version) && version != "ff" && id.len() == 32 && hex(id);
    let there = id.bytes().any(|byte| byte != b'0');
    (sound && there).then(|| id.to_owned())
}

fn drawn() -> String {
    let mut bytes = [0; 16];
    // Without randomness the request is served all the same, under a trace id that names nothing.
    if ring::rand::SystemRandom::new().fill(&mut bytes).is_err() {
        tracing::warn!("the system gives no random bytes");
    }
    data_encoding::HEXLOWER.encode(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &'static str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", HeaderValue::from_static(text));
        stated(&headers)
    }

    #[test]
    fn a_traceparent_is_taken_if_it_is_one() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(
            of("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").as_deref(),
            Some(id)
        );
        for wrong in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-0-0",
            "00-00000000000000000000000000000000-0-0",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-0-0",
            "00-4bf9-0-0",
        ] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
        assert_eq!(drawn().len(), 32);
    }
}
