//! Logs for tests: blocks of the ledger's test world, certified by three of its four validators, right or wrong.
//!
//! Whatever a test changes in a block is signed by a quorum all the same, so that what refuses it is a rule and not a signature;
//! what it changes in a certificate is changed after the signing, and in a payment after the payer's.

use falaj_consensus::durable::{FolderLock, LogId, OsDisk, Position};
use falaj_consensus::hash::encode;
use falaj_consensus::message::{
    Batch, BatchRef, Body, CommitCertificate, Header, Lane, PrecommitValue, Statement,
};
use falaj_consensus::proposer::proposer;
use falaj_consensus::types::{BlockId, OutcomeHash, Round, ValidatorId, ValidatorIndex};
use falaj_consensus::validator_set::Bitmap;
use falaj_ledger::account::{Account, AccountId};
use falaj_ledger::amount::Units;
use falaj_ledger::block::BlockInput;
use falaj_ledger::bundle::CertifiedOutcome;
use falaj_ledger::execute::execute;
use falaj_ledger::genesis::Genesis;
use falaj_ledger::snapshot::{Cut, Manifest};
use falaj_ledger::state::State;
use falaj_ledger::state::{Record as _, encode_record};
use falaj_ledger::testing::{self, BANK_A, BANK_B, Ledger, Who, account, transfer};
use falaj_ledger::transaction::Op;
use falaj_ledger::validate::CheckedTx;
use falaj_ledger::write_set::WriteSet;
use falaj_node::storage::{BlockRecord, NodeLogs};
use std::path::Path;
use std::sync::Arc;

