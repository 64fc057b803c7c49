//! Learns which transactions are final, by one stream of receipts.
//!
//! Invariant: every receipt from the height at which the load began is told to the tally.
//! Source: `docs/spec/api.md`, "Streams".

use anyhow::Result;
use falaj_ledger::participant::ParticipantNumber;
use falaj_ledger::transaction::{TxId, TxKey};
use serde::{Deserialize, Deserializer};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::task::JoinHandle;

use super::tally::Tally;
use crate::events::{self, Event};

/// A reader of receipts.
pub struct Follower(JoinHandle<()>);

/// The receipts of a block.
#[derive(Deserialize)]
struct Receipts {
    height: u64,
    receipts: Vec<Receipt>,
}

#[derive(Deserialize)]
struct Receipt {
    participant: u32,
    #[serde(deserialize_with = "id")]
    id: TxId,
    code: u16,
}

impl Event for Receipts {
    fn height(&self) -> u64 {
        self.height
    }
}

impl Follower {
    /// Begins after the last final block of the first node that answers.
    ///
    /// # Errors
    /// When none does.
    pub async fn start(addresses: Vec<SocketAddr>, tally: Arc<Tally>) -> Result<Self> {
        let height = events::height(&addresses).await?;
        tally.reached(height);
        let next = height.saturating_add(1);
        let take = move |block: Receipts| note(&block, &tally);
        Ok(Self(tokio::spawn(events::follow(
            addresses, "receipts", next, take,
        ))))
    }

    /// Ends it.
    pub fn stop(self) {
        self.0.abort();
    }
}

fn note(block: &Receipts, tally: &Tally) {
    tally.reached(block.height);
    for Receipt {
        participant,
        id,
        code,
    } in &block.receipts
    {
        let participant = ParticipantNumber::new(*participant);
        tally.end(
            TxKey {
                participant,
                id: *id,
            },
            *code,
        );
    }
}

fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TxId, D::Error> {
    let text = String::deserialize(deserializer)?;
    TxId::parse(&text).ok_or_else(|| serde::de::Error::custom("not a transaction id"))
}
