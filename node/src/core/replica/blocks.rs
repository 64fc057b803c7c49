//! Blocks of the open height: building, completing, judging, executing, deciding, committing.
//!
//! Invariant: a block is judged once all its parts are here; its record is appended before any vote of ours names it;
//! the certificate is appended in the step that decides, and everything later waits for it.
//! Source: `docs/spec/dissemination.md`, "Bodies".

use falaj_consensus::durable::{LogId, Position};
use falaj_consensus::engine::{self, GuardPosition, HeightStart, Parent};
use falaj_consensus::message::{BatchRef, Body, CommitCertificate, Header, INLINE_BYTES_MAX, Lane};
use falaj_consensus::mutated;
use falaj_consensus::types::{
    BatchDigest, BlockId, Height, Now, OutcomeHash, Round, ValidatorIndex,
};
use falaj_ledger::block::BlockInput;
use falaj_ledger::execute::Executed;
use falaj_ledger::validate::CheckedTx;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::acted_on::ActedOn;
use super::{Replica, ReplicaConfig, Step, Tip};
use crate::core::candidates::Candidate;
use crate::core::decided_set::decided_set;
use crate::core::effect::{Committed, Effect, Output, Recipients};
use crate::core::guard_position::{Guards, take_guard_position};
use crate::core::input::{Peer, ReadFor};
use crate::core::job::{ExecuteJob, ExecuteResult, VerifyJob};
use crate::core::wire::{BATCHES_REQUESTED_MAX, Message};
use crate::storage::BlockRecord;

fn parent(tip: &Tip) -> Parent {
    let (id, time_us) = match &tip.block {
        Some((header, _)) => (header.id(), header.time_us),
        None => (BlockId::default(), tip.state.time_us()),
    };
    Parent {
        id,
        outcome: tip.outcome.hash(),
        time_us,
    }
}

/// What the height after the tip stands on: for us the guard of the key that we have at it, since no other signs there.
pub(super) fn height_start(
    tip: &Tip,
    config: &ReplicaConfig,
    guards: &mut Guards,
    headers: &[Header],
) -> HeightStart {
    let height = tip.state.height().next();
    let set = tip.state.validators_at(height);
    let own = config.member_of(&set);
    let mut key = own
        .and_then(|own| set.get(own))
        .map(|member| member.key.clone());
    if mutated!(GuardOfAnotherKey) {
        key = config.keys.first().cloned();
    }
    let guard = key.map_or(GuardPosition::Below, |key| {
        take_guard_position(guards, &key, height, headers)
    });
    HeightStart {
        height,
        own,
        set,
        parameters: tip.state.parameters_at(height),
        features: tip.state.features_at(height),
        bench: tip.state.bench(),
        parent: parent(tip),
        guard,
    }
}

impl Replica {
    /// Builds a fresh block: what a quorum holds, by lane, then what waits here and fits inline, and the evidence that waits here.
    pub(super) fn build_block(&mut self, now: Now, round: Round, step: &mut Step) {
        let Some(proposer) = self.own_index() else {
            return;
        };
        let batches = self.choose_batches();
        let inline = self.choose_inline(&batches);
        let bytes = inline
            .iter()
            .map(|transaction| transaction.tx().to_bytes())
            .collect();
        let body = Arc::new(Body {
            batches,
            inline: bytes,
            evidence: self.takable_evidence().cloned().collect(),
        });
        let header = self.header(now, round, proposer, &body);
        let id = header.id();
        self.candidates.insert(header.clone(), body);
        if let Some(candidate) = self.candidates.get_mut(&id) {
            candidate.inline_checked(Some(inline));
            candidate.evidence_checked(true);
        }
        self.engine_inputs.push_back(engine::Input::Built {
            round,
            header: Box::new(header),
        });
        self.complete(&id, step);
    }

    fn header(&self, now: Now, round: Round, proposer: ValidatorIndex, body: &Body) -> Header {
        let mut parent = parent(&self.tip);
        if mutated!(ParentOutcomeUnchecked) {
            parent.outcome = OutcomeHash::default();
        }
        let (transactions, transaction_bytes) = body.totals();
        Header {
            version: Header::VERSION,
            features: self.tip.state.features_at(self.open_height()),
            genesis_hash: self.config.chain.genesis_hash,
            height: self.open_height(),
            round,
            proposer,
            parent_id: parent.id,
            parent_outcome: parent.outcome,
            time_us: if mutated!(BlockTimeStands) {
                parent.time_us
            } else {
                now.wall_us.max(parent.time_us.saturating_add(1))
            },
            set_hash: self.open_set().hash(),
            body_root: body.root(),
            evidence_root: body.evidence_root(),
            transactions: u32::try_from(transactions).unwrap_or(u32::MAX),
            transaction_bytes,
        }
    }

