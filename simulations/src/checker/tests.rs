//! Every oracle is shown what it must find, and what it must not.

mod evidence;
mod forks;
mod nil;
mod sources;
mod upgrades;
mod why;

use std::collections::BTreeSet;
use std::sync::Arc;

use falaj_consensus::crypto::Signature;
use falaj_consensus::durable::{LogId, Position};
use falaj_consensus::engine::Alarm;
use falaj_consensus::message::{
    Batch, Body, CommitCertificate, Header, Lane, PrecommitValue, PrevoteValue, Proposal,
    Statement, Vote,
};
use falaj_consensus::types::{BlockId, Hash32, Height, OutcomeHash, Round, ValidatorIndex};
use falaj_consensus::validator_set::Bitmap;
use falaj_hsm::purpose::Purpose;
use falaj_ledger::block::BlockInput;
use falaj_ledger::execute::execute;
use falaj_ledger::receipt::{Receipt, Verdict};
use falaj_ledger::rejection::Rejection;
use falaj_ledger::state::{Opened, State};
use falaj_ledger::validate::{Rules, check};
use falaj_node::core::{Committed, Event, Frame, Message, Peer, PeerFault, ProposalBundle};
use falaj_node::storage::BlockRecord;

use super::*;
use crate::chance::Chance;
use crate::clock::EPOCH_US;
use crate::economy::{key_of, validator_of};
use crate::hsm::{KeyIndex, Order, RegistryChecker};
use crate::scenario::Scenario;
use crate::workload::{Step, Workload, WorkloadDials};

const ME: NodeIndex = NodeIndex::new(2);

/// Four validators at genesis, and oracles that have seen nothing.
struct Bench {
    economy: Arc<Economy>,
    opened: Opened,
    registry: Registry,
    judge: Judge,
    /// What our clocks show.
    clock: Now,
}

fn bench() -> Bench {
    bench_with(BTreeSet::new())
}

/// A bench on which some lie.
fn bench_with(byzantine: BTreeSet<NodeIndex>) -> Bench {
    let economy = Arc::new(Economy::new(&Chance::new(1), &Scenario::calm(4)));
    let opened = State::open(&economy.genesis).expect("the economy adds up");
    let judge = Judge::new(Facts {
        economy: Arc::clone(&economy),
        validators: 4,
        byzantine,
        outcome: opened.outcome.clone(),
    });
    let registry = Registry::new(Arc::clone(&economy.keys));
    Bench {
        economy,
        opened,
        registry,
        judge,
        clock: Now {
            mono_ns: 10_000_000_000,
            wall_us: EPOCH_US + 10_000_000,
        },
    }
}

