//! Batches, decoded one by one, their signatures checked together.
//!
//! Invariant: each batch gets the result that it gets alone: one malformed or wrongly signed transaction makes it invalid and no other, so all
//! nodes agree by its bytes alone. Only batches of one sender are checked together, so a sender that lies slows its own batches, nobody else's.
//! Who calls it: [`VerifyJob::run`] with one, a host whose checkers are behind with several.
//! Source: `docs/spec/dissemination.md`, "Jobs".

use falaj_consensus::message::{BATCH_BYTES_MAX, Batch, BatchRef, Lane, decode};
use falaj_consensus::types::BatchDigest;
use falaj_ledger::validate::{CheckedTx, Rules, Unsigned, check_signatures, check_unsigned};
use std::sync::Arc;

use super::{JobTools, VerifyJob, VerifyResult};
use crate::core::batches::CheckedBatch;
use crate::core::effect::PeerFault;
use crate::core::input::Sent;

/// Bytes of batches beyond which no more is checked together: the signatures in them are as many as a check gains by.
const TOGETHER_BYTES_MAX: usize = 128 * 1024;

/// A batch as it came.
pub(super) struct Arrived {
    pub(super) from: Option<Sent>,
    pub(super) digest: BatchDigest,
    pub(super) encoded: Arc<[u8]>,
}

/// What a batch is once opened: its reference, its lane, how many transactions it has.
struct Opened {
    reference: BatchRef,
    lane: Lane,
    count: usize,
}

impl VerifyJob {
    /// How many jobs at the front of a queue are best done together, by [`VerifyJob::run_together`]; none of an empty one.
    pub fn company<'a>(mut queue: impl Iterator<Item = &'a Self>) -> usize {
        let Some(first) = queue.next() else {
            return 0;
        };
        let Self::Batch { from, encoded, .. } = first else {
            return 1;
        };
        let by = |from: &Option<Sent>| from.map(|sent| sent.by);
        let sender = by(from);
        let lengths = queue.map_while(|job| match job {
            Self::Batch { from, encoded, .. } if by(from) == sender => Some(encoded.len()),
            Self::Batch { .. }
            | Self::Proposal { .. }
            | Self::Votes { .. }
            | Self::Polka { .. }
            | Self::Certificate { .. }
            | Self::Inline { .. }
            | Self::BlockEvidence { .. }
            | Self::Evidence { .. }
            | Self::Submitted(_) => None,
        });
        let fits = lengths.scan(encoded.len(), |bytes, length| {
            *bytes = bytes.saturating_add(length);
            (*bytes <= TOGETHER_BYTES_MAX).then_some(())
        });
        fits.count().saturating_add(1)
    }

    /// Does several jobs, which [`VerifyJob::company`] found to go together; the results are those of each alone, in order.
    #[must_use]
    pub fn run_together(jobs: Vec<Self>, tools: JobTools<'_>) -> Vec<VerifyResult> {
        let (mut batches, mut others) = (Vec::new(), Vec::new());
        for job in jobs {
            match job {
                Self::Batch {
                    from,
                    digest,
                    encoded,
                } => batches.push(Arrived {
                    from,
                    digest,
                    encoded,
                }),
                Self::Proposal { .. }
                | Self::Votes { .. }
                | Self::Polka { .. }
                | Self::Certificate { .. }
                | Self::Inline { .. }
                | Self::BlockEvidence { .. }
                | Self::Evidence { .. }
                | Self::Submitted(_) => others.push(job),
            }
        }
        let mut results = verify(tools, batches);
        results.extend(others.into_iter().map(|job| job.run(tools)));
        results
    }
}

/// Checks batches, their signatures together.
pub(super) fn verify(tools: JobTools<'_>, batches: Vec<Arrived>) -> Vec<VerifyResult> {
    let mut unsigned = Vec::new();
    let mut opened = Vec::new();
    for arrived in batches {
        let found = open(tools.rules, &arrived, &mut unsigned);
        opened.push((arrived, found));
    }
    let checked = check_signatures(tools.checker, unsigned.into_iter().map(Ok).collect());
    let mut checked = checked.into_iter();
    let results = opened.into_iter().map(|(arrived, opened)| {
        let Some(opened) = opened else {
            return wrong(&arrived);
        };
        let own: Vec<_> = checked.by_ref().take(opened.count).collect();
        match own.into_iter().collect::<Result<Vec<_>, _>>() {
            Ok(transactions) => right(arrived, &opened, transactions),
            Err(_) => wrong(&arrived),
        }
    });
    results.collect()
}

/// Decodes a batch, and hands out its transactions unless one of them is malformed.
fn open(rules: &Rules, arrived: &Arrived, unsigned: &mut Vec<Unsigned>) -> Option<Opened> {
    let batch: Batch = decode("batch", &arrived.encoded, BATCH_BYTES_MAX).ok()?;
    if batch.transactions.is_empty() || batch.seq == 0 {
        return None;
    }
    let transactions = batch
        .transactions
        .iter()
        .map(|bytes| check_unsigned(rules, bytes));
    let transactions = transactions.collect::<Result<Vec<_>, _>>().ok()?;
    let count = transactions.len();
    unsigned.extend(transactions);
    Some(Opened {
        reference: batch.named(arrived.digest),
        lane: batch.lane,
        count,
    })
}

fn right(arrived: Arrived, opened: &Opened, transactions: Vec<Arc<CheckedTx>>) -> VerifyResult {
    let batch = CheckedBatch {
        reference: opened.reference,
        lane: opened.lane,
        transactions,
        encoded: arrived.encoded,
    };
    VerifyResult::Batch {
        from: arrived.from,
        batch: Arc::new(batch),
    }
}

fn wrong(arrived: &Arrived) -> VerifyResult {
    VerifyResult::Wrong {
        from: arrived.from,
        batch: Some(arrived.digest),
        fault: PeerFault::Batch,
    }
}

#[cfg(test)]
mod tests;