    fn choose_batches(&self) -> Vec<BatchRef> {
        let limits = self.parameters().limits;
        let (mut chosen, mut count, mut bytes) = (Vec::new(), 0_u64, 0_u64);
        for batch in self
            .batches
            .in_order()
            .into_iter()
            .filter(|batch| self.is_nameable(batch))
        {
            let reference = batch.reference;
            let fits = u32::try_from(chosen.len())
                .is_ok_and(|named| named < limits.block_batches_max)
                && count.saturating_add(reference.transactions.into())
                    <= limits.block_transactions_max.into()
                && bytes.saturating_add(reference.bytes) <= limits.block_bytes_max.into();
            if fits {
                count = count.saturating_add(reference.transactions.into());
                bytes = bytes.saturating_add(reference.bytes);
                chosen.push(reference);
            }
        }
        chosen
    }

    /// The first transactions of our own mempool, lane by lane, up to the inline cap; they come back if another block is decided.
    fn choose_inline(&mut self, batches: &[BatchRef]) -> Vec<Arc<CheckedTx>> {
        let limits = self.parameters().limits;
        let named: u64 = batches
            .iter()
            .map(|batch| u64::from(batch.transactions))
            .sum();
        let named_bytes: u64 = batches.iter().map(|batch| batch.bytes).sum();
        let mut room = u64::from(limits.block_transactions_max).saturating_sub(named);
        let inline_max = u64::try_from(INLINE_BYTES_MAX).unwrap_or(u64::MAX);
        let mut bytes =
            inline_max.min(u64::from(limits.block_bytes_max).saturating_sub(named_bytes));
        let mut inline = Vec::new();
        for lane in Lane::ALL {
            for transaction in
                self.mempool
                    .take(lane, usize::try_from(room).unwrap_or(usize::MAX), bytes)
            {
                room = room.saturating_sub(1);
                bytes = bytes.saturating_sub(u64::from(transaction.encoded_bytes()));
                inline.push(transaction);
            }
        }
        self.inline.extend(inline.iter().cloned());
        inline
    }

    /// Takes in a block that came from somewhere: only under the header that names the body.
    pub(super) fn offer_block(
        &mut self,
        header: Header,
        body: Arc<Body>,
        from: Option<Peer>,
        step: &mut Step,
    ) {
        let id = header.id();
        if header.height != self.open_height() {
            self.keep_early(header, body, from);
            return;
        }
        if self.candidates.insert(header.clone(), body) {
            self.engine_inputs
                .push_back(engine::Input::Header(Box::new(header)));
        } else {
            self.tell_again(&id);
        }
        self.complete(&id, step);
        if from.is_some() {
            self.fetch_batches_of(&id, from, step);
        }
    }

    /// The engine forgets blocks that no rule could use; it is told again what is known here whenever it asks or the block comes anew.
    pub(super) fn tell_again(&mut self, id: &BlockId) {
        let Some(candidate) = self.candidates.get(id) else {
            return;
        };
        let header = Box::new(candidate.header.clone());
        let verdict = candidate.verdict;
        self.engine_inputs.push_back(engine::Input::Header(header));
        if let Some(verdict) = verdict {
            self.engine_inputs
                .push_back(engine::Input::Body { id: *id, verdict });
        }
    }

    /// The proposal of the next height often comes while this one is being confirmed.
    fn keep_early(&mut self, header: Header, body: Arc<Body>, from: Option<Peer>) {
        if let Some(from) = from.filter(|_| header.height == self.open_height().next()) {
            self.early.insert(from, (header, body));
        }
    }

    fn offer_early(&mut self, step: &mut Step) {
        for (from, (header, body)) in std::mem::take(&mut self.early) {
            self.offer_block(header, body, Some(from), step);
        }
    }