impl Bench {
    fn show(&mut self, node: NodeIndex, observation: Observation<'_>) -> Option<&'static str> {
        let (at, clock) = (SimTime::START, self.clock);
        let when = Moment { at, clock };
        self.judge.observe(when, node, &self.registry, observation);
        self.judge.violation().map(|violation| violation.oracle)
    }

    fn wait_ms(&mut self, ms: u64) {
        self.clock.mono_ns += ms * 1_000_000;
        self.clock.wall_us += ms * 1_000;
    }

    /// The empty first block, proposed in its turn.
    fn header(&self) -> Header {
        let body = Body::default();
        Header {
            version: Header::VERSION,
            features: 0,
            genesis_hash: self.economy.genesis.hash(),
            height: Height::new(1),
            round: Round::new(0),
            proposer: ValidatorIndex::new(1),
            parent_id: BlockId::default(),
            parent_outcome: self.opened.outcome.hash(),
            time_us: EPOCH_US + 1,
            set_hash: self.economy.genesis.validators.hash(),
            body_root: body.root(),
            evidence_root: body.evidence_root(),
            transactions: 0,
            transaction_bytes: 0,
        }
    }

    /// A header as a final block, with signatures that the registry knows.
    fn committed(&mut self, header: &Header) -> Committed {
        let executed = execute(
            &self.opened.state,
            &BlockInput::new(header, &Body::default(), Vec::new()),
        );
        let certificate = self.certificate(header.id(), executed.outcome.hash(), &[0, 1, 2]);
        Committed {
            id: header.id(),
            header: header.clone(),
            body: Arc::new(Body::default()),
            certificate,
            transactions: Vec::new(),
            executed: Arc::new(executed),
        }
    }

    fn certificate(
        &mut self,
        id: BlockId,
        outcome: OutcomeHash,
        signers: &[u16],
    ) -> CommitCertificate {
        self.certificate_in(0, id, outcome, signers)
    }

    fn certificate_in(
        &mut self,
        round: u32,
        id: BlockId,
        outcome: OutcomeHash,
        signers: &[u16],
    ) -> CommitCertificate {
        let mut certificate = CommitCertificate {
            height: Height::new(1),
            round: Round::new(round),
            id,
            outcome,
            signers: Bitmap::none(4),
            signatures: Vec::new(),
        };
        let statement = certificate.statement();
        for signer in signers {
            certificate.signers.insert(ValidatorIndex::new(*signer));
            let signature = self.sign(*signer, &statement);
            certificate.signatures.push(signature);
        }
        certificate
    }

    /// A signature that the registry knows.
    fn sign(&mut self, signer: u16, statement: &Statement) -> Signature {
        let order = Order {
            node: NodeIndex::new(signer),
            key: KeyIndex::new(signer),
            purpose: Purpose::Precommit,
            message: self.bytes(statement),
        };
        self.registry.sign(SimTime::START, order)
    }

    fn bytes(&self, statement: &Statement) -> Vec<u8> {
        let chain = self.economy.genesis.chain();
        statement.sign_bytes(&chain).as_slice().to_vec()
    }

    /// What the oracles say when our guard records a statement.
    fn intend(&mut self, statement: Statement) -> Option<&'static str> {
        self.show(ME, Observation::Intended(&statement))
    }

    /// What the oracles say when our guard records a statement and our signer lets it out.
    fn release(&mut self, statement: Statement) -> Option<&'static str> {
        self.intend(statement).or_else(|| self.let_out(statement))
    }

    /// What the oracles say when our signer lets a statement out.
    fn let_out(&mut self, statement: Statement) -> Option<&'static str> {
        let message = self.bytes(&statement);
        self.let_out_with(key_of(ME), statement, &message)
    }

    /// The same, signed with any key.
    fn let_out_with(
        &mut self,
        key: KeyIndex,
        statement: Statement,
        message: &[u8],
    ) -> Option<&'static str> {
        let keys = Arc::clone(&self.economy.keys);
        let released = Observation::Released {
            statement: &statement,
            message,
            key: keys.public(key),
        };
        self.show(ME, released)
    }

    fn hear(&mut self, message: Message) {
        let frame = frame(message);
        assert_eq!(self.show(ME, Observation::Received(&frame)), None);
    }

    fn hear_proposal(&mut self, header: &Header) {
        self.hear(proposal(header));
    }

    /// The first record of our block log holds an empty block, and the log is synced so far.
    fn write_block(&mut self, header: &Header, synced: u64) {
        let record = BlockRecord::proposed(header, &Body::default());
        let (log, upto) = (LogId::Block, Position::new(synced));
        let appended = Observation::Appended {
            log,
            position: Position::new(1),
            record: &record,
        };
        assert_eq!(self.show(ME, appended), None);
        assert_eq!(self.show(ME, Observation::Durable { log, upto }), None);
    }

    /// What the oracles say when the first record of our block log is this.
    fn keep(&mut self, record: &[u8]) -> Option<&'static str> {
        let (log, position) = (LogId::Block, Position::new(1));
        self.show(
            ME,
            Observation::Appended {
                log,
                position,
                record,
            },
        )
    }

    fn hear_votes(&mut self, voters: &[u16], statement: Statement) {
        let vote = |voter: &u16| {
            let voter = ValidatorIndex::new(*voter);
            Vote::new(voter, statement, no_signature()).expect("it is a vote")
        };
        self.hear(Message::Votes(voters.iter().map(vote).collect()));
    }
}

