//! Logs for tests: blocks of the ledger's test world, certified by three of its four validators, right or wrong.
//!
//! Whatever a test changes in a block is signed by a quorum all the same, so that what refuses it is a rule and not a signature.

use falaj_consensus::durable::{FolderLock, LogId, OsDisk, Position};
use falaj_consensus::hash::encode;
use falaj_consensus::message::{
    Batch, BatchRef, Body, CommitCertificate, Header, Lane, PrecommitValue, Statement,
};
use falaj_consensus::proposer::proposer;
use falaj_consensus::types::{BlockId, OutcomeHash, Round, ValidatorId, ValidatorIndex};
use falaj_consensus::validator_set::Bitmap;
use falaj_ledger::block::BlockInput;
use falaj_ledger::execute::execute;
use falaj_ledger::genesis::Genesis;
use falaj_ledger::state::State;
use falaj_ledger::testing::{self, Who};
use falaj_node::storage::{BlockRecord, NodeLogs};
use std::path::Path;

/// A chain of empty blocks as it grows.
pub(super) struct Forge {
    pub(super) genesis: Genesis,
    state: State,
    parent: (BlockId, OutcomeHash),
    records: Vec<Vec<u8>>,
    batches: Vec<Vec<u8>>,
}

impl Forge {
    pub(super) fn new() -> Self {
        let genesis = testing::genesis();
        let opened = State::open(&genesis).unwrap();
        Self {
            genesis,
            parent: (BlockId::default(), opened.outcome.hash()),
            state: opened.state,
            records: Vec::new(),
            batches: Vec::new(),
        }
    }

    /// A chain of so many right blocks.
    pub(super) fn of(heights: usize) -> Self {
        let mut forge = Self::new();
        (0..heights).for_each(|_| forge.block(0, |_, _| {}));
        forge
    }

    /// The next block, proposed and certified in a round, after a change.
    pub(super) fn block(&mut self, round: u32, change: impl FnOnce(&mut Header, &mut Body)) {
        let (mut header, mut body) = self.right(Round::new(round));
        change(&mut header, &mut body);
        let input = BlockInput::new(&header, Vec::new());
        let executed = execute(&self.state, &input);
        let certificate = self.certificate(&header, Round::new(round), executed.outcome.hash());
        self.records.push(BlockRecord::proposed(&header, &body));
        let last = |records: &[Vec<u8>]| Position::new(records.len() as u64);
        let batches = vec![last(&self.batches); body.batches.len()];
        let decided = BlockRecord::decided(&certificate, last(&self.records), &batches);
        self.records.push(decided);
        self.parent = (header.id(), executed.outcome.hash());
        self.state = executed.state;
    }

    /// Has a batch in every node's log, and names it as it is.
    pub(super) fn batch(&mut self) -> BatchRef {
        let batch = Batch {
            author: ValidatorId::new(1),
            seq: 1,
            lane: Lane::Retail,
            transactions: vec![vec![1]],
        };
        self.batches.push(encode(&batch));
        batch.reference()
    }

    fn right(&self, round: Round) -> (Header, Body) {
        let (state, body) = (&self.state, Body::default());
        let height = state.height().next();
        let set = state.validators_at(height);
        let header = Header {
            version: Header::VERSION,
            features: 0,
            genesis_hash: self.genesis.hash(),
            height,
            round,
            proposer: proposer(&set, &state.bench(), height, round),
            parent_id: self.parent.0,
            parent_outcome: self.parent.1,
            time_us: state.time_us() + 1,
            set_hash: set.hash(),
            body_root: body.root(),
            evidence_root: body.evidence_root(),
            transactions: 0,
            transaction_bytes: 0,
        };
        (header, body)
    }

    /// The certificate of a block by validators 1 to 3.
    fn certificate(
        &self,
        header: &Header,
        round: Round,
        outcome: OutcomeHash,
    ) -> CommitCertificate {
        let (height, id) = (header.height, header.id());
        let statement = Statement::Precommit {
            height,
            round,
            value: Some(PrecommitValue { id, outcome }),
        };
        let bytes = statement.sign_bytes(&self.genesis.chain());
        let mut signers = Bitmap::none(4);
        (0..3).for_each(|index| signers.insert(ValidatorIndex::new(index)));
        let signature = |number| Who::Validator(number).key().sign(bytes.as_slice());
        CommitCertificate {
            height,
            round,
            id,
            outcome,
            signers,
            signatures: (1..=3).map(signature).collect(),
        }
    }

    /// Writes the logs of a node that has the first heights.
    pub(super) fn write(&self, data: &Path, heights: usize) {
        let lock = FolderLock::acquire(data).unwrap();
        let disk = |log| OsDisk::subfolder(&lock, log).unwrap();
        let mut logs = NodeLogs::create(disk("block"), disk("batch"), self.genesis.hash()).unwrap();
        for record in self.records.iter().take(heights * 2) {
            logs.append(LogId::Block, record).unwrap();
        }
        for batch in &self.batches {
            logs.append(LogId::Batch, batch).unwrap();
        }
        for log in [LogId::Batch, LogId::Block] {
            let _ = logs.sync(log).unwrap();
        }
    }
}