    /// Judges a block if nothing is missing, and asks for what can be got here if something is.
    pub(super) fn complete(&mut self, id: &BlockId, step: &mut Step) {
        let Some(candidate) = self.candidates.get(id) else {
            return;
        };
        if candidate.verdict.is_some() {
            return;
        }
        let missing = candidate.missing(&self.batches);
        // What exceeds its limits, or carries evidence that it may not, is invalid whatever else it holds, so nothing of it is fetched.
        let is_invalid = !candidate.within_limits(&self.parameters())
            || !candidate.is_evidence_takable(&self.tip.state);
        if missing.is_nothing() || is_invalid {
            self.judge(id);
            return;
        }
        let body = Arc::clone(&candidate.body);
        let check = self
            .candidates
            .get_mut(id)
            .is_some_and(Candidate::begin_inline_check);
        if check {
            let job = VerifyJob::Inline { id: *id, body };
            step.start.push(Effect::Verify(Box::new(job)));
        }
        self.check_evidence_of(id, step);
        self.reread(&missing.reread, step);
    }

    /// Has the evidence of a block checked, which the state says that it may carry.
    fn check_evidence_of(&mut self, id: &BlockId, step: &mut Step) {
        let Some(candidate) = self.candidates.get_mut(id) else {
            return;
        };
        if !candidate.begin_evidence_check() {
            return;
        }
        let body = Arc::clone(&candidate.body);
        let checked = body.evidence.iter().map(|evidence| {
            let context = self.evidence_context(evidence.key().height)?;
            Some((context, evidence.clone()))
        });
        let pieces = checked.collect::<Option<_>>();
        let pieces = pieces.expect("evidence that a block may carry is of a height below it");
        let job = VerifyJob::BlockEvidence { id: *id, pieces };
        step.start.push(Effect::Verify(Box::new(job)));
    }

    /// Tries every block that waits for something.
    pub(super) fn complete_open(&mut self) {
        for id in self.candidates.open() {
            let ready = self
                .candidates
                .get(&id)
                .is_some_and(|block| block.missing(&self.batches).is_nothing());
            if ready {
                self.judge(&id);
            }
        }
    }

    fn judge(&mut self, id: &BlockId) {
        let parameters = self.parameters();
        let Some(candidate) = self.candidates.get_mut(id) else {
            return;
        };
        let verdict = candidate.judge(&self.batches, &parameters, &self.tip.state);
        candidate.verdict = Some(verdict);
        self.engine_inputs
            .push_back(engine::Input::Body { id: *id, verdict });
    }

    /// Has header and body written, once, when something of ours is about to name the block or it is decided.
    pub(super) fn record_block(&mut self, id: &BlockId, step: &mut Step) -> Option<Position> {
        let candidate = self.candidates.get(id)?;
        if let Some(position) = candidate.position {
            return Some(position);
        }
        let record = BlockRecord::proposed(&candidate.header, &candidate.body);
        let position = self.append_block(record, step);
        if let Some(candidate) = self.candidates.get_mut(id) {
            candidate.position = Some(position);
        }
        Some(position)
    }

    fn reread(&mut self, digests: &[BatchDigest], step: &mut Step) {
        let wanted: Vec<_> = digests
            .iter()
            .filter(|digest| self.rereading.insert(**digest))
            .copied()
            .collect();
        let positions: Vec<_> = wanted
            .iter()
            .filter_map(|digest| self.batches.position(digest))
            .collect();
        if !positions.is_empty() {
            step.start.push(Effect::Read {
                positions,
                purpose: ReadFor::NamedAgain,
            });
        }
    }

    /// Asks for the batches of a block that are not here, who gave it first.
    /// A block that was judged lacks nothing, or is invalid whatever comes.
    pub(super) fn fetch_batches_of(&mut self, id: &BlockId, giver: Option<Peer>, step: &mut Step) {
        let candidate = self.candidates.get(id);
        let Some(candidate) = candidate.filter(|block| block.verdict.is_none()) else {
            return;
        };
        let digests = candidate.missing(&self.batches).fetch;
        let height = candidate.header.height;
        self.fetch_batches(height, &digests, giver, step);
    }

