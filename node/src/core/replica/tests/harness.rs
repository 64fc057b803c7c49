//! A replica of validator 4 of the ledger's test world with its logs, and what the other three could send it.
//!
//! Checks and executions end at once; a log's records are proven when the test says so. Nothing signs.

use falaj_consensus::crypto::{PublicKey, Signature};
use falaj_consensus::durable::{LogId, MemDisk, PendingQueue};
use falaj_consensus::message::{
    Body, CommitCertificate, Header, Polka, PrecommitValue, Proposal, Statement, Vote,
};
use falaj_consensus::proposer::proposer;
use falaj_consensus::types::{
    BlockId, Height, Now, OutcomeHash, Round, ValidatorId, ValidatorIndex,
};
use falaj_consensus::validator_set::Bitmap;
use falaj_consensus::verify::RealChecker;
use falaj_ledger::block::BlockInput;
use falaj_ledger::execute::execute;
use falaj_ledger::genesis::Genesis;
use falaj_ledger::receipt::receipts_root;
use falaj_ledger::state::State;
use falaj_ledger::testing::{self, Who};
use falaj_ledger::validate::{CheckedTx, Rules};
use std::sync::Arc;

use super::super::{Recovered, Replica, ReplicaConfig};
use crate::core::wire::ProposalBundle;
use crate::core::{
    DecidedBlock, Effect, Frame, Input, JobTools, Message, Output, Peer, ShelfInMemory, Timer,
    answer_from,
};
use crate::storage::{BlockRecord, NodeLogs, find_decided};

/// A peer.
pub(super) const PEER: Peer = match Peer::of(ValidatorId::new(1)) {
    Some(peer) => peer,
    None => panic!("a small id"),
};

/// The replica and its host.
pub(super) struct World {
    pub(super) replica: Replica,
    pub(super) genesis: Genesis,
    rules: Rules,
    logs: NodeLogs<MemDisk>,
    pending: PendingQueue<Output>,
    /// Whether appended records are proven at once.
    pub(super) proves: bool,
    /// Whether the store holds a block as soon as it is decided.
    pub(super) persists: bool,
    /// Whether reads end at once.
    pub(super) reads: bool,
    /// Snapshots that the host has taken.
    pub(super) shelf: ShelfInMemory,
    /// Whether checks end at once.
    pub(super) checks: bool,
    pub(super) now: Now,
    /// Effects that nobody performs here.
    pub(super) effects: Vec<Effect>,
    /// What left.
    pub(super) outputs: Vec<Output>,
    /// Records appended so far.
    pub(super) appended: usize,
    /// The validators that sign certificates.
    pub(super) signers: [u16; 3],
}

impl World {
    /// At genesis.
    pub(super) fn new() -> Self {
        Self::start(|_| {})
    }

    /// At genesis, with something else recovered.
    pub(super) fn start(change: impl FnOnce(&mut Recovered)) -> Self {
        Self::of(testing::genesis(), 4, change)
    }

    /// At another genesis, as that validator, with the key that the test world gives it and a second one for a rotation.
    pub(super) fn of(genesis: Genesis, own: u32, change: impl FnOnce(&mut Recovered)) -> Self {
        Self::of_program(genesis, own, Header::FEATURES_KNOWN, change)
    }

    /// With a program that supports these features.
    pub(super) fn of_program(
        genesis: Genesis,
        own: u32,
        supported: u64,
        change: impl FnOnce(&mut Recovered),
    ) -> Self {
        let state = State::open(&genesis).unwrap().state;
        let logs = NodeLogs::create(MemDisk::new(), MemDisk::new(), genesis.hash()).unwrap();
        let outcome = state.outcome(receipts_root(&[]));
        let found = logs.scan().unwrap();
        let mut recovered =
            found.into_recovered(state, outcome, Default::default(), Default::default());
        change(&mut recovered);
        let config = ReplicaConfig {
            chain: Arc::new(genesis.chain()),
            validator: Some(ValidatorId::new(own)),
            keys: [own, own + 50].map(key_of).to_vec(),
            batch_wait_ns: 10_000_000,
            mempool: Default::default(),
            supported,
        };
        let now = Now {
            mono_ns: 0,
            wall_us: genesis.time_us + 1_000_000,
        };
        let (replica, outbox) = Replica::start(config, recovered, now);
        let mut world = Self {
            replica,
            rules: Rules::of_genesis(&genesis),
            genesis,
            logs,
            pending: PendingQueue::new(),
            proves: true,
            persists: true,
            reads: true,
            shelf: ShelfInMemory::default(),
            checks: true,
            now,
            effects: Vec::new(),
            outputs: Vec::new(),
            appended: 0,
            signers: [1, 2, 3],
        };
        world.perform(outbox);
        world
    }

    /// Gives an input, and performs what follows until nothing does.
    pub(super) fn give(&mut self, input: Input) {
        if let Input::Synced(durable) = &input {
            self.pending.note(durable);
        }
        let outbox = self.replica.step(self.now, input);
        self.perform(outbox);
    }

