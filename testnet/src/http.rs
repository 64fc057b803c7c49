//! A small HTTP client: one connection, one request at a time, kept open.
//!
//! Invariant: an answer is whole and at most [`ANSWER_BYTES_MAX`] long, and nothing waits longer than its deadline.
//! Errors: the node is not there, hung up, or did not answer in time; what it answers is left to the caller.

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The longest answer that is read.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How long a connection may take to be made.
const CONNECT_PATIENCE: Duration = Duration::from_secs(2);
/// How long an answer may take.
const ANSWER_PATIENCE: Duration = Duration::from_secs(30);

/// An open connection.
pub struct Connection {
    address: SocketAddr,
    sender: SendRequest<Full<Bytes>>,
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its body.
    pub body: Bytes,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = timeout(CONNECT_PATIENCE, TcpStream::connect(address)).await;
        let stream = stream.with_context(|| format!("{address} does not answer"))??;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // How it ends is seen by the next request.
        tokio::spawn(async move { drop(connection.await) });
        Ok(Self { address, sender })
    }

    /// Whether the other side has not closed it, as far as is known.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    /// Asks for a document.
    ///
    /// # Errors
    /// When there is no whole answer in time.
    pub async fn get(&mut self, path: &str) -> Result<Answer> {
        let request = Request::get(path).header(header::HOST, self.address.to_string());
        self.whole(request.body(Full::default())?).await
    }

    /// Posts a document.
    ///
    /// # Errors
    /// When there is no whole answer in time.
    pub async fn post(&mut self, path: &str, kind: &'static str, body: Bytes) -> Result<Answer> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(header::HOST, self.address.to_string())
            .header(header::CONTENT_TYPE, kind);
        self.whole(request.body(Full::new(body))?).await
    }

    /// Opens a stream; its answer is read piece by piece.
    ///
    /// # Errors
    /// When there is no answer in time.
    pub async fn stream(&mut self, path: &str) -> Result<Response<Incoming>> {
        let request = Request::get(path)
            .header(header::HOST, self.address.to_string())
            .header(header::ACCEPT, "text/event-stream");
        self.send(request.body(Full::default())?).await
    }

    async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>> {
        let exchange = async {
            self.sender.ready().await?;
            self.sender.send_request(request).await
        };
        let answer = timeout(ANSWER_PATIENCE, exchange).await;
        let answer = answer.with_context(|| format!("{} does not answer", self.address))?;
        Ok(answer?)
    }

    async fn whole(&mut self, request: Request<Full<Bytes>>) -> Result<Answer> {
        let answer = self.send(request).await?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect();
        let body = timeout(ANSWER_PATIENCE, body).await;
        let body = body.with_context(|| format!("{} stopped answering", self.address))?;
        let body = body.map_err(|error| anyhow::anyhow!(error))?.to_bytes();
        Ok(Answer { status, body })
    }
}

impl Answer {
    /// The JSON in it.
    ///
    /// # Errors
    /// When the status is not 2xx or the body is something else.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        let text = || String::from_utf8_lossy(&self.body).into_owned();
        ensure!(self.status.is_success(), "{}: {}", self.status, text());
        serde_json::from_slice(&self.body).with_context(text)
    }
}

/// Asks for a document on a connection of its own.
///
/// # Errors
/// When there is no whole answer in time.
pub async fn get(address: SocketAddr, path: &str) -> Result<Answer> {
    Connection::open(address).await?.get(path).await
}
