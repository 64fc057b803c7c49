//! Batches: closing our own, keeping everybody's, knowing who holds which.
//!
//! Invariant: a batch is acknowledged only up to where an author's numbers are held without a gap, verified and on disk;
//! a digest is kept once; an author's number belongs to the first batch that came under it.
//! Shape: what is undecided stays in memory with its checked transactions; what was ordered keeps its place in the log, the last ones
//! in memory too.
//! Bounds: a sender has at most [`UNORDERED_BYTES_MAX`] bytes of unordered batches here; beyond that its new ones are refused.
//! A batch whose ids can never be valid again leaves the memory too, and goes on counting in [`quota`].
//! Source: `docs/spec/dissemination.md`, "Batches".

use falaj_consensus::durable::Position;
use falaj_consensus::message::{BATCH_BYTES_MAX, Batch, BatchRef, Lane};
use falaj_consensus::mutated;
use falaj_consensus::types::{BatchDigest, ValidatorId};
use falaj_consensus::validator_set::ValidatorSet;
use falaj_ledger::transaction::TxId;
use falaj_ledger::validate::CheckedTx;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::holdings::{BatchLoad, Quota};
use super::wire::Ack;
use ordered::Ordered;
use quota::{Quotas, Sender};

mod numbers;
mod ordered;
mod quota;

pub use numbers::Numbers;
pub use ordered::ORDERED_MAX;

/// Most bytes of unordered batches that are kept for one sender.
pub const UNORDERED_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A batch whose every transaction was decoded and whose every signature was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedBatch {
    /// As a body names it.
    pub reference: BatchRef,
    /// Lane of its transactions.
    pub lane: Lane,
    /// Its transactions.
    pub transactions: Vec<Arc<CheckedTx>>,
    /// The bytes its author closed.
    pub encoded: Arc<[u8]>,
}

impl CheckedBatch {
    /// Closes a batch of our own over transactions that were checked at admission.
    #[must_use]
    pub fn close(
        author: ValidatorId,
        seq: u64,
        lane: Lane,
        transactions: Vec<Arc<CheckedTx>>,
    ) -> Self {
        let bytes = transactions
            .iter()
            .map(|transaction| transaction.tx().to_bytes())
            .collect();
        let batch = Batch {
            author,
            seq,
            lane,
            transactions: bytes,
        };
        let encoded: Arc<[u8]> = falaj_consensus::hash::encode(&batch).into();
        Self {
            reference: batch.named(Batch::digest_of(&encoded)),
            lane,
            transactions,
            encoded,
        }
    }

    /// Its place among batches: by lane, then number, then author, so that authors take turns.
    #[must_use]
    pub const fn turn(&self) -> (Lane, u64, ValidatorId) {
        (self.lane, self.reference.seq, self.reference.author)
    }

    /// Whether every id's life ended before `time_ms`: no transaction of it can ever be posted.
    #[must_use]
    pub fn is_dead(&self, life_ms: u64, time_ms: u64) -> bool {
        is_over(self.newest_ms(), life_ms, time_ms)
    }

    /// When the newest id of it began to live.
    fn newest_ms(&self) -> Option<u64> {
        let ids = self.transactions.iter().map(|tx| tx.body().id);
        ids.map(|id| id.time_ms()).max()
    }
}

/// Whether the life of every id ended before `time_ms`.
#[must_use]
pub fn are_dead(ids: impl Iterator<Item = TxId>, life_ms: u64, time_ms: u64) -> bool {
    is_over(ids.map(|id| id.time_ms()).max(), life_ms, time_ms)
}

/// Where a batch stands among its author's.
const fn place(reference: BatchRef) -> (ValidatorId, u64) {
    (reference.author, reference.seq)
}

/// Whether a life that began then, if any did, ended before `time_ms`.
fn is_over(newest_ms: Option<u64>, life_ms: u64, time_ms: u64) -> bool {
    newest_ms.is_none_or(|newest_ms| newest_ms.saturating_add(life_ms) < time_ms)
}

/// Where a batch stands.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Held {
    batch: Arc<CheckedBatch>,
    position: Position,
    /// When its newest id began to live: asked on each tick, of batches that may hold thousands.
    newest_ms: Option<u64>,
    /// Whether it is the first that came under its number: acknowledgements speak of that one alone.
    first: bool,
    /// Who sent it, and whose quota it takes.
    sender: Sender,
}

/// Why a batch is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Refused {
    /// It is here already.
    Known,
    /// Its author's number is taken or passed here: it would never be counted as held.
    Old,
    /// Its sender has too much unordered here.
    Quota,
}

