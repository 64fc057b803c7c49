//! Transactions that were admitted here and wait to be put into a batch.
//!
//! Invariant: a transaction key is here at most once; bytes and counts stay under their caps, in all and for each participant,
//! so that one participant's flood never takes another's share; a lane's reserved share is never taken by another lane.
//! Order: lanes by priority; within a lane participants take turns, each first in, first out.
//! Errors: [`Full`] says which cap was met; nothing is dropped to make room.
//! Source: `docs/spec/dissemination.md`, "Mempool".

use falaj_consensus::message::Lane;
use falaj_ledger::participant::ParticipantNumber;
use falaj_ledger::transaction::TxKey;
use falaj_ledger::validate::CheckedTx;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// Caps of the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MempoolLimits {
    /// Most transactions of all lanes.
    pub transactions_max: u32,
    /// Most bytes of all lanes.
    pub bytes_max: u64,
    /// Most transactions of one participant in one lane.
    pub participant_transactions_max: u32,
    /// Share of the pool in hundredths that each lane keeps for itself.
    pub reserved_percent: u32,
}

impl Default for MempoolLimits {
    fn default() -> Self {
        Self {
            transactions_max: 100_000,
            bytes_max: 128 * 1024 * 1024,
            participant_transactions_max: 50_000,
            reserved_percent: 10,
        }
    }
}

/// Why there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Full {
    /// The same transaction key waits already.
    InFlight,
    /// The pool's cap.
    Pool,
    /// The participant's quota.
    Participant,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Queue {
    by_participant: BTreeMap<ParticipantNumber, VecDeque<Arc<CheckedTx>>>,
    /// Whose turn comes after this one.
    last_served: Option<ParticipantNumber>,
    transactions: u32,
    bytes: u64,
}

/// The pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mempool {
    limits: MempoolLimits,
    lanes: BTreeMap<Lane, Queue>,
    keys: BTreeSet<TxKey>,
    bytes: u64,
}

impl Mempool {
    /// An empty pool.
    #[must_use]
    pub fn new(limits: MempoolLimits) -> Self {
        let lanes = Lane::ALL
            .into_iter()
            .map(|lane| (lane, Queue::default()))
            .collect();
        Self {
            limits,
            lanes,
            keys: BTreeSet::new(),
            bytes: 0,
        }
    }

    /// How many transactions wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Bytes of the transactions that wait.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether a transaction of that key waits.
    #[must_use]
    pub fn contains(&self, key: &TxKey) -> bool {
        self.keys.contains(key)
    }

    /// Takes a transaction in.
    ///
    /// # Errors
    /// [`Full`] when it waits already or a cap is met; the pool is as it was.
    pub fn insert(&mut self, lane: Lane, transaction: Arc<CheckedTx>) -> Result<(), Full> {
        let key = transaction.key();
        if self.keys.contains(&key) {
            return Err(Full::InFlight);
        }
        self.check_room(lane, &transaction)?;
        self.take_in(lane, transaction);
        Ok(())
    }

    /// Takes back a transaction that left for a block which was not decided; it was counted before, so no cap applies.
    pub(super) fn give_back(&mut self, lane: Lane, transaction: Arc<CheckedTx>) {
        if !self.keys.contains(&transaction.key()) {
            self.take_in(lane, transaction);
        }
    }

    fn take_in(&mut self, lane: Lane, transaction: Arc<CheckedTx>) {
        let key = transaction.key();
        self.bytes = self.bytes.saturating_add(length(&transaction));
        let queue = self.lanes.entry(lane).or_default();
        queue.transactions = queue.transactions.saturating_add(1);
        queue.bytes = queue.bytes.saturating_add(length(&transaction));
        queue
            .by_participant
            .entry(transaction.body().participant)
            .or_default()
            .push_back(transaction);
        self.keys.insert(key);
    }

    fn check_room(&self, lane: Lane, transaction: &CheckedTx) -> Result<(), Full> {
        let of = |lane: Lane| self.lanes.get(&lane).map_or(0, |queue| queue.transactions);
        let own = self
            .lanes
            .get(&lane)
            .and_then(|queue| queue.by_participant.get(&transaction.body().participant))
            .map_or(0, VecDeque::len);
        if own >= usize::try_from(self.limits.participant_transactions_max).unwrap_or(usize::MAX) {
            return Err(Full::Participant);
        }
        let reserved = self.limits.transactions_max / 100 * self.limits.reserved_percent;
        let kept_for_others: u32 = Lane::ALL
            .into_iter()
            .filter(|other| *other != lane)
            .map(|other| reserved.max(of(other)))
            .sum();
        let room = self.limits.transactions_max.saturating_sub(kept_for_others);
        let fits = self.bytes.saturating_add(length(transaction)) <= self.limits.bytes_max;
        if of(lane) < room && fits {
            Ok(())
        } else {
            Err(Full::Pool)
        }
    }

    /// Takes out the next transactions of a lane, at most `transactions_max` and `bytes_max`, participants in turn.
    pub fn take(
        &mut self,
        lane: Lane,
        transactions_max: usize,
        bytes_max: u64,
    ) -> Vec<Arc<CheckedTx>> {
        let (mut taken, mut bytes) = (Vec::new(), 0_u64);
        let Some(queue) = self.lanes.get_mut(&lane) else {
            return taken;
        };
        while taken.len() < transactions_max {
            let Some(transaction) = queue.next_within(bytes_max.saturating_sub(bytes)) else {
                break;
            };
            bytes = bytes.saturating_add(length(&transaction));
            self.keys.remove(&transaction.key());
            taken.push(transaction);
        }
        self.bytes = self.bytes.saturating_sub(bytes);
        taken
    }

    /// Bytes that wait in a lane, for the decision to close a batch.
    #[must_use]
    pub fn lane_bytes(&self, lane: Lane) -> u64 {
        self.lanes.get(&lane).map_or(0, |queue| queue.bytes)
    }
}

impl Queue {
    /// The first transaction of the participant whose turn it is, if it fits.
    fn next_within(&mut self, bytes_max: u64) -> Option<Arc<CheckedTx>> {
        let participant = self.next_participant()?;
        let waiting = self.by_participant.get_mut(&participant)?;
        if length(waiting.front()?) > bytes_max {
            return None;
        }
        let transaction = waiting.pop_front()?;
        if waiting.is_empty() {
            self.by_participant.remove(&participant);
        }
        self.last_served = Some(participant);
        self.transactions = self.transactions.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(length(&transaction));
        Some(transaction)
    }

    fn next_participant(&self) -> Option<ParticipantNumber> {
        use std::ops::Bound::{Excluded, Unbounded};
        let after = self.last_served.and_then(|last| {
            self.by_participant
                .range((Excluded(last), Unbounded))
                .next()
                .map(|(participant, _)| *participant)
        });
        after.or_else(|| self.by_participant.keys().next().copied())
    }
}

fn length(transaction: &CheckedTx) -> u64 {
    u64::from(transaction.encoded_bytes())
}
