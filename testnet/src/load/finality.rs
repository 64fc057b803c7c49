//! Learns which transactions are final: one stream of receipts from one node, continued at another when that one goes away.
//!
//! Invariant: heights are read in order without a gap, from the height at which the load began, whatever node tells them.
//! Source: `docs/spec/api.md`, "Events"; WHATWG HTML, "Server-sent events".

use anyhow::{Context as _, Result, bail};
use falaj_ledger::participant::ParticipantNumber;
use falaj_ledger::transaction::{TxId, TxKey};
use http_body_util::BodyExt as _;
use serde::Deserialize;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

use super::tally::Tally;
use crate::http::{self, Connection};

const RETRY: Duration = Duration::from_millis(100);

/// A reader of receipts.
pub struct Follower(JoinHandle<()>);

#[derive(Deserialize)]
struct Status {
    height: u64,
}

#[derive(Deserialize)]
struct Block {
    height: u64,
    receipts: Vec<Receipt>,
}

#[derive(Deserialize)]
struct Receipt {
    participant: u32,
    id: String,
    code: u16,
}

impl Follower {
    /// Begins after the last final block of the first node that answers.
    ///
    /// # Errors
    /// When none does.
    pub async fn start(addresses: Vec<SocketAddr>, tally: Arc<Tally>) -> Result<Self> {
        let next = height(&addresses).await?.saturating_add(1);
        Ok(Self(tokio::spawn(follow(addresses, tally, next))))
    }

    /// Ends it.
    pub fn stop(self) {
        self.0.abort();
    }
}

/// Height of the first node that answers.
async fn height(addresses: &[SocketAddr]) -> Result<u64> {
    for address in addresses {
        if let Ok(answer) = http::get(*address, "/v1/status").await {
            return Ok(answer.json::<Status>()?.height);
        }
    }
    bail!("no node of the network answers")
}

async fn follow(addresses: Vec<SocketAddr>, tally: Arc<Tally>, mut next: u64) {
    for address in addresses.iter().cycle() {
        // However it ends, the next node goes on where it stopped.
        drop(read(*address, &tally, &mut next).await);
        tokio::time::sleep(RETRY).await;
    }
}

async fn read(address: SocketAddr, tally: &Tally, next: &mut u64) -> Result<()> {
    let mut connection = Connection::open(address).await?;
    let answer = connection
        .stream(&format!("/v1/events/receipts?from_height={next}"))
        .await?;
    let mut body = answer.into_body();
    let mut text = Lines::default();
    while let Some(frame) = body.frame().await {
        let Ok(bytes) = frame?.into_data() else {
            continue;
        };
        for line in text.push(&bytes) {
            if let Some(data) = line.strip_prefix(b"data:") {
                note(serde_json::from_slice(data)?, tally, next)?;
            }
        }
    }
    Ok(())
}

fn note(block: Block, tally: &Tally, next: &mut u64) -> Result<()> {
    if block.height != *next {
        bail!("height {} where {next} must be", block.height);
    }
    for receipt in &block.receipts {
        let id = TxId::parse(&receipt.id).context("an id")?;
        tally.end(
            TxKey {
                participant: ParticipantNumber::new(receipt.participant),
                id,
            },
            receipt.code,
        );
    }
    *next = next.saturating_add(1);
    Ok(())
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

    fn block(height: u64, id: &str) -> Block {
        let text = format!(
            r#"{{"height":{height},"time_us":0,"receipts":[{{"participant":1,"id":"{id}","code":0}}]}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn a_gap_in_the_heights_is_not_skipped() {
        let (tally, mut next) = (Tally::default(), 5);
        let id = "00000000-0001-7000-8000-000000000000";
        note(block(5, id), &tally, &mut next).unwrap();
        assert_eq!(next, 6);
        assert!(note(block(7, id), &tally, &mut next).is_err());
        assert!(note(block(6, "x"), &tally, &mut next).is_err());
    }
}
