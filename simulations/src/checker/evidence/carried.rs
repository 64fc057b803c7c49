//! What blocks carry and what the ledger records of it: each offence once, proven, in its time, by whoever could carry it.
//!
//! Shape: fed with decided blocks in order, and with what each process has shown to hold. A process holds a piece once it told it; of
//! what it held when it opened a height its own block of that height carries everything that may be carried and has room.
//! How old heights are is computed anew from the blocks' heights and times.
//! Source: `docs/spec/ledger.md`, "Evidence"; `docs/spec/dissemination.md`, "Evidence".

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use falaj_consensus::message::Evidence as Proof;
use falaj_consensus::params::Parameters;
use falaj_consensus::types::{Hash32, Height};
use falaj_ledger::event::EventKind;
use falaj_node::core::Committed;

use super::super::Finding;
use super::super::sets::Sets;
use super::Key;
use crate::economy::{node_of, validator_of};
use crate::types::NodeIndex;

/// The parts of a window between two marks.
const PARTS: u64 = 64;
/// The prefix of recorded offences in the state.
const RECORDS: &[u8] = &[0x2a];

#[derive(Debug)]
pub(super) struct Carried {
    parameters: Parameters,
    height: Height,
    /// The last height that is over, and its time.
    over: (u64, u64),
    /// Marked blocks above it.
    marks: VecDeque<(u64, u64)>,
    /// Everything that was ever carried, and where.
    carried: BTreeMap<Key, (Hash32, Height)>,
    /// What each process holds, and which height it was deciding when it showed so first.
    held: Vec<BTreeMap<Key, Height>>,
}

impl Carried {
    pub(super) fn new(parameters: Parameters, nodes: usize) -> Self {
        Self {
            parameters,
            height: Height::new(0),
            over: (0, 0),
            marks: VecDeque::new(),
            carried: BTreeMap::new(),
            held: vec![BTreeMap::new(); nodes],
        }
    }

    /// A process begins with nothing.
    pub(super) fn started(&mut self, node: NodeIndex) {
        self.held[node.position()].clear();
    }

    /// A process that decides `open` shows that it holds a piece.
    pub(super) fn holds(&mut self, node: NodeIndex, open: Height, proof: &Proof) {
        let held = &mut self.held[node.position()];
        held.entry(place(proof)).or_insert(open);
    }

    /// A block was decided, for the first time anywhere.
    pub(super) fn decided(
        &mut self,
        sets: &Sets,
        block: &Committed,
        proves: impl Fn(&Proof) -> bool,
        is_correct: impl Fn(NodeIndex) -> bool,
    ) -> Finding {
        if block.header.height <= self.height {
            return Ok(());
        }
        self.height = block.header.height;
        self.judge_body(sets, block, proves, is_correct)?;
        self.judge_omissions(sets, block)?;
        self.drop_records();
        let pieces = block.body.evidence.iter();
        let new = pieces.map(|proof| (place(proof), (proof.id(), block.header.height)));
        self.carried.extend(new);
        judge_events(sets, block)?;
        self.judge_records(sets, block)?;
        self.grow_old(block);
        Ok(())
    }

    fn judge_body(
        &self,
        sets: &Sets,
        block: &Committed,
        proves: impl Fn(&Proof) -> bool,
        is_correct: impl Fn(NodeIndex) -> bool,
    ) -> Finding {
        let (pieces, mut last) = (&block.body.evidence, None);
        if pieces.len() > self.room() {
            return Err(format!("{} pieces in one block", pieces.len()));
        }
        for proof in pieces {
            let key = place(proof);
            let (height, offender, kind) = key;
            let name = format!("{kind:?} of validator {offender} at height {height}");
            if last.is_some_and(|last| last >= key) {
                return Err(format!("{name} is out of order"));
            }
            last = Some(key);
            if height >= block.header.height || height.get() <= self.over.0 {
                let at = block.header.height;
                return Err(format!("{name} is carried at height {at}, out of its time"));
            }
            if let Some((_, before)) = self.carried.get(&key) {
                return Err(format!("{name} was carried at height {before} before"));
            }
            if !proves(proof) {
                return Err(format!("{name} is carried and not proven"));
            }
            if offender_of(sets, &key).is_none_or(&is_correct) {
                return Err(format!("{name} is carried, and the validator is correct"));
            }
        }
        Ok(())
    }