    fn perform(&mut self, outbox: falaj_consensus::durable::Outbox<Effect, Output>) {
        self.pending.push(outbox.pending);
        let released = self.pending.release();
        let committed = released.iter().filter_map(|output| match output {
            Output::Committed(block) => Some(block.header.height),
            Output::Send { .. }
            | Output::Answer { .. }
            | Output::Event(_)
            | Output::Shun { .. }
            | Output::Admit(_) => None,
        });
        let committed: Vec<_> = committed.filter(|_| self.persists).collect();
        self.outputs.extend(released);
        for effect in outbox.start {
            self.begin(effect);
        }
        for height in committed {
            self.give(Input::Persisted(height));
        }
    }

    pub(super) fn begin(&mut self, effect: Effect) {
        let tools = JobTools {
            checker: &RealChecker,
            rules: &self.rules,
        };
        match effect {
            effect @ Effect::Verify(_) if !self.checks => self.effects.push(effect),
            Effect::Verify(job) => {
                let result = job.run(tools);
                self.give(Input::Verified(result));
            }
            Effect::Execute(job) => self.give(Input::Executed(job.run())),
            Effect::Append { log, record } => {
                self.logs.append(log, &record).unwrap();
                self.appended += 1;
                if self.proves {
                    self.prove(log);
                }
            }
            effect @ (Effect::Read { .. } | Effect::Find { .. } | Effect::ReadSnapshot { .. })
                if !self.reads =>
            {
                self.effects.push(effect)
            }
            Effect::ReadSnapshot { to, part } => {
                let answer = Box::new(answer_from(&self.shelf, part));
                self.give(Input::SnapshotRead { to, answer });
            }
            Effect::Read { positions, purpose } => {
                let records = self
                    .logs
                    .batch
                    .read_present(&positions, purpose.bytes_max())
                    .unwrap();
                self.give(Input::Read { purpose, records });
            }
            Effect::Find {
                from,
                count,
                purpose,
            } => {
                let heights = find_decided(&self.logs.block, from, count).unwrap();
                self.give(Input::Found { purpose, heights });
            }
            effect @ (Effect::Sign { .. }
            | Effect::LatchSigning
            | Effect::OpenLatch
            | Effect::OwnStatementSeen { .. }
            | Effect::SetDecided(_)
            | Effect::Timer { .. }) => self.effects.push(effect),
        }
    }

    /// Syncs a log.
    pub(super) fn prove(&mut self, log: LogId) {
        let durable = self.logs.sync(log).unwrap();
        self.give(Input::Synced(durable));
    }

    /// The peer says something.
    pub(super) fn receive(&mut self, height: u64, message: Option<Message>) {
        self.receive_from(PEER, height, message);
    }

    /// Somebody says something.
    pub(super) fn receive_from(&mut self, from: Peer, height: u64, message: Option<Message>) {
        let frame = Frame {
            height: Height::new(height),
            acks: Vec::new(),
            message,
        };
        let (class, bytes) = (frame.class(), frame.encode());
        self.give(Input::Received { from, class, bytes });
    }

    /// The peer is there and has decided so many heights.
    pub(super) fn peer_at(&mut self, height: u64) {
        self.give(Input::PeerUp(PEER));
        self.receive(height, None);
    }

    /// An empty block of the open height, certified by the three others with the right outcome or another one.
    pub(super) fn decided(&self, outcome: impl FnOnce(OutcomeHash) -> OutcomeHash) -> DecidedBlock {
        self.certified(Body::default(), Vec::new(), outcome)
    }

    /// The same, so many milliseconds after the block before it.
    pub(super) fn aged(&self, after_ms: u64) -> DecidedBlock {
        let header = self.header(Round::new(0), &Body::default(), after_ms * 1_000);
        self.decide(header, Body::default(), Vec::new(), |outcome| outcome)
    }

    /// A block of that body and its transactions, likewise.
    pub(super) fn certified(
        &self,
        body: Body,
        transactions: Vec<Arc<CheckedTx>>,
        outcome: impl FnOnce(OutcomeHash) -> OutcomeHash,
    ) -> DecidedBlock {
        let header = self.header(Round::new(0), &body, 1);
        self.decide(header, body, transactions, outcome)
    }

    /// That header and its body, likewise.
    pub(super) fn decide(
        &self,
        header: Header,
        body: Body,
        transactions: Vec<Arc<CheckedTx>>,
        outcome: impl FnOnce(OutcomeHash) -> OutcomeHash,
    ) -> DecidedBlock {
        let state = self.replica.state();
        let executed = execute(state, &BlockInput::new(&header, &body, transactions));
        let outcome = outcome(executed.outcome.hash());
        let certificate = self.certificate(&header, outcome);
        DecidedBlock {
            header,
            body,
            certificate,
        }
    }