fn proposal(header: &Header) -> Message {
    let proposal = Proposal {
        header: header.clone(),
        round: header.round,
        valid_round: None,
        proposer: header.proposer,
        signature: no_signature(),
    };
    Message::Proposal(Box::new(ProposalBundle {
        proposal,
        body: Body::default(),
        polka: None,
        parent: None,
    }))
}

fn no_signature() -> Signature {
    Signature::new(Vec::new()).expect("it is short")
}

fn frame(message: Message) -> Frame {
    Frame {
        height: Height::new(0),
        acks: Vec::new(),
        message: Some(message),
    }
}

fn prevote(round: u32, id: Option<BlockId>, valid_round: Option<u32>) -> Statement {
    let valid_round = valid_round.map(Round::new);
    Statement::Prevote {
        height: Height::new(1),
        round: Round::new(round),
        value: id.map(|id| PrevoteValue { id, valid_round }),
    }
}

fn precommit(round: u32, id: Option<BlockId>) -> Statement {
    let outcome = OutcomeHash::default();
    Statement::Precommit {
        height: Height::new(1),
        round: Round::new(round),
        value: id.map(|id| PrecommitValue { id, outcome }),
    }
}

/// Goal: what a correct network does is found by nobody.
#[test]
fn a_right_course_is_found_by_nobody() {
    let mut bench = bench();
    let header = bench.header();
    let block = bench.committed(&header);
    let id = Some(header.id());
    bench.hear_proposal(&header);
    assert_eq!(bench.release(prevote(0, id, None)), None);
    bench.hear_votes(&[0, 1], prevote(0, id, None));
    assert_eq!(bench.release(block.certificate.statement()), None);
    assert_eq!(bench.show(ME, Observation::Committed(&block)), None);
}

/// Goal: two decisions at one height.
#[test]
fn disagreement_is_found() {
    let mut bench = bench();
    let header = bench.header();
    let other = Header {
        time_us: header.time_us + 1,
        ..header.clone()
    };
    let (first, second) = (bench.committed(&header), bench.committed(&other));
    assert_eq!(bench.show(ME, Observation::Committed(&first)), None);
    let node = NodeIndex::new(0);
    assert_eq!(
        bench.show(node, Observation::Committed(&second)),
        Some("agreement")
    );
}

/// Goal: a state that was put together from chunks and is not the one that the others have after that block.
#[test]
fn another_state_from_a_snapshot_is_found() {
    for (outcome, found) in [(None, None), (Some([9; 32]), Some("agreement"))] {
        let mut bench = bench();
        let header = bench.header();
        let block = bench.committed(&header);
        let node = NodeIndex::new(0);
        assert_eq!(bench.show(node, Observation::Committed(&block)), None);
        let certified = block.certificate.outcome;
        let outcome = outcome.map_or(certified, |bytes| OutcomeHash::new(Hash32::new(bytes)));
        let given = (block.id, outcome);
        let judge = &mut bench.judge;
        judge.restored(SimTime::START, ME, Height::new(1), given);
        assert_eq!(judge.violation().map(|violation| violation.oracle), found);
    }
}

/// Goal: a height that was final and is gone after a restart.
#[test]
fn a_lost_height_is_found() {
    let mut bench = bench();
    let header = bench.header();
    let block = bench.committed(&header);
    assert_eq!(bench.show(ME, Observation::Committed(&block)), None);
    let started = Observation::Started {
        height: Height::new(0),
        block: Position::START,
        batch: Position::START,
        guard: Place::GENESIS,
    };
    assert_eq!(bench.show(ME, started), Some("agreement"));
}

/// Goal: a block of somebody whose turn it was not, and one of another time than after its parent's.
#[test]
fn invalid_blocks_are_found() {
    let spoils: [fn(&mut Header); 2] = [
        |header| header.proposer = ValidatorIndex::new(3),
        |header| header.parent_id = BlockId::new(Hash32::new([9; 32])),
    ];
    for spoil in spoils {
        let mut bench = bench();
        let mut header = bench.header();
        spoil(&mut header);
        let block = bench.committed(&header);
        assert_eq!(
            bench.show(ME, Observation::Committed(&block)),
            Some("validity")
        );
    }
}

