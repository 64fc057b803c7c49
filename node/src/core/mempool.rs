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

use super::holdings;

/// Caps of the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MempoolLimits {
    /// Most transactions of all lanes.
    pub transactions_max: u32,
    /// Most bytes of all lanes.
    pub bytes_max: u64,
    /// Most transactions of one participant in one lane.
    pub participant_transactions_max: u32,
    /// Most bytes of one participant in one lane.
    pub participant_bytes_max: u64,
    /// Share of the pool in hundredths, of its transactions and of its bytes, that each lane keeps for itself.
    pub reserved_percent: u32,
}

impl MempoolLimits {
    const fn pool(&self) -> Load {
        Load {
            transactions: self.transactions_max,
            bytes: self.bytes_max,
        }
    }

    const fn participant(&self) -> Load {
        Load {
            transactions: self.participant_transactions_max,
            bytes: self.participant_bytes_max,
        }
    }

    /// What a lane keeps for itself.
    fn reserved(&self) -> Load {
        let percent = self.reserved_percent.min(100);
        Load {
            transactions: self.transactions_max / 100 * percent,
            bytes: self.bytes_max / 100 * u64::from(percent),
        }
    }
}

impl Default for MempoolLimits {
    fn default() -> Self {
        Self {
            transactions_max: 100_000,
            bytes_max: 128 * 1024 * 1024,
            participant_transactions_max: 50_000,
            participant_bytes_max: 64 * 1024 * 1024,
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

/// How much room transactions take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Load {
    transactions: u32,
    bytes: u64,
}

impl Load {
    fn of(transaction: &CheckedTx) -> Self {
        Self {
            transactions: 1,
            bytes: length(transaction),
        }
    }

    const fn plus(self, other: Self) -> Self {
        Self {
            transactions: self.transactions.saturating_add(other.transactions),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }

    const fn minus(self, other: Self) -> Self {
        Self {
            transactions: self.transactions.saturating_sub(other.transactions),
            bytes: self.bytes.saturating_sub(other.bytes),
        }
    }

    /// The greater of each.
    fn or(self, other: Self) -> Self {
        Self {
            transactions: self.transactions.max(other.transactions),
            bytes: self.bytes.max(other.bytes),
        }
    }

    const fn fits(self, cap: Self) -> bool {
        self.transactions <= cap.transactions && self.bytes <= cap.bytes
    }
}

/// What waits of one participant in one lane, first in, first out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Waiting {
    transactions: VecDeque<Arc<CheckedTx>>,
    load: Load,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Queue {
    by_participant: BTreeMap<ParticipantNumber, Waiting>,
    /// Whose turn comes after this one.
    last_served: Option<ParticipantNumber>,
    load: Load,
}

/// The pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mempool {
    limits: MempoolLimits,
    lanes: BTreeMap<Lane, Queue>,
    keys: BTreeSet<TxKey>,
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
    pub fn bytes(&self) -> u64 {
        self.lanes.values().map(|queue| queue.load.bytes).sum()
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
        self.keys.insert(transaction.key());
        self.lanes.entry(lane).or_default().push(transaction);
    }

    fn check_room(&self, lane: Lane, transaction: &CheckedTx) -> Result<(), Full> {
        let added = Load::of(transaction);
        let participant = transaction.body().participant;
        let of = |lane: &Lane| {
            self.lanes
                .get(lane)
                .map_or(Load::default(), |queue| queue.load)
        };
        let own = self
            .lanes
            .get(&lane)
            .and_then(|queue| queue.by_participant.get(&participant))
            .map_or(Load::default(), |waiting| waiting.load);
        if !own.plus(added).fits(self.limits.participant()) {
            return Err(Full::Participant);
        }
        let reserved = self.limits.reserved();
        let kept_for_others = Lane::ALL
            .iter()
            .filter(|other| **other != lane)
            .map(|other| of(other).or(reserved))
            .fold(Load::default(), Load::plus);
        let room = self.limits.pool().minus(kept_for_others);
        if of(&lane).plus(added).fits(room) {
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
        taken
    }

    /// What waits, by lane and participant: counted anew, not as it is booked.
    pub(super) fn holdings(&self) -> Vec<(Lane, ParticipantNumber, holdings::Load)> {
        let lanes = self.lanes.iter().flat_map(|(lane, queue)| {
            let waiting = queue.by_participant.iter();
            waiting.map(|(participant, waiting)| (*lane, *participant, waiting))
        });
        lanes
            .map(|(lane, participant, waiting)| {
                let lengths = waiting.transactions.iter().map(|tx| length(tx));
                (lane, participant, holdings::Load::of(lengths))
            })
            .collect()
    }

    /// Bytes that wait in a lane, for the decision to close a batch.
    #[must_use]
    pub fn lane_bytes(&self, lane: Lane) -> u64 {
        self.lanes.get(&lane).map_or(0, |queue| queue.load.bytes)
    }
}

impl Queue {
    fn push(&mut self, transaction: Arc<CheckedTx>) {
        let added = Load::of(&transaction);
        self.load = self.load.plus(added);
        let participant = transaction.body().participant;
        let waiting = self.by_participant.entry(participant).or_default();
        waiting.load = waiting.load.plus(added);
        waiting.transactions.push_back(transaction);
    }

    /// The first transaction of the participant whose turn it is, if it fits.
    fn next_within(&mut self, bytes_max: u64) -> Option<Arc<CheckedTx>> {
        let participant = self.next_participant()?;
        let waiting = self.by_participant.get_mut(&participant)?;
        if length(waiting.transactions.front()?) > bytes_max {
            return None;
        }
        let transaction = waiting.transactions.pop_front()?;
        let gone = Load::of(&transaction);
        waiting.load = waiting.load.minus(gone);
        if waiting.transactions.is_empty() {
            self.by_participant.remove(&participant);
        }
        self.last_served = Some(participant);
        self.load = self.load.minus(gone);
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

#[cfg(test)]
mod tests;
