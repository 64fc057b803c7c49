//! The blocks that a height turns on: what of each is here, how it was judged, and how its execution stands.
//!
//! Invariant: at most [`OVERLAYS_MAX`] executions hold an overlay at a time; an outcome that is known stays known.
//! Bounds: at most [`BLOCKS_MAX`] blocks, those that a rule can still use always among them.
//! Source: `docs/spec/consensus.md`, "Execution".

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::{BlockPart, BodyVerdict};
use crate::message::Header;
use crate::round::Judgement;
use crate::types::{BlockId, OutcomeHash};

/// Overlays at a time.
pub const OVERLAYS_MAX: usize = 2;
/// Blocks that are remembered beyond those that a rule can still use.
pub const BLOCKS_MAX: usize = 64;

/// How far a block's execution is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Execution {
    /// Not asked for, or dropped before its end.
    Idle,
    /// Asked for.
    Running,
    /// Ended.
    Done(OutcomeHash),
    /// Failed.
    Failed,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Block {
    header: Option<Header>,
    admitted: bool,
    body: Option<BodyVerdict>,
    execution: Execution,
    asked: Option<BlockPart>,
}

/// The blocks of one height.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Blocks {
    blocks: BTreeMap<BlockId, Block>,
    overlays: Vec<BlockId>,
}

/// What became of a wish to execute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// It starts, or holds its overlay already.
    No,
    /// It starts in a free place.
    Free,
    /// It starts in the place of another.
    InPlaceOf(BlockId),
}

impl Blocks {
    /// Notes a header and whether the height admits it.
    pub(super) fn learn_header(&mut self, id: BlockId, header: Header, admitted: bool) {
        let block = self.entry(id);
        block.header = Some(header);
        block.admitted = admitted;
    }

    /// Notes that body and batches are there, and how they were judged. The first verdict stands.
    pub(super) fn learn_body(&mut self, id: BlockId, verdict: BodyVerdict) {
        self.entry(id).body.get_or_insert(verdict);
    }

    /// Notes what executing a block gave. The first outcome stands.
    pub(super) fn learn_outcome(&mut self, id: BlockId, outcome: OutcomeHash) {
        let block = self.entry(id);
        if !matches!(block.execution, Execution::Done(_)) {
            block.execution = Execution::Done(outcome);
        }
    }

    /// Notes that executing a block failed: it holds no overlay.
    pub(super) fn learn_failure(&mut self, id: BlockId) {
        self.entry(id).execution = Execution::Failed;
        self.overlays.retain(|held| *held != id);
    }

    /// valid(v), as far as it is known.
    #[must_use]
    pub(super) fn judgement(&self, id: BlockId) -> Judgement {
        let Some(block) = self.blocks.get(&id) else {
            return Judgement::Unknown;
        };
        match (&block.header, block.admitted, block.body) {
            (None, _, _) | (Some(_), true, None) => Judgement::Unknown,
            (Some(_), false, _) | (Some(_), true, Some(BodyVerdict::Invalid)) => Judgement::Invalid,
            (Some(_), true, Some(BodyVerdict::Valid)) => Judgement::Valid,
        }
    }

    /// What executing a block gave.
    #[must_use]
    pub(super) fn outcome(&self, id: BlockId) -> Option<OutcomeHash> {
        match self.execution(id) {
            Execution::Done(outcome) => Some(outcome),
            Execution::Idle | Execution::Running | Execution::Failed => None,
        }
    }

    /// Whether a block was ever asked for or told of.
    #[must_use]
    pub(super) fn is_known(&self, id: BlockId) -> bool {
        self.blocks.contains_key(&id)
    }

    /// How far a block's execution is.
    #[must_use]
    pub(super) fn execution(&self, id: BlockId) -> Execution {
        self.blocks
            .get(&id)
            .map_or(Execution::Idle, |block| block.execution)
    }

    /// The part of a block that is missing.
    #[must_use]
    pub(super) fn missing(&self, id: BlockId) -> Option<BlockPart> {
        match self.blocks.get(&id) {
            None => Some(BlockPart::Header),
            Some(block) if block.header.is_none() => Some(BlockPart::Header),
            Some(block) if block.admitted && block.body.is_none() => Some(BlockPart::Body),
            Some(_) => None,
        }
    }

    /// The part to fetch now: what is missing and was not asked for yet, or everything missing when asking `again`.
    pub(super) fn ask(&mut self, id: BlockId, again: bool) -> Option<BlockPart> {
        let part = self.missing(id)?;
        let block = self.entry(id);
        let is_new = block.asked != Some(part);
        block.asked = Some(part);
        (is_new || again).then_some(part)
    }

    /// Gives a block an overlay, if there is a free one or one whose block is less urgent.
    pub(super) fn start<U: Ord>(&mut self, id: BlockId, urgency: impl Fn(BlockId) -> U) -> Start {
        let may_start =
            self.judgement(id) == Judgement::Valid && self.execution(id) != Execution::Failed;
        if !may_start || self.overlays.contains(&id) {
            return Start::No;
        }
        if self.overlays.len() < OVERLAYS_MAX {
            self.occupy(id);
            return Start::Free;
        }
        let lowest = self
            .overlays
            .iter()
            .copied()
            .min_by_key(|held| urgency(*held));
        match lowest.filter(|held| urgency(*held) < urgency(id)) {
            None => Start::No,
            Some(held) => {
                self.release(held);
                self.occupy(id);
                Start::InPlaceOf(held)
            }
        }
    }

    /// Lets a failed execution be asked for once more.
    pub(super) fn forgive_failure(&mut self, id: BlockId) {
        if self.execution(id) == Execution::Failed {
            self.entry(id).execution = Execution::Idle;
        }
    }

    /// Forgets blocks that no rule can use any more, once there are too many.
    pub(super) fn prune(&mut self, usable: impl FnOnce() -> BTreeSet<BlockId>) {
        if self.blocks.len() > BLOCKS_MAX {
            let usable = usable();
            let overlays = &self.overlays;
            self.blocks
                .retain(|id, _| usable.contains(id) || overlays.contains(id));
        }
    }

    /// How many blocks are remembered.
    #[must_use]
    pub(super) fn count(&self) -> usize {
        self.blocks.len()
    }

    /// How many executions hold an overlay.
    #[must_use]
    pub(super) fn overlays(&self) -> usize {
        self.overlays.len()
    }

    fn occupy(&mut self, id: BlockId) {
        self.overlays.push(id);
        let block = self.entry(id);
        if block.execution == Execution::Idle {
            block.execution = Execution::Running;
        }
    }

    fn release(&mut self, id: BlockId) {
        self.overlays.retain(|held| *held != id);
        let block = self.entry(id);
        if block.execution == Execution::Running {
            block.execution = Execution::Idle;
        }
    }

    fn entry(&mut self, id: BlockId) -> &mut Block {
        self.blocks.entry(id).or_insert(Block {
            header: None,
            admitted: false,
            body: None,
            execution: Execution::Idle,
            asked: None,
        })
    }
}
