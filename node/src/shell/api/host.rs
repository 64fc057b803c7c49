//! Which host a request names, and whether that is this machine.
//!
//! Invariant: a request that names a host names this machine by a loopback name or address, which is where the API listens. So a web page
//! whose own name was made to resolve to a loopback address (DNS rebinding) is refused, though its browser takes this node for its origin.
//! A request that names none comes from no browser.
//! Source: RFC 9110, sections 7.2 and 15.5.20; RFC 6761, section 6.3; `docs/spec/api.md`, "Host".

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use std::net::IpAddr;

use super::problem::Problem;

/// Answers what names this machine, and refuses the rest.
pub(super) async fn check(request: Request, next: Next) -> Response {
    if is_meant(&request) {
        return next.run(request).await;
    }
    let title = "the request names another host than this machine";
    Problem::new(StatusCode::MISDIRECTED_REQUEST, "misdirected", title)
        .because("the API answers to localhost and to loopback addresses alone")
        .in_field("Host")
        .into_response()
}

fn is_meant(request: &Request) -> bool {
    let stated = request.headers().get_all(header::HOST).iter();
    let stated = stated.map(|host| Authority::try_from(host.as_bytes()).ok());
    let target = request.uri().authority().cloned().map(Some);
    stated
        .chain(target)
        .all(|authority| authority.is_some_and(|authority| is_here(authority.host())))
}

/// Whether a host without its port is this machine.
fn is_here(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|v6| v6.strip_suffix(']'));
    let address = bare.unwrap_or(host).parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost")
        || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn meant(target: &str, hosts: &[&str]) -> bool {
        let request = hosts.iter().fold(Request::get(target), |request, host| {
            request.header(header::HOST, *host)
        });
        is_meant(&request.body(Body::empty()).unwrap())
    }

    #[test]
    fn loopback_by_name_or_address_is_meant() {
        for host in [
            "localhost",
            "LocalHost:7450",
            "127.0.0.1",
            "127.0.0.1:7450",
            "127.9.9.9:1",
            "[::1]",
            "[::1]:7450",
            "[::ffff:127.0.0.1]:7450",
        ] {
            assert!(meant("/livez", &[host]), "{host}");
            let absolute = format!("http://{host}/livez");
            assert!(meant(&absolute, &[host]), "{absolute}");
        }
        assert!(meant("/livez", &[]));
    }

    #[test]
    fn any_other_host_is_not_meant() {
        for host in [
            "",
            "bank.example",
            "bank.example:7450",
            "localhost.bank.example",
            "127.0.0.1.bank.example",
            "localhost@bank.example",
            "0.0.0.0:7450",
            "10.0.0.1",
            "[::]:7450",
            "[fe80::1]:7450",
            "127.0.0.1 bank.example",
        ] {
            assert!(!meant("/livez", &[host]), "{host}");
            assert!(!meant("/livez", &["localhost", host]), "{host}");
        }
        assert!(!meant("http://bank.example/livez", &["localhost"]));
    }
}
