//! What a node says of itself: its status, its checks, its peers.
//!
//! Shape: a check is a line `[+]name ok` or `[-]name failed: why` of `/votez?verbose`, for a node that follows of `/readyz?verbose`.

use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::net::SocketAddr;

use crate::shell::cli::Failure;
use crate::shell::cli::client::{Answer, Client};

/// All of it, as of one moment but for what happens between three requests.
pub(super) struct Seen {
    pub(super) address: SocketAddr,
    pub(super) status: StatusSeen,
    pub(super) checks: Vec<Check>,
    pub(super) peers: Vec<PeerSeen>,
    /// The answers as they came.
    raw: (Value, Value),
}

/// What is shown of `/v1/status`.
#[derive(Debug, Deserialize)]
pub(super) struct StatusSeen {
    pub(super) version: String,
    pub(super) chain: String,
    pub(super) validator: Option<u32>,
    pub(super) banner: Option<String>,
    pub(super) height: u64,
    pub(super) seconds_since_commit: Option<f64>,
    pub(super) why: String,
    pub(super) open: Option<OpenSeen>,
    pub(super) behind_heights: u64,
    pub(super) mempool_tx: u64,
    pub(super) mempool_bytes: u64,
    pub(super) in_flight_tx: u64,
    pub(super) peers_up: u64,
    pub(super) peers: u64,
    pub(super) signer: Option<SignerSeen>,
    pub(super) alarms: Vec<AlarmSeen>,
}

/// The height that is being decided.
#[derive(Debug, Deserialize)]
pub(super) struct OpenSeen {
    pub(super) height: u64,
    pub(super) round: u32,
    pub(super) step: String,
    pub(super) proposer: u32,
}

/// The signer's last answers.
#[derive(Debug, Deserialize)]
pub(super) struct SignerSeen {
    pub(super) hsm_up: Option<bool>,
    pub(super) refusing: Option<String>,
    pub(super) fault: Option<String>,
    pub(super) needs_a_person: bool,
}

/// Something that a person has to know.
#[derive(Debug, Deserialize)]
pub(super) struct AlarmSeen {
    pub(super) time_us: u64,
    pub(super) text: String,
}

#[derive(Deserialize)]
struct PeersSeen {
    peers: Vec<PeerSeen>,
}

/// A peer.
#[derive(Debug, Deserialize)]
pub(super) struct PeerSeen {
    pub(super) validator: Option<u32>,
    pub(super) peer_id: String,
    pub(super) address: Option<String>,
    pub(super) up: bool,
    pub(super) seconds: u64,
    pub(super) rtt_us: Option<u64>,
    pub(super) last_error: Option<String>,
}

/// One thing that has to hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    pub(super) name: String,
    pub(super) ok: bool,
    /// Why it does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fault: Option<String>,
}

impl Seen {
    pub(super) fn ask(client: &Client) -> Result<Self, Failure> {
        let status = client.get("/v1/status")?;
        let raw_status: Value = status.json()?;
        let status: StatusSeen = status.json()?;
        let path = if status.validator.is_some() {
            "/votez?verbose"
        } else {
            "/readyz?verbose"
        };
        let checks = checks_of(&client.get(path)?)?;
        let peers = client.get("/v1/peers")?;
        let raw_peers: Value = peers.json()?;
        let PeersSeen { peers } = peers.json()?;
        Ok(Self {
            address: client.address(),
            status,
            checks,
            peers,
            raw: (raw_status, raw_peers),
        })
    }

    /// What a test says that a node said.
    #[cfg(test)]
    pub(super) fn new(
        address: SocketAddr,
        status: StatusSeen,
        checks: Vec<Check>,
        peers: Vec<PeerSeen>,
    ) -> Self {
        Self {
            address,
            status,
            checks,
            peers,
            raw: (Value::Null, Value::Null),
        }
    }

    /// Whether every check holds.
    pub(super) fn is_well(&self) -> bool {
        self.checks.iter().all(|check| check.ok)
    }

    pub(super) fn to_json(&self) -> Value {
        let (status, peers) = &self.raw;
        json!({
            "api": self.address.to_string(), "healthy": self.is_well(), "why": self.status.why,
            "checks": self.checks, "status": status, "peers": peers,
        })
    }
}

fn checks_of(answer: &Answer) -> Result<Vec<Check>, Failure> {
    let told = answer.status == StatusCode::OK || answer.status == StatusCode::SERVICE_UNAVAILABLE;
    let checks: Vec<Check> = answer.text().lines().filter_map(check).collect();
    if told && !checks.is_empty() {
        Ok(checks)
    } else {
        Err(answer.refusal())
    }
}

fn check(line: &str) -> Option<Check> {
    if let Some(rest) = line.strip_prefix("[+]") {
        let name = rest.strip_suffix(" ok")?.to_owned();
        return Some(Check {
            name,
            ok: true,
            fault: None,
        });
    }
    let (name, fault) = line.strip_prefix("[-]")?.split_once(" failed: ")?;
    Some(Check {
        name: name.to_owned(),
        ok: false,
        fault: Some(fault.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_read_line_by_line() {
        let answer = |status, text: &str| Answer {
            address: ([127, 0, 0, 1], 1).into(),
            status,
            body: text.to_owned().into(),
        };
        let text = "[+]core ok\n[-]hsm failed: HSM: the token is gone\nvotez check failed\n";
        let checks = checks_of(&answer(StatusCode::SERVICE_UNAVAILABLE, text)).unwrap();
        let fault = Some("HSM: the token is gone".to_owned());
        assert_eq!(
            checks,
            [
                Check {
                    name: "core".into(),
                    ok: true,
                    fault: None
                },
                Check {
                    name: "hsm".into(),
                    ok: false,
                    fault
                },
            ]
        );
        assert!(checks_of(&answer(StatusCode::OK, "hello\n")).is_err());
        assert!(checks_of(&answer(StatusCode::NOT_FOUND, "[+]core ok\n")).is_err());
    }
}
