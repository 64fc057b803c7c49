//! The replica: engine, mempool, batches, blocks and catching up, composed into one pure machine.
//!
//! Invariant: `step` decides by its inputs alone: no clock, no randomness, no thread, no input or output, no global state.
//! What others can see leaves through [`Pending`], after the records it stands on are on disk; one step's outputs wait together.
//! While it stands still, because a log has no room, the store is far behind, it diverged or the height is shut to this program, it makes no new records: what it holds stays bounded.
//! A panic here is a broken belief; no bytes of a peer or client lead to one.
//! Who calls it: `node::shell` in production, `simulations` in virtual time.
//! Source: `docs/ARCHITECTURE.md`; `docs/spec/consensus.md`; `docs/spec/dissemination.md`.

mod acted_on;
mod blocks;
mod catch_up;
mod consensus;
mod dissemination;
mod evidence;
mod faults;
mod holdings;
mod peers;
mod serving;
mod start;
mod still;
mod why;

use falaj_consensus::crypto::PublicKey;
use falaj_consensus::durable::{LogId, Outbox, Pending, Position};
use falaj_consensus::engine::{self, Engine, Wait};
use falaj_consensus::message::{
    Body, CommitCertificate, Header, Lane, Outcome, Polka, Statement, Vote,
};
use falaj_consensus::mutated;
use falaj_consensus::params::Parameters;
use falaj_consensus::proposer::proposer;
use falaj_consensus::types::{
    BatchDigest, BlockId, ChainContext, Height, Now, Round, SignRefusal, ValidatorId,
    ValidatorIndex,
};
use falaj_consensus::validator_set::ValidatorSet;
use falaj_hsm::RequestId;
use falaj_ledger::state::State;
use falaj_ledger::validate::CheckedTx;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use acted_on::ActedOn;

use super::batches::Batches;
use super::candidates::{Candidates, Proposed};
use super::checks::Checks;
use super::divergence::Divergence;
use super::effect::{Effect, Event, Output, Recipients};
use super::evidence::EvidencePool;
use super::faults::Faults;
use super::fetching::Fetching;
use super::gate::GatesLacking;
use super::guard_position::Guards;
use super::input::{Input, Peer, Ticket, Timer};
use super::job::HeightContext;
use super::mempool::{Mempool, MempoolLimits};
use super::serving::Serving;
use super::sync::{Reach, Sync};
use super::wire::{ACKS_MAX, Ack, Frame, Message};

pub use start::{Recovered, RecoveredBatches, RecoveredBlock, UnorderedBatch};
pub use why::{Cause, Missing, OwnCause, Why};

/// What the operator chooses; nothing here changes what is decided.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReplicaConfig {
    /// Identity of the chain.
    pub chain: Arc<ChainContext>,
    /// Our id, if this node is to vote.
    pub validator: Option<ValidatorId>,
    /// The keys that this node can sign with. At a height it votes if the set has our id with one of them, and then with that one.
    pub keys: Vec<PublicKey>,
    /// Least time between two batches of a lane, in nanoseconds.
    pub batch_wait_ns: u64,
    /// Caps of the mempool.
    pub mempool: MempoolLimits,
    /// The feature gates that the program supports: [`Header::FEATURES_KNOWN`], but where a simulation has other programs.
    pub supported: u64,
}

impl ReplicaConfig {
    /// Which member of a set we are: the one with our id, if its key is one of ours.
    #[must_use]
    pub fn member_of(&self, set: &ValidatorSet) -> Option<ValidatorIndex> {
        let own = set.index_of(self.validator?)?;
        let member = set.get(own)?;
        self.keys.contains(&member.key).then_some(own)
    }
}

/// The last decided block, as the next one stands on it.
#[derive(Clone, Debug)]
struct Tip {
    /// State after it.
    state: State,
    /// Its outcome, whole.
    outcome: Outcome,
    /// Its header, certificate; none at genesis.
    block: Option<(Header, CommitCertificate)>,
    /// What must be on disk before anything is said at a later height: this block, and all that it and those below it name.
    waits: Vec<(LogId, Position)>,
}