/// Goal: a certificate of two, and one with a signature that was made for something else.
#[test]
fn wrong_certificates_are_found() {
    let mut bench = bench();
    let (id, outcome) = (BlockId::default(), OutcomeHash::default());
    let few = bench.certificate(id, outcome, &[0, 1]);
    let sent = frame(Message::Certificate(few));
    assert_eq!(
        bench.show(ME, Observation::Sent(&sent)),
        Some("certificates")
    );

    let mut bench = self::bench();
    let mut relabelled = bench.certificate(id, outcome, &[0, 1, 3]);
    relabelled.round = Round::new(1);
    let sent = frame(Message::Certificate(relabelled));
    assert_eq!(
        bench.show(ME, Observation::Sent(&sent)),
        Some("certificates")
    );
}

/// Goal: a statement with the key of another height's set, or with anybody else's.
#[test]
fn a_statement_with_another_key_is_found() {
    let mut bench = bench();
    let statement = prevote(0, None, None);
    let message = bench.bytes(&statement);
    let other = KeyIndex::new(ME.get() + 1);
    assert_eq!(bench.intend(statement), None);
    assert_eq!(bench.let_out_with(other, statement, &message), Some("keys"));
}

/// Goal: two statements at one place.
#[test]
fn double_signs_are_found() {
    let mut bench = bench();
    assert_eq!(bench.release(prevote(0, None, None)), None);
    let header = bench.header();
    bench.hear_proposal(&header);
    let found = bench.release(prevote(0, Some(header.id()), None));
    assert_eq!(found, Some("double sign"));
}

/// Goal: supply that is not the sum of the balances.
#[test]
fn money_from_nowhere_is_found() {
    let mut bench = bench();
    let header = bench.header();
    let mut block = bench.committed(&header);
    let mut executed = (*block.executed).clone();
    executed.outcome.supply[0].minor_units += 1;
    let outcome = executed.outcome.hash();
    block.executed = Arc::new(executed);
    block.certificate = bench.certificate(block.id, outcome, &[0, 1, 2]);
    assert_eq!(
        bench.show(ME, Observation::Committed(&block)),
        Some("conservation")
    );
}

impl Bench {
    /// The first block with one payment in it.
    fn paid(&mut self) -> Committed {
        let mut clients = Workload::new(&Chance::new(1), Arc::clone(&self.economy), CLIENTS);
        let step = loop {
            let steps = clients.act(SimTime::START);
            if let [step @ Step::Ask(_)] = steps[..] {
                break step;
            }
        };
        let asked = clients.ask(SimTime::START, step).expect("it was just made");
        let checker = RegistryChecker::new(Arc::clone(&self.economy.keys));
        let rules = Rules::of_genesis(&self.economy.genesis);
        let transaction = check(&rules, &checker, &asked.transaction).expect("it is right");
        self.judge.issued(transaction.key());
        let body = Body {
            inline: vec![asked.transaction],
            ..Body::default()
        };
        let header = Header {
            body_root: body.root(),
            transactions: 1,
            ..self.header()
        };
        let input = BlockInput::new(&header, &body, vec![Arc::clone(&transaction)]);
        let executed = execute(&self.opened.state, &input);
        let certificate = self.certificate(header.id(), executed.outcome.hash(), &[0, 1, 2]);
        Committed {
            id: header.id(),
            header,
            body: Arc::new(body),
            certificate,
            transactions: vec![transaction],
            executed: Arc::new(executed),
        }
    }
}

const CLIENTS: WorkloadDials = WorkloadDials::CALM;