/// A chain of blocks as it grows; all but those of [`Forge::paying`] are empty.
pub(super) struct Forge {
    pub(super) genesis: Genesis,
    state: State,
    parent: (BlockId, OutcomeHash),
    records: Vec<Vec<u8>>,
    batches: Vec<Vec<u8>>,
    /// After each height the state, and what proves it.
    left: Vec<(State, Option<CertifiedOutcome>)>,
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
            left: Vec::new(),
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
        self.decide(&header, &body, Vec::new(), Round::new(round), |_| {});
    }

    /// The next block, right itself, whose certificate was changed after it was signed.
    pub(super) fn certified(&mut self, change: impl FnOnce(&mut CommitCertificate)) {
        let (header, body) = self.right(Round::new(0));
        self.decide(&header, &body, Vec::new(), header.round, change);
    }

    /// The next block, right itself, of which a quorum signed that it gives this outcome.
    pub(super) fn giving(&mut self, outcome: OutcomeHash) {
        let (header, body) = self.right(Round::new(0));
        let other = self.certificate(&header, header.round, outcome);
        self.decide(&header, &body, Vec::new(), header.round, |certificate| {
            *certificate = other;
        });
    }

    /// The next block, which orders one payment, in a batch or in its own body; the payment's bytes may be changed after it was signed.
    pub(super) fn paying(&mut self, in_batch: bool, change: impl FnOnce(&mut Vec<u8>)) {
        let payment = self.payment();
        let mut bytes = payment.tx().to_bytes();
        change(&mut bytes);
        let (mut header, mut body) = self.right(Round::new(0));
        if in_batch {
            body.batches = vec![self.batch(vec![bytes])];
        } else {
            body.inline = vec![bytes];
        }
        let (transactions, transaction_bytes) = body.totals();
        header.body_root = body.root();
        header.transactions = u32::try_from(transactions).unwrap();
        header.transaction_bytes = transaction_bytes;
        self.decide(&header, &body, vec![payment], header.round, |_| {});
    }

    fn payment(&self) -> Arc<CheckedTx> {
        let mut ledger = Ledger::new(&self.genesis);
        ledger.state = self.state.clone();
        let pay = transfer(account(BANK_A, 1), account(BANK_B, 1), 100);
        ledger.tx(BANK_A, Op::Transfer(pay), &[Who::Participant(BANK_A)])
    }

    /// Books a block, executed with these transactions, and its certificate after a change.
    fn decide(
        &mut self,
        header: &Header,
        body: &Body,
        transactions: Vec<Arc<CheckedTx>>,
        round: Round,
        change: impl FnOnce(&mut CommitCertificate),
    ) {
        let executed = execute(&self.state, &BlockInput::new(header, body, transactions));
        let mut certificate = self.certificate(header, round, executed.outcome.hash());
        change(&mut certificate);
        self.records.push(BlockRecord::proposed(header, body));
        let last = |records: &[Vec<u8>]| Position::new(records.len() as u64);
        let batches = vec![last(&self.batches); body.batches.len()];
        let decided = BlockRecord::decided(&certificate, last(&self.records), &batches);
        self.records.push(decided);
        self.parent = (header.id(), executed.outcome.hash());
        let proof = CertifiedOutcome::new(header.clone(), executed.outcome, &certificate);
        self.left.push((executed.state.clone(), proof));
        self.state = executed.state;
    }

    /// Has a batch in every node's log, and names it as it is.
    pub(super) fn batch(&mut self, transactions: Vec<Vec<u8>>) -> BatchRef {
        let batch = Batch {
            author: ValidatorId::new(1),
            seq: 1,
            lane: Lane::Retail,
            transactions,
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
        let records: Vec<_> = self.records.iter().take(heights * 2).cloned().collect();
        self.write_logs(data, &records);
    }

    /// Writes what a node has that began with the snapshot of a height: its copy, and the heights after it up to another.
    pub(super) fn write_behind(&self, data: &Path, snapshot: usize, heights: usize) {
        let proof = self.write_snapshot(data, snapshot);
        let mut records = vec![BlockRecord::restored(&proof)];
        for (at, record) in (1_u64..).zip(&self.records).skip(snapshot * 2) {
            let before = Position::new(at - u64::try_from(snapshot * 2).unwrap() + 1);
            records.push(match BlockRecord::decode(record).unwrap() {
                BlockRecord::Decided(decided) => {
                    let batches: Vec<_> = decided.batches.into_iter().map(Position::new).collect();
                    let body = Position::new(before.get() - 1);
                    BlockRecord::decided(&decided.certificate, body, &batches)
                }
                BlockRecord::Proposed { .. } | BlockRecord::Restored(_) => record.clone(),
            });
        }
        records.truncate((heights - snapshot) * 2 + 1);
        self.write_logs(data, &records);
    }

    /// Writes a node's copy of the snapshot of a height.
    pub(super) fn write_snapshot(&self, data: &Path, height: usize) -> CertifiedOutcome {
        let (state, proof) = &self.left[height - 1];
        let proof = proof.clone().unwrap();
        let cut = Cut::of(state.map()).unwrap();
        let manifest = Manifest::of(state, &cut, proof.clone()).unwrap();
        let folder = data.join("snapshot");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("manifest"), manifest.to_bytes()).unwrap();
        for index in 0..cut.parts().len() {
            let chunk = cut.chunk(index).unwrap();
            std::fs::write(folder.join(format!("{index:05}.chunk")), chunk).unwrap();
        }
        proof
    }

    fn write_logs(&self, data: &Path, records: &[Vec<u8>]) {
        let lock = FolderLock::acquire(data).unwrap();
        let disk = |log| OsDisk::subfolder(&lock, log).unwrap();
        let mut logs = NodeLogs::create(disk("block"), disk("batch"), self.genesis.hash()).unwrap();
        for record in records {
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

/// A state in which an account holds a unit more than execution ever gave it.
pub(super) fn with_a_unit_from_nowhere(state: &State, id: AccountId) -> State {
    let mut account = state.account(id).unwrap();
    account.credits = account.credits.checked_add(Units::new(1)).unwrap();
    let mut writes = WriteSet::new();
    writes.put(Account::state_key(&id), encode_record(&account));
    let mut map = state.map().clone();
    map.apply(&writes);
    State::from_map(map).unwrap()
}