/// The pure machine.
pub struct Replica {
    config: ReplicaConfig,
    engine: Engine,
    tip: Tip,
    /// Decided by the engine, not yet confirmed by our own execution.
    deciding: Option<CommitCertificate>,
    /// Confirmed by the engine while its overlay had to be computed again.
    confirming: Option<BlockId>,
    candidates: Candidates,
    acted_on: ActedOn,
    /// What the guard of each of our keys knew at the start, until the open height has passed it.
    guards: Guards,
    batches: Batches,
    mempool: Mempool,
    sync: Sync,
    serving: Serving,
    engine_inputs: VecDeque<engine::Input>,
    signing: BTreeMap<RequestId, Unsigned>,
    /// Statements of the open height for which there was no signature in time, or whose block is not on disk; asked for again on each tick.
    unsigned: VecDeque<Unsigned>,
    /// The last refusal of the signer that no signature has followed.
    refused: Option<SignRefusal>,
    requests: u64,
    next_block_record: Position,
    next_batch_record: Position,
    closing: BTreeSet<Lane>,
    /// When the last batch of a lane was closed, monotonic.
    closed_ns: BTreeMap<Lane, u64>,
    submitted: Vec<(Ticket, Vec<u8>)>,
    submissions_in_flight: u32,
    /// What peers have being checked.
    checks: Checks,
    /// Who broke the protocol, and whose link is cut.
    faults: Faults,
    /// Evidence that waits to be carried by a block.
    evidence: EvidencePool,
    /// Blocks that the engine had us get: no others come unasked, and only for what they name are the rules of batches lifted.
    asked: BTreeSet<BlockId>,
    /// Until when the open height's fetched block is being judged, so that it is not fetched again.
    offered: Option<Height>,
    /// Batches whose signatures are being checked.
    checking: BTreeSet<BatchDigest>,
    /// Transactions that our own undecided blocks carry inline.
    inline: Vec<Arc<CheckedTx>>,
    /// Unordered batches that we sent to a validator on our own account.
    sent: BTreeSet<(ValidatorId, BatchDigest)>,
    /// Our own batches that no block has room for, whose transactions went back to the mempool.
    unfit: BTreeSet<BatchDigest>,
    work_told: Option<Height>,
    /// Whose turn round 0 of the open height is.
    first_proposer: ValidatorId,
    rereading: BTreeSet<BatchDigest>,
    /// Batches that were asked for, and of whom next.
    fetching: Fetching,
    /// Blocks of the next height that came before this one was confirmed; one a peer.
    early: BTreeMap<Peer, (Header, Arc<Body>)>,
    ticks: u32,
    /// The open height when the last tick came.
    height_at_tick: Height,
    /// The last decided height that was stated to all because nothing else was said.
    height_stated: Height,
    /// Whether peers were ahead for a whole tick.
    lagging: bool,
    /// The height of the last own vote that was released since the start.
    voted: Option<Height>,
    /// Where our execution and a quorum's part, if they do.
    diverged: Option<Divergence>,
    /// The height that stays shut because this program lacks a gate of it, if one does.
    shut: Option<GatesLacking>,
    /// The guard's last height, as long as the latch of an earlier divergence is to be opened.
    latched: Option<Height>,
    /// What must be on disk of the last block decided here that fixed another validator set.
    set_waits: Vec<(LogId, Position)>,
    /// Logs without room.
    full: BTreeSet<LogId>,
    /// How far each log is proven to be on disk.
    on_disk: BTreeMap<LogId, Position>,
    /// The last height that the ledger's store holds.
    persisted: Height,
    /// Whether the store is so far behind that nothing more is taken.
    store_behind: bool,
    /// Timers that ran out while a log had no room.
    held: Vec<Timer>,
}

/// A statement that the signer was asked for, with what justifies it.
#[derive(Clone, Debug)]
struct Unsigned {
    statement: Statement,
    polka: Option<Box<Polka>>,
}

/// What one step gathers before it becomes an [`Outbox`].
#[derive(Default)]
struct Step {
    start: Vec<Effect>,
    outputs: Vec<Output>,
    waits: Vec<(LogId, Position)>,
    acks: Vec<Ack>,
}

impl Replica {
    /// Takes one input and says what to do about it.
    pub fn step(&mut self, now: Now, input: Input) -> Outbox<Effect, Output> {
        let mut step = Step::default();
        self.handle(now, input, &mut step);
        self.settle(now, &mut step);
        self.finish(step)
    }

