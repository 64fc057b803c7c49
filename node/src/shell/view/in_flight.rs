//! Transactions that this node admitted and has not yet seen in a final block.
//!
//! Invariant: what is here was admitted by this node's replica, or is being asked of it at this moment; the receipt that answers it takes it
//! out, and so does a block after whose time it can no longer be executed. It is advice for clients: nothing is decided by it.
//! Shape: in order of id, which is order of time; at most [`IN_FLIGHT_MAX`], beyond which nothing is noted.
//! Units: nanoseconds of the monotonic clock, microseconds and milliseconds of wall and block time.

use falaj_consensus::types::Now;
use falaj_ledger::participant::ParticipantNumber;
use falaj_ledger::receipt::Receipt;
use falaj_ledger::transaction::{BodyHash, SignedTx, TxId, TxKey};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::waiters::answers;

/// Most transactions that are remembered.
pub const IN_FLIGHT_MAX: usize = 131_072;

/// A transaction on its way.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Its bytes.
    pub bytes: Arc<[u8]>,
    /// When it came.
    pub came: Now,
    /// Whether the replica has admitted it.
    pub admitted: bool,
}

/// All of them.
pub struct InFlight {
    window_ms: u64,
    by_time: Mutex<BTreeMap<(TxId, ParticipantNumber), Waiting>>,
}

impl InFlight {
    /// None, on a chain whose ids may be executed so long after their time.
    #[must_use]
    pub const fn new(window_ms: u64) -> Self {
        let by_time = Mutex::new(BTreeMap::new());
        Self { window_ms, by_time }
    }

    /// A client's transaction is about to be given to the replica. Whether it was noted: not if another of its key is, or too many are.
    pub fn begin(&self, key: TxKey, bytes: &Arc<[u8]>, came: Now) -> bool {
        let mut table = self.lock();
        if table.len() >= IN_FLIGHT_MAX || table.contains_key(&place(key)) {
            return false;
        }
        let waiting = Waiting {
            bytes: Arc::clone(bytes),
            came,
            admitted: false,
        };
        table.insert(place(key), waiting);
        true
    }

    /// The replica admitted these bytes, whatever of their key was noted: something else may have been, by a client that went away before
    /// its answer. If the receipt came first, nothing is noted any more and it stays so.
    pub fn admitted(&self, key: TxKey, bytes: &Arc<[u8]>) {
        if let Some(waiting) = self.lock().get_mut(&place(key)) {
            waiting.bytes = Arc::clone(bytes);
            waiting.admitted = true;
        }
    }

    /// The replica did not admit these bytes: they are noted no longer, if it is they that were.
    pub fn refused(&self, key: TxKey, bytes: &Arc<[u8]>) {
        let mut table = self.lock();
        if table
            .get(&place(key))
            .is_some_and(|waiting| waiting.bytes == *bytes && !waiting.admitted)
        {
            table.remove(&place(key));
        }
    }

    /// The admitted transaction of a key.
    #[must_use]
    pub fn get(&self, key: TxKey) -> Option<Waiting> {
        let waiting = self.lock().get(&place(key))?.clone();
        waiting.admitted.then_some(waiting)
    }

    /// How many are on their way.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// A block is final. Gives when those of its transactions came that came to this node.
    pub(super) fn finish(&self, receipts: &[Receipt], time_us: u64) -> Vec<Now> {
        let mut table = self.lock();
        let came = receipts
            .iter()
            .filter_map(|receipt| {
                let waiting = table.get(&place(receipt.key))?;
                let answered = answers(receipt, || body_of(&waiting.bytes));
                answered.then(|| table.remove(&place(receipt.key)))?
            })
            .map(|waiting| waiting.came)
            .collect();
        while let Some(first) = table.first_entry()
            && self.is_over(first.key().0, time_us)
        {
            first.remove();
        }
        came
    }