/// Every batch that this node knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Batches {
    unordered: BTreeMap<BatchDigest, Held>,
    /// Unordered batches that are the first under their number: only of these can anybody say that it holds them.
    numbered: BTreeMap<(ValidatorId, u64), BatchDigest>,
    ordered: Ordered,
    unsynced: BTreeMap<Position, BatchRef>,
    authors: BTreeMap<ValidatorId, Numbers>,
    /// Whether the node began with a snapshot, so that it has not seen all numbers that were ordered.
    began_late: bool,
    acks: BTreeMap<ValidatorId, BTreeMap<ValidatorId, u64>>,
    quotas: Quotas,
}

impl Batches {
    /// Takes up which numbers of an author are in the log.
    pub(super) fn restore_numbers(&mut self, author: ValidatorId, numbers: Numbers) {
        self.authors.insert(author, numbers);
    }

    /// The node began with a snapshot: of each author the first number that it sends, or that a block names, is the first one.
    pub(super) fn begin_late(&mut self) {
        self.began_late = true;
    }

    /// Takes up a batch that a decided block named, or that no block can make use of any more: its bytes stay in the log.
    pub(super) fn restore_ordered(&mut self, reference: BatchRef, position: Position) {
        self.ordered.insert(reference.digest, position);
    }

    /// Takes up the number of a batch of our own: whatever is in the log in our name counts, so that no number is given twice.
    pub(super) fn restore_own_number(&mut self, reference: BatchRef) -> bool {
        let first = self.number_sent(reference);
        self.settle(reference);
        first
    }

    /// Takes up a batch of the log that waits to be ordered; `first` as [`Batches::restore_own_number`] says, no other's number is
    /// booked before its author sends it again. Our own takes our quota again; of another's the log does not say who sent it.
    pub(super) fn restore_unordered(
        &mut self,
        batch: Arc<CheckedBatch>,
        position: Position,
        first: bool,
    ) {
        let sender = if first {
            Sender::Author(batch.reference.author)
        } else {
            Sender::Log
        };
        self.hold(batch, position, first, sender);
    }

    /// The number that our own next batch gets: after all that are here, and after what so many validators say they have of us that
    /// one of them is correct. The word of one alone could take our numbers away.
    #[must_use]
    pub(super) fn next_seq(&self, own: ValidatorId, set: &ValidatorSet) -> u64 {
        let held = self.authors.get(&own).map_or(0, Numbers::highest);
        let last = held.max(self.credibly_held(own, set));
        if mutated!(BatchNumberReused) {
            return last.max(1);
        }
        last.saturating_add(1)
    }

    fn credibly_held(&self, own: ValidatorId, set: &ValidatorSet) -> u64 {
        let claim = |index| {
            let seq = *self.acks.get(&set.get(index)?.id)?.get(&own)?;
            Some((seq, set.power(index)))
        };
        let mut claims: Vec<(u64, u128)> = set.indices().filter_map(claim).collect();
        claims.sort_unstable_by_key(|(seq, _)| std::cmp::Reverse(*seq));
        let mut power = 0_u128;
        for (seq, share) in claims {
            power = power.saturating_add(share);
            if set.is_honest_hint(power) {
                return seq;
            }
        }
        0
    }

    /// Whether a batch is known to be held and verified, ordered or not.
    #[must_use]
    pub(super) fn contains(&self, digest: &BatchDigest) -> bool {
        self.position(digest).is_some()
    }

    /// Whether an unsolicited batch of that size is welcome from a sender.
    ///
    /// # Errors
    /// [`Refused`] says why not.
    pub(super) fn check_room(
        &self,
        sender: ValidatorId,
        reference: &BatchRef,
        bytes: usize,
    ) -> Result<(), Refused> {
        if self.contains(&reference.digest) {
            return Err(Refused::Known);
        }
        if reference.seq <= self.own_ack(reference.author).seq {
            return Err(Refused::Old);
        }
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let share = Sender::of(sender, reference.author);
        if self.quotas.has_room(share, bytes) {
            Ok(())
        } else {
            Err(Refused::Quota)
        }
    }

    /// Whether so many more full batches of our own are welcome here, and so at everybody who has of us what we have.
    #[must_use]
    pub(super) fn has_room_for_own(&self, own: ValidatorId, batches: usize) -> bool {
        let full = u64::try_from(batches.saturating_mul(BATCH_BYTES_MAX)).unwrap_or(u64::MAX);
        self.quotas.has_room(Sender::Author(own), full)
    }

