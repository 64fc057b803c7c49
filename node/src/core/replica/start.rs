//! Start and restart: what the logs, the store and the guard hold becomes a replica; nothing is replayed as input.
//!
//! Invariant: after a restart the replica knows every decided height, every block and batch whose record is on disk,
//! and exactly what the guard says was signed; whatever else it needs it asks its peers for.
//! Source: `docs/spec/consensus.md`, "Restart loads, it does not replay".

use falaj_consensus::crypto::PublicKey;
use falaj_consensus::durable::{LogId, Outbox, Position};
use falaj_consensus::engine::{self, Engine, GuardPosition};
use falaj_consensus::message::{Body, CommitCertificate, Header, Outcome};
use falaj_consensus::mutated;
use falaj_consensus::types::{Height, Now, ValidatorId};
use falaj_hsm::HeightProof;
use falaj_ledger::state::State;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::acted_on::ActedOn;
use super::blocks::height_start;
use super::{Replica, Step, Tip};
use crate::core::batches::{Batches, CheckedBatch, Numbers};
use crate::core::candidates::Candidates;
use crate::core::divergence::Divergence;
use crate::core::effect::{Effect, Output};
use crate::core::fetching::Fetching;
use crate::core::guard_position::Guards;
use crate::core::input::Timer;
use crate::core::mempool::Mempool;
use crate::core::replica::ReplicaConfig;
use crate::core::sync::Sync;
use falaj_consensus::message::BatchRef;

/// A block of the open height whose record is on disk.
#[derive(Clone, Debug)]
pub struct RecoveredBlock {
    /// Its header.
    pub header: Header,
    /// Its body.
    pub body: Arc<Body>,
    /// Where its record stands.
    pub position: Position,
}

/// The batches whose records are on disk, as far as they matter from here on.
#[derive(Clone, Debug, Default)]
pub struct RecoveredBatches {
    /// Whether the node began with a snapshot, so that blocks ordered numbers which are not here.
    pub began_late: bool,
    /// Which numbers of each author blocks ordered.
    pub numbers: BTreeMap<ValidatorId, Numbers>,
    /// The last ones that decided blocks named, in the order of the blocks; their bytes stay in the log.
    pub ordered: Vec<(BatchRef, Position)>,
    /// Those that wait to be ordered.
    pub unordered: Vec<UnorderedBatch>,
    /// Those that no block named and that are left to the log: they died, or there are too many.
    pub left: Vec<(BatchRef, Position)>,
}

/// A batch that waits to be ordered.
#[derive(Clone, Debug)]
pub struct UnorderedBatch {
    /// The batch; its signatures were checked again.
    pub batch: Arc<CheckedBatch>,
    /// Where its record stands.
    pub position: Position,
}

/// What a node stands on when it starts.
#[derive(Clone, Debug)]
pub struct Recovered {
    /// State after the last decided height.
    pub state: State,
    /// Outcome of that height; of genesis at height 0.
    pub outcome: Outcome,
    /// Header and certificate of that height; none at height 0.
    pub block: Option<(Header, CommitCertificate)>,
    /// Blocks of the open height.
    pub open: Vec<RecoveredBlock>,
    /// Batches.
    pub batches: RecoveredBatches,
    /// Last record of the block log.
    pub last_block_record: Position,
    /// Last record of the batch log.
    pub last_batch_record: Position,
    /// What the signing guard of each of our keys knows; none of a guard that cannot be signed under.
    pub guards: BTreeMap<PublicKey, falaj_hsm::Recovered>,
    /// Heights that fixed another validator set, in order; a guard, which may have signed nothing since, is shown them.
    pub decided_sets: Vec<HeightProof>,
    /// Where the replay of the logs parted from a quorum; the heights above are not taken up.
    pub diverged: Option<Divergence>,
}

