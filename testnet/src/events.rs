//! A stream of events from one node, continued at another when that one goes away.
//!
//! Invariant: heights come in order without a gap, from the height that was asked for, whatever node tells them. A node that neither tells
//! nor says that it is alive, as one that is paused, is left for the next.
//! Source: `docs/spec/api.md`, "Streams"; WHATWG HTML, "Server-sent events".

use anyhow::{Result, ensure};
use http_body_util::BodyExt as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::timeout;

use crate::exit::Trouble;
use crate::http::{self, Connection};

const RETRY: Duration = Duration::from_millis(100);
/// How long a stream may be silent: a node says every 15 seconds that it is alive.
const SILENCE_MAX: Duration = Duration::from_secs(20);

/// What every event of these streams has.
pub trait Event: DeserializeOwned + Send {
    /// Its height.
    fn height(&self) -> u64;
}

#[derive(Deserialize)]
struct Status {
    height: u64,
}

/// Height of the first node that answers.
///
/// # Errors
/// When none does.
pub async fn height(addresses: &[SocketAddr]) -> Result<u64> {
    for address in addresses {
        if let Ok(answer) = http::get(*address, "/v1/status").await {
            return Ok(answer.json::<Status>()?.height);
        }
    }
    Err(Trouble::NoNode.into())
}

/// Reads a stream for ever, from a height on.
pub async fn follow<E: Event>(
    addresses: Vec<SocketAddr>,
    stream: &'static str,
    next: u64,
    take: impl FnMut(E) + Send,
) {
    follow_within(addresses, stream, next, take, SILENCE_MAX).await;
}

async fn follow_within<E: Event>(
    addresses: Vec<SocketAddr>,
    stream: &'static str,
    mut next: u64,
    mut take: impl FnMut(E) + Send,
    silence_max: Duration,
) {
    for address in addresses.iter().cycle() {
        // However it ends, the next node goes on where it stopped.
        drop(read(*address, stream, &mut next, &mut take, silence_max).await);
        tokio::time::sleep(RETRY).await;
    }
}

async fn read<E: Event>(
    address: SocketAddr,
    stream: &str,
    next: &mut u64,
    take: &mut (impl FnMut(E) + Send),
    silence_max: Duration,
) -> Result<()> {
    let mut connection = Connection::open(address).await?;
    let path = format!("/v1/events/{stream}?from_height={next}");
    let mut body = connection.stream(&path).await?.into_body();
    let mut lines = Lines::default();
    while let Some(frame) = timeout(silence_max, body.frame()).await? {
        let Ok(bytes) = frame?.into_data() else {
            continue;
        };
        for line in lines.push(&bytes) {
            if let Some(data) = line.strip_prefix(b"data:") {
                take(in_order(data, next)?);
            }
        }
    }
    Ok(())
}

fn in_order<E: Event>(data: &[u8], next: &mut u64) -> Result<E> {
    let event: E = serde_json::from_slice(data)?;
    ensure!(
        event.height() == *next,
        "height {} where {next} must be",
        event.height()
    );
    *next = next.saturating_add(1);
    Ok(event)
}

/// Whole lines of a stream that comes in pieces.
#[derive(Default)]
struct Lines(Vec<u8>);

impl Lines {
    fn push(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.0.extend_from_slice(bytes);
        let Some(end) = self.0.iter().rposition(|byte| *byte == b'\n') else {
            return Vec::new();
        };
        let rest = self.0.split_off(end.saturating_add(1));
        let whole = std::mem::replace(&mut self.0, rest);
        let lines = whole
            .split(|byte| *byte == b'\n')
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        lines
            .filter(|line| !line.is_empty())
            .map(<[u8]>::to_vec)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::thread::JoinHandle;
    use tokio::sync::mpsc::unbounded_channel;

    // Goal: events are read whole, wherever the network cuts them.
    #[test]
    fn lines_are_whole_however_they_are_cut() {
        let stream = b"event: receipts\nid: 1\ndata: {\"a\":1}\n\n: keep-alive\r\n\ndata: x\n";
        for cut in 0..stream.len() {
            let mut lines = Lines::default();
            let mut found = lines.push(&stream[..cut]);
            found.extend(lines.push(&stream[cut..]));
            let data: Vec<_> = found
                .iter()
                .filter(|line| line.starts_with(b"data:"))
                .collect();
            assert_eq!(
                data,
                [b"data: {\"a\":1}".as_slice(), b"data: x".as_slice()],
                "cut at {cut}"
            );
        }
    }

    #[derive(Deserialize)]
    struct Height {
        height: u64,
    }

    impl Event for Height {
        fn height(&self) -> u64 {
            self.height
        }
    }

    /// A node that takes one connection, answers one request with these bytes, and says nothing more on it, for as long as it is held.
    fn node_that_says(answer: &'static str) -> (SocketAddr, JoinHandle<TcpStream>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let held = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            assert!(stream.read(&mut [0; 1024]).unwrap() > 0);
            stream.write_all(answer.as_bytes()).unwrap();
            stream
        });
        (address, held)
    }

    // Goal: a node that is paused in the middle of its stream does not hold up whoever follows the chain.
    #[tokio::test]
    async fn a_silent_stream_is_continued_at_the_next_node() {
        const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
        let (paused, _held) = node_that_says(HEAD);
        let told = concat!("HTTP/1.1 200 OK\r\n\r\n", "data: {\"height\":5}\n\n");
        let (next, _next_held) = node_that_says(told);
        let (sender, mut receiver) = unbounded_channel();
        let take = move |event: Height| sender.send(event.height).unwrap();
        let follow = follow_within(
            vec![paused, next],
            "blocks",
            5,
            take,
            Duration::from_millis(50),
        );
        tokio::select! {
            () = follow => unreachable!("it follows for ever"),
            height = receiver.recv() => assert_eq!(height, Some(5)),
        }
    }

    #[test]
    fn a_gap_in_the_heights_is_not_skipped() {
        let mut next = 5;
        assert!(in_order::<Height>(br#"{"height":5}"#, &mut next).is_ok());
        assert_eq!(next, 6);
        assert!(in_order::<Height>(br#"{"height":7}"#, &mut next).is_err());
        assert!(in_order::<Height>(b"{}", &mut next).is_err());
        assert_eq!(next, 6);
    }
}