    /// Keeps a checked batch whose record was appended at `position`. Its number is booked only if its author itself sent it:
    /// anybody could give a batch that number in its name.
    pub(super) fn insert(
        &mut self,
        batch: Arc<CheckedBatch>,
        position: Position,
        sender: ValidatorId,
    ) {
        let reference = batch.reference;
        let first = sender == reference.author && self.number_sent(reference);
        self.unsynced.insert(position, reference);
        if mutated!(AcknowledgeBeforeSynced) {
            self.settle(reference);
        }
        let sender = Sender::of(sender, reference.author);
        self.hold(batch, position, first, sender);
    }

    fn hold(&mut self, batch: Arc<CheckedBatch>, position: Position, first: bool, sender: Sender) {
        self.quotas.appended(sender, encoded_length(&batch));
        let digest = batch.reference.digest;
        if first {
            self.numbered.insert(place(batch.reference), digest);
        }
        let held = Held {
            newest_ms: batch.newest_ms(),
            batch,
            position,
            first,
            sender,
        };
        self.unordered.insert(digest, held);
    }

    /// The author itself sent a batch that is here already by another's hand: its number is booked now.
    /// Gives the acknowledgement if it moved.
    pub(super) fn vouched(&mut self, digest: &BatchDigest) -> Option<Ack> {
        let held = self.unordered.get(digest).filter(|held| !held.first)?;
        let (reference, position) = (held.batch.reference, held.position);
        let first = self.number_sent(reference);
        if first {
            self.numbered.insert(place(reference), *digest);
        }
        if let Some(held) = self.unordered.get_mut(digest) {
            held.first = first;
            if held.sender == Sender::Log {
                held.sender = Sender::Author(reference.author);
                let bytes = encoded_length(&held.batch);
                self.quotas.ordered(Sender::Log, bytes);
                self.quotas.appended(held.sender, bytes);
            }
        }
        let durable = !self.unsynced.contains_key(&position);
        (durable && self.settle(reference)).then(|| self.own_ack(reference.author))
    }

    /// The batch log is on disk up to here. Gives the acknowledgements that moved.
    pub(super) fn synced(&mut self, upto: Position) -> Vec<Ack> {
        let later = self.unsynced.split_off(&upto.next());
        let settled = std::mem::replace(&mut self.unsynced, later);
        let moved: BTreeSet<_> = settled
            .into_values()
            .filter(|reference| self.settle(*reference))
            .map(|reference| reference.author)
            .collect();
        moved
            .into_iter()
            .map(|author| self.own_ack(author))
            .collect()
    }

    /// What we acknowledge of every author.
    #[must_use]
    pub(super) fn own_acks(&self) -> Vec<Ack> {
        self.authors
            .keys()
            .map(|author| self.own_ack(*author))
            .filter(|ack| ack.seq > 0)
            .collect()
    }

    fn own_ack(&self, author: ValidatorId) -> Ack {
        Ack {
            author,
            seq: self.authors.get(&author).map_or(0, Numbers::contiguous),
        }
    }

    /// A new link to a validator: it may have lost what it held, and says anew what it holds.
    pub(super) fn forget_acks(&mut self, by: ValidatorId) {
        self.acks.remove(&by);
    }

    /// A validator acknowledged; whether that is news.
    pub(super) fn acknowledged(&mut self, by: ValidatorId, ack: Ack) -> bool {
        let held = self
            .acks
            .entry(by)
            .or_default()
            .entry(ack.author)
            .or_insert(0);
        let news = ack.seq > *held;
        *held = ack.seq.max(*held);
        news
    }

    /// Whether that validator said it holds that batch. Of two batches under one number none but the first counts.
    #[must_use]
    pub(super) fn is_held_by(&self, validator: ValidatorId, batch: &CheckedBatch) -> bool {
        self.is_acknowledged_by(validator, batch.reference) && self.is_first(batch)
    }

    /// The power of the validators that said they hold that batch.
    #[must_use]
    pub(super) fn power_holding(&self, set: &ValidatorSet, batch: &CheckedBatch) -> u128 {
        if !self.is_first(batch) {
            return 0;
        }
        let members = set.members().iter();
        let holders = members.filter(|member| self.is_acknowledged_by(member.id, batch.reference));
        holders.map(|member| u128::from(member.power.get())).sum()
    }