impl Replica {
    /// Takes up what a node stands on, and says what to begin with.
    pub fn start(
        config: ReplicaConfig,
        recovered: Recovered,
        now: Now,
    ) -> (Self, Outbox<Effect, Output>) {
        let Recovered {
            state,
            outcome,
            block,
            open,
            batches,
            last_block_record,
            last_batch_record,
            mut guards,
            decided_sets,
            diverged,
        } = recovered;
        let waits = waits_of(block.as_ref(), last_block_record);
        let tip = Tip {
            state,
            outcome,
            block,
            waits,
        };
        let headers: Vec<_> = open.iter().map(|block| block.header.clone()).collect();
        let latched = latched_by_divergence(&guards);
        let mut start = height_start(&tip, &config, &mut guards, &headers);
        if diverged.is_some() {
            start.guard = GuardPosition::Above(Vec::new());
        }
        let acted_on = ActedOn::resume(&start.guard);
        let engine = engine::Config {
            genesis_hash: config.chain.genesis_hash,
            supported: config.supported,
        };
        let (engine, outputs) = Engine::new(engine, start, now);
        let batches = restore(batches, config.validator, &tip.state);
        let mut replica = Self {
            engine,
            mempool: Mempool::new(config.mempool),
            config,
            tip,
            deciding: None,
            confirming: None,
            candidates: Candidates::default(),
            acted_on,
            guards,
            batches,
            sync: Sync::default(),
            serving: Default::default(),
            engine_inputs: VecDeque::new(),
            signing: BTreeMap::new(),
            unsigned: VecDeque::new(),
            refused: None,
            requests: 0,
            next_block_record: last_block_record,
            next_batch_record: last_batch_record,
            closing: BTreeSet::new(),
            closed_ns: BTreeMap::new(),
            submitted: Vec::new(),
            submissions_in_flight: 0,
            checks: Default::default(),
            faults: Default::default(),
            evidence: Default::default(),
            checking: BTreeSet::new(),
            asked: BTreeSet::new(),
            offered: None,
            inline: Vec::new(),
            sent: BTreeSet::new(),
            unfit: BTreeSet::new(),
            work_told: None,
            first_proposer: ValidatorId::default(),
            rereading: BTreeSet::new(),
            fetching: Fetching::default(),
            early: BTreeMap::new(),
            ticks: 0,
            height_stated: Height::default(),
            height_at_tick: Height::default(),
            lagging: false,
            voted: None,
            diverged: None,
            shut: None,
            latched,
            set_waits: Vec::new(),
            full: BTreeSet::new(),
            on_disk: BTreeMap::new(),
            persisted: Height::default(),
            store_behind: false,
            held: Vec::new(),
        };
        // The host brought the store up to the tip.
        replica.persisted = replica.height();
        replica.open();
        replica.return_unfit();
        let mut step = Step::default();
        match diverged {
            Some(divergence) => replica.take_up_divergence(&divergence),
            None => replica.open_latch(&mut step),
        }
        let shown = decided_sets.into_iter().map(Box::new);
        step.start.extend(shown.map(Effect::SetDecided));
        replica.take_up_blocks(open, &mut step);
        replica.take_up_acks();
        // A replica that diverged sends and signs nothing of the height at which it stands.
        for output in outputs.into_iter().filter(|_| diverged.is_none()) {
            replica.on_engine_output(now, output, &mut step);
        }
        step.start.push(Effect::Timer {
            id: Timer::Tick,
            after_ns: replica.parameters().tick_ns(),
        });
        replica.settle(now, &mut step);
        let outbox = replica.finish(step);
        (replica, outbox)
    }

    fn take_up_blocks(&mut self, open: Vec<RecoveredBlock>, step: &mut Step) {
        for RecoveredBlock {
            header,
            body,
            position,
        } in open
        {
            let id = header.id();
            self.candidates.insert(header.clone(), body);
            if let Some(candidate) = self.candidates.get_mut(&id) {
                candidate.position = Some(position);
            }
            self.engine_inputs
                .push_back(engine::Input::Header(Box::new(header)));
            self.complete(&id, step);
        }
    }

    /// What we hold counts towards the quorum that holds a batch.
    fn take_up_acks(&mut self) {
        let Some(own) = self.config.validator else {
            return;
        };
        for ack in self.batches.own_acks() {
            self.batches.acknowledged(own, ack);
        }
    }
}

/// The last height of those guards that a divergence latched.
fn latched_by_divergence(guards: &Guards) -> Option<Height> {
    let latched = guards
        .values()
        .filter(|guard| guard.latch == Some(falaj_hsm::Latch::Diverged));
    latched.map(|guard| guard.last.height).max()
}

/// The tip's own records were read from disk, so they are on it once the logs were synced at opening.
fn waits_of(block: Option<&(Header, CommitCertificate)>, last: Position) -> Vec<(LogId, Position)> {
    if block.is_some() {
        vec![(LogId::Block, last)]
    } else {
        Vec::new()
    }
}

/// Of authors that were never members nothing is acknowledged, so their numbers are not taken up. Who has left may come back, and goes on
/// above the numbers that its batches had.
///
/// The log does not say who sent a batch, and anybody could make one in another's name. So beside what blocks ordered only the numbers of our
/// own batches count; what we acknowledged of others is here still, and is acknowledged again once its author sends it over a new link.
pub(super) fn restore(
    recovered: RecoveredBatches,
    own: Option<ValidatorId>,
    state: &State,
) -> Batches {
    let mut batches = Batches::default();
    if recovered.began_late {
        batches.begin_late();
    }
    for (author, numbers) in recovered.numbers {
        let left = || {
            state
                .validators_at(state.height().next())
                .index_of(author)
                .is_none()
        };
        if state.has_had(author) && !(mutated!(LeaversNumbersForgotten) && left()) {
            batches.restore_numbers(author, numbers);
        }
    }
    for (reference, _) in &recovered.left {
        if Some(reference.author) == own {
            batches.restore_own_number(*reference);
        }
    }
    for (reference, position) in recovered.left.into_iter().chain(recovered.ordered) {
        batches.restore_ordered(reference, position);
    }
    for UnorderedBatch { batch, position } in recovered.unordered {
        let reference = batch.reference;
        let first = Some(reference.author) == own && batches.restore_own_number(reference);
        batches.restore_unordered(batch, position, first);
    }
    batches
}
