//! A small HTTP client: one request on a connection of its own, with a deadline.
//!
//! Invariant: an answer is whole and at most [`ANSWER_BYTES_MAX`] long; nothing waits longer than its deadline; nothing is sent twice.
//! Plain HTTP on loopback, as the API itself; see `docs/spec/api.md`.
//! Errors: [`ClientError`] says whether anything can have been sent; a node's refusal is an [`Answer`] and becomes a [`Failure`] here.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper::{Method, Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Failure;

/// The longest answer that is read.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// How long a connection may take to be made.
const CONNECT_PATIENCE: Duration = Duration::from_secs(3);
/// How long an answer may take, beside what the request itself asks to wait.
const ANSWER_PATIENCE: Duration = Duration::from_secs(30);

/// Asks one node.
pub(super) struct Client {
    address: SocketAddr,
    runtime: tokio::runtime::Runtime,
}

/// A whole answer.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) address: SocketAddr,
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    /// Nobody listens, so nothing was sent.
    #[error("no node answers at {address}")]
    Connect {
        address: SocketAddr,
        #[source]
        source: std::io::Error,
    },
    /// The connection broke before the whole answer had come.
    #[error("the connection to {address} broke before its answer had come")]
    Broken {
        address: SocketAddr,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No answer in time.
    #[error("{address} took the connection and did not answer within {seconds} s")]
    Late { address: SocketAddr, seconds: u64 },
}

impl ClientError {
    /// Whether nothing can have been sent.
    pub(super) const fn is_unsent(&self) -> bool {
        matches!(self, Self::Connect { .. })
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let fix = if error.is_unsent() {
            "start the node with `falaj start`, or name a running one with --api"
        } else {
            "read the node's log; `falaj status` says whether it is alive"
        };
        Self::new(Self::UNAVAILABLE, error).fix(fix)
    }
}

impl Client {
    /// A client of the node at an address; nothing is sent yet.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn of(address: SocketAddr) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::new(70, error))?;
        Ok(Self { address, runtime })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Asks for a document.
    pub(super) fn get(&self, path: &str) -> Result<Answer, ClientError> {
        self.get_within(path, Duration::ZERO)
    }

    /// Asks for a document that the node may hold back for so long.
    pub(super) fn get_within(&self, path: &str, held: Duration) -> Result<Answer, ClientError> {
        self.ask(Method::GET, path, None, held)
    }

    /// Posts bytes, whose answer the node may hold back for so long.
    pub(super) fn post_octets(
        &self,
        path: &str,
        body: Vec<u8>,
        held: Duration,
    ) -> Result<Answer, ClientError> {
        self.ask(Method::POST, path, Some(body), held)
    }

    fn ask(
        &self,
        method: Method,
        path: &str,
        octets: Option<Vec<u8>>,
        held: Duration,
    ) -> Result<Answer, ClientError> {
        let host = self.address.to_string();
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, host);
        if octets.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/octet-stream");
        }
        let request = request
            .body(Full::new(Bytes::from(octets.unwrap_or_default())))
            .map_err(|error| self.broken(error))?;
        self.runtime.block_on(self.exchange(request, held))
    }

    async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
        held: Duration,
    ) -> Result<Answer, ClientError> {
        let stream = self.connect().await?;
        let patience = ANSWER_PATIENCE.saturating_add(held);
        let answer = self.within(patience, self.whole(stream, request));
        let (status, body) = answer.await??;
        let address = self.address;
        Ok(Answer {
            address,
            status,
            body,
        })
    }

    async fn connect(&self) -> Result<TcpStream, ClientError> {
        let address = self.address;
        let failed = |source| ClientError::Connect { address, source };
        match timeout(CONNECT_PATIENCE, TcpStream::connect(address)).await {
            Ok(connected) => connected.map_err(failed),
            Err(_) => Err(failed(std::io::ErrorKind::TimedOut.into())),
        }
    }

    async fn whole(
        &self,
        stream: TcpStream,
        request: Request<Full<Bytes>>,
    ) -> Result<(StatusCode, Bytes), ClientError> {
        let made = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = made.map_err(|error| self.broken(error))?;
        // How it ends is seen by the request.
        tokio::spawn(async move { drop(connection.await) });
        let response = sender.send_request(request).await;
        let response = response.map_err(|error| self.broken(error))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect();
        let body = body.await.map_err(|error| self.broken(error))?;
        Ok((status, body.to_bytes()))
    }

    async fn within<T>(
        &self,
        patience: Duration,
        answer: impl Future<Output = T>,
    ) -> Result<T, ClientError> {
        let (address, seconds) = (self.address, patience.as_secs());
        let late = |_| ClientError::Late { address, seconds };
        timeout(patience, answer).await.map_err(late)
    }

    fn broken(&self, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ClientError {
        ClientError::Broken {
            address: self.address,
            source: error.into(),
        }
    }
}