/// Goal: a receipt that the books do not bear, and one that the certified outcome does not name.
#[test]
fn wrong_receipts_are_found() {
    let mut bench = bench();
    let block = bench.paid();
    assert_eq!(bench.show(ME, Observation::Committed(&block)), None);
    type Spoil = fn(&mut Receipt);
    let spoils: [(Spoil, &str); 2] = [
        (
            |receipt| {
                receipt.verdict = Verdict::Failed {
                    code: Rejection::Held,
                    pinned: true,
                };
            },
            "conservation",
        ),
        (|receipt| receipt.time_us += 1, "acknowledged"),
    ];
    for (spoil, oracle) in spoils {
        let mut bench = self::bench();
        let mut block = bench.paid();
        let mut executed = (*block.executed).clone();
        spoil(&mut executed.receipts[0]);
        block.executed = Arc::new(executed);
        let found = bench.show(ME, Observation::Committed(&block));
        assert_eq!(found, Some(oracle));
    }
}

/// Goal: what was acknowledged comes back with another receipt after a restart.
#[test]
fn a_changed_acknowledgement_is_found() {
    let mut bench = bench();
    let mut block = bench.paid();
    assert_eq!(bench.show(ME, Observation::Committed(&block)), None);
    let mut executed = (*block.executed).clone();
    executed.receipts[0].place.index = 1;
    block.executed = Arc::new(executed);
    let found = bench.show(ME, Observation::Replayed(&block));
    assert_eq!(found, Some("acknowledged"));
}

/// Goal: prevotes for what nobody proposed, and for a fresh block under a lock.
#[test]
fn prevotes_against_the_rules_are_found() {
    let mut bench = bench();
    let id = Some(BlockId::default());
    assert_eq!(
        bench.release(prevote(0, id, None)),
        Some("rule conformance")
    );

    let mut bench = self::bench();
    let header = bench.header();
    let first = Some(header.id());
    bench.hear_proposal(&header);
    bench.hear_votes(&[0, 1, 3], prevote(0, first, None));
    assert_eq!(bench.release(precommit(0, first)), None);
    bench.hear_votes(&[0, 1, 3], precommit(0, None));
    let fresh = Header {
        round: Round::new(1),
        proposer: ValidatorIndex::new(2),
        ..header
    };
    bench.hear_proposal(&fresh);
    let found = bench.release(prevote(1, Some(fresh.id()), None));
    assert_eq!(found, Some("rule conformance"));
}

/// Goal: a re-proposal may be prevoted with its polka, and not without.
#[test]
fn a_re_proposal_needs_its_polka() {
    for (prevotes, finding) in [(3, None), (2, Some("rule conformance"))] {
        let mut bench = bench();
        let header = bench.header();
        let id = Some(header.id());
        bench.hear_votes(&[0, 1, 3], precommit(0, None));
        let voters = [0, 1, 3];
        bench.hear_votes(&voters[..prevotes], prevote(0, id, None));
        let proposal = Proposal {
            round: Round::new(1),
            valid_round: Some(Round::new(0)),
            proposer: ValidatorIndex::new(2),
            signature: no_signature(),
            header,
        };
        let bundle = ProposalBundle {
            proposal,
            body: Body::default(),
            polka: None,
            parent: None,
        };
        bench.hear(Message::Proposal(Box::new(bundle)));
        assert_eq!(bench.release(prevote(1, id, Some(0))), finding);
    }
}

/// Goal: an own vote that the guard recorded, and that a process ended too early to say, counts for the next one; what was not on disk does not.
#[test]
fn a_recorded_vote_counts_after_a_restart() {
    for (is_kept, finding) in [(true, None), (false, Some("rule conformance"))] {
        let mut bench = bench();
        let header = bench.header();
        let id = Some(header.id());
        bench.hear_proposal(&header);
        let own = prevote(0, id, None);
        assert_eq!(bench.intend(own), None);
        let started = Observation::Started {
            height: Height::new(0),
            block: Position::START,
            batch: Position::START,
            guard: if is_kept {
                Place::of(&own)
            } else {
                Place::GENESIS
            },
        };
        assert_eq!(bench.show(ME, started), None);
        bench.hear_votes(&[0, 1], own);
        assert_eq!(bench.release(precommit(0, id)), finding);
    }
}