    /// Asks for batches that the block of a height names.
    pub(super) fn fetch_batches(
        &mut self,
        height: Height,
        digests: &[BatchDigest],
        giver: Option<Peer>,
        step: &mut Step,
    ) {
        let reachable: Vec<_> = self.sync.reachable().collect();
        let mut asks: BTreeMap<Peer, Vec<BatchDigest>> = BTreeMap::new();
        for digest in digests {
            if let Some(peer) = self.fetching.next(*digest, giver, &reachable) {
                asks.entry(peer).or_default().push(*digest);
            }
        }
        for (peer, wanted) in asks {
            for digests in wanted.chunks(BATCHES_REQUESTED_MAX) {
                let digests = digests.to_vec();
                self.send_to(peer, Message::GetBatches { height, digests }, step);
            }
        }
    }

    /// The engine has blocks executed that were judged valid, so all their parts are here until their height is over: of a height that
    /// was just confirmed nothing is executed any more.
    pub(super) fn execute_block(&mut self, id: &BlockId, step: &mut Step) {
        let Some(candidate) = self.candidates.get(id) else {
            return;
        };
        let transactions = candidate.transactions(&self.batches).expect(
            "a block is executed once all its parts are here, and they stay until the next height",
        );
        let block = BlockInput::new(&candidate.header, &candidate.body, transactions);
        let job = ExecuteJob {
            id: *id,
            state: self.tip.state.clone(),
            block,
        };
        step.start.push(Effect::Execute(Box::new(job)));
    }

    pub(super) fn discard_overlay(&mut self, id: &BlockId) {
        if let Some(candidate) = self.candidates.get_mut(id) {
            candidate.executed = None;
        }
    }

    pub(super) fn on_executed(&mut self, result: ExecuteResult, step: &mut Step) {
        let ExecuteResult { id, executed } = result;
        let Some(candidate) = self.candidates.get_mut(&id) else {
            return;
        };
        let Some(executed) = executed else {
            self.engine_inputs
                .push_back(engine::Input::ExecutionFailed { id });
            return;
        };
        let outcome = executed.outcome.hash();
        candidate.executed = Some(Arc::from(executed));
        self.engine_inputs
            .push_back(engine::Input::Executed { id, outcome });
        if self.confirming == Some(id) {
            self.on_confirmed(id, step);
        }
    }

    /// The height is decided: its certificate goes to the log, and whatever is said from now on waits for it.
    pub(super) fn on_decided(&mut self, certificate: CommitCertificate, step: &mut Step) {
        let body = self.record_block(&certificate.id, step).expect(
            "what is decided was judged here, and nothing that the engine knows is forgotten",
        );
        self.show_own_signature(&certificate, step);
        let decided = self.candidates.get(&certificate.id);
        let batches = decided
            .and_then(|block| block.batch_positions(&self.batches))
            .expect("a block is decided once all its batches are here, and they stay until the next height");
        self.record_polkas(step);
        let record = BlockRecord::decided(&certificate, body, &batches);
        let position = self.append_block(record, step);
        let earlier = std::mem::take(&mut self.tip.waits).into_iter();
        let batches = batches.into_iter().map(|position| (LogId::Batch, position));
        let furthest = earlier
            .filter(|(log, _)| *log == LogId::Batch)
            .chain(batches)
            .max();
        self.tip.waits = vec![(LogId::Block, position)];
        self.tip.waits.extend(furthest);
        if mutated!(DecisionBeforeSynced) {
            self.tip.waits.clear();
        }
        self.send(
            Recipients::All,
            Message::Certificate(certificate.clone()),
            step,
        );
        self.deciding = Some(certificate);
    }

    /// A certificate that holds our signature goes by the guard before anything above it is signed: an older copy of the guard
    /// does not know it, and latches. The engine's own watch does not stand for this: it takes for ours what it asked for, whether or
    /// not the guard recorded it, and knows nothing where the guard was above it at the start.
    fn show_own_signature(&self, certificate: &CommitCertificate, step: &mut Step) {
        let own = self.own_index();
        if own.is_some_and(|own| certificate.signers.contains(own)) {
            let statement = certificate.statement();
            self.own_statement_seen(statement, step);
        }
    }