    fn handle(&mut self, now: Now, input: Input, step: &mut Step) {
        match input {
            // Whatever a peer says now it says again, and a record of it would find no room.
            Input::Received { .. } if self.is_full() => {}
            Input::Received { from, class, bytes } => {
                self.on_received(now, from, class, &bytes, step)
            }
            Input::PeerUp(peer) => self.on_peer_up(peer, step),
            Input::PeerDown(peer) => self.on_peer_down(peer),
            Input::Submit {
                ticket,
                transaction,
            } => self.submitted.push((ticket, transaction)),
            Input::Signed { id, result } => self.on_signed(id, result),
            Input::Verified(result) => self.on_verified(now, result, step),
            Input::Executed(result) => self.on_executed(result, step),
            Input::Timer(timer) if self.is_full() => self.held.push(timer),
            Input::Timer(timer) => self.on_timer(now, timer, step),
            Input::DiskFull(log) => self.on_disk_full(log),
            Input::DiskRoom(log) => self.on_disk_room(now, log, step),
            Input::Synced(durable) => self.on_synced(now, durable, step),
            Input::Persisted(height) => self.on_persisted(now, height, step),
            Input::Read { purpose, records } => self.on_read(purpose, records, step),
            Input::Found { purpose, heights } => self.on_found(purpose, heights, step),
            Input::SnapshotRead { to, answer } => self.on_snapshot_read(to, answer, step),
        }
    }

    /// Runs what the input made possible until nothing moves any more.
    fn settle(&mut self, now: Now, step: &mut Step) {
        self.verify_submissions(step);
        self.close_batches(now, step);
        self.drive_engine(now, step);
        self.tell_work();
        self.drive_engine(now, step);
        self.catch_up(step);
        self.drive_engine(now, step);
        let engine = &self.engine;
        self.candidates.prune(|id| engine.knows_block(id));
    }

    fn finish(&mut self, mut step: Step) -> Outbox<Effect, Output> {
        if !step.acks.is_empty() {
            let mut acks = std::mem::take(&mut step.acks);
            acks.sort_unstable();
            acks.dedup();
            acks.truncate(ACKS_MAX);
            self.send_frame(Recipients::All, acks, None, &mut step);
        }
        let mut pending = Pending::after(step.waits, step.outputs);
        for (log, position) in &self.tip.waits {
            pending.wait_for(*log, *position);
        }
        Outbox {
            start: step.start,
            pending,
        }
    }

    fn on_timer(&mut self, now: Now, timer: Timer, step: &mut Step) {
        match timer {
            Timer::Engine(id) => self.engine_inputs.push_back(engine::Input::Timer(id)),
            Timer::CloseBatch(lane) => {
                self.closing.remove(&lane);
                self.close_batch(now, lane, step);
            }
            Timer::Tick => self.on_tick(now, step),
        }
    }

    /// Notes what the open height fixes for the replica.
    fn open(&mut self) {
        let set = self.open_set();
        let turn = proposer(
            &set,
            &self.tip.state.bench(),
            self.open_height(),
            Round::new(0),
        );
        self.first_proposer = set.get(turn).expect("a turn is of a member").id;
        self.work_told = None;
        self.lagging = false;
        self.offered = None;
        if !mutated!(BlocksBelowKept) {
            self.sync.forget_below(self.open_height());
        }
    }

    /// The height being decided.
    #[must_use]
    pub fn open_height(&self) -> Height {
        self.tip.state.height().next()
    }

    /// The last decided height whose outcome our own execution confirmed.
    #[must_use]
    pub fn height(&self) -> Height {
        self.tip.state.height()
    }