    /// A correct proposer carries all that it has, as far as there is room.
    fn judge_omissions(&self, sets: &Sets, block: &Committed) -> Finding {
        let (height, proposer) = (block.header.height, block.header.proposer);
        if block.body.evidence.len() >= self.room() {
            return Ok(());
        }
        let carries: BTreeSet<_> = block.body.evidence.iter().map(place).collect();
        let node = sets.at(height).node(proposer.get());
        let held = node.and_then(|node| self.held.get(node.position()));
        let owed = held.into_iter().flatten().find(|(key, since)| {
            let in_time = key.0 < height && key.0.get() > self.over.0;
            let is_new = !self.carried.contains_key(key) && !carries.contains(key);
            **since < height && in_time && is_new
        });
        match owed {
            None => Ok(()),
            Some(((of, offender, kind), since)) => Err(format!(
                "{kind:?} of validator {offender} at height {of} is held by validator {proposer} since height {since}, and its block of height {height} does not carry it"
            )),
        }
    }

    /// The state has each offence that is not dropped yet, and no other.
    fn judge_records(&self, sets: &Sets, block: &Committed) -> Finding {
        let state = &block.executed.state;
        let recorded = state.map().iter_prefix(RECORDS).count();
        if recorded != self.carried.len() {
            let expected = self.carried.len();
            return Err(format!("{recorded} offences are recorded of {expected}"));
        }
        for (key, expected) in &self.carried {
            let (height, _, kind) = key;
            let id = offender_of(sets, key).map(validator_of);
            let seen = id.and_then(|id| state.evidence(*height, id, *kind));
            if seen.map(|seen| (seen.evidence, seen.block)) != Some(*expected) {
                return Err(format!(
                    "{seen:?} is recorded, and {expected:?} was carried"
                ));
            }
        }
        Ok(())
    }

    /// What is over is dropped by the next block, and never comes again.
    fn drop_records(&mut self) {
        let over = self.over.0;
        self.carried.retain(|(height, ..), _| height.get() > over);
    }

    fn grow_old(&mut self, block: &Committed) {
        let (height, time_us) = (block.header.height.get(), block.header.time_us);
        let heights = self.parameters.evidence_age_heights;
        let micros = self.parameters.evidence_age_ms.saturating_mul(1_000);
        while let Some((marked, marked_us)) = self.marks.front().copied() {
            if height - marked <= heights || time_us - marked_us <= micros {
                break;
            }
            self.over = (marked, marked_us);
            self.marks.pop_front();
        }
        let (last, last_us) = self.marks.back().copied().unwrap_or(self.over);
        let is_apart = height - last >= (heights / PARTS).max(1);
        if is_apart && time_us - last_us >= micros / PARTS {
            self.marks.push_back((height, time_us));
        }
    }

    fn room(&self) -> usize {
        self.parameters.limits.block_evidence_max as usize
    }
}

/// The block's first events are those of its evidence, in order, and there are no others.
fn judge_events(sets: &Sets, block: &Committed) -> Finding {
    let height = block.header.height;
    let told = block.executed.events.iter().filter_map(|event| {
        let EventKind::OffenceProven {
            evidence,
            height: of,
            validator,
            kind,
        } = event.kind
        else {
            return None;
        };
        let place = (event.cause, event.place.height, event.place.index);
        Some((place, node_of(validator), of, kind, evidence))
    });
    let pieces = block.body.evidence.iter().zip(0_u32..);
    let expected = pieces.map(|(proof, index)| {
        let key = place(proof);
        let (of, _, kind) = key;
        let offender = offender_of(sets, &key);
        ((None, height, index), offender, of, kind, proof.id())
    });
    if told.eq(expected) {
        Ok(())
    } else {
        Err(format!("the events of block {height} are not its evidence"))
    }
}

/// The node behind an offender, by the set of its height.
fn offender_of(sets: &Sets, (height, offender, _): &Key) -> Option<NodeIndex> {
    sets.at(*height).node(offender.get())
}

fn place(proof: &Proof) -> Key {
    let key = proof.key();
    (key.height, key.validator, key.kind)
}