/// Goal: precommits without a polka, without the block, nil without prevotes of a quorum; rounds entered without a reason; steps
/// out of order.
#[test]
fn other_statements_against_the_rules_are_found() {
    let id = Some(BlockId::default());
    type Course = fn(&mut Bench, Option<BlockId>) -> Option<&'static str>;
    let courses: [Course; 5] = [
        |bench, id| bench.release(precommit(0, id)),
        |bench, id| {
            bench.hear_votes(&[0, 1, 3], prevote(0, id, None));
            bench.release(precommit(0, id))
        },
        |bench, _| bench.release(precommit(0, None)),
        |bench, _| bench.release(prevote(1, None, None)),
        |bench, _| {
            bench.hear_votes(&[0, 1, 3], precommit(0, None));
            bench.wait_ms(500);
            assert_eq!(bench.release(prevote(1, None, None)), None);
            bench.release(prevote(0, None, None))
        },
    ];
    for course in courses {
        assert_eq!(course(&mut bench(), id), Some("rule conformance"));
    }
}

/// Goal: what was recorded in order may leave in any; what was not recorded may not leave, nor may a lower place be recorded later.
#[test]
fn what_binds_is_what_was_recorded() {
    let mut bench = bench();
    bench.hear_votes(&[0, 1, 3], prevote(0, None, None));
    bench.wait_ms(500);
    assert_eq!(bench.intend(prevote(0, None, None)), None);
    assert_eq!(bench.release(precommit(0, None)), None);
    assert_eq!(bench.let_out(prevote(0, None, None)), None);

    let found = Some("rule conformance");
    assert_eq!(self::bench().let_out(prevote(0, None, None)), found);

    let mut bench = self::bench();
    assert_eq!(bench.intend(precommit(0, None)), None);
    assert_eq!(bench.intend(prevote(0, None, None)), found);
}

/// Goal: a precommit that was recorded locks before it is said.
#[test]
fn a_recorded_precommit_locks() {
    let mut bench = bench();
    let header = bench.header();
    let first = Some(header.id());
    bench.hear_proposal(&header);
    bench.hear_votes(&[0, 1, 3], prevote(0, first, None));
    assert_eq!(bench.intend(precommit(0, first)), None);
    bench.hear_votes(&[0, 1, 3], precommit(0, None));
    let fresh = Header {
        round: Round::new(1),
        proposer: ValidatorIndex::new(2),
        ..header
    };
    bench.hear_proposal(&fresh);
    let found = bench.release(prevote(1, Some(fresh.id()), None));
    assert_eq!(found, Some("rule conformance"));
}

/// Goal: a vote for a block whose record is not on disk; with the record it may leave.
#[test]
fn what_is_said_before_it_is_on_disk_is_found() {
    for (synced, finding) in [(1, None), (0, Some("durable before disclosed"))] {
        let mut bench = bench();
        let header = bench.header();
        bench.write_block(&header, synced);
        let voter = ValidatorIndex::new(ME.get());
        let statement = prevote(0, Some(header.id()), None);
        let vote = Vote::new(voter, statement, no_signature()).expect("it is a vote");
        let sent = frame(Message::Votes(vec![vote]));
        assert_eq!(bench.show(ME, Observation::Sent(&sent)), finding);
    }
}

/// Goal: a correct node that is accused.
#[test]
fn accusations_of_correct_nodes_are_found() {
    let mut bench = bench();
    let event = Event::PeerFault {
        peer: Peer::of(validator_of(NodeIndex::new(3))).expect("a small id"),
        fault: PeerFault::Vote,
        is_news: true,
    };
    assert_eq!(
        bench.show(ME, Observation::Reported(&event)),
        Some("alarms")
    );
}

