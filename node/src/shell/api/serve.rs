//! Connections: taken, bounded, served, and ended with the node.
//!
//! Invariant: headers are at most [`HEADER_BYTES_MAX`] and come within [`HEADER_TIMEOUT`], which also ends connections that idle;
//! at most [`CONNECTIONS_MAX`] are open, and one that finds no room is closed at once; a peer that takes nothing for
//! [`STALLED_TIMEOUT_MS`] is closed by the system.

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// Most bytes of a request's headers.
pub(super) const HEADER_BYTES_MAX: usize = 16 * 1024;
/// Most bytes that a connection reads ahead, and writes behind: with all connections open 72 MiB, where hyper's own bound would be 900.
const BUFFER_BYTES_MAX: usize = 32 * 1024;
/// Longest time for headers to come.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// Most connections at once: every waiter for finality, every stream, and as many again.
const CONNECTIONS_MAX: usize = 2_304;
/// Longest time that sent bytes may stay without being taken.
const STALLED_TIMEOUT_MS: u32 = 300_000;
/// How long requests may go on once the node stops.
const GRACE: Duration = Duration::from_secs(2);

/// Serves until `stopping` is true; returns when every connection is closed.
pub(super) async fn serve(listener: TcpListener, router: Router, stopping: watch::Receiver<bool>) {
    serve_within(listener, router, stopping, HEADER_TIMEOUT).await;
}

/// Serves clients whose headers come within that time.
pub(super) async fn serve_within(
    listener: TcpListener,
    router: Router,
    mut stopping: watch::Receiver<bool>,
    header_timeout: Duration,
) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let ended = stopping.clone();
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = is_true(&mut stopping) => break,
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, _)) => {
                if let Ok(room) = Arc::clone(&room).try_acquire_owned() {
                    let (router, ended) = (router.clone(), ended.clone());
                    connections.spawn(async move {
                        connection(stream, router, ended, header_timeout).await;
                        drop(room);
                    });
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the API cannot take a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, all).await.is_err() {
        connections.shutdown().await;
    }
}

async fn connection(
    stream: TcpStream,
    router: Router,
    mut ended: watch::Receiver<bool>,
    header_timeout: Duration,
) {
    prepare(&stream);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .max_buf_size(BUFFER_BYTES_MAX)
        .max_header_size(HEADER_BYTES_MAX);
    let served = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::pin!(served);
    let result = tokio::select! {
        result = &mut served => result,
        () = is_true(&mut ended) => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection to the API failed");
    }
}

/// Ends when the word is given, or whoever could give it is gone.
pub(super) async fn is_true(word: &mut watch::Receiver<bool>) {
    drop(word.wait_for(|word| *word).await);
}

/// Small answers leave at once, and a peer that is gone is noticed.
fn prepare(stream: &TcpStream) {
    let socket = socket2::SockRef::from(stream);
    let patience = Duration::from_millis(u64::from(STALLED_TIMEOUT_MS));
    let done = socket
        .set_tcp_nodelay(true)
        .and_then(|()| socket.set_tcp_user_timeout(Some(patience)));
    if let Err(error) = done {
        tracing::debug!(%error, "a connection keeps the system's defaults");
    }
}
