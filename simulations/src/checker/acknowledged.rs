//! Acknowledged: what a client was told is in the chain with that very result, at every node, for ever, and in the order of real time.
//!
//! Shape: receipts by height as the first correct node let them out; every other node, and every restart, has the same. A height's
//! receipts are those that its certified outcome names, by a root that is computed here. After the final answer to a key every
//! further one refers to it. What is asked for after an acknowledgement comes after it in the chain.
//! Source: `docs/spec/ledger.md`, "What an answer is" and "Receipts"; RFC 9162 §2.1.1 for the root.

use std::collections::BTreeMap;

use falaj_consensus::hash::sha256;
use falaj_consensus::types::{Hash32, Height};
use falaj_ledger::receipt::{Receipt, Verdict};
use falaj_ledger::transaction::TxKey;
use falaj_node::core::Committed;

use super::{Finding, Observation};

#[derive(Debug, Default)]
pub(super) struct Acknowledged {
    /// The highest height of which a client has heard when each key was first issued.
    issued: BTreeMap<TxKey, Height>,
    receipts: BTreeMap<Height, Vec<Receipt>>,
    /// The final answer to each key.
    answers: BTreeMap<TxKey, Receipt>,
    /// The highest height of which a client has heard.
    heard: Height,
}

impl Acknowledged {
    pub(super) fn issued(&mut self, key: TxKey) {
        self.issued.entry(key).or_insert(self.heard);
    }

    pub(super) fn observe(&mut self, seen: &Observation<'_>) -> Finding {
        match seen {
            Observation::Replayed(block) => self.decided(block),
            Observation::Committed(block) => {
                self.decided(block)?;
                self.heard = self.heard.max(block.header.height);
                Ok(())
            }
            Observation::Started { .. }
            | Observation::Intended(_)
            | Observation::Released { .. }
            | Observation::Sent(_)
            | Observation::Received(_)
            | Observation::Appended { .. }
            | Observation::Durable { .. }
            | Observation::Reported(_)
            | Observation::Held { .. } => Ok(()),
        }
    }

    fn decided(&mut self, block: &Committed) -> Finding {
        let (height, receipts) = (block.header.height, &block.executed.receipts);
        if let Some(before) = self.receipts.get(&height) {
            return same(height, before, receipts);
        }
        check_root(block)?;
        for (receipt, index) in receipts.iter().zip(0_u32..) {
            check_place(block, receipt, index)?;
            self.check_order(receipt)?;
            self.check_answer(receipt)?;
        }
        self.receipts.insert(height, receipts.clone());
        Ok(())
    }

    /// What was asked for after a client had heard of a height does not come before that height.
    fn check_order(&self, receipt: &Receipt) -> Finding {
        let (key, height) = (receipt.key, receipt.place.height);
        match self.issued.get(&key) {
            Some(heard) if *heard >= height => Err(format!(
                "{key:?} stands at height {height} and was issued when {heard} was acknowledged"
            )),
            Some(_) | None => Ok(()),
        }
    }

    /// A key has one final answer, and what comes later refers to it.
    fn check_answer(&mut self, receipt: &Receipt) -> Finding {
        let key = receipt.key;
        let Some(before) = self.answers.get(&key) else {
            if receipt.verdict.is_final() {
                self.answers.insert(key, *receipt);
            }
            return Ok(());
        };
        let refers = match receipt.verdict {
            Verdict::Skipped { original, .. } => {
                original.is_some_and(|original| original.place == before.place)
            }
            Verdict::Executed | Verdict::Failed { .. } => false,
        };
        if refers {
            Ok(())
        } else {
            let (first, now) = (before.verdict, receipt.verdict);
            Err(format!(
                "{key:?} was answered with {first:?} at {:?} and then with {now:?}",
                before.place
            ))
        }
    }
}

fn same(height: Height, before: &[Receipt], now: &[Receipt]) -> Finding {
    if before == now {
        return Ok(());
    }
    let other = before.iter().zip(now).find(|(before, now)| before != now);
    Err(format!(
        "height {height} had other receipts when it was acknowledged: {other:?}"
    ))
}

