//! From a client's bytes to a batch that a quorum holds.
//!
//! Invariant: a transaction is admitted once checked, not in the dedup map and not in flight; a full queue answers, it never drops;
//! an acknowledgement leaves only for batches that are on disk.
//! Source: `docs/spec/dissemination.md`.

use falaj_consensus::durable::{Durable, LogId, Position};
use falaj_consensus::engine;
use falaj_consensus::message::{BATCH_PAYLOAD_BYTES_MAX, Lane};
use falaj_consensus::mutated;
use falaj_consensus::types::{BatchDigest, Now, ValidatorId, ValidatorIndex};
use falaj_ledger::account::AccountKind;
use falaj_ledger::execute::precheck;
use falaj_ledger::rejection::Rejection;
use falaj_ledger::transaction::Op;
use falaj_ledger::validate::CheckedTx;
use std::sync::Arc;

use super::{Replica, Step};
use crate::core::batches::{CheckedBatch, Refused, are_dead};
use crate::core::effect::{Admission, Dropped, Effect, Output, Recipients};
use crate::core::input::{Peer, Ticket, Timer};
use crate::core::job::VerifyJob;
use crate::core::mempool::Full;
use crate::core::wire::Message;

/// Submissions that are checked together.
const SUBMISSIONS_PER_JOB: usize = 512;
/// Jobs of submissions that run at once.
const SUBMISSION_JOBS_MAX: u32 = 2;
/// Batches that one tick sends again to one validator.
const RESENT_PER_TICK: usize = 8;

impl Replica {
    /// Hands submissions out in jobs: the busier the checkers, the fuller the next batch of signatures.
    pub(super) fn verify_submissions(&mut self, step: &mut Step) {
        while self.submissions_in_flight < SUBMISSION_JOBS_MAX && !self.submitted.is_empty() {
            let count = self.submitted.len().min(SUBMISSIONS_PER_JOB);
            let job = VerifyJob::Submitted(self.submitted.drain(..count).collect());
            self.submissions_in_flight = self.submissions_in_flight.saturating_add(1);
            step.start.push(Effect::Verify(Box::new(job)));
        }
    }

    pub(super) fn on_submissions_checked(
        &mut self,
        now: Now,
        checked: Vec<(Ticket, Result<Arc<CheckedTx>, Rejection>)>,
        step: &mut Step,
    ) {
        self.submissions_in_flight = self.submissions_in_flight.saturating_sub(1);
        for (ticket, result) in checked {
            let answer = match result.and_then(|transaction| self.admit(now, transaction)) {
                Ok(()) => Admission::Admitted,
                Err(rejection) => Admission::Refused(rejection),
            };
            step.outputs.push(Output::Answer { ticket, answer });
        }
    }

    fn admit(&mut self, now: Now, transaction: Arc<CheckedTx>) -> Result<(), Rejection> {
        // A node without a vote closes no batches, nor does one that stands still: nothing would ever become of it here.
        if self.own_index().is_none() || self.stands_still() {
            return Err(Rejection::ReadOnly);
        }
        precheck(&self.tip.state, &transaction, now.wall_us)?;
        let lane = self.lane_of(&transaction);
        if mutated!(MempoolForgets) {
            return Ok(());
        }
        self.mempool
            .insert(lane, transaction)
            .map_err(|full| match full {
                Full::InFlight => Rejection::InFlight,
                Full::Pool => Rejection::MempoolFull,
                Full::Participant => Rejection::Quota,
            })
    }

    /// Which share of a block a transaction draws on.
    pub(super) fn lane_of(&self, transaction: &CheckedTx) -> Lane {
        let op = &transaction.body().op;
        if op.is_governance() {
            return Lane::Governance;
        }
        let Op::Transfer(transfer) = op else {
            return Lane::Retail;
        };
        match self
            .tip
            .state
            .account(transfer.debit)
            .map(|account| account.kind)
        {
            Some(AccountKind::Reserve | AccountKind::Wholesale) => Lane::Interbank,
            Some(_) | None => Lane::Retail,
        }
    }

    /// Closes what is full, and has the rest batched soon. Without room for batches transactions wait in the pool, which fills up and
    /// says so; a block that orders batches makes room.
    pub(super) fn close_batches(&mut self, now: Now, step: &mut Step) {
        for lane in Lane::ALL {
            let mut waiting = self.mempool.lane_bytes(lane);
            while waiting >= self.batch_payload_bytes_max() {
                self.close_batch(now, lane, step);
                let left = self.mempool.lane_bytes(lane);
                if left == waiting {
                    break;
                }
                waiting = left;
            }
            if waiting > 0 && self.batch_author(lane).is_some() {
                self.arm_close(now, lane, step);
            }
        }
    }

