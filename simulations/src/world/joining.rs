//! Snapshots in a world: nodes take them, and one that arrives late joins by them before it has a replica.
//!
//! Invariant: the machine that joins is the shipped one. What it keeps survives a crash as a file does: whole once it was told so, and any
//! beginning of it before.
//! Where nobody arrives no snapshot is taken and none is asked for.
//! Source: `docs/spec/snapshots.md`, "Between peers".

use std::collections::BTreeMap;
use std::sync::Arc;

use falaj_consensus::durable::{LogError, LogId, Position};
use falaj_consensus::types::Height;
use falaj_hsm::HeightProof;
use falaj_ledger::bundle::CertifiedOutcome;
use falaj_ledger::snapshot::{Cut, Manifest, SnapshotError};
use falaj_node::core::{
    Committed, Input, JoinEffect, JoinEnd, JoinEvent, JoinInput, JoinRules, Joining, Piece,
};
use falaj_node::storage::{BlockRecord, NodeLogs};

use super::event::Completion;
use super::node::{Node, Stored};
use super::{Shared, World};
use crate::chance::Site;
use crate::checker::Observation;
use crate::marks::Mark;
use crate::types::NodeIndex;

const DRAFT: Site = Site::new("node/draft");
/// How many heights lie between two snapshots.
const EVERY: u64 = 8;
/// Heights after which the distance doubles, and again with each doubling of the height.
const RARER_FROM: u64 = 256;
/// Chunks of this world's small states.
const CHUNK_BYTES: usize = 2_000;
/// The least height that is worth a snapshot.
const HEIGHT_MIN: Height = Height::new(8);

/// What was fetched of a snapshot, as its disk holds it.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    manifest: Option<Vec<u8>>,
    chunks: BTreeMap<u32, Vec<u8>>,
    /// What is being written.
    unsynced: Vec<(Piece, Arc<[u8]>)>,
}

impl Draft {
    fn read(&self, piece: Piece) -> Option<Vec<u8>> {
        match piece {
            Piece::Manifest => self.manifest.clone(),
            Piece::Chunk(_, index) => self.chunks.get(&index).cloned(),
        }
    }

    fn synced(&mut self, piece: Piece) {
        let place = self.unsynced.iter().position(|(of, _)| *of == piece);
        if let Some(place) = place {
            let (piece, bytes) = self.unsynced.remove(place);
            self.put(piece, bytes.to_vec());
        }
    }

    fn put(&mut self, piece: Piece, bytes: Vec<u8>) {
        match piece {
            Piece::Manifest => {
                self.manifest = Some(bytes);
                self.chunks.clear();
            }
            Piece::Chunk(_, index) => {
                self.chunks.insert(index, bytes);
            }
        }
    }
}

/// What a node begins with, and the record that says so.
struct Restored {
    stored: Stored,
    proof: CertifiedOutcome,
    record: Vec<u8>,
    at: Position,
}

/// Whether a snapshot is taken: of every eighth height at first, and more and more rarely, so that a long chain does not spend its time on it.
const fn is_due(height: Height) -> bool {
    let height = height.get();
    let rarer = (height / RARER_FROM + 1).next_power_of_two();
    height.is_multiple_of(EVERY * rarer)
}

/// Why a whole snapshot was not begun with.
enum Unfit {
    /// It is none, though every part of it was proven.
    Snapshot(SnapshotError),
    /// The logs.
    Disk(LogError),
}

impl World {
    /// A node takes a snapshot of what its store holds, now and then.
    pub(super) fn take_snapshot(&mut self, place: NodeIndex, committed: &Committed) {
        let height = committed.header.height;
        if !is_due(height) || self.scenario.arrivals().is_empty() {
            return;
        }
        let node = &mut self.nodes[place.position()];
        let Stored {
            state,
            outcome,
            set_changes,
            ..
        } = &node.stored;
        let (header, outcome) = (committed.header.clone(), outcome.clone());
        let proof = CertifiedOutcome::new(header, outcome, &committed.certificate);
        let proof = proof.and_then(|proof| proof.after(set_changes.clone()));
        let cut = Cut::within(state.map(), CHUNK_BYTES);
        if let (Some(proof), Ok(cut)) = (proof, cut) {
            // While a change of the validators is under way there is none.
            if let Ok(manifest) = Manifest::of(state, &cut, proof) {
                let chunks = (0..cut.parts().len()).map_while(|index| cut.chunk(index));
                node.shelf.put(&manifest, chunks.collect());
            }
        }
    }

