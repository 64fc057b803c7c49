//! Where a node stands, for people and programs: everything that a story is told by, as plain data.
//!
//! Invariant: looking changes nothing; what is shown is what the node itself holds, not what an oracle thinks of it.
//! Shapes and units: blocks and outcomes by the first four bytes of their hashes; logs by the number of their last record.
//! Who calls it: `falaj-sim step`, programs of researchers.

use std::collections::BTreeMap;

use falaj_consensus::engine::{Status, Wait};
use falaj_consensus::message::{Kind, Vote, VoteValue};
use falaj_consensus::round::Step;
use falaj_consensus::types::{BlockId, OutcomeHash};
use falaj_hsm::SignerHome;
use falaj_hsm::guard::Guard;
use falaj_node::core::Replica;
use serde::Serialize;

use super::World;
use super::node::{Node, Process};
use super::signing::SignerDevice;
use crate::types::NodeIndex;

/// Where a node stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NodeView {
    /// Which.
    pub node: u16,
    /// `up`, `down`, `full` (a log or the store has no room), `diverged`, `shut` (its program lacks a feature), or `halted`.
    pub mode: &'static str,
    /// How often it was started.
    pub starts: u64,
    /// Whether it lies.
    pub lies: bool,
    /// Whether it is one of those that are lost for good.
    pub lost: bool,
    /// The height that its store holds.
    pub stored: u64,
    /// The last height that it has decided and confirmed, if it runs.
    pub height: Option<u64>,
    /// Consensus, if it runs.
    pub consensus: Option<ConsensusView>,
    /// The guard, if it runs and can be signed under.
    pub guard: Option<GuardView>,
    /// The ends of its logs, if it runs.
    pub logs: Option<LogEnds>,
    /// Steps whose outputs wait for the disk.
    pub pending: u64,
    /// The mempool, if it runs.
    pub mempool: Option<MempoolView>,
}

/// Consensus at the open height.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConsensusView {
    /// The open height.
    pub height: u64,
    /// Round.
    pub round: u32,
    /// `propose`, `prevote` or `precommit`.
    pub step: &'static str,
    /// Whose turn the round is.
    pub proposer: u16,
    /// The lock: round, block, outcome.
    pub locked: Option<(u32, String, String)>,
    /// The valid value: round, block.
    pub valid: Option<(u32, String)>,
    /// What was decided: block, outcome.
    pub decided: Option<(String, String)>,
    /// What it waits for.
    pub waits: Vec<String>,
    /// The votes that it keeps, by round.
    pub votes: BTreeMap<u32, RoundView>,
}

/// The votes of a round, by validator.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RoundView {
    /// `nil`, or a block, with its valid round if it has one.
    pub prevotes: BTreeMap<u16, String>,
    /// `nil`, or a block and an outcome.
    pub precommits: BTreeMap<u16, String>,
}

/// Where a guard stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GuardView {
    /// The height of its highest place.
    pub height: u64,
    /// The round.
    pub round: u32,
    /// The step.
    pub step: &'static str,
    /// The lock that it keeps: round, block, outcome.
    pub locked: Option<(u32, String, String)>,
    /// Why nothing is signed, if so.
    pub latch: Option<String>,
}

/// The last record of each log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogEnds {
    /// What the key may have signed.
    pub guard: u64,
    /// Every signature and refusal.
    pub audit: u64,
    /// Blocks.
    pub block: u64,
    /// Batches.
    pub batch: u64,
}

/// What waits to be ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MempoolView {
    /// How many transactions.
    pub transactions: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl World {
    /// Where a node stands.
    #[must_use]
    pub fn view(&self, place: NodeIndex) -> NodeView {
        let node = &self.nodes[place.position()];
        let process = node.process.as_ref();
        let replica = process.map(|process| &process.replica);
        NodeView {
            node: place.get(),
            mode: mode(node),
            starts: node.boot,
            lies: !node.lies.is_empty(),
            lost: self.scenario.lost.contains(&place),
            stored: node.stored.state.height().get(),
            height: replica.map(|replica| replica.height().get()),
            consensus: replica.map(ConsensusView::of),
            guard: process.and_then(Process::guard).map(GuardView::of),
            logs: process.map(LogEnds::of),
            pending: process.map_or(0, |process| process.pending.len() as u64),
            mempool: replica.map(MempoolView::of),
        }
    }
}