/// Goal: a replica that asks its guard for what the guard must refuse, though nothing came of it; a slow token is no fault.
#[test]
fn requests_that_the_guard_must_refuse_are_found() {
    use falaj_consensus::engine::Event as Consensus;
    use falaj_consensus::types::SignRefusal;
    for (reason, finding) in [
        (SignRefusal::Lock, Some("alarms")),
        (SignRefusal::DoubleSign, Some("alarms")),
        (SignRefusal::Outcome, Some("alarms")),
        (SignRefusal::Unavailable, None),
        (SignRefusal::Regression, None),
    ] {
        let statement = prevote(0, None, None);
        let event = Event::Consensus(Consensus::SignRefused { statement, reason });
        assert_eq!(bench().show(ME, Observation::Reported(&event)), finding);
    }
}

/// Goal: a guard that a restart finds below what its key has said.
#[test]
fn a_guard_that_went_back_is_found() {
    let statement = prevote(0, None, None);
    for (guard, finding) in [
        (Place::of(&statement), None),
        (Place::GENESIS, Some("durable before disclosed")),
    ] {
        let mut bench = bench();
        assert_eq!(bench.release(statement), None);
        let started = Observation::Started {
            height: Height::new(0),
            block: Position::START,
            batch: Position::START,
            guard,
        };
        assert_eq!(bench.show(ME, started), finding);
    }
}

/// Goal: an author that pushes a batch that its disk does not hold yet; whoever passes another's on is not held to it.
#[test]
fn a_batch_pushed_before_it_is_on_disk_is_found() {
    for (author, synced, finding) in [
        (ME, 1, None),
        (ME, 0, Some("durable before disclosed")),
        (NodeIndex::new(1), 0, None),
    ] {
        let mut bench = bench();
        let batch = Batch {
            author: validator_of(author),
            seq: 1,
            lane: Lane::Retail,
            transactions: Vec::new(),
        };
        let record = falaj_consensus::hash::encode(&batch);
        let appended = Observation::Appended {
            log: LogId::Batch,
            position: Position::new(1),
            record: &record,
        };
        assert_eq!(bench.show(ME, appended), None);
        let (log, upto) = (LogId::Batch, Position::new(synced));
        assert_eq!(bench.show(ME, Observation::Durable { log, upto }), None);
        let sent = frame(Message::Batch(record));
        assert_eq!(bench.show(ME, Observation::Sent(&sent)), finding);
    }
}

/// Goal: an author that gives the number of a batch to another, which then nobody can tell from the first.
#[test]
fn a_number_that_is_given_twice_is_found() {
    for (seq, finding) in [(2, None), (1, Some("durable before disclosed"))] {
        let mut bench = bench();
        let mut append = |position, seq, lane| {
            let batch = Batch {
                author: validator_of(ME),
                seq,
                lane,
                transactions: Vec::new(),
            };
            let record = falaj_consensus::hash::encode(&batch);
            let appended = Observation::Appended {
                log: LogId::Batch,
                position: Position::new(position),
                record: &record,
            };
            bench.show(ME, appended)
        };
        assert_eq!(append(1, 1, Lane::Retail), None);
        assert_eq!(append(2, seq, Lane::Interbank), finding);
    }
}

/// Goal: people are called for a split of outcomes that a faulty node alone makes, never for one among correct nodes.
#[test]
fn a_split_of_outcomes_among_correct_nodes_is_found() {
    let split = |other: u16| {
        let outcome = |byte| OutcomeHash::new(Hash32::new([byte; 32]));
        let signers = |indices: &[u16]| indices.iter().copied().map(ValidatorIndex::new).collect();
        Event::Alarm(Alarm::OutcomeSplit {
            height: Height::new(1),
            round: Round::new(0),
            id: BlockId::default(),
            signers: vec![
                (outcome(1), signers(&[other])),
                (outcome(2), signers(&[1, 2])),
            ],
        })
    };
    for (other, finding) in [(0, None), (3, Some("alarms"))] {
        let mut bench = bench();
        bench.judge.facts.byzantine.insert(NodeIndex::new(0));
        assert_eq!(
            bench.show(ME, Observation::Reported(&split(other))),
            finding
        );
    }
}