    /// A node is there for the first time.
    pub(super) fn arrive(&mut self, place: NodeIndex) {
        self.nodes[place.position()].is_absent = false;
        self.start(place);
    }

    /// A process begins that joins.
    pub(super) fn join_by_snapshot(&mut self, place: NodeIndex) {
        let at = self.now();
        self.trace
            .tell(|| format!("{at} {place} starts without a block"));
        let tick_ms = self.scenario.parameters.timeouts.tick_ms;
        let node = &mut self.nodes[place.position()];
        let rules = JoinRules {
            trust: Arc::clone(&self.shared.trust),
            checkpoints: Vec::new(),
            height_min: HEIGHT_MIN,
            tick_ns: u64::from(tick_ms) * 1_000_000,
        };
        let (joiner, effects) = Joining::start(rules);
        node.joiner = Some(joiner);
        self.perform_joining(place, effects);
        self.connect(place);
    }

    /// What a replica would be told.
    pub(super) fn hear_while_joining(&mut self, place: NodeIndex, input: Input) {
        match input {
            Input::PeerUp(peer) => self.joins(place, JoinInput::PeerUp(peer)),
            Input::PeerDown(peer) => self.joins(place, JoinInput::PeerDown(peer)),
            Input::Received { from, class, bytes } => {
                self.joins(place, JoinInput::Received { from, class, bytes });
            }
            Input::Submit { .. }
            | Input::Signed { .. }
            | Input::Verified(_)
            | Input::Executed(_)
            | Input::Timer(_)
            | Input::Synced(_)
            | Input::DiskFull(_)
            | Input::DiskRoom(_)
            | Input::Persisted(_)
            | Input::Read { .. }
            | Input::SnapshotRead { .. }
            | Input::Found { .. } => {}
        }
    }

    /// The machine that joins takes an input.
    pub(super) fn joins(&mut self, place: NodeIndex, input: JoinInput) {
        let node = &mut self.nodes[place.position()];
        if let JoinInput::Kept(piece) = &input {
            node.draft.synced(*piece);
        }
        if let Some(joiner) = &mut node.joiner {
            let effects = joiner.step(input);
            self.perform_joining(place, effects);
        }
    }

    fn perform_joining(&mut self, place: NodeIndex, effects: Vec<JoinEffect>) {
        for effect in effects {
            let node = &mut self.nodes[place.position()];
            match effect {
                JoinEffect::Send { to, class, frame } => self.send(place, &to, class, &frame),
                JoinEffect::Timer { after_ns } => {
                    self.joins_later(place, after_ns, JoinInput::Tick)
                }
                JoinEffect::Read(piece) => {
                    let bytes = node.draft.read(piece);
                    let after_ns = node.costs.store_ns();
                    self.joins_later(place, after_ns, JoinInput::Read { piece, bytes });
                }
                JoinEffect::Check(job) => {
                    let checked = Box::new(job.run(&*self.shared.checker));
                    let after_ns = node.costs.store_ns();
                    self.joins_later(place, after_ns, JoinInput::Checked(checked));
                }
                JoinEffect::Keep { piece, bytes } => {
                    node.draft.unsynced.push((piece, bytes));
                    let after_ns = node.costs.store_ns();
                    self.joins_later(place, after_ns, JoinInput::Kept(piece));
                }
                JoinEffect::Forget => node.draft = Draft::default(),
                JoinEffect::Part { peer, .. } => {
                    self.marks.hit(Mark::SnapshotLie);
                    self.part(place, peer);
                }
                JoinEffect::Event(event) => self.tell_joining(place, event),
                JoinEffect::End(end) => self.joining_ends(place, end),
            }
        }
    }

    fn joins_later(&mut self, place: NodeIndex, after_ns: u64, input: JoinInput) {
        self.later(place, after_ns, Completion::Joins(Box::new(input)));
    }

    fn tell_joining(&mut self, place: NodeIndex, event: JoinEvent) {
        let at = self.now();
        self.trace.tell(|| format!("{at} {place} {event:?}"));
        match event {
            JoinEvent::Resumed { .. } => self.marks.hit(Mark::JoinResumed),
            JoinEvent::Vanished(_) => self.marks.hit(Mark::SnapshotVanished),
            JoinEvent::Began { .. } | JoinEvent::Proven { .. } | JoinEvent::PassedBy(_) => {}
        }
    }