/// A problem of the API, as far as it is told on.
#[derive(Deserialize)]
struct Problem {
    title: String,
    name: String,
    detail: Option<String>,
    code: Option<u16>,
    advice: Option<String>,
    field: Option<String>,
    height: Option<u64>,
    trace_id: Option<String>,
}

impl Answer {
    /// The JSON of a good answer.
    ///
    /// # Errors
    /// The node's refusal, or that this is no node of ours.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        if !self.status.is_success() {
            return Err(self.refusal());
        }
        serde_json::from_slice(&self.body).map_err(|error| self.foreign(error))
    }

    /// The text of an answer of whatever status.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// What the node refused, and why.
    pub(super) fn refusal(&self) -> Failure {
        match serde_json::from_slice::<Problem>(&self.body) {
            Ok(problem) => problem.into_failure(self.status),
            Err(error) => self.foreign(error),
        }
    }

    fn foreign(&self, error: serde_json::Error) -> Failure {
        let text = format!(
            "what answers at {} with {} is not the API of a Falaj node of this version",
            self.address, self.status
        );
        Failure::new(Failure::UNAVAILABLE, Foreign { text, error })
            .fix("name the node's API with --api, as `falaj start` wrote it to run.json")
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{text}")]
struct Foreign {
    text: String,
    #[source]
    error: serde_json::Error,
}

impl Problem {
    fn into_failure(self, status: StatusCode) -> Failure {
        let mut text = match self.code {
            Some(code) => format!("{code} {}: {}", self.name, self.title),
            None => format!("{}: {}", self.name, self.title),
        };
        if let Some(field) = &self.field {
            text = format!("{text} (in {field})");
        }
        if let Some(detail) = &self.detail {
            text = format!("{text}: {detail}");
        }
        let mut failure = Failure::new(exit_code(self.code, status), text)
            .with("name", self.name)
            .with("status", status.as_u16());
        for (key, value) in [("code", self.code.map(u64::from)), ("height", self.height)] {
            if let Some(value) = value {
                failure = failure.with(key, value);
            }
        }
        for (key, value) in [("field", self.field), ("trace_id", self.trace_id)] {
            if let Some(value) = value {
                failure = failure.with(key, value);
            }
        }
        match self.advice {
            Some(advice) => failure.fix(advice),
            None => failure,
        }
    }
}

/// 6xxx is about the node that was asked and decides nothing, as are a busy node and a broken one; everything else is a refusal.
fn exit_code(code: Option<u16>, status: StatusCode) -> u8 {
    let of_node = match code {
        Some(code) => code / 1_000 == 6,
        None => status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS,
    };
    if of_node {
        Failure::UNAVAILABLE
    } else {
        Failure::CHECK
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            address: ([127, 0, 0, 1], 1).into(),
            status: StatusCode::from_u16(status).unwrap(),
            body: Bytes::copy_from_slice(body.as_bytes()),
        }
    }

    #[test]
    fn a_refusal_of_the_ledger_is_a_failed_check_and_one_of_the_node_is_unavailability() {
        for (code, status, expected) in [
            (Some(3003), 422, Failure::CHECK),
            (Some(2004), 409, Failure::CHECK),
            (Some(4011), 503, Failure::CHECK),
            (Some(6004), 503, Failure::UNAVAILABLE),
            (None, 404, Failure::CHECK),
            (None, 429, Failure::UNAVAILABLE),
            (None, 500, Failure::UNAVAILABLE),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(exit_code(code, status), expected, "{code:?} {status}");
        }
    }

    #[test]
    fn what_is_no_problem_of_ours_is_another_program() {
        for body in ["", "<html>", "{\"error\":1}"] {
            assert_eq!(
                answer(404, body).refusal().code(),
                Failure::UNAVAILABLE,
                "{body}"
            );
        }
        let good = answer(200, "[]").json::<Problem>();
        assert_eq!(good.err().unwrap().code(), Failure::UNAVAILABLE);
    }
}