    fn is_acknowledged_by(&self, validator: ValidatorId, reference: BatchRef) -> bool {
        let acks = self.acks.get(&validator);
        acks.and_then(|acks| acks.get(&reference.author))
            .is_some_and(|seq| *seq >= reference.seq)
    }

    fn is_first(&self, batch: &CheckedBatch) -> bool {
        let held = self.unordered.get(&batch.reference.digest);
        held.is_some_and(|held| held.first)
    }

    /// The unordered batches of every quota: those that are here, and what is booked.
    #[must_use]
    pub(super) fn holdings(&self) -> Vec<(Quota, BatchLoad)> {
        let mut loads: BTreeMap<Quota, BatchLoad> = self.quotas.holdings().collect();
        for held in self.unordered.values() {
            let load = loads.entry(held.sender.quota()).or_default();
            load.held.count = load.held.count.saturating_add(1);
            let bytes = encoded_length(&held.batch);
            load.held.bytes = load.held.bytes.saturating_add(bytes);
        }
        loads.into_iter().collect()
    }

    /// How many places of ordered and dead batches are remembered.
    #[must_use]
    pub(super) fn places(&self) -> usize {
        self.ordered.len()
    }

    /// How many numbers of every author are remembered above its gapless part.
    pub(super) fn numbers_beyond(&self) -> impl Iterator<Item = (ValidatorId, usize)> + '_ {
        let authors = self.authors.iter();
        authors.map(|(author, numbers)| (*author, numbers.beyond()))
    }

    /// The transactions of a batch that is not ordered yet.
    #[must_use]
    pub(super) fn unordered(&self, digest: &BatchDigest) -> Option<&Arc<CheckedBatch>> {
        self.unordered.get(digest).map(|held| &held.batch)
    }

    /// Where a batch stands in the log, if it is not among those that were ordered long ago.
    #[must_use]
    pub(super) fn position(&self, digest: &BatchDigest) -> Option<Position> {
        self.unordered
            .get(digest)
            .map(|held| held.position)
            .or_else(|| self.ordered.get(digest))
    }

    /// Takes a batch out of those that wait to be ordered.
    fn take(&mut self, digest: &BatchDigest) -> Option<Held> {
        let held = self.unordered.remove(digest)?;
        if held.first {
            self.numbered.remove(&place(held.batch.reference));
        }
        Some(held)
    }

    /// The unordered batches of each author of which anybody can say that it holds them, by number: whoever holds one holds all
    /// before it. So a question of who holds what ends at the first of an author that too few hold.
    pub(super) fn by_author(
        &self,
    ) -> impl Iterator<Item = impl Iterator<Item = &Arc<CheckedBatch>>> {
        self.authors.keys().map(|author| {
            let of_author = self.numbered.range((*author, 0)..=(*author, u64::MAX));
            of_author.filter_map(|(_, digest)| self.unordered(digest))
        })
    }

    /// Every unordered batch, by digest.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<CheckedBatch>> {
        self.unordered.values().map(|held| &held.batch)
    }

    /// Every unordered batch, by [`CheckedBatch::turn`].
    #[must_use]
    pub(super) fn in_order(&self) -> Vec<&Arc<CheckedBatch>> {
        let mut batches: Vec<_> = self.unordered.values().map(|held| &held.batch).collect();
        batches.sort_unstable_by_key(|batch| batch.turn());
        batches
    }

    /// Every unordered batch, by number, then author.
    #[must_use]
    pub(super) fn by_number(&self) -> Vec<&Arc<CheckedBatch>> {
        let mut batches: Vec<_> = self.iter().collect();
        batches.sort_unstable_by_key(|batch| (batch.reference.seq, batch.reference.author));
        batches
    }

    /// Whether nothing waits to be ordered.
    #[must_use]
    pub(super) fn nothing_unordered(&self) -> bool {
        self.unordered.is_empty()
    }

    /// A block ordered this batch: its transactions leave the memory. A quorum held it, so its number is booked, whoever sent it, if
    /// its author is a member or was one: of others there is no end. Gives the acknowledgement if it moved.
    pub(super) fn order(
        &mut self,
        digest: &BatchDigest,
        is_known: impl Fn(ValidatorId) -> bool,
    ) -> Option<Ack> {
        let held = self.take(digest)?;
        self.quotas
            .ordered(held.sender, encoded_length(&held.batch));
        let reference = held.batch.reference;
        self.ordered.insert(*digest, held.position);
        if !is_known(reference.author) {
            return None;
        }
        self.number(reference);
        let durable = !self.unsynced.contains_key(&held.position);
        let settled = durable && self.settle(reference);
        let numbers = self.authors.get_mut(&reference.author);
        let late = self.began_late;
        let passed = numbers.is_some_and(|numbers| {
            let begun = late && numbers.begin_at(reference.seq);
            numbers.ordered(reference.seq) || begun
        });
        (settled || passed).then(|| self.own_ack(reference.author))
    }

    /// The author itself sent a batch that no block can make use of any more: nobody waits for its number, if it is the next one.
    /// Gives the acknowledgement if it moved.
    pub(super) fn pass_dead(&mut self, reference: BatchRef) -> Option<Ack> {
        let numbers = self.authors.entry(reference.author).or_default();
        numbers
            .pass(reference.seq)
            .then(|| self.own_ack(reference.author))
    }

    /// Drops unordered batches of which every id's life ended before `time_ms`, but for those that a block of the open height names.
    /// Gives the acknowledgements that moved.
    pub(super) fn expire(
        &mut self,
        life_ms: u64,
        time_ms: u64,
        named: &BTreeSet<BatchDigest>,
    ) -> Vec<Ack> {
        self.quotas.advance(life_ms, time_ms);
        let is_over = |digest: &BatchDigest, held: &Held| {
            !named.contains(digest) && is_over(held.newest_ms, life_ms, time_ms)
        };
        let over: Vec<BatchDigest> = self
            .unordered
            .iter()
            .filter(|(digest, held)| is_over(digest, held))
            .map(|(digest, _)| *digest)
            .collect();
        let mut moved = BTreeSet::new();
        for digest in over {
            if let Some(held) = self.take(&digest) {
                self.quotas.died(held.sender, encoded_length(&held.batch));
                let reference = held.batch.reference;
                let numbers = self.authors.get_mut(&reference.author);
                if numbers.is_some_and(|numbers| numbers.died(reference)) {
                    moved.insert(reference.author);
                }
                self.ordered.insert(digest, held.position);
            }
        }
        let acks = moved.into_iter().map(|author| self.own_ack(author));
        acks.collect()
    }

    /// Books the number of a batch that its author sent; whether this batch is the first under it. On a node that began late it is where the
    /// author's numbers begin, if none is held: authors send the lowest that is not ordered first, and without this word for it the batch
    /// may be one short of the quorum that lets a block name it.
    fn number_sent(&mut self, reference: BatchRef) -> bool {
        let first = self.number(reference);
        if self.began_late
            && first
            && let Some(numbers) = self.authors.get_mut(&reference.author)
        {
            numbers.begin_at(reference.seq);
        }
        first
    }

    /// Books the number; whether this batch is the first under it.
    fn number(&mut self, reference: BatchRef) -> bool {
        self.authors
            .entry(reference.author)
            .or_default()
            .book(reference)
    }

    /// A batch of that number is on disk. Whether the gapless part grew.
    fn settle(&mut self, reference: BatchRef) -> bool {
        self.authors
            .get_mut(&reference.author)
            .is_some_and(|numbers| numbers.settle(reference))
    }
}