    fn joining_ends(&mut self, place: NodeIndex, end: JoinEnd) {
        let at = self.now();
        self.trace.tell(|| format!("{at} {place} {end:?}"));
        let result = match end {
            JoinEnd::FallBack(_) => {
                self.marks.hit(Mark::FellBack);
                Ok(None)
            }
            JoinEnd::Whole(_) => {
                let node = &self.nodes[place.position()];
                restore(node, &self.shared).map(Some)
            }
        };
        match result {
            Ok(stored) => self.begin_behind(place, stored),
            Err(Unfit::Snapshot(error)) => {
                self.judge.blame("agreement", at, place, error.to_string());
            }
            Err(Unfit::Disk(error)) => self.disk_failed(place, &error),
        }
    }

    /// The process goes on with a replica, on a state that it was given or on that of genesis.
    fn begin_behind(&mut self, place: NodeIndex, given: Option<Restored>) {
        let now = self.now();
        if let Some(restored) = given {
            let Restored {
                stored,
                proof,
                record,
                at,
            } = restored;
            self.marks.hit(Mark::Joined);
            let (header, outcome) = (proof.header(), stored.outcome.hash());
            let block = (header.id(), outcome);
            self.judge.restored(now, place, header.height, block);
            self.nodes[place.position()].stored = stored;
            let log = LogId::Block;
            let appended = Observation::Appended {
                log,
                position: at,
                record: &record,
            };
            self.observe(place, appended);
            self.observe(place, Observation::Durable { log, upto: at });
        }
        let node = &mut self.nodes[place.position()];
        node.joins = false;
        node.draft = Draft::default();
        // Its connections are those of the machine that joined.
        self.kill(place);
        self.start(place);
    }

    /// A crash leaves any beginning of what was being written.
    pub(super) fn tear_draft(&mut self, place: NodeIndex) {
        let node = &mut self.nodes[place.position()];
        let key = u64::from(place.get()) << 32 | node.boot;
        let mut draws = self.shared.chance.draws(DRAFT, key);
        for (piece, bytes) in std::mem::take(&mut node.draft.unsynced) {
            let kept = draws.next().word(0).below(bytes.len() as u64 + 1);
            let kept = usize::try_from(kept).expect("it is at most a length");
            // A manifest takes the place of another only when it is whole.
            if piece != Piece::Manifest || kept == bytes.len() {
                node.draft.put(piece, bytes[..kept].to_vec());
            }
        }
    }
}

/// Puts the chunks together, and begins the block log behind them.
fn restore(node: &Node, shared: &Shared) -> Result<Restored, Unfit> {
    let (state, proof) = put_together(&node.draft, shared).map_err(Unfit::Snapshot)?;
    let (block, batch) = (node.disks.block.clone(), node.disks.batch.clone());
    let genesis_hash = shared.chain.genesis_hash;
    let mut logs = NodeLogs::open(block, batch, genesis_hash).map_err(Unfit::Disk)?;
    // A crash may have come right behind this record.
    let record = BlockRecord::restored(&proof);
    if logs.block.last() == Position::START {
        logs.append(LogId::Block, &record).map_err(Unfit::Disk)?;
    }
    let durable = logs.sync(LogId::Block).map_err(Unfit::Disk)?;
    let shown = proof.set_changes().iter().map(|change| HeightProof {
        certificate: change.block.certificate(),
        outcome: change.block.outcome().clone(),
        set: Arc::new(change.validators.clone()),
    });
    let stored = Stored {
        state,
        outcome: proof.outcome().clone(),
        decided_sets: shown.collect(),
        set_changes: proof.set_changes().to_vec(),
    };
    Ok(Restored {
        stored,
        proof,
        record,
        at: durable.upto(),
    })
}

fn put_together(
    draft: &Draft,
    shared: &Shared,
) -> Result<(falaj_ledger::state::State, CertifiedOutcome), SnapshotError> {
    let manifest = Manifest::from_bytes(draft.manifest.as_deref().unwrap_or_default())?;
    let proven = manifest.verify(&shared.trust, &[], &*shared.checker)?;
    let proof = proven.manifest().proof().clone();
    let mut restoring = proven.restore();
    for (index, bytes) in &draft.chunks {
        let index = usize::try_from(*index).unwrap_or(usize::MAX);
        restoring.take(index, bytes.clone())?;
    }
    Ok((restoring.finish()?, proof))
}
