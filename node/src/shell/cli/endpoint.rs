//! Which node's API a command asks: the one that is named, or the one that runs in the home.
//!
//! Invariant: the API speaks plain HTTP on loopback alone, so nothing else is asked.
//! Errors: a wrong address is wrong usage; a home in which nothing runs is an API that cannot be reached.

use clap::Args;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use super::client::Client;
use super::start::{RUN_FILE, Running};
use super::{Failure, Scene};

/// The API to ask.
#[derive(Args, Clone, Debug)]
pub(super) struct Endpoint {
    /// The node's API, such as `http://127.0.0.1:7450`; without it, that of the node that runs in the home.
    #[arg(long, value_name = "URL", value_parser = address)]
    api: Option<SocketAddr>,
}

impl Endpoint {
    /// The API at an address.
    #[cfg(test)]
    pub(super) const fn at(address: SocketAddr) -> Self {
        Self { api: Some(address) }
    }

    /// A client of it.
    ///
    /// # Errors
    /// When none is named and none runs in the home.
    pub(super) fn client(&self, scene: &Scene) -> Result<Client, Failure> {
        let address = match self.api {
            Some(address) => address,
            None => running(&scene.home)?,
        };
        Client::of(address)
    }
}

/// Why a text is no address of an API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum AddressError {
    #[error("the API has no TLS; name it as http://127.0.0.1:PORT")]
    Tls,
    #[error("http://IP:PORT is needed")]
    Form,
    #[error(
        "the API listens on loopback alone until it has TLS; bring its port here and name that"
    )]
    NotLoopback,
}

fn address(text: &str) -> Result<SocketAddr, AddressError> {
    if text.starts_with("https:") {
        return Err(AddressError::Tls);
    }
    let bare = text.strip_prefix("http://").unwrap_or(text);
    let bare = bare.strip_suffix('/').unwrap_or(bare);
    let address = match bare.strip_prefix("localhost:") {
        Some(port) => port
            .parse()
            .ok()
            .map(|port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
        None => bare.parse().ok(),
    };
    let address: SocketAddr = address.ok_or(AddressError::Form)?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err(AddressError::NotLoopback)
    }
}

/// Where the node of a home said that it is.
fn running(home: &Path) -> Result<SocketAddr, Failure> {
    let path = home.join(RUN_FILE);
    let text = std::fs::read(&path).map_err(|source| {
        let text = format!("no node runs in {}: there is no {RUN_FILE}", home.display());
        Failure::new(Failure::UNAVAILABLE, Absent { text, source })
            .fix("start it with `falaj start`, name another home with --home, or an API with --api")
    })?;
    let running: Running = serde_json::from_slice(&text).map_err(|source| {
        let text = format!("{} is not what `falaj start` writes", path.display());
        Failure::new(Failure::DATA, Damaged { text, source })
            .fix("start the node again, or name its API with --api")
    })?;
    Ok(running.api)
}

#[derive(Debug, thiserror::Error)]
#[error("{text}")]
struct Absent {
    text: String,
    #[source]
    source: std::io::Error,
}

#[derive(Debug, thiserror::Error)]
#[error("{text}")]
struct Damaged {
    text: String,
    #[source]
    source: serde_json::Error,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_http_on_loopback() {
        for text in [
            "http://127.0.0.1:7450",
            "http://127.0.0.1:7450/",
            "127.0.0.1:7450",
            "localhost:7450",
            "http://localhost:7450",
        ] {
            assert_eq!(
                address(text).unwrap(),
                ([127, 0, 0, 1], 7450).into(),
                "{text}"
            );
        }
        assert!(address("http://[::1]:7450").is_ok());
        for (text, error) in [
            ("https://127.0.0.1:7450", AddressError::Tls),
            ("", AddressError::Form),
            ("127.0.0.1", AddressError::Form),
            ("http://127.0.0.1:7450/v1", AddressError::Form),
            ("node.example:7450", AddressError::Form),
            ("http://10.0.0.1:7450", AddressError::NotLoopback),
            ("0.0.0.0:7450", AddressError::NotLoopback),
        ] {
            assert_eq!(address(text).unwrap_err(), error, "{text}");
        }
    }

    #[test]
    fn a_home_where_nothing_runs_is_not_reached_and_a_broken_file_is_damage() {
        let home = tempfile::tempdir().unwrap();
        let code = |result: Result<SocketAddr, Failure>| result.err().unwrap().code();
        assert_eq!(code(running(home.path())), Failure::UNAVAILABLE);
        std::fs::write(home.path().join(RUN_FILE), "{").unwrap();
        assert_eq!(code(running(home.path())), Failure::DATA);
    }
}