    /// The header of a body that the open height admits in that round, told apart by its time after the parent's.
    pub(super) fn header(&self, round: Round, body: &Body, after_us: u64) -> Header {
        let replica = &self.replica;
        let (state, set) = (replica.state(), replica.open_set());
        let height = replica.open_height();
        let (count, bytes) = body.totals();
        let block = replica.tip.block.as_ref();
        Header {
            version: Header::VERSION,
            features: state.features_at(height),
            genesis_hash: self.genesis.hash(),
            height,
            round,
            proposer: proposer(&set, &state.bench(), height, round),
            parent_id: block.map_or_else(BlockId::default, |(header, _)| header.id()),
            parent_outcome: replica.tip.outcome.hash(),
            time_us: state.time_us() + after_us,
            set_hash: set.hash(),
            body_root: body.root(),
            evidence_root: body.evidence_root(),
            transactions: u32::try_from(count).unwrap(),
            transaction_bytes: bytes,
        }
    }

    /// What a validator signs.
    pub(super) fn sign(&self, validator: ValidatorIndex, statement: Statement) -> Signature {
        let bytes = statement.sign_bytes(&self.genesis.chain());
        let number = u64::from(validator.get()) + 1;
        Who::Validator(number).key().sign(bytes.as_slice())
    }

    /// A header proposed by whose turn its round is, with an empty body.
    pub(super) fn proposal(&self, header: Header) -> Message {
        self.proposal_of(header, Body::default())
    }

    /// The same with its body.
    pub(super) fn proposal_of(&self, header: Header, body: Body) -> Message {
        let (round, proposer) = (header.round, header.proposer);
        let mut proposal = Proposal {
            header,
            round,
            valid_round: None,
            proposer,
            signature: Signature::new(Vec::new()).unwrap(),
        };
        proposal.signature = self.sign(proposer, proposal.statement());
        Message::Proposal(Box::new(ProposalBundle {
            proposal,
            body,
            polka: None,
            parent: None,
        }))
    }

    /// A header proposed again in a later round, with the polka of the first three for it that this prevote makes.
    pub(super) fn proposal_again(&self, header: &Header, round: Round, said: Statement) -> Message {
        let set = self.replica.open_set();
        let turn = proposer(&set, &self.replica.state().bench(), header.height, round);
        let Message::Votes(votes) = self.votes(&[0, 1, 2], said) else {
            panic!("votes are votes");
        };
        let polka = Polka::from_votes(set.len(), &votes.iter().collect::<Vec<_>>()).unwrap();
        let mut proposal = Proposal {
            header: header.clone(),
            round,
            valid_round: Some(polka.round),
            proposer: turn,
            signature: Signature::new(Vec::new()).unwrap(),
        };
        proposal.signature = self.sign(turn, proposal.statement());
        Message::Proposal(Box::new(ProposalBundle {
            proposal,
            body: Body::default(),
            polka: Some(polka),
            parent: None,
        }))
    }

    /// A vote of each of these validators.
    pub(super) fn votes(&self, validators: &[u16], statement: Statement) -> Message {
        let vote = |index: &u16| {
            let index = ValidatorIndex::new(*index);
            Vote::new(index, statement, self.sign(index, statement)).unwrap()
        };
        Message::Votes(validators.iter().map(vote).collect())
    }

    fn certificate(&self, header: &Header, outcome: OutcomeHash) -> CommitCertificate {
        let (height, round, id) = (header.height, header.round, header.id());
        let value = Some(PrecommitValue { id, outcome });
        let statement = Statement::Precommit {
            height,
            round,
            value,
        };
        let indices = self.signers.map(|number| ValidatorIndex::new(number - 1));
        let mut signers = Bitmap::none(4);
        indices.iter().for_each(|index| signers.insert(*index));
        CommitCertificate {
            height,
            round,
            id,
            outcome,
            signers,
            signatures: indices
                .iter()
                .map(|index| self.sign(*index, statement))
                .collect(),
        }
    }

    /// Every record of the block log.
    pub(super) fn block_records(&self) -> Vec<BlockRecord> {
        let records = self.logs.block.iter_from(self.logs.block.first());
        let decode = |(_, bytes): (_, Vec<u8>)| BlockRecord::decode(&bytes).unwrap();
        records.map(|record| decode(record.unwrap())).collect()
    }

    /// The tick runs out.
    pub(super) fn tick(&mut self) {
        self.give(Input::Timer(Timer::Tick));
    }

    /// Messages that left, decoded, since this was last asked.
    pub(super) fn sent(&mut self) -> Vec<Message> {
        let frames = std::mem::take(&mut self.outputs);
        let sent = frames.into_iter().filter_map(|output| match output {
            Output::Send { class, frame, .. } => Frame::decode(class, &frame).ok()?.message,
            Output::Answer { .. }
            | Output::Committed(_)
            | Output::Event(_)
            | Output::Shun { .. }
            | Output::Admit(_) => None,
        });
        sent.collect()
    }

    /// What waits for a proof.
    pub(super) fn waiting(&self) -> usize {
        self.pending.len()
    }
}

/// Whether a message asks for decided blocks.
pub(super) const fn asks_for_blocks(message: &Message) -> bool {
    matches!(message, Message::GetBlocks { .. })
}

/// A validator's key in the test world.
pub(super) fn key_of(number: u32) -> PublicKey {
    Who::Validator(number.into()).key().public()
}