    /// Has what waits in a lane batched: at once, unless a batch of that lane was closed a moment ago, so that a lone payment waits for
    /// nobody and many share a batch.
    fn arm_close(&mut self, now: Now, lane: Lane, step: &mut Step) {
        if self.closing.insert(lane) {
            let next_ns = self
                .closed_ns
                .get(&lane)
                .map_or(0, |closed| closed.saturating_add(self.config.batch_wait_ns));
            step.start.push(Effect::Timer {
                id: Timer::CloseBatch(lane),
                after_ns: next_ns.saturating_sub(now.mono_ns),
            });
        }
    }

    /// Closes a batch of what waits in a lane: appended to the log and pushed to every validator.
    pub(super) fn close_batch(&mut self, now: Now, lane: Lane, step: &mut Step) {
        let Some(author) = self.batch_author(lane) else {
            return;
        };
        let limit =
            usize::try_from(self.parameters().limits.block_transactions_max).unwrap_or(usize::MAX);
        let mut transactions = self
            .mempool
            .take(lane, limit, self.batch_payload_bytes_max());
        // What waited until it died would make a batch that every peer refuses.
        let (life_ms, time_ms) = self.id_life_and_time_ms();
        let is_dead = |tx: &Arc<CheckedTx>| are_dead([tx.body().id].into_iter(), life_ms, time_ms);
        transactions.retain(|tx| !is_dead(tx));
        if transactions.is_empty() {
            return;
        }
        self.closed_ns.insert(lane, now.mono_ns);
        let seq = self.batches.next_seq(author, &self.open_set());
        let batch = Arc::new(CheckedBatch::close(author, seq, lane, transactions));
        // Pushed once it is on disk, so that a restart never gives its number to another.
        let position = self.keep_batch(Arc::clone(&batch), author, step);
        if !mutated!(PushBeforeSynced) {
            step.waits.push((LogId::Batch, position));
        }
        self.note_sent_to_all(batch.reference.digest);
        self.send(
            Recipients::All,
            Message::Batch(batch.encoded.to_vec()),
            step,
        );
    }

    /// We ourselves, if we may close a batch of a lane now: not while we stand still, nor while so many of ours wait for a block that
    /// peers would refuse the next one. Each lane leaves room for one of each lane before it.
    fn batch_author(&self, lane: Lane) -> Option<ValidatorId> {
        let before = Lane::ALL.iter().take_while(|other| **other != lane);
        let room = before.count().saturating_add(1);
        self.own_index()
            .and(self.config.validator)
            .filter(|own| !self.stands_still() && self.batches.has_room_for_own(*own, room))
    }

    /// A batch that no block has room for would never be ordered.
    fn batch_payload_bytes_max(&self) -> u64 {
        let batch = u64::try_from(BATCH_PAYLOAD_BYTES_MAX).unwrap_or(u64::MAX);
        batch.min(self.parameters().limits.block_bytes_max.into())
    }

    fn keep_batch(
        &mut self,
        batch: Arc<CheckedBatch>,
        sender: ValidatorId,
        step: &mut Step,
    ) -> Position {
        let position = self.append_batch(batch.encoded.to_vec(), step);
        self.fetching.came(&batch.reference.digest);
        self.batches.insert(batch, position, sender);
        if mutated!(AcknowledgeBeforeSynced) {
            step.acks.extend(self.batches.own_acks());
        }
        self.complete_open();
        position
    }