    /// Own execution agrees with the certificate: the overlay becomes the state, and the next height begins.
    pub(super) fn on_confirmed(&mut self, id: BlockId, step: &mut Step) {
        let executed = self
            .candidates
            .get(&id)
            .and_then(|candidate| candidate.executed.clone());
        let Some(executed) = executed else {
            self.confirming = Some(id);
            self.execute_block(&id, step);
            return;
        };
        self.confirming = None;
        let deciding = self.deciding.as_ref();
        let certified = deciding
            .expect("a height is confirmed once it is decided")
            .outcome;
        let own = executed.outcome.hash();
        if own != certified {
            // The engine compared what was executed first; this was executed again, and came out differently.
            self.engine_inputs
                .push_back(engine::Input::Diverged { id, certified, own });
            return;
        }
        let deciding = self.deciding.take();
        let certificate = deciding.expect("it is still there");
        let decided = self.candidates.decide(&id);
        let candidate = decided.expect("the block is here, since its overlay is");
        self.commit(id, candidate, certificate, executed, step);
        let start = height_start(&self.tip, &self.config, &mut self.guards, &[]);
        self.acted_on = ActedOn::resume(&start.guard);
        self.engine_inputs
            .push_back(engine::Input::NextHeight(Box::new(start)));
        self.offer_early(step);
    }

    fn commit(
        &mut self,
        id: BlockId,
        candidate: Candidate,
        certificate: CommitCertificate,
        executed: Arc<Executed>,
        step: &mut Step,
    ) {
        let transactions = candidate.transactions(&self.batches).unwrap_or_default();
        let state = &self.tip.state;
        for reference in &candidate.body.batches {
            let is_known = |author| state.has_had(author);
            let ack = self.batches.order(&reference.digest, is_known);
            step.acks.extend(ack);
        }
        let Candidate { header, body, .. } = candidate;
        let waits = std::mem::take(&mut self.tip.waits);
        self.tip = Tip {
            state: executed.state.clone(),
            outcome: executed.outcome.clone(),
            block: Some((header.clone(), certificate.clone())),
            waits,
        };
        self.note_set();
        self.return_inline(&transactions);
        self.return_unfit();
        self.forget_evidence();
        self.open();
        self.show_decided_set(step);
        self.open_latch(step);
        self.fetching.clear();
        self.asked.clear();
        let committed = Committed {
            id,
            header,
            body,
            certificate,
            transactions,
            executed,
        };
        step.outputs.push(Output::Committed(Arc::new(committed)));
        self.note_store_lag(step);
    }

    /// Remembers what must be on disk before the guard records anything, if the block that was just decided fixed another set.
    fn note_set(&mut self) {
        let open = self.open_height();
        let sets = [open, open.next()].map(|height| self.tip.state.validators_at(height));
        if !Arc::ptr_eq(&sets[0], &sets[1]) {
            self.set_waits.clone_from(&self.tip.waits);
        }
    }

    /// A block that fixed another set is shown to the guard at once: without a vote we ask for no signature that would bring it along.
    fn show_decided_set(&self, step: &mut Step) {
        let Tip {
            state,
            outcome,
            block,
            ..
        } = &self.tip;
        let block = block.as_ref();
        let proof = block.and_then(|(_, certificate)| decided_set(state, certificate, outcome));
        let effect = proof.map(|proof| Effect::SetDecided(Box::new(proof)));
        step.start.extend(effect);
    }

    /// A batch of ours that limits leave no room for any more goes by no block, so its transactions go back to the mempool. If a later limit
    /// lets the batch into a block all the same, whichever comes second of a transaction is skipped.
    pub(super) fn return_unfit(&mut self) {
        let own = self.config.validator;
        let unfit = self.batches.iter().filter(|batch| {
            let reference = batch.reference;
            Some(reference.author) == own && !self.fits_a_block(batch)
        });
        let unfit: Vec<_> = unfit.cloned().collect();
        for batch in unfit {
            if !self.unfit.insert(batch.reference.digest) {
                continue;
            }
            for transaction in &batch.transactions {
                let lane = self.lane_of(transaction);
                self.mempool.give_back(lane, Arc::clone(transaction));
            }
        }
        let batches = &self.batches;
        self.unfit
            .retain(|digest| batches.unordered(digest).is_some());
    }

    /// What our undecided blocks carried inline goes back to the mempool, unless the decided block has it.
    fn return_inline(&mut self, decided: &[Arc<CheckedTx>]) {
        if self.inline.is_empty() {
            return;
        }
        let keys: BTreeSet<_> = decided
            .iter()
            .map(|transaction| transaction.key())
            .collect();
        for transaction in std::mem::take(&mut self.inline) {
            if !keys.contains(&transaction.key()) {
                let lane = self.lane_of(&transaction);
                self.mempool.give_back(lane, transaction);
            }
        }
    }
}
