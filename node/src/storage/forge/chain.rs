//! A decided chain for tests: a feature gate, another validator set, and evidence from before and after it.
//!
//! Shape: block 1 decides the gate of [`FROM`], block 2 lets validator 1 leave from height 4 on, block 5 carries two offences of the
//! second member, one of each set; the chain ends above the gate. What a quorum certified is executed from parts that are put together here.

use falaj_consensus::crypto::Signature;
use falaj_consensus::durable::{LogId, MemDisk};
use falaj_consensus::evidence::double_vote;
use falaj_consensus::message::{Body, Evidence, PrevoteValue, Statement, Vote};
use falaj_consensus::types::{BlockId, Height, Round, ValidatorIndex};
use falaj_ledger::evidence::Offence;
use falaj_ledger::execute::{Executed, execute};
use falaj_ledger::gate::{Feature, GATE_NOTICE, GateChange};
use falaj_ledger::genesis::Genesis;
use falaj_ledger::proposal::{Action, ProposalId};
use falaj_ledger::testing::{CENTRAL_BANK, Ledger, Who, genesis_governed, propose, set_change};
use falaj_ledger::transaction::Op;
use falaj_ledger::validate::CheckedTx;
use std::sync::Arc;

use crate::storage::{BlockRecord, NodeLogs};

pub(crate) const BIT: u64 = 1 << 3;
pub(crate) const FROM: u64 = 1 + GATE_NOTICE;
const VALIDATORS: u32 = 5;
const RELEASES: u32 = 6;

pub(crate) struct Chain {
    pub(crate) genesis: Genesis,
    pub(crate) ledger: Ledger,
    pub(crate) logs: NodeLogs<MemDisk>,
    /// What each height gave, in order.
    pub(crate) executed: Vec<Executed>,
}

impl Chain {
    pub(crate) fn new() -> Self {
        let genesis = genesis_governed();
        let mut chain = Self {
            ledger: Ledger::new(&genesis),
            logs: super::logs(),
            executed: Vec::new(),
            genesis,
        };
        let gate = chain.enact(
            RELEASES,
            Action::Gate(GateChange {
                feature: Feature::new(3).unwrap(),
                now: None,
                then: Some(Height::new(FROM)),
            }),
        );
        chain.decide(gate, Vec::new());
        let set = chain.ledger.state.validators_at(Height::new(2));
        let leaving = set_change(chain.ledger.chain(), &set, &[], &[1]);
        let leaving = chain.enact(VALIDATORS, Action::Validators(leaving));
        chain.decide(leaving, Vec::new());
        (3..5).for_each(|_| chain.decide(Vec::new(), Vec::new()));
        chain.decide(Vec::new(), vec![offence(3), offence(4)]);
        (6..=FROM + 1).for_each(|_| chain.decide(Vec::new(), Vec::new()));
        chain
    }

    fn enact(&mut self, authority: u32, action: Action) -> Vec<Arc<CheckedTx>> {
        let central = [Who::Participant(CENTRAL_BANK)];
        let ledger = &mut self.ledger;
        let proposing = ledger.tx(CENTRAL_BANK, propose(authority, action), &central);
        let id = ProposalId::new(proposing.content_hash().hash());
        let two = [Who::Member(0), Who::Member(1)];
        let approving = ledger.tx(CENTRAL_BANK, Op::Approve(id), &two);
        let executing = ledger.tx(CENTRAL_BANK, Op::Execute(id), &central);
        vec![proposing, approving, executing]
    }

    /// Executes the next block, and records it as decided with what that gave.
    fn decide(&mut self, transactions: Vec<Arc<CheckedTx>>, evidence: Vec<Evidence>) {
        let state = &self.ledger.state;
        let height = state.height().next();
        let mut input = self
            .ledger
            .input(state.time_us() + 1_000_000, transactions.clone());
        input.offences = evidence.iter().map(Offence::of).collect();
        let body = Body {
            inline: transactions.iter().map(|tx| tx.tx().to_bytes()).collect(),
            evidence,
            ..Body::default()
        };
        let (mut header, _) = super::block(height.get(), None);
        header.features = state.features_at(height);
        header.time_us = input.time_us;
        header.body_root = body.root();
        header.evidence_root = body.evidence_root();
        let executed = execute(state, &input);
        let mut certificate = super::certificate(&header);
        certificate.outcome = executed.outcome.hash();
        let at = super::propose(&mut self.logs, &(header, body));
        let record = BlockRecord::decided(&certificate, at, &[]);
        self.logs.append(LogId::Block, &record).unwrap();
        self.ledger.state = executed.state.clone();
        self.executed.push(executed);
    }
}

/// Two prevotes of the second member at a height, as a log has them: checked when they were carried.
fn offence(height: u64) -> Evidence {
    let vote = |value| {
        let statement = Statement::Prevote {
            height: Height::new(height),
            round: Round::new(0),
            value,
        };
        let signature = Signature::new(vec![1; 64]).unwrap();
        Vote::new(ValidatorIndex::new(1), statement, signature).unwrap()
    };
    let some = PrevoteValue {
        id: BlockId::default(),
        valid_round: None,
    };
    double_vote(&vote(None), &vote(Some(some))).unwrap()
}