    /// A batch came, checked: a peer's push, an answer to a request, or one read back from our own log.
    pub(super) fn on_batch(
        &mut self,
        from: Option<Peer>,
        batch: Arc<CheckedBatch>,
        step: &mut Step,
    ) {
        let Some(from) = from else {
            self.on_batch_again(batch);
            return;
        };
        if self.stands_still() {
            return Self::limited(from, Dropped::StandingStill, step);
        }
        let (author, digest) = (batch.reference.author, batch.reference.digest);
        // What a block ahead or a proposal of a later round names is fetched too, but only what consensus turns on lifts a rule here.
        let wanted =
            self.fetching.contains(&digest) && self.candidates.is_named_by(&self.asked, &digest);
        let foreign = self.is_foreign(author);
        let Some(sender) = from.validator().filter(|_| wanted || !foreign) else {
            return Self::limited(from, Dropped::BatchForeign, step);
        };
        if !wanted && self.is_dead(&batch) {
            if sender == author {
                step.acks.extend(self.batches.pass_dead(batch.reference));
            }
            return Self::limited(from, Dropped::BatchDead, step);
        }
        match self
            .batches
            .check_room(sender, &batch.reference, batch.encoded.len())
        {
            Err(Refused::Quota) if !wanted => Self::limited(from, Dropped::BatchQuota, step),
            // It was ordered long ago, or never is: whoever sends it again has lost an acknowledgement, which is said again anyhow.
            Err(Refused::Old) if !wanted => {}
            Ok(()) | Err(Refused::Quota | Refused::Old) => {
                self.keep_batch(batch, sender, step);
            }
            Err(Refused::Known) => {}
        }
    }

    /// Whether no transaction of a batch can ever be posted, since every id's life is over.
    fn is_dead(&self, batch: &CheckedBatch) -> bool {
        let (life_ms, time_ms) = self.id_life_and_time_ms();
        batch.is_dead(life_ms, time_ms)
    }

    /// How long an id lives, and the time of the last block.
    pub(super) fn id_life_and_time_ms(&self) -> (u64, u64) {
        let state = &self.tip.state;
        let life_ms = state.chain().constants.id_life_ms();
        (life_ms, state.time_us() / 1_000)
    }

    /// Whether a batch of that author is refused unless a block asks for it: it is ours, or its author is no member.
    pub(super) fn is_foreign(&self, author: ValidatorId) -> bool {
        Some(author) == self.config.validator || self.open_set().index_of(author).is_none()
    }

    /// A batch came that is here already: its author's own hand books its number, and whoever sent it missed our acknowledgement.
    pub(super) fn on_known_batch(&mut self, from: Peer, digest: &BatchDigest, step: &mut Step) {
        let author = self
            .batches
            .unordered(digest)
            .map(|batch| batch.reference.author);
        if author.is_some() && author == from.validator() {
            step.acks.extend(self.batches.vouched(digest));
        }
        let acks = self.batches.own_acks();
        self.send_frame(Recipients::Some(vec![from]), acks, None, step);
    }

    fn on_batch_again(&mut self, batch: Arc<CheckedBatch>) {
        self.rereading.remove(&batch.reference.digest);
        let Some(position) = self.batches.position(&batch.reference.digest) else {
            return;
        };
        for id in self.candidates.open() {
            if let Some(candidate) = self.candidates.get_mut(&id) {
                candidate.batch_again(Arc::clone(&batch), position);
            }
        }
        self.complete_open();
    }

    pub(super) fn on_synced(&mut self, now: Now, durable: Durable, step: &mut Step) {
        let waited = self.stands_on_what_a_crash_takes();
        self.on_disk.insert(durable.log(), durable.upto());
        let goes_on = waited && !self.stands_on_what_a_crash_takes();
        if !self.unsigned.is_empty() && (goes_on || self.needs_no_correct_other()) {
            self.ask_signer_again(now, step);
        }
        if durable.log() != LogId::Batch {
            return;
        }
        let moved = self.batches.synced(durable.upto());
        if !moved.is_empty() {
            step.waits.push((LogId::Batch, durable.upto()));
            if let Some(own) = self.config.validator {
                for ack in &moved {
                    self.batches.acknowledged(own, *ack);
                }
            }
            step.acks.extend(moved);
        }
    }

    /// Whether more than two thirds of the power hold a batch.
    pub(super) fn is_nameable(&self, batch: &CheckedBatch) -> bool {
        let set = self.open_set();
        set.is_quorum(self.batches.power_holding(&set, batch))
    }

    /// Whether a block has room for a batch at all: limits that were lowered may leave batches behind that only their age ends.
    pub(super) fn fits_a_block(&self, batch: &CheckedBatch) -> bool {
        let (limits, reference) = (self.parameters().limits, batch.reference);
        reference.transactions <= limits.block_transactions_max
            && reference.bytes <= limits.block_bytes_max.into()
    }

