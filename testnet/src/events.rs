//! A stream of events from one node, continued at another when that one goes away.
//!
//! Invariant: heights come in order without a gap, from the height that was asked for, whatever node tells them.
//! Source: `docs/spec/api.md`, "Events"; WHATWG HTML, "Server-sent events".

use anyhow::{Result, ensure};
use http_body_util::BodyExt as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::net::SocketAddr;
use std::time::Duration;

use crate::exit::Trouble;
use crate::http::{self, Connection};

const RETRY: Duration = Duration::from_millis(100);

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
    mut next: u64,
    mut take: impl FnMut(E) + Send,
) {
    for address in addresses.iter().cycle() {
        // However it ends, the next node goes on where it stopped.
        drop(read(*address, stream, &mut next, &mut take).await);
        tokio::time::sleep(RETRY).await;
    }
}

async fn read<E: Event>(
    address: SocketAddr,
    stream: &str,
    next: &mut u64,
    take: &mut (impl FnMut(E) + Send),
) -> Result<()> {
    let mut connection = Connection::open(address).await?;
    let path = format!("/v1/events/{stream}?from_height={next}");
    let mut body = connection.stream(&path).await?.into_body();
    let mut lines = Lines::default();
    while let Some(frame) = body.frame().await {
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