fn encoded_length(batch: &CheckedBatch) -> u64 {
    u64::try_from(batch.encoded.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AUTHOR: ValidatorId = ValidatorId::new(7);
    const PEER: ValidatorId = ValidatorId::new(8);

    /// A batch that is told apart by its salt alone.
    fn batch(seq: u64, salt: u8) -> Arc<CheckedBatch> {
        let content = Batch {
            author: AUTHOR,
            seq,
            lane: Lane::Retail,
            transactions: vec![vec![salt]],
        };
        let encoded: Arc<[u8]> = falaj_consensus::hash::encode(&content).into();
        Arc::new(CheckedBatch {
            reference: content.reference(),
            lane: Lane::Retail,
            transactions: Vec::new(),
            encoded,
        })
    }

    fn ack(seq: u64) -> Ack {
        Ack {
            author: AUTHOR,
            seq,
        }
    }

    // An acknowledgement speaks of batches on disk, without a gap.
    #[test]
    fn acknowledgements_wait_for_the_disk_and_for_gaps() {
        let mut batches = Batches::default();
        batches.insert(batch(2, 0), Position::new(1), AUTHOR);
        assert_eq!(batches.synced(Position::new(1)), []);
        batches.insert(batch(1, 0), Position::new(2), AUTHOR);
        assert_eq!(batches.own_acks(), []);
        assert_eq!(batches.synced(Position::new(1)), []);
        assert_eq!(batches.synced(Position::new(2)), [ack(2)]);
        assert_eq!(batches.synced(Position::new(2)), []);
    }

    // Ordering a batch before its sync does not acknowledge it.
    #[test]
    fn an_ordered_batch_is_acknowledged_only_once_it_is_on_disk() {
        let mut batches = Batches::default();
        let first = batch(1, 0);
        batches.insert(Arc::clone(&first), Position::new(1), AUTHOR);
        assert_eq!(batches.order(&first.reference.digest, is_member), None);
        assert_eq!(batches.own_acks(), []);
        assert_eq!(batches.synced(Position::new(1)), [ack(1)]);
        assert_eq!(
            batches.position(&first.reference.digest),
            Some(Position::new(1))
        );
        assert!(batches.unordered(&first.reference.digest).is_none());
    }

    // docs/spec/dissemination.md, "Batches": of an author whose batches come by another's hand a node that began with a snapshot acknowledges
    // from the first on that a block names, once it is on disk; one that began with genesis waits for those below.
    #[test]
    fn after_a_snapshot_the_first_batch_that_a_block_names_is_acknowledged() {
        let (named, next) = (batch(5_000, 0), batch(5_001, 0));
        for late in [true, false] {
            let mut batches = Batches::default();
            if late {
                batches.begin_late();
            }
            batches.insert(Arc::clone(&named), Position::new(1), PEER);
            batches.insert(Arc::clone(&next), Position::new(2), PEER);
            let passed = batches.order(&named.reference.digest, is_member);
            let below = if late { 4_999 } else { 5_000 - 1_024 };
            assert_eq!(passed, Some(ack(below)), "nothing is on disk yet");
            let synced = batches.synced(Position::new(2));
            let held = if late { vec![ack(5_000)] } else { Vec::new() };
            assert_eq!(synced, held);
        }
    }

    // Of two batches under one number only the first counts as held by who acknowledged the number.
    #[test]
    fn a_second_batch_under_a_number_is_never_counted_as_held() {
        let mut batches = Batches::default();
        let (first, second) = (batch(1, 1), batch(1, 2));
        batches.insert(Arc::clone(&first), Position::new(1), AUTHOR);
        batches.insert(Arc::clone(&second), Position::new(2), AUTHOR);
        batches.acknowledged(PEER, ack(1));
        assert!(batches.is_held_by(PEER, &first));
        assert!(!batches.is_held_by(PEER, &second));
        let _acks = batches.synced(Position::new(2));
        let third = batch(1, 3);
        batches.insert(Arc::clone(&third), Position::new(3), AUTHOR);
        assert!(!batches.is_held_by(PEER, &third));
    }

    fn is_member(author: ValidatorId) -> bool {
        set().index_of(author).is_some()
    }

    fn set() -> ValidatorSet {
        use falaj_consensus::crypto::{Algorithm, PublicKey};
        use falaj_consensus::types::VotingPower;
        use falaj_consensus::validator_set::{Declared, Validator};
        let member = |id: u8| {
            let mut key = vec![id; 65];
            key[0] = 4;
            Validator {
                id: ValidatorId::new(u32::from(id)),
                power: VotingPower::new(1),
                key: PublicKey::new(Algorithm::EcdsaP256, key).unwrap(),
                declared: Declared::default(),
            }
        };
        ValidatorSet::new((7..=10).map(member).collect()).unwrap()
    }

    // Our own numbers go on after what is here, and after what so many say they have of us that one of them is correct.
    #[test]
    fn own_numbers_never_repeat_and_one_liar_cannot_take_them_away() {
        let mut batches = Batches::default();
        assert_eq!(batches.next_seq(AUTHOR, &set()), 1);
        batches.insert(batch(1, 0), Position::new(1), AUTHOR);
        assert_eq!(batches.next_seq(AUTHOR, &set()), 2);
        batches.acknowledged(PEER, ack(u64::MAX));
        assert_eq!(batches.next_seq(AUTHOR, &set()), 2);
        batches.acknowledged(ValidatorId::new(9), ack(9));
        assert_eq!(batches.next_seq(AUTHOR, &set()), 10);
    }

    // Anybody can make a batch in another's name: it takes neither the number nor the quota of its alleged author.
    #[test]
    fn a_batch_by_another_hand_takes_no_number_until_its_author_or_a_quorum_vouches() {
        let mut batches = Batches::default();
        let relayed = batch(1, 0);
        batches.insert(Arc::clone(&relayed), Position::new(1), PEER);
        assert_eq!(batches.synced(Position::new(1)), []);
        batches.acknowledged(ValidatorId::new(9), ack(1));
        assert!(!batches.is_held_by(ValidatorId::new(9), &relayed));
        let mut ordered = batches.clone();
        assert_eq!(
            ordered.order(&relayed.reference.digest, is_member),
            Some(ack(1))
        );
        assert_eq!(batches.vouched(&relayed.reference.digest), Some(ack(1)));
        assert!(batches.is_held_by(ValidatorId::new(9), &relayed));
        let room = usize::try_from(UNORDERED_BYTES_MAX).unwrap();
        let next = batch(2, 0).reference;
        assert_eq!(batches.check_room(AUTHOR, &next, room), Ok(()));
        assert_eq!(batches.check_room(PEER, &next, room), Err(Refused::Quota));
    }

    // docs/spec/dissemination.md, "Batches": where one of four is down, the word of a node that began late is needed for each batch.
    #[test]
    fn a_node_that_began_late_acknowledges_the_first_that_an_author_sends() {
        let first = |late: bool, sender: ValidatorId| {
            let mut batches = Batches::default();
            if late {
                batches.begin_late();
            }
            batches.insert(batch(40, 0), Position::new(1), sender);
            batches.insert(batch(42, 0), Position::new(2), sender);
            batches.synced(Position::new(2))
        };
        assert_eq!(first(true, AUTHOR), [ack(40)]);
        assert_eq!(first(false, AUTHOR), []);
        assert_eq!(first(true, PEER), []);
        let mut again = Batches::default();
        again.begin_late();
        let relayed = batch(40, 0);
        again.insert(Arc::clone(&relayed), Position::new(1), PEER);
        assert_eq!(again.synced(Position::new(1)), []);
        assert_eq!(again.vouched(&relayed.reference.digest), Some(ack(40)));
        let mut own = Batches::default();
        own.begin_late();
        assert!(own.restore_own_number(batch(40, 0).reference));
        assert_eq!(own.own_ack(AUTHOR), ack(40));
    }

    // What is sent again begins with the lowest number whatever its lane: no acknowledgement passes the first that is missing.
    #[test]
    fn numbers_go_before_lanes_in_what_is_sent_again() {
        let mut batches = Batches::default();
        let retail = batch(1, 0);
        assert_eq!(retail.lane, Lane::Retail);
        let mut all = vec![Arc::clone(&retail)];
        for seq in 2..=20 {
            let urgent = CheckedBatch {
                lane: Lane::Governance,
                ..(*batch(seq, 0)).clone()
            };
            all.push(Arc::new(urgent));
        }
        for (batch, position) in all.iter().rev().zip(1..) {
            batches.insert(Arc::clone(batch), Position::new(position), AUTHOR);
        }
        assert_eq!(batches.by_number(), all.iter().collect::<Vec<_>>());
        assert_ne!(batches.in_order().first(), Some(&&retail));
    }

    // Only first batches are listed by their author, in order of their numbers, until a block orders them or their life ends.
    #[test]
    fn batches_of_an_author_are_listed_by_number_while_they_wait() {
        let listed = |batches: &Batches| -> Vec<Vec<u64>> {
            let seqs = |batch: &Arc<CheckedBatch>| batch.reference.seq;
            let authors = batches.by_author();
            authors
                .map(|of_author| of_author.map(seqs).collect())
                .collect()
        };
        let mut batches = Batches::default();
        let (first, second, twin) = (batch(1, 0), batch(2, 0), batch(2, 1));
        batches.insert(Arc::clone(&second), Position::new(1), AUTHOR);
        batches.insert(Arc::clone(&first), Position::new(2), AUTHOR);
        batches.insert(Arc::clone(&twin), Position::new(3), AUTHOR);
        assert_eq!(listed(&batches), [[1, 2]]);
        batches.order(&first.reference.digest, is_member);
        assert_eq!(listed(&batches), [[2]]);
        batches.order(&twin.reference.digest, is_member);
        assert_eq!(listed(&batches), [[2]]);
        let relayed = batch(3, 0);
        batches.insert(Arc::clone(&relayed), Position::new(4), PEER);
        assert_eq!(listed(&batches), [[2]]);
        batches.vouched(&relayed.reference.digest);
        assert_eq!(listed(&batches), [[2, 3]]);
        batches.expire(10, 100, &BTreeSet::new());
        assert_eq!(listed(&batches), [[0_u64; 0]]);
    }

    // What can never be valid again leaves the memory, unless a block of the open height names it.
    #[test]
    fn dead_batches_expire_unless_they_are_named() {
        let mut batches = Batches::default();
        let dead = batch(1, 0);
        batches.insert(Arc::clone(&dead), Position::new(1), AUTHOR);
        let named = BTreeSet::from([dead.reference.digest]);
        assert_eq!(batches.expire(10, 100, &named), []);
        assert!(batches.unordered(&dead.reference.digest).is_some());
        assert_eq!(batches.expire(10, 100, &BTreeSet::new()), [ack(1)]);
        assert!(batches.nothing_unordered());
        assert!(batches.contains(&dead.reference.digest));
    }

    // An author's unordered bytes are bounded, and room comes back when a block orders them.
    #[test]
    fn an_author_over_its_quota_is_refused() {
        let mut batches = Batches::default();
        let kept = batch(1, 0);
        batches.insert(Arc::clone(&kept), Position::new(1), AUTHOR);
        let next = batch(2, 0).reference;
        let room = usize::try_from(UNORDERED_BYTES_MAX).unwrap();
        assert_eq!(batches.check_room(AUTHOR, &next, room), Err(Refused::Quota));
        assert_eq!(
            batches.check_room(AUTHOR, &kept.reference, 1),
            Err(Refused::Known)
        );
        let _ack = batches.order(&kept.reference.digest, is_member);
        assert_eq!(batches.check_room(AUTHOR, &next, room), Ok(()));
    }

    // A restart counts what is in the log as on disk.
    #[test]
    fn restored_batches_are_acknowledged_at_once() {
        let mut batches = Batches::default();
        let (first, second) = (batch(1, 0), batch(2, 0));
        let mut numbers = Numbers::default();
        for batch in [&first, &second] {
            numbers.book(batch.reference);
            numbers.settle(batch.reference);
        }
        batches.restore_numbers(AUTHOR, numbers);
        batches.restore_ordered(first.reference, Position::new(1));
        batches.restore_unordered(Arc::clone(&second), Position::new(2), true);
        assert_eq!(batches.own_acks(), [ack(2)]);
        assert_eq!(batches.in_order(), [&second]);
        assert_eq!(
            batches.position(&first.reference.digest),
            Some(Position::new(1))
        );
    }

    // docs/spec/dissemination.md, "Batches": what comes again after it was forgotten is told by its author's number.
    #[test]
    fn a_batch_under_a_number_that_is_held_is_not_taken_again() {
        let mut batches = Batches::default();
        let first = batch(1, 0);
        batches.insert(Arc::clone(&first), Position::new(1), AUTHOR);
        let _acks = batches.synced(Position::new(1));
        let _ack = batches.order(&first.reference.digest, is_member);
        batches.ordered = Ordered::default();
        assert!(!batches.contains(&first.reference.digest));
        assert_eq!(
            batches.check_room(AUTHOR, &first.reference, 1),
            Err(Refused::Old)
        );
        let next = batch(2, 0).reference;
        assert_eq!(batches.check_room(AUTHOR, &next, 1), Ok(()));
    }

    // Goal: tens of thousands of ordered batches, with gaps and by authors that are no members, and what is kept stays bounded.
    #[test]
    fn what_is_kept_of_ordered_batches_is_bounded() {
        let mut batches = Batches::default();
        for seq in (1..20_000).filter(|seq| seq % 1_000 != 0) {
            let stranger = ValidatorId::new(1_000 + u32::try_from(seq).unwrap());
            for (author, position) in [(AUTHOR, 2 * seq), (stranger, 2 * seq + 1)] {
                let mut batch = CheckedBatch::clone(&batch(seq, 0));
                batch.reference.author = author;
                let digest = falaj_consensus::types::Hash32::new(
                    [
                        [author.get().to_be_bytes(); 4].concat(),
                        [0; 8].to_vec(),
                        seq.to_be_bytes().to_vec(),
                    ]
                    .concat()
                    .try_into()
                    .unwrap(),
                );
                batch.reference.digest = BatchDigest::new(digest);
                batches.insert(Arc::new(batch), Position::new(position), PEER);
                let _acks = batches.synced(Position::new(position));
                let _ack = batches.order(&BatchDigest::new(digest), is_member);
            }
        }
        assert_eq!(batches.authors.len(), 1);
        assert!(batches.nothing_unordered());
        assert!(batches.unsynced.is_empty());
        let held = batches.own_acks()[0].seq;
        assert!(held > 20_000 - 1_100, "held up to {held}");
    }
}