impl Process {
    fn guard(&self) -> Option<&Guard> {
        self.signer()?.home().signer().guard().ok()
    }
}

fn mode(node: &Node) -> &'static str {
    let Some(process) = &node.process else {
        return "down";
    };
    let replica = &process.replica;
    if replica.diverged().is_some() {
        "diverged"
    } else if replica.shut().is_some() {
        "shut"
    } else if replica.status().waits.contains(&Wait::Halted) {
        "halted"
    } else if replica.is_full() {
        "full"
    } else {
        "up"
    }
}

impl ConsensusView {
    fn of(replica: &Replica) -> Self {
        let Status {
            height,
            round,
            step,
            proposer,
            locked,
            valid,
            decided,
            waits,
        } = replica.status();
        let locked = locked.map(|lock| (lock.round.get(), block(lock.id), outcome(lock.outcome)));
        Self {
            height: height.get(),
            round: round.get(),
            step: step_name(step),
            proposer: proposer.get(),
            locked,
            valid: valid.map(|valid| (valid.round.get(), block(valid.id))),
            decided: decided.map(|(id, result)| (block(id), outcome(result))),
            waits: waits.iter().map(|wait| format!("{wait:?}")).collect(),
            votes: votes(replica),
        }
    }
}

fn votes(replica: &Replica) -> BTreeMap<u32, RoundView> {
    let mut rounds: BTreeMap<u32, RoundView> = BTreeMap::new();
    for vote in replica.votes() {
        let round = rounds.entry(vote.round.get()).or_default();
        let votes = match vote.value.kind() {
            Kind::Precommit => &mut round.precommits,
            Kind::Proposal | Kind::Prevote => &mut round.prevotes,
        };
        votes.insert(vote.validator.get(), words_of(vote));
    }
    rounds
}

fn words_of(vote: &Vote) -> String {
    match vote.value {
        VoteValue::Prevote(None) | VoteValue::Precommit(None) => "nil".to_owned(),
        VoteValue::Prevote(Some(value)) => match value.valid_round {
            None => block(value.id),
            Some(round) => format!("{} valid {round}", block(value.id)),
        },
        VoteValue::Precommit(Some(value)) => {
            format!("{} giving {}", block(value.id), outcome(value.outcome))
        }
    }
}

impl GuardView {
    fn of(guard: &Guard) -> Self {
        let place = guard.last();
        let locked = guard.lock().map(|lock| {
            let value = lock.value;
            (lock.round.get(), block(value.id), outcome(value.outcome))
        });
        Self {
            height: place.height.get(),
            round: place.round.get(),
            step: place.step.name(),
            locked,
            latch: guard.latched().map(|latch| format!("{latch:?}")),
        }
    }
}

impl LogEnds {
    fn of(process: &Process) -> Self {
        let home = process.signer().map(SignerDevice::home);
        let guard = home.and_then(SignerHome::guard_log);
        Self {
            guard: guard.map_or(0, |log| log.last().get()),
            audit: home.map_or(0, |home| home.audit_log().last().get()),
            block: process.block.last().get(),
            batch: process.batch.last().get(),
        }
    }
}

impl MempoolView {
    fn of(replica: &Replica) -> Self {
        let mempool = replica.mempool();
        Self {
            transactions: mempool.len() as u64,
            bytes: mempool.bytes(),
        }
    }
}

fn block(id: BlockId) -> String {
    id.hash().short()
}

fn outcome(outcome: OutcomeHash) -> String {
    outcome.hash().short()
}

const fn step_name(step: Step) -> &'static str {
    match step {
        Step::Propose => "propose",
        Step::Prevote => "prevote",
        Step::Precommit => "precommit",
    }
}