fn check_place(block: &Committed, receipt: &Receipt, index: u32) -> Finding {
    let header = &block.header;
    let transaction = &block
        .transactions
        .get(usize::try_from(index).unwrap_or(usize::MAX));
    let is_of = transaction.is_some_and(|transaction| {
        transaction.key() == receipt.key && transaction.body().body_hash() == receipt.body_hash
    });
    let place = receipt.place;
    let is_here = place.height == header.height && place.index == index;
    if is_of && is_here && receipt.time_us == header.time_us {
        Ok(())
    } else {
        Err(format!(
            "receipt {index} of height {} is of something else: {receipt:?}",
            header.height
        ))
    }
}

/// The outcome that was certified names these receipts.
fn check_root(block: &Committed) -> Finding {
    let executed = &block.executed;
    let leaves = executed.receipts.iter().map(Receipt::to_leaf);
    let hashes: Vec<Hash32> = leaves.map(|leaf| hash_of(0, &[&leaf])).collect();
    let certified = executed.outcome.hash() == block.certificate.outcome;
    if certified && root(&hashes) == executed.outcome.receipts_root {
        Ok(())
    } else {
        Err(format!(
            "the outcome certified for height {} does not name its receipts",
            block.header.height
        ))
    }
}

/// The Merkle tree hash of leaves that are hashed already.
fn root(leaves: &[Hash32]) -> Hash32 {
    match leaves {
        [] => sha256(&[]),
        [leaf] => *leaf,
        _ => {
            let split = (leaves.len() - 1).ilog2();
            let (left, right) = leaves.split_at(1 << split);
            hash_of(1, &[root(left).bytes(), root(right).bytes()])
        }
    }
}

fn hash_of(prefix: u8, parts: &[&[u8]]) -> Hash32 {
    sha256(&[&[prefix], parts.concat().as_slice()].concat())
}

#[cfg(test)]
mod tests {
    use falaj_ledger::account::Place;
    use falaj_ledger::participant::ParticipantNumber;
    use falaj_ledger::receipt::Original;
    use falaj_ledger::rejection::Rejection;
    use falaj_ledger::transaction::{BodyHash, TxId};

    use super::*;

    const HERE: Place = Place {
        height: Height::new(4),
        index: 2,
    };

    fn receipt(verdict: Verdict) -> Receipt {
        let id = TxId::new(1, [0; 10]).expect("a small time");
        let participant = ParticipantNumber::new(2);
        Receipt {
            key: TxKey { participant, id },
            body_hash: BodyHash::new(Hash32::ZERO),
            place: HERE,
            time_us: 5,
            verdict,
        }
    }

    /// Goal: what is asked for after a client heard of a height stands above it.
    #[test]
    fn real_time_order_is_kept() {
        for (heard, is_right) in [(3, true), (4, false)] {
            let mut oracle = Acknowledged {
                heard: Height::new(heard),
                ..Acknowledged::default()
            };
            let executed = receipt(Verdict::Executed);
            oracle.issued(executed.key);
            assert_eq!(oracle.check_order(&executed).is_ok(), is_right);
        }
    }

    /// Goal: after a final answer there is no other, and a duplicate points at it.
    #[test]
    fn a_final_answer_stays_the_answer() {
        let skipped = |index| Verdict::Skipped {
            code: Rejection::Exists,
            original: Some(Original {
                place: Place { index, ..HERE },
                code: None,
            }),
        };
        let failed = Verdict::Failed {
            code: Rejection::InsufficientFunds,
            pinned: true,
        };
        for (later, is_right) in [
            (skipped(2), true),
            (skipped(1), false),
            (Verdict::Executed, false),
            (failed, false),
        ] {
            let mut oracle = Acknowledged::default();
            assert_eq!(oracle.check_answer(&receipt(Verdict::Executed)), Ok(()));
            assert_eq!(oracle.check_answer(&receipt(later)).is_ok(), is_right);
        }
    }

    /// Goal: the root over leaves is that of RFC 9162: two and one.
    #[test]
    fn the_root_splits_at_the_greatest_power_of_two() {
        let [a, b, c] = [1, 2, 3].map(|byte| Hash32::new([byte; 32]));
        let pair = hash_of(1, &[a.bytes(), b.bytes()]);
        assert_eq!(root(&[a, b, c]), hash_of(1, &[pair.bytes(), c.bytes()]));
        assert_eq!(root(&[a]), a);
        assert_eq!(root(&[]), sha256(&[]));
    }
}
