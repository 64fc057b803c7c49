//! Watches final blocks: how high the chain is, what the supply is, and who signed lately.
//!
//! Invariant: a validator counts as voting once a certificate, told by any node, carries its signature.
//! A certificate holds a quorum, not everybody who voted, so a healthy validator is missing from some of them.

use anyhow::Result;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use crate::events::{self, Event};

/// A watcher.
pub struct Witness {
    seen: watch::Receiver<Seen>,
    task: JoinHandle<()>,
}

/// What was seen so far.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Height of the last final block.
    pub height: u64,
    /// Supply after it, in minor units, by currency.
    pub supply: BTreeMap<String, String>,
    /// Whether some block stated another supply than the one before it, since the watch began.
    pub supply_changed: bool,
    /// Blocks decided after the first round, since the watch began.
    pub late_blocks: u64,
    /// The last block that each validator signed, and when it was told.
    pub signed: BTreeMap<usize, (u64, Instant)>,
}

#[derive(Deserialize)]
struct Block {
    height: u64,
    round: u32,
    signers: Vec<usize>,
    outcome: Outcome,
}

#[derive(Deserialize)]
struct Outcome {
    supply: Vec<Supply>,
}

#[derive(Deserialize)]
struct Supply {
    currency: String,
    minor_units: String,
}

impl Event for Block {
    fn height(&self) -> u64 {
        self.height
    }
}

impl Witness {
    /// Begins after the last final block of the first node that answers.
    ///
    /// # Errors
    /// When none does.
    pub async fn start(addresses: Vec<SocketAddr>) -> Result<Self> {
        let height = events::height(&addresses).await?;
        let (sender, seen) = watch::channel(Seen {
            height,
            ..Seen::default()
        });
        let take = move |block: Block| sender.send_modify(|seen| seen.note(block));
        let task = tokio::spawn(events::follow(
            addresses,
            "blocks",
            height.saturating_add(1),
            take,
        ));
        Ok(Self { seen, task })
    }

    /// What was seen so far.
    #[must_use]
    pub fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }

    /// Waits for a block above a height that a validator signed; `None` when the patience is over.
    pub async fn until_signs(
        &self,
        validator: usize,
        above: u64,
        patience: Duration,
    ) -> Option<Instant> {
        let mut seen = self.seen.clone();
        let signs = seen.wait_for(|seen| {
            seen.signed
                .get(&validator)
                .is_some_and(|(height, _)| *height > above)
        });
        let seen = timeout(patience, signs).await.ok()?.ok()?;
        seen.signed.get(&validator).map(|(_, at)| *at)
    }

    /// Waits until the chain is above a height; false when the patience is over.
    pub async fn until_above(&self, height: u64, patience: Duration) -> bool {
        let mut seen = self.seen.clone();
        let above = seen.wait_for(|seen| seen.height > height);
        timeout(patience, above)
            .await
            .is_ok_and(|seen| seen.is_ok())
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Seen {
    fn note(&mut self, block: Block) {
        let now = Instant::now();
        self.height = block.height;
        self.late_blocks = self.late_blocks.saturating_add(u64::from(block.round > 0));
        for signer in block.signers {
            self.signed.insert(signer, (block.height, now));
        }
        let supply = block.outcome.supply.into_iter();
        let supply = supply
            .map(|entry| (entry.currency, entry.minor_units))
            .collect();
        let before = std::mem::replace(&mut self.supply, supply);
        self.supply_changed |= !before.is_empty() && before != self.supply;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(height: u64, round: u32, signers: &[usize]) -> Block {
        let supply = vec![Supply {
            currency: "XTS".into(),
            minor_units: "5".into(),
        }];
        Block {
            height,
            round,
            signers: signers.to_vec(),
            outcome: Outcome { supply },
        }
    }

    #[test]
    fn the_last_signature_of_each_is_kept() {
        let mut seen = Seen::default();
        seen.note(block(1, 0, &[0, 1, 2]));
        seen.note(block(2, 1, &[1, 2, 3]));
        let heights: Vec<_> = seen.signed.values().map(|(height, _)| *height).collect();
        assert_eq!(heights, [1, 2, 2, 2]);
        assert_eq!((seen.height, seen.late_blocks), (2, 1));
        assert_eq!(seen.supply["XTS"], "5");
    }

    // Goal: a change is not forgotten when the next block takes it back.
    #[test]
    fn a_change_of_the_supply_is_remembered() {
        let other = |height, units: &str| {
            let mut block = block(height, 0, &[]);
            block.outcome.supply[0].minor_units = units.into();
            block
        };
        let mut seen = Seen::default();
        seen.note(other(1, "5"));
        seen.note(other(2, "5"));
        assert!(!seen.supply_changed);
        seen.note(other(3, "6"));
        seen.note(other(4, "5"));
        assert!(seen.supply_changed);
    }
}