    /// The state after the last decided height.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.tip.state
    }

    /// The engine's own answer to "why is it not moving".
    #[must_use]
    pub fn status(&self) -> engine::Status {
        self.engine.status()
    }

    /// Every vote of the open height that is kept, in order of round, kind and sender.
    pub fn votes(&self) -> impl Iterator<Item = &Vote> {
        self.engine.votes()
    }

    /// Transactions that wait to be batched.
    #[must_use]
    pub const fn mempool(&self) -> &Mempool {
        &self.mempool
    }

    /// The valid blocks of the open height: proposed or decided, and not final yet.
    #[must_use]
    pub fn proposed(&self) -> Vec<Proposed> {
        self.candidates.proposed(&self.batches)
    }

    /// What is known of the peers.
    #[must_use]
    pub const fn peers(&self) -> &Sync {
        &self.sync
    }

    /// How far this node is behind what validators with more than a third of the power say they have decided.
    #[must_use]
    pub fn behind(&self) -> u64 {
        let hinted = self.sync.hinted_height(&self.open_set());
        hinted.get().saturating_sub(self.height().get())
    }

    /// How much of the power can be reached, our own included.
    #[must_use]
    pub fn reach(&self) -> Reach {
        self.sync.reach(&self.open_set(), self.config.validator)
    }

    /// Whether a height is being decided and no vote of ours was released since the start, neither for it nor for the one before.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        let is_idle = self.engine.status().waits.contains(&Wait::Work);
        let has_voted = self.voted.is_some_and(|height| height >= self.height());
        !is_idle && !has_voted
    }

    /// Where our execution and a quorum's part, if they do.
    #[must_use]
    pub const fn diverged(&self) -> Option<&Divergence> {
        self.diverged.as_ref()
    }

    /// The height that stays shut because this program lacks a gate of it, if one does.
    #[must_use]
    pub const fn shut(&self) -> Option<&GatesLacking> {
        self.shut.as_ref()
    }

    /// The feature gates that this program supports.
    #[must_use]
    pub const fn supported(&self) -> u64 {
        self.config.supported
    }

    fn parameters(&self) -> Parameters {
        self.tip.state.parameters_at(self.open_height())
    }

    fn open_set(&self) -> Arc<ValidatorSet> {
        self.tip.state.validators_at(self.open_height())
    }

    /// What a message of the open height or the next is checked against; `None` for other heights.
    fn context(&self, height: Height) -> Option<HeightContext> {
        let open = self.open_height();
        let known = height == open || height == open.next();
        known.then(|| HeightContext {
            chain: Arc::clone(&self.config.chain),
            set: self.tip.state.validators_at(height),
        })
    }

    fn own_index(&self) -> Option<ValidatorIndex> {
        self.config.member_of(&self.open_set())
    }

    /// The key with which we vote at the open height; `None` where we only follow.
    #[must_use]
    pub fn voting_key(&self) -> Option<PublicKey> {
        self.own_key(self.open_height())
    }

    /// The key with which we vote at the open height or another one whose set is known.
    fn own_key(&self, height: Height) -> Option<PublicKey> {
        if mutated!(FirstKeyKept) {
            return self.config.keys.first().cloned();
        }
        let set = self.tip.state.validators_at(height);
        let own = self.config.member_of(&set)?;
        set.get(own).map(|member| member.key.clone())
    }

    fn peer_of(&self, index: ValidatorIndex) -> Option<Peer> {
        let set = self.open_set();
        let id = set.get(index)?.id;
        if Some(id) == self.config.validator {
            None
        } else {
            Peer::of(id)
        }
    }

    fn peers_of(&self, indices: &[ValidatorIndex]) -> Vec<Peer> {
        indices
            .iter()
            .filter_map(|index| self.peer_of(*index))
            .collect()
    }

    fn append_block(&mut self, record: Vec<u8>, step: &mut Step) -> Position {
        self.next_block_record = self.next_block_record.next();
        step.start.push(Effect::Append {
            log: LogId::Block,
            record,
        });
        self.next_block_record
    }

    fn append_batch(&mut self, record: Vec<u8>, step: &mut Step) -> Position {
        self.next_batch_record = self.next_batch_record.next();
        step.start.push(Effect::Append {
            log: LogId::Batch,
            record,
        });
        self.next_batch_record
    }

    fn send(&self, to: Recipients, message: Message, step: &mut Step) {
        let acks = Vec::new();
        self.send_frame(to, acks, Some(message), step);
    }

    /// Gives the length of the frame.
    fn send_to(&self, peer: Peer, message: Message, step: &mut Step) -> usize {
        self.send_frame(
            Recipients::Some(vec![peer]),
            Vec::new(),
            Some(message),
            step,
        )
    }

    fn send_frame(
        &self,
        to: Recipients,
        acks: Vec<Ack>,
        message: Option<Message>,
        step: &mut Step,
    ) -> usize {
        let mut height = self.height();
        if mutated!(HeightStatedAhead) {
            height = height.next();
        }
        let frame = Frame {
            height,
            acks,
            message,
        };
        let (class, frame) = (frame.class(), frame.encode());
        let bytes = frame.len();
        step.outputs.push(Output::Send { to, class, frame });
        bytes
    }

    fn event(event: Event, step: &mut Step) {
        step.outputs.push(Output::Event(event));
    }
}

#[cfg(test)]
mod tests;
