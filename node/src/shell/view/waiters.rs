//! Who waits for a transaction to become final.
//!
//! Invariant: a receipt answers whoever waits for its key if it is final for that key, or is of the very body that was submitted.
//! Anybody can have junk under somebody else's key skipped; that is no answer to whoever waits for the real one.
//! Bounds: at most [`WAITERS_MAX`] wait at once.

use falaj_ledger::receipt::Receipt;
use falaj_ledger::transaction::{BodyHash, TxKey};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use tokio::sync::oneshot;

/// Most requests that wait for finality at once.
pub const WAITERS_MAX: usize = 1024;

/// Whether a receipt is the answer to whoever asked for its key with that body; without a body, only a final one is.
/// Most receipts are final, so the body is named only when it matters.
pub(super) fn answers(receipt: &Receipt, body: impl FnOnce() -> Option<BodyHash>) -> bool {
    receipt.verdict.is_final() || body() == Some(receipt.body_hash)
}

/// All who wait, each told a `T` once.
pub(super) struct Waiters<T>(Mutex<BTreeMap<TxKey, Vec<Waiter<T>>>>);

struct Waiter<T> {
    body: Option<BodyHash>,
    told: oneshot::Sender<T>,
}

impl<T> Default for Waiters<T> {
    fn default() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }
}

impl<T> Waiters<T> {
    /// Waits for a key, and for the body that was submitted under it, if it was; `None` when too many wait already.
    pub(super) fn wait(&self, key: TxKey, body: Option<BodyHash>) -> Option<oneshot::Receiver<T>> {
        let mut waiters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiters.retain(|_, waiting| {
            waiting.retain(|waiter| !waiter.told.is_closed());
            !waiting.is_empty()
        });
        if waiters.values().map(Vec::len).sum::<usize>() >= WAITERS_MAX {
            return None;
        }
        let (told, receiver) = oneshot::channel();
        waiters.entry(key).or_default().push(Waiter { body, told });
        Some(receiver)
    }

    /// Tells those whom one of a block's receipts answers, by its index.
    pub(super) fn wake(&self, receipts: &[Receipt], mut tell: impl FnMut(u32) -> T) {
        let mut waiters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiters.is_empty() {
            return;
        }
        for (index, receipt) in (0_u32..).zip(receipts) {
            let Some(waiting) = waiters.remove(&receipt.key) else {
                continue;
            };
            let (answered, others): (Vec<_>, Vec<_>) = waiting
                .into_iter()
                .partition(|waiter| answers(receipt, || waiter.body));
            if !others.is_empty() {
                waiters.insert(receipt.key, others);
            }
            for waiter in answered {
                // A waiter that gave up is told in vain.
                drop(waiter.told.send(tell(index)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use falaj_consensus::types::{Hash32, Height};
    use falaj_ledger::account::Place;
    use falaj_ledger::participant::ParticipantNumber;
    use falaj_ledger::receipt::Verdict;
    use falaj_ledger::rejection::Rejection;
    use falaj_ledger::transaction::TxId;

    const SKIPPED: Verdict = Verdict::Skipped {
        code: Rejection::Role,
        original: None,
    };

    fn key() -> TxKey {
        TxKey {
            participant: ParticipantNumber::new(1),
            id: TxId::new(1, [0; 10]).unwrap(),
        }
    }

    fn body(byte: u8) -> BodyHash {
        BodyHash::new(Hash32::new([byte; 32]))
    }

    fn receipt(byte: u8, verdict: Verdict) -> Receipt {
        Receipt {
            key: key(),
            body_hash: body(byte),
            place: Place {
                height: Height::new(1),
                index: 0,
            },
            time_us: 0,
            verdict,
        }
    }

    /// Somebody who submitted the first body, and somebody who asked for its key.
    fn two(waiters: &Waiters<u32>) -> [oneshot::Receiver<u32>; 2] {
        [Some(body(1)), None].map(|body| waiters.wait(key(), body).unwrap())
    }

    #[test]
    fn a_skipped_receipt_of_another_body_does_not_answer_a_wait() {
        let waiters = Waiters::default();
        let [mut submitted, mut asked] = two(&waiters);
        waiters.wake(&[receipt(2, SKIPPED)], |index| index);
        assert!(submitted.try_recv().is_err() && asked.try_recv().is_err());
        let executed = [receipt(2, SKIPPED), receipt(1, Verdict::Executed)];
        waiters.wake(&executed, |index| index);
        assert_eq!((submitted.try_recv(), asked.try_recv()), (Ok(1), Ok(1)));
    }

    #[test]
    fn the_submitted_body_is_answered_by_what_became_of_it() {
        let waiters = Waiters::default();
        let [mut submitted, mut asked] = two(&waiters);
        waiters.wake(&[receipt(1, SKIPPED)], |index| index);
        assert_eq!(submitted.try_recv(), Ok(0));
        assert!(asked.try_recv().is_err(), "the key may still be used");
    }

    #[test]
    fn too_many_waiters_are_refused_and_those_who_left_make_room() {
        let waiters = Waiters::<u32>::default();
        let waiting: Vec<_> = (0..WAITERS_MAX)
            .map(|_| waiters.wait(key(), None).unwrap())
            .collect();
        assert!(waiters.wait(key(), None).is_none());
        drop(waiting);
        assert!(waiters.wait(key(), None).is_some());
    }
}