    /// How many batches no proposer can name yet, and the validators that have not acknowledged the first of them; or its author, if that
    /// cannot be reached, or has lost it: nobody but the author can make an acknowledgement pass a number that it left out.
    /// One that we have not acknowledged ourselves, because its author left a gap before it, waits for its author alone and holds nobody up.
    pub(super) fn held_up(&self) -> (usize, Vec<ValidatorIndex>) {
        let mut count = 0_usize;
        let first = self
            .batches
            .iter()
            .filter(|batch| {
                let own = self.config.validator;
                let held = own.is_none_or(|own| self.batches.is_held_by(own, batch));
                held && !self.is_nameable(batch)
            })
            .inspect(|_| count = count.saturating_add(1))
            .min_by_key(|batch| batch.turn());
        let lacking = first.map_or_else(Vec::new, |batch| {
            let set = self.open_set();
            let author = batch.reference.author;
            let peer = Peer::of(author).filter(|_| Some(author) != self.config.validator);
            let is_gone = |peer| {
                self.sync.reached_at(peer).is_none() || !self.batches.is_held_by(author, batch)
            };
            if peer.is_some_and(is_gone) {
                return set.index_of(author).into_iter().collect();
            }
            let lacks = |index: &ValidatorIndex| {
                let member = set.get(*index);
                member.is_some_and(|member| !self.batches.is_held_by(member.id, batch))
            };
            set.indices().filter(lacks).collect()
        });
        (count, lacking)
    }

    /// Ends the idle wait of round 0 once there is something that its proposer can name, or we are the proposer and have something.
    pub(super) fn tell_work(&mut self) {
        if self.work_told == Some(self.open_height()) || self.deciding.is_some() {
            return;
        }
        if self.is_work_due() {
            self.work_told = Some(self.open_height());
            self.engine_inputs.push_back(engine::Input::WorkDue);
        }
    }

    pub(super) fn is_work_due(&self) -> bool {
        if self.tip.state.is_change_under_way() {
            return true;
        }
        if self.is_evidence_due() {
            return true;
        }
        let own = Some(self.first_proposer) == self.config.validator;
        let fits_inline = !self.mempool.is_empty() && self.mempool.bytes() <= inline_bytes();
        if own && fits_inline && self.batches.nothing_unordered() {
            return true;
        }
        // Who cannot be reached is sent nothing, and is waited for no longer than one that is silent.
        let proposer = Peer::of(self.first_proposer);
        let away = proposer.is_none_or(|peer| self.sync.reached_at(peer).is_none());
        let is_reached = |batch: &Arc<CheckedBatch>| {
            own || away
                || self.batches.is_held_by(self.first_proposer, batch)
                || self
                    .sent
                    .contains(&(self.first_proposer, batch.reference.digest))
        };
        self.batches.by_author().any(|batches| {
            let nameable = batches.take_while(|batch| self.is_nameable(batch));
            nameable
                .filter(|batch| self.fits_a_block(batch))
                .any(is_reached)
        })
    }

    fn note_sent_to_all(&mut self, digest: BatchDigest) {
        let set = self.open_set();
        for member in set
            .members()
            .iter()
            .filter(|member| Some(member.id) != self.config.validator)
        {
            self.sent.insert((member.id, digest));
        }
    }

    /// Sends again what its receiver did not acknowledge: our own batches to all, anybody's to the proposer that has to name them.
    /// The lowest numbers first, whatever their lane: an acknowledgement does not pass the first that is missing.
    pub(super) fn resend_batches(&mut self, step: &mut Step) {
        let proposer = Some(self.first_proposer);
        let reachable: Vec<_> = self.sync.reachable().collect();
        self.forget_sent();
        let unordered = self.batches.by_number().into_iter().cloned();
        let (own, others): (Vec<_>, Vec<_>) =
            unordered.partition(|batch| Some(batch.reference.author) == self.config.validator);
        for peer in reachable {
            let Some(validator) = peer.validator() else {
                continue;
            };
            let lacks = |batch: &&Arc<CheckedBatch>| !self.batches.is_held_by(validator, batch);
            let of_others = others.iter().filter(|_| Some(validator) == proposer);
            let lacking: Vec<_> = own
                .iter()
                .filter(lacks)
                .take(RESENT_PER_TICK)
                .chain(of_others.filter(lacks).take(RESENT_PER_TICK))
                .collect();
            for batch in lacking {
                self.sent.insert((validator, batch.reference.digest));
                self.send_to(peer, Message::Batch(batch.encoded.to_vec()), step);
            }
        }
    }

    fn forget_sent(&mut self) {
        let batches = &self.batches;
        self.sent
            .retain(|(_, digest)| batches.unordered(digest).is_some());
    }
}

fn inline_bytes() -> u64 {
    u64::try_from(falaj_consensus::message::INLINE_BYTES_MAX).unwrap_or(u64::MAX)
}
