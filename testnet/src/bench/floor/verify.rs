//! The check of signatures in full batches.
//!
//! Invariant: every signature is right, so that no batch falls back to single checks.

use anyhow::{Result, ensure};
use falaj_consensus::types::ChainContext;
use falaj_consensus::verify::{Checker as _, RealChecker, SignedItem};
use falaj_ledger::transaction::{SignedTx, sign_bytes};

use crate::bench::cost;
use crate::bench::drive::payment;
use crate::bench::numbers::Spread;
use crate::bench::stage::Stage;
use crate::load::Chance;
use crate::manifest::read_genesis;

/// Signatures of a batch: the size of the slices in which the nodes check large ones.
const BATCH: usize = 512;
/// Batches of a measurement, whose median counts.
const REPEATS: usize = 15;

/// Payments, and what was signed of each.
pub(super) struct Batch(Vec<(SignedTx, Vec<u8>)>);

impl Batch {
    /// Of the load that a network gets.
    pub(super) fn of(stage: &Stage) -> Result<Self> {
        let chain = read_genesis(&stage.network().genesis)?.chain();
        let mut chance = Chance::new(2);
        let payments = (0..BATCH).map(|_| {
            let signed = payment(stage.wallet(), &mut chance)?;
            message(&chain, &signed.bytes)
        });
        Ok(Self(payments.collect::<Result<_>>()?))
    }

    /// CPU of one signature's check, in microseconds.
    pub(super) fn measure(&self) -> Result<Option<f64>> {
        let items: Vec<_> = self.0.iter().flat_map(items).collect();
        let mut each_us = Vec::new();
        for _ in 0..REPEATS {
            let (us, verdicts) = cost::of(|| RealChecker.check_batch(&items));
            ensure!(
                verdicts.iter().all(|right| *right),
                "a payment of the floor is wrongly signed"
            );
            each_us.push(us / items.len() as f64);
        }
        Ok(Spread::of(each_us).map(|spread| spread.median))
    }
}

fn message(chain: &ChainContext, bytes: &[u8]) -> Result<(SignedTx, Vec<u8>)> {
    let tx: SignedTx = borsh::from_slice(bytes)?;
    let message = sign_bytes(chain, &tx.body);
    Ok((tx, message))
}

fn items((tx, message): &(SignedTx, Vec<u8>)) -> impl Iterator<Item = SignedItem<'_>> {
    tx.approvals.iter().map(|approval| SignedItem {
        key: &approval.public_key,
        message,
        signature: &approval.signature,
    })
}