    fn is_over(&self, id: TxId, time_us: u64) -> bool {
        let last_ms = id.time_ms().saturating_add(self.window_ms);
        last_ms.saturating_mul(1_000) < time_us
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<(TxId, ParticipantNumber), Waiting>> {
        self.by_time.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The name of the body of a transaction in its bytes.
#[must_use]
pub fn body_of(transaction: &[u8]) -> Option<BodyHash> {
    let transaction = borsh::from_slice::<SignedTx>(transaction).ok()?;
    Some(transaction.body.body_hash())
}

const fn place(key: TxKey) -> (TxId, ParticipantNumber) {
    (key.id, key.participant)
}

#[cfg(test)]
mod tests {
    use super::*;
    use falaj_consensus::types::Height;
    use falaj_ledger::account::Place;
    use falaj_ledger::receipt::Verdict;
    use falaj_ledger::transaction::BodyHash;

    const NOW: Now = Now {
        mono_ns: 5,
        wall_us: 7,
    };

    fn bytes(text: &str) -> Arc<[u8]> {
        text.as_bytes().into()
    }

    fn key(time_ms: u64, participant: u32) -> TxKey {
        let id = TxId::new(time_ms, [0; 10]).unwrap();
        let participant = ParticipantNumber::new(participant);
        TxKey { participant, id }
    }

    fn receipt(key: TxKey) -> Receipt {
        let place = Place {
            height: Height::new(1),
            index: 0,
        };
        Receipt {
            key,
            body_hash: BodyHash::new(falaj_consensus::types::Hash32::ZERO),
            place,
            time_us: 0,
            verdict: Verdict::Executed,
        }
    }

    #[test]
    fn a_receipt_takes_a_transaction_out() {
        let table = InFlight::new(60_000);
        assert!(table.begin(key(1, 1), &bytes("a"), NOW));
        assert!(!table.begin(key(1, 1), &bytes("b"), NOW));
        assert!(table.get(key(1, 1)).is_none());
        table.admitted(key(1, 1), &bytes("a"));
        assert_eq!(&*table.get(key(1, 1)).unwrap().bytes, b"a");
        assert_eq!(
            table.finish(&[receipt(key(1, 1)), receipt(key(1, 2))], 0),
            [NOW]
        );
        assert!(table.is_empty());
    }

    #[test]
    fn a_skipped_receipt_of_another_body_leaves_a_transaction_in() {
        let table = InFlight::new(60_000);
        table.begin(key(1, 1), &bytes("a"), NOW);
        let mut stranger = receipt(key(1, 1));
        stranger.verdict = Verdict::Skipped {
            code: falaj_ledger::rejection::Rejection::Role,
            original: None,
        };
        assert!(table.finish(&[stranger], 0).is_empty());
        assert_eq!(table.finish(&[receipt(key(1, 1))], 0), [NOW]);
    }

    // The answer of the replica may come after the receipt: then nothing is left behind.
    #[test]
    fn an_admission_after_the_receipt_leaves_nothing() {
        let table = InFlight::new(60_000);
        table.begin(key(1, 1), &bytes("a"), NOW);
        table.finish(&[receipt(key(1, 1))], 0);
        table.admitted(key(1, 1), &bytes("a"));
        assert!(table.get(key(1, 1)).is_none());
    }

    // A client went away before the answer to what it sent, which stays noted and was never admitted: what is admitted under the key is
    // what is compared with, or its client would be told that its own payment is another one.
    #[test]
    fn what_was_admitted_is_what_is_noted() {
        let table = InFlight::new(60_000);
        assert!(table.begin(key(1, 1), &bytes("left"), NOW));
        assert!(!table.begin(key(1, 1), &bytes("paid"), NOW));
        table.admitted(key(1, 1), &bytes("paid"));
        assert_eq!(&*table.get(key(1, 1)).unwrap().bytes, b"paid");
        table.refused(key(1, 1), &bytes("left"));
        assert_eq!(&*table.get(key(1, 1)).unwrap().bytes, b"paid");
    }

    // A refusal takes out what it is about and nothing else.
    #[test]
    fn a_refusal_takes_out_its_own_bytes() {
        let table = InFlight::new(60_000);
        table.begin(key(1, 1), &bytes("first"), NOW);
        table.refused(key(1, 1), &bytes("second"));
        assert_eq!(table.len(), 1);
        table.refused(key(1, 1), &bytes("first"));
        assert!(table.is_empty());
    }

    #[test]
    fn what_can_no_longer_be_executed_is_forgotten() {
        let table = InFlight::new(60_000);
        table.begin(key(1_000, 1), &bytes("a"), NOW);
        table.begin(key(2_000, 1), &bytes("b"), NOW);
        assert!(table.finish(&[], 61_000_001).is_empty());
        table.admitted(key(1_000, 1), &bytes("a"));
        table.admitted(key(2_000, 1), &bytes("b"));
        assert!(table.get(key(1_000, 1)).is_none());
        assert!(table.get(key(2_000, 1)).is_some());
    }
}
